"""The suite: every primitive and every layer, at all of its cases, before all witnesses."""

from tinygrad_edu.suite.finding import Finding
from tinygrad_edu.suite.primitives import examine
from tinygrad_edu.suite.run import SuiteReport, verify

__all__ = ["Finding", "SuiteReport", "examine", "verify"]
