"""Activations as modules, to stand in a `Sequential` and to be named in drawings; they hold no parameters.

Their formulas, kinks and sources stand beside the functions of the same name in `nn.functional`. Those of straight
pieces, and the one that learns, are in `activation_hard`.
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import nonzero, real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import functional
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.options import require
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


@verified(layer(lambda rng: LogSigmoid(), real(5, 3)))
class LogSigmoid(Module):
    """The logarithm of the sigmoid, log σ(x), negative; see `functional.logsigmoid`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.logsigmoid(x)


@verified(layer(lambda rng: Softsign(), real(5, 3)))
class Softsign(Module):
    """The soft sign, x / (1 + |x|), in (−1, 1); see `functional.softsign`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.softsign(x)


@verified(layer(lambda rng: Softplus(), real(5, 3)))
class Softplus(Module):
    """The soft ReLU, log(1 + exp(β x)) / β; x itself where β x > threshold; see `functional.scaled_softplus`."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = require("Softplus", "beta > 0", beta, lambda given: given > 0)
        self.threshold = require("Softplus", "a threshold", threshold, lambda given: given == given)

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.scaled_softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """β, if it is not 1."""
        return "" if self.beta == 1 else f"beta={self.beta}"


# ---- x above 0, an exponential below ----


@verified(layer(lambda rng: ELU(0.7), nonzero(5, 3)))
class ELU(Module):
    """The exponential linear unit: x above 0, α (exp(x) − 1) below; see `functional.elu`."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = require("ELU", "a finite alpha", alpha)

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """α."""
        return f"alpha={self.alpha}"


@verified(layer(lambda rng: CELU(0.7), nonzero(5, 3)))
class CELU(Module):
    """The ELU with the slope 1 at 0: x above, α (exp(x / α) − 1) below; see `functional.celu`."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = require(
            "CELU", "an alpha other than 0", alpha, lambda given: math.isfinite(given) and given != 0
        )

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.celu(x, self.alpha)

    def extra_repr(self) -> str:
        """α."""
        return f"alpha={self.alpha}"


@verified(layer(lambda rng: SELU(), nonzero(5, 3)))
class SELU(Module):
    """The ELU scaled so that mean 0 and variance 1 stay what they are; see `functional.selu`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.selu(x)


# ---- x, let through in part ----


@verified(layer(lambda rng: GELU(), real(5, 3)), layer(lambda rng: GELU("tanh"), real(5, 3)))
class GELU(Module):
    """The Gaussian error linear unit, x · Φ(x), Φ the normal distribution function; see `functional.gelu`.

    Args:
        approximate: "none", or "tanh", of which it was made before erf was quick.

    Raises:
        ValueError: another approximation.
    """

    def __init__(self, approximate: str = "none") -> None:
        functional.gelu(0.0, approximate)
        self.approximate = approximate

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """The approximation, if there is one."""
        return "" if self.approximate == "none" else self.approximate


@verified(layer(lambda rng: SiLU(), real(5, 3)))
class SiLU(Module):
    """The sigmoid linear unit or swish, x · σ(x); see `functional.silu`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.silu(x)


@verified(layer(lambda rng: Mish(), real(5, 3)))
class Mish(Module):
    """Mish, x · tanh(softplus(x)); see `functional.mish`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.mish(x)


# ---- along an axis ----


class _AlongAnAxis(Module):
    """What is normalized along an axis, by default the last.

    Args:
        dim: the axis; negative ones count from the end.
    """

    def __init__(self, dim: int = -1) -> None:
        if not isinstance(dim, int | np.integer):
            raise TypeError(
                f"{type(self).__name__}: an axis was expected, dim a whole number, {dim!r:.40} came"
            )
        self.dim = int(dim)

    def along(self, x: Operand) -> int:
        """The axis, if x has it, and something along it."""
        shape = np.shape(value_of(x))
        if not -len(shape) <= self.dim < len(shape) or not shape[self.dim]:
            raise ShapeError(
                f"{self.title()}: x with at least one element along the axis was expected, {shape} came"
            )
        return self.dim

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


@verified(
    layer(lambda rng: Softmax(), real(5, 3)),
    layer(lambda rng: Softmax(dim=1), real(2, 3, 5)),
)
class Softmax(_AlongAnAxis):
    """Positive numbers that sum to 1 along an axis. A cross-entropy loss wants the logits before it."""

    def forward(self, x: Operand) -> Operand:
        """Along the axis; a ShapeError if there is none, or nothing along it."""
        return ops.softmax(x, axis=self.along(x))


@verified(layer(lambda rng: LogSoftmax(), real(5, 3)))
class LogSoftmax(_AlongAnAxis):
    """Logarithms of numbers that sum to 1 along an axis, for a loss such as `NLLLoss`."""

    def forward(self, x: Operand) -> Operand:
        """Along the axis; a ShapeError if there is none, or nothing along it."""
        return ops.log_softmax(x, axis=self.along(x))


@verified(layer(lambda rng: Softmin(), real(5, 3)))
class Softmin(_AlongAnAxis):
    """The softmax of −x along an axis."""

    def forward(self, x: Operand) -> Operand:
        """Along the axis; a ShapeError if there is none, or nothing along it."""
        return functional.softmin(x, self.along(x))


# ---- the same numbers ----


@verified(layer(lambda rng: Identity(), real(5, 3)))
class Identity(Module):
    """x: a place where another module may stand."""

    def forward(self, x: Operand) -> Operand:
        """The same node."""
        return x
