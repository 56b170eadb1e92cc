"""Instruments: the experiments of a lecture on training deep networks, as numbers, tables and pictures.

normalization   the cost before and after x := (x − μ) / σ, and why descent then goes faster
leak            the test set scaled with its own μ and σ, in errors
"""

from tinygrad_edu.diagnostics.finding import Claim, Finding, Findings
from tinygrad_edu.diagnostics.leak import leak
from tinygrad_edu.diagnostics.normalization import normalization
from tinygrad_edu.diagnostics.whitening import whiten

__all__ = ["Claim", "Finding", "Findings", "leak", "normalization", "whiten"]
