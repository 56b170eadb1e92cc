"""Verification: numerical derivatives with error bars, checks of functions and models, and of every primitive."""

from tinygrad_edu.verify.curves import Curve, error_curve
from tinygrad_edu.verify.gradcheck import check
from tinygrad_edu.verify.graph import check_graph
from tinygrad_edu.verify.noise import noise_of
from tinygrad_edu.verify.numerical import central, complex_step, differentiate, one_sided
from tinygrad_edu.verify.report import Report, Row
from tinygrad_edu.verify.sides import CostWarning
from tinygrad_edu.verify.taylor import Taylor, remainders
from tinygrad_edu.verify.training import TrainingReport, check_training

__all__ = [
    "CostWarning", "Curve", "Report", "Row", "Taylor", "TrainingReport", "central", "check", "check_graph",
    "check_training", "complex_step", "differentiate", "error_curve", "noise_of", "one_sided", "remainders",
]  # fmt: skip
