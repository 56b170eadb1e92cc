"""Arithmetic: the derivatives that everybody knows.

In every rule, y is the output; x, or a and b, are the inputs.
"""

from __future__ import annotations

import math
import operator

from tinygrad_edu.core.cases import case, integer, nonzero, positive, real, vanishing
from tinygrad_edu.core.primitive import elementwise
from tinygrad_edu.ops.choice import where
from tinygrad_edu.ops.transcendental import log
from tinygrad_edu.types import Operand


@elementwise(
    partials=(1, 1), cases=[case(real(3), real(3))], builtin=operator.add, symbol="+", notation="{0} + {1}"
)
def add(a: Operand, b: Operand) -> Operand:
    """Sum."""
    return a + b


@elementwise(
    partials=(1, -1), cases=[case(real(3), real(3))], builtin=operator.sub, symbol="−", notation="{0} − {1}"
)
def sub(a: Operand, b: Operand) -> Operand:
    """Difference."""
    return a - b


@elementwise(partials=(lambda y, a, b: b, lambda y, a, b: a), cases=[case(real(3), real(3))], symbol="×",
             builtin=operator.mul, notation="{0} · {1}")  # fmt: skip
def mul(a: Operand, b: Operand) -> Operand:
    """Product."""
    return a * b


@elementwise(partials=(lambda y, a, b: 1 / b, lambda y, a, b: -y / b), cases=[case(real(3), nonzero(3))], symbol="÷",
             builtin=operator.truediv, notation="{0} / {1}")  # fmt: skip
def div(a: Operand, b: Operand) -> Operand:
    """Quotient."""
    return a / b


@elementwise(partials=(-1,), cases=[case(real(3))], builtin=operator.neg, symbol="−", notation="−{0}")
def neg(x: Operand) -> Operand:
    """Negation."""
    return -x


@elementwise(partials=(lambda y, x: 2 * x,), cases=[case(real(3))], symbol="( )²", notation="{0}²")
def square(x: Operand) -> Operand:
    """Square."""
    return x * x


@elementwise(partials=(lambda y, x: -y * y,), cases=[case(nonzero(3))], symbol="1/x", notation="1 / {0}")
def reciprocal(x: Operand) -> Operand:
    """One over x."""
    return 1 / x


def _by_base(y: Operand, a: Operand, b: Operand) -> Operand:
    # x⁰ is 1 everywhere, so its derivative is 0 at x = 0, too, and not 0 · ∞.
    return b * where(b == 0, where(a == 0, 1, a), a) ** (b - 1)


def _by_exponent(y: Operand, a: Operand, b: Operand) -> Operand:
    return y * log(where(y == 0, y + 1, a))  # at a = 0 the limit of y log a is 0: there, log 1 instead of −∞


@elementwise(partials=(_by_base, _by_exponent), on_floats=math.pow, symbol="^", notation="{0}^{1}",
             cases=[case(positive(3), real(3)), case(positive(3), integer(-1, 1, 3)),
                    case(vanishing(5, 4), integer(0, 3, 5, 4, differentiable=False))])  # fmt: skip
def power(a: Operand, b: Operand) -> Operand:
    """Power. By the exponent there is a derivative where the base is positive; elsewhere NaN, or an error (Scalar)."""
    return a**b
