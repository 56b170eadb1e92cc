"""The suite: every primitive and every layer, at all of its cases, before all witnesses."""

from tinygrad_edu.suite.certificate import CertificateError, merge
from tinygrad_edu.suite.finding import Finding
from tinygrad_edu.suite.primitives import examine
from tinygrad_edu.suite.report import SuiteReport
from tinygrad_edu.suite.run import verify

__all__ = ["CertificateError", "Finding", "SuiteReport", "examine", "merge", "verify"]
