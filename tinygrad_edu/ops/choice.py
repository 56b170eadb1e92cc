"""Choices: comparisons, and the functions with kinks that are made of them.

At a kink the derivative is a convention. Here: relu′(0) = 0, |x|′ = 0 at 0, a tie of `maximum` or `minimum`
gives half to each, and `clip` passes the gradient on at its bounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.cases import boolean, case, interval, nonzero, real
from tinygrad_edu.core.primitive import elementwise, primitive
from tinygrad_edu.types import Operand

# ---- comparisons: recorded, with no derivative ----


@primitive(symbol=">", notation="{0} > {1}")
def greater(a: Operand, b: Operand) -> Operand:
    """Whether a > b."""
    return a > b


@primitive(symbol="≥", notation="{0} ≥ {1}")
def greater_equal(a: Operand, b: Operand) -> Operand:
    """Whether a ≥ b."""
    return a >= b


@primitive(symbol="<", notation="{0} < {1}")
def less(a: Operand, b: Operand) -> Operand:
    """Whether a < b."""
    return a < b


@primitive(symbol="≤", notation="{0} ≤ {1}")
def less_equal(a: Operand, b: Operand) -> Operand:
    """Whether a ≤ b."""
    return a <= b


@primitive(symbol="=", notation="{0} = {1}")
def equal(a: Operand, b: Operand) -> Operand:
    """Whether a = b."""
    return a == b


@primitive(symbol="≠", notation="{0} ≠ {1}")
def not_equal(a: Operand, b: Operand) -> Operand:
    """Whether a ≠ b."""
    return a != b


@primitive(symbol="not", notation="¬{0}")
def logical_not(x: Operand) -> Operand:
    """Whether x is false."""
    return not x if type(x) is bool else np.logical_not(x)


@primitive(on_floats=lambda x: x if x != x else float((x > 0) - (x < 0)))
def sign(x: Operand) -> Operand:
    """−1, 0 or 1; its derivative, 0 wherever there is one, is not offered: nothing could be learned from it."""
    return np.sign(x)


@primitive(notation="[{0} > {1}]", on_floats=lambda a, b: 0.5 if a == b else float(a > b))
def above(a: Operand, b: Operand) -> Operand:
    """1 where a > b, ½ where they are equal, 0 where a < b: the share of a in the maximum of both."""
    return np.where(np.equal(a, b), 0.5, np.greater(a, b)).astype(np.result_type(a, b, np.float32))[()]


# ---- choices ----


@elementwise(partials=(None, lambda y, c, a, b: c, lambda y, c, a, b: logical_not(c)),
             notation="{1} if {0} else {2}", cases=[case(boolean(7), real(7), real(7))])  # fmt: skip
def where(condition: Operand, a: Operand, b: Operand) -> Operand:
    """Elements of a where the condition holds, of b elsewhere.

    Raises:
        TypeError: the condition is not boolean.
    """
    if type(condition) is bool and np.shape(a) == np.shape(b):
        return a if condition else b  # a number as it stands: a detour through an array would make it float64
    if np.asarray(condition).dtype != np.bool_:
        raise TypeError(
            f"where: a condition of True and False was expected, {np.asarray(condition).dtype} came: "
            f"compare first, as in where(x > 0, x, 0)"
        )
    return np.where(condition, a, b)


@elementwise(
    partials=(lambda y, x: sign(x),), cases=[case(nonzero(3))], on_floats=abs, symbol="| |", notation="|{0}|"
)
def absolute(x: Operand) -> Operand:
    """Absolute value; its derivative at 0 is taken to be 0."""
    return np.abs(x)


@elementwise(partials=(lambda y, x: x > 0,), cases=[case(nonzero(3))], on_floats=lambda x: 0.0 if x <= 0 else x,
             symbol="ReLU", notation="max(0, {0})")  # fmt: skip
def relu(x: Operand) -> Operand:
    """Rectified linear unit, max(0, x); its derivative at 0 is taken to be 0."""
    return np.maximum(x, 0)


_APART = [case(interval(0, 1, 3), interval(1.5, 3, 3)), case(interval(1.5, 3, 3), interval(0, 1, 3))]


@elementwise(partials=(lambda y, a, b: above(a, b), lambda y, a, b: above(b, a)), cases=_APART, symbol="max",
             notation="max({0}, {1})", on_floats=lambda a, b: a if a >= b or a != a else b)  # fmt: skip
def maximum(a: Operand, b: Operand) -> Operand:
    """The larger of two; a tie gives half of the gradient to each; NaN if either is."""
    return np.maximum(a, b)


@elementwise(partials=(lambda y, a, b: above(b, a), lambda y, a, b: above(a, b)), cases=_APART, symbol="min",
             notation="min({0}, {1})", on_floats=lambda a, b: a if a <= b or a != a else b)  # fmt: skip
def minimum(a: Operand, b: Operand) -> Operand:
    """The smaller of two; a tie gives half of the gradient to each; NaN if either is."""
    return np.minimum(a, b)


def _inside(y: Operand, x: Operand, *, low: Any = None, high: Any = None) -> Operand:
    return equal(x, y)  # what clipping left alone


@elementwise(partials=(_inside,),
             cases=[case(interval(1.1, 1.9, 3), low=1, high=2), case(interval(3, 4, 3), low=1, high=2),
                    case(interval(-3, 0, 3), low=1)])  # fmt: skip
def clip(x: Operand, low: Any = None, high: Any = None) -> Operand:
    """Limit x to [low, high], of numbers or arrays; the gradient passes where x lies inside, bounds included.

    Raises:
        ValueError: neither bound is given, or low > high.
    """
    if low is None and high is None:
        raise ValueError("clip: at least one of low and high was expected, neither came")
    if low is not None and high is not None and np.any(np.asarray(low) > np.asarray(high)):
        raise ValueError(f"clip: low ≤ high was expected, low={low} and high={high} came")
    return np.clip(x, low, high)
