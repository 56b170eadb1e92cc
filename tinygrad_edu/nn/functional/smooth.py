"""Smooth activations, composed of primitives: none has a derivative of its own, it follows from the parts.

    x · S(x)          S between 0 and 1: how much of x to let through        gelu, silu, mish
    exp(x) − 1        below 0, and x above                                   elu, celu, selu
    log(1 + exp(x))   and its relatives                                      scaled_softplus, logsigmoid

All of them are finite, and so are their derivatives, however large x is: no exponential of a large number is taken. Of
`where` both branches are computed, so the branch that is not chosen is computed at a harmless point.
"""

from __future__ import annotations

import math

from tinygrad_edu import ops
from tinygrad_edu.core.cases import nonzero, real
from tinygrad_edu.nn.cases import itself, layer, verified
from tinygrad_edu.types import Operand

# ---- x, let through in part ----


@verified(layer(itself, real(5, 3)), layer(itself, real(2, 3), approximate="tanh"))
def gelu(x: Operand, approximate: str = "none") -> Operand:
    """The GELU, x · Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016).

    Args:
        x: of any shape.
        approximate: "none", or "tanh" for ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), which is within 5e-4 of it.

    Raises:
        ValueError: another approximation.
    """
    if approximate == "none":
        return 0.5 * x * (1 + ops.erf(x / math.sqrt(2)))
    if approximate != "tanh":
        raise ValueError(f"gelu: approximate='none' or 'tanh' was expected, {approximate!r} came")
    return 0.5 * x * (1 + ops.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))


@verified(layer(itself, real(5, 3)))
def silu(x: Operand) -> Operand:
    """The SiLU or swish, x · σ(x) (Elfwing et al. 2018; Ramachandran et al. 2017)."""
    return x * ops.sigmoid(x)


@verified(layer(itself, real(5, 3)))
def mish(x: Operand) -> Operand:
    """Mish, x · tanh(softplus(x)) (Misra 2020)."""
    return x * ops.tanh(ops.softplus(x))


# ---- an exponential below 0 ----


def _at_most_zero(x: Operand) -> Operand:
    """min(0, x), with the slope 1 at 0: there the exponential takes over from the line."""
    return ops.where(x > 0, 0.0, x)


@verified(layer(itself, nonzero(5, 3), alpha=0.7))
def elu(x: Operand, alpha: float = 1.0) -> Operand:
    """The ELU: x where x > 0, elsewhere α (exp(x) − 1) (Clevert et al. 2016, eq. 15).

    At 0 the slope is α, that of the left side. For α = 1, the default, it is the slope of both.
    """
    return ops.where(x > 0, x, alpha * ops.expm1(_at_most_zero(x)))


@verified(layer(itself, real(5, 3), alpha=0.7))
def celu(x: Operand, alpha: float = 1.0) -> Operand:
    """The CELU: x where x > 0, elsewhere α (exp(x / α) − 1), with the slope 1 at 0 for every α (Barron 2017).

    Raises:
        ValueError: α = 0.
    """
    if alpha == 0:
        raise ValueError("celu: an alpha other than 0 was expected, 0 came: relu is its limit")
    return ops.where(x > 0, x, alpha * ops.expm1(_at_most_zero(x) / alpha))


# With these, mean 0 and variance 1 are a fixed point of a layer with weights of variance 1/n (eq. 14).
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@verified(layer(itself, nonzero(5, 3)))
def selu(x: Operand) -> Operand:
    """The SELU, λ · elu(x, α) with λ = 1.0507 and α = 1.6733 (Klambauer et al. 2017, eq. 2); at 0 the slope is λ α."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


# ---- logarithms and quotients ----


@verified(layer(itself, real(5, 3), beta=2.0))
def scaled_softplus(x: Operand, beta: float = 1.0, threshold: float = 20.0) -> Operand:
    """log(1 + exp(β x)) / β, a smooth ReLU (Dugas et al. 2001); where β x > threshold, x itself, as in PyTorch.

    There it jumps by exp(−threshold) / β at most, 2e-9 by default. `tg.softplus` has β = 1 and no jump.

    Raises:
        ValueError: β is not positive.
    """
    if not beta > 0:
        raise ValueError(f"scaled_softplus: beta > 0 was expected, {beta} came")
    scaled = beta * x
    return ops.where(scaled > threshold, x, ops.softplus(scaled) / beta)


@verified(layer(itself, real(5, 3)))
def softsign(x: Operand) -> Operand:
    """The soft sign, x / (1 + |x|), in (−1, 1); smooth, though |x| is not (Turian et al. 2009)."""
    return x / (1 + ops.absolute(x))


@verified(layer(itself, real(5, 3)))
def logsigmoid(x: Operand) -> Operand:
    """The logarithm of the sigmoid, log σ(x) = −softplus(−x), with the digits that log of a small σ would lose."""
    return -ops.softplus(-x)


@verified(layer(itself, real(5, 3)))
def softmin(x: Operand, axis: int = -1) -> Operand:
    """softmax(−x): positive numbers that sum to 1 along an axis, the largest where x is smallest."""
    return ops.softmax(-x, axis=axis)
