"""Activations as modules, to stand in a `Sequential` and to be named in drawings; they hold no parameters."""

from __future__ import annotations

import math

from tinygrad_edu import ops
from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import nonzero, real
from tinygrad_edu.nn import functional
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.types import Operand


@verified(layer(lambda rng: ReLU(), nonzero(5, 3)))
class ReLU(Module):
    """The rectified linear unit, max(0, x); its derivative at 0 is taken to be 0."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return ops.relu(x)


@verified(layer(lambda rng: Tanh(), real(5, 3)))
class Tanh(Module):
    """Hyperbolic tangent, in (−1, 1)."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return ops.tanh(x)


@verified(layer(lambda rng: Sigmoid(), real(5, 3)))
class Sigmoid(Module):
    """1 / (1 + exp(−x)), in (0, 1)."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return ops.sigmoid(x)


@verified(layer(lambda rng: Softplus(), real(5, 3)))
class Softplus(Module):
    """log(1 + exp(x)), positive: a smooth ReLU (Dugas et al. 2001)."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return ops.softplus(x)


@verified(layer(lambda rng: LeakyReLU(0.1), nonzero(5, 3)))
class LeakyReLU(Module):
    """x where x > 0, elsewhere negative_slope · x (Maas et al. 2013)."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"{self.negative_slope}"


@verified(layer(lambda rng: GELU(), real(5, 3)))
class GELU(Module):
    """x · Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016)."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.gelu(x)


@verified(
    layer(lambda rng: Softmax(), real(5, 3)),
    layer(lambda rng: Softmax(axis=1), real(2, 3, 5)),
)
class Softmax(Module):
    """Positive numbers that sum to 1 along an axis. A cross-entropy loss wants the logits before it."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Operand) -> Operand:
        """Along the axis."""
        return ops.softmax(x, axis=self.axis)

    def extra_repr(self) -> str:
        """The axis."""
        return f"axis={self.axis}"


@verified(layer(lambda rng: Identity(), real(5, 3)))
class Identity(Module):
    """x: a place where another module may stand."""

    def forward(self, x: Operand) -> Operand:
        """The same node."""
        return x


@verified(layer(lambda rng: Flatten(), real(5, 2, 3)))
class Flatten(Module):
    """(batch, …) to (batch, features): all axes but the first become one."""

    def forward(self, x: Operand) -> Operand:
        """The same numbers, row by row."""
        batch, *lengths = shape_of(x)
        return ops.reshape(x, (batch, math.prod(lengths)))
