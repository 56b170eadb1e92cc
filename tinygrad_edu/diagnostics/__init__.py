"""Instruments: the experiments of a lecture on training deep networks, as numbers, tables and pictures.

    normalization     the cost before and after x := (x − μ) / σ, and why descent then goes faster
    leak              the test set scaled with its own μ and σ, in errors
    powers            L layers of W = c · I, beside the closed form cᴸ
    layers            any model, layer by layer, with a verdict: exploding, vanishing, dead, saturated, or fine
    initialization    every way to start a network, predicted and measured
    depth             eight layers learn digits, or do not, by how they start
    sanity            three questions before a long training

Each returns a finding: `print` shows its table, `.claims` says what held, `.save("it.json")` or `"it.svg"` keeps it.
"""

from tinygrad_edu.diagnostics.architecture import Architecture, architecture
from tinygrad_edu.diagnostics.depth import depth
from tinygrad_edu.diagnostics.finding import Claim, Finding, Findings
from tinygrad_edu.diagnostics.initialization import initialization
from tinygrad_edu.diagnostics.layers import layers
from tinygrad_edu.diagnostics.leak import leak
from tinygrad_edu.diagnostics.normalization import normalization
from tinygrad_edu.diagnostics.powers import powers
from tinygrad_edu.diagnostics.samples import all_pixels, elongated, two_pixels
from tinygrad_edu.diagnostics.sanity import sanity
from tinygrad_edu.diagnostics.verdicts import Verdict
from tinygrad_edu.diagnostics.whitening import Whitening, whiten

__all__ = [
    "Architecture", "Claim", "Finding", "Findings", "Verdict", "Whitening", "all_pixels", "architecture", "depth",
    "elongated", "initialization", "layers", "leak", "normalization", "powers", "sanity", "two_pixels", "whiten",
]  # fmt: skip
