"""Activations that take something away, as modules.

Their formulas, kinks and sources stand beside the functions of the same name in `nn.functional`.
"""

from __future__ import annotations

from tinygrad_edu.core.cases import interval, real
from tinygrad_edu.nn import functional
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.options import require
from tinygrad_edu.types import Operand


class _Shrink(Module):
    """What small numbers are shrunk by.

    Args:
        lambd: λ ≥ 0. PyTorch's spelling.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = require(type(self).__name__, "lambd ≥ 0", lambd, lambda given: given >= 0)

    def extra_repr(self) -> str:
        """λ."""
        return f"{self.lambd}"


@verified(layer(lambda rng: Softshrink(0.3), interval(-2, -0.4, 5, 3)))
class Softshrink(_Shrink):
    """The soft threshold: x moved towards 0 by λ; see `functional.softshrink`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.softshrink(x, self.lambd)


@verified(layer(lambda rng: Hardshrink(0.3), interval(-2, -0.4, 5, 3)))
class Hardshrink(_Shrink):
    """The hard threshold: 0 up to the size λ, x beyond; see `functional.hardshrink`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.hardshrink(x, self.lambd)


@verified(layer(lambda rng: Tanhshrink(), real(5, 3)))
class Tanhshrink(Module):
    """The rest that tanh leaves, x − tanh(x); see `functional.tanhshrink`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.tanhshrink(x)


@verified(layer(lambda rng: Threshold(0.1, -3.0), interval(0.2, 2, 5, 3)))
class Threshold(Module):
    """The part of x above a threshold, and a given value for all the rest; see `functional.threshold`."""

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold = require("Threshold", "a finite threshold", threshold)
        self.value = require("Threshold", "a finite value", value)

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.threshold(x, self.threshold, self.value)

    def extra_repr(self) -> str:
        """Both numbers."""
        return f"{self.threshold}, else {self.value}"


@verified(layer(lambda rng: GLU(), real(5, 4)), layer(lambda rng: GLU(1), real(2, 4, 3)))
class GLU(Module):
    """The gated linear unit: half of the numbers say how much of the others passes; see `functional.glu`."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Operand) -> Operand:
        """Half as long along the axis."""
        return functional.glu(x, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"
