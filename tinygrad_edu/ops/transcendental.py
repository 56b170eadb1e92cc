"""Functions of one variable: exponentials, circles, hyperbolas.

Where a derivative has a simple form in the output y, the rule uses it: what the forward pass has computed is
not computed again. Functions that would lose digits when composed naively (`log1p`, `expm1`, `softplus`) are
primitives of their own.
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_edu.core.cases import case, interval, positive, real
from tinygrad_edu.core.primitive import elementwise
from tinygrad_edu.types import Operand

# ---- exponentials and logarithms ----


@elementwise(partials=(lambda y, x: y,), cases=[case(real(3))], on_floats=math.exp)
def exp(x: Operand) -> Operand:
    """Exponential."""
    return np.exp(x)


@elementwise(partials=(lambda y, x: exp(x),), cases=[case(real(3))], on_floats=math.expm1)
def expm1(x: Operand) -> Operand:
    """exp(x) − 1, without the loss of digits near 0; nor is its slope y + 1, where they would be lost far below 0."""
    return np.expm1(x)


@elementwise(partials=(lambda y, x: 1 / x,), cases=[case(positive(3))], on_floats=math.log)
def log(x: Operand) -> Operand:
    """Natural logarithm."""
    return np.log(x)


@elementwise(partials=(lambda y, x: 1 / (1 + x),), cases=[case(interval(-0.5, 2, 3))], on_floats=math.log1p)
def log1p(x: Operand) -> Operand:
    """log(1 + x), without the loss of digits near 0."""
    return np.log1p(x)


@elementwise(partials=(lambda y, x: 0.5 / y,), cases=[case(positive(3))], on_floats=math.sqrt, symbol="√",
             notation="√{0}")  # fmt: skip
def sqrt(x: Operand) -> Operand:
    """Square root."""
    return np.sqrt(x)


# ---- circular ----


@elementwise(partials=(lambda y, x: cos(x),), cases=[case(real(3))], on_floats=math.sin)
def sin(x: Operand) -> Operand:
    """Sine of x in radians."""
    return np.sin(x)


@elementwise(partials=(lambda y, x: -sin(x),), cases=[case(real(3))], on_floats=math.cos)
def cos(x: Operand) -> Operand:
    """Cosine of x in radians."""
    return np.cos(x)


@elementwise(partials=(lambda y, x: 1 + y * y,), cases=[case(interval(-1, 1, 3))], on_floats=math.tan)
def tan(x: Operand) -> Operand:
    """Tangent of x in radians."""
    return np.tan(x)


@elementwise(
    partials=(lambda y, x: 1 / sqrt(1 - x * x),), cases=[case(interval(-0.8, 0.8, 3))], on_floats=math.asin
)
def arcsin(x: Operand) -> Operand:
    """Inverse sine, of x in [−1, 1]."""
    return np.arcsin(x)


@elementwise(
    partials=(lambda y, x: -1 / sqrt(1 - x * x),), cases=[case(interval(-0.8, 0.8, 3))], on_floats=math.acos
)
def arccos(x: Operand) -> Operand:
    """Inverse cosine, of x in [−1, 1]."""
    return np.arccos(x)


@elementwise(partials=(lambda y, x: 1 / (1 + x * x),), cases=[case(real(3))], on_floats=math.atan)
def arctan(x: Operand) -> Operand:
    """Inverse tangent."""
    return np.arctan(x)


# ---- hyperbolic ----


@elementwise(partials=(lambda y, x: cosh(x),), cases=[case(real(3))], on_floats=math.sinh)
def sinh(x: Operand) -> Operand:
    """Hyperbolic sine."""
    return np.sinh(x)


@elementwise(partials=(lambda y, x: sinh(x),), cases=[case(real(3))], on_floats=math.cosh)
def cosh(x: Operand) -> Operand:
    """Hyperbolic cosine."""
    return np.cosh(x)


@elementwise(partials=(lambda y, x: 1 - y * y,), cases=[case(real(3))], on_floats=math.tanh)
def tanh(x: Operand) -> Operand:
    """Hyperbolic tangent, in (−1, 1)."""
    return np.tanh(x)


@elementwise(partials=(lambda y, x: 1 / sqrt(1 + x * x),), cases=[case(real(3))], on_floats=math.asinh)
def arcsinh(x: Operand) -> Operand:
    """Inverse hyperbolic sine."""
    return np.arcsinh(x)


@elementwise(
    partials=(lambda y, x: 1 / sqrt(x * x - 1),), cases=[case(interval(1.5, 3, 3))], on_floats=math.acosh
)
def arccosh(x: Operand) -> Operand:
    """Inverse hyperbolic cosine, of x ≥ 1."""
    return np.arccosh(x)


@elementwise(
    partials=(lambda y, x: 1 / (1 - x * x),), cases=[case(interval(-0.8, 0.8, 3))], on_floats=math.atanh
)
def arctanh(x: Operand) -> Operand:
    """Inverse hyperbolic tangent, of x in (−1, 1)."""
    return np.arctanh(x)


# ---- sigmoids ----


@elementwise(partials=(lambda y, x: y * sigmoid(-x),), cases=[case(real(3))], symbol="σ", notation="σ({0})",
             on_floats=lambda x: 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x)))  # fmt: skip
def sigmoid(x: Operand) -> Operand:
    """Logistic function 1 / (1 + exp(−x)), in (0, 1).

    1 − y is written σ(−x): the digits that 1 − y would lose for large x are those of the derivative.
    """
    small = np.exp(-np.fabs(x))  # in (0, 1], so nothing overflows; fabs, as abs would take complex numbers
    return np.maximum(small, x >= 0) / (1 + small)  # above the line 1, or exp(x) where x is negative


@elementwise(partials=(lambda y, x: sigmoid(x),), cases=[case(real(3))],
             on_floats=lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))))  # fmt: skip
def softplus(x: Operand) -> Operand:
    """log(1 + exp(x)), a smooth maximum of x and 0 (Dugas et al. 2001)."""
    return np.logaddexp(0, x)


_erf = np.vectorize(math.erf, otypes=[float])


@elementwise(
    partials=(lambda y, x: 2 / math.sqrt(math.pi) * exp(-x * x),), cases=[case(real(3))], on_floats=math.erf
)
def erf(x: Operand) -> Operand:
    """Error function, 2/√π · ∫₀ˣ exp(−t²) dt."""
    return _erf(x).astype(np.result_type(np.asarray(x), np.float32))[()]
