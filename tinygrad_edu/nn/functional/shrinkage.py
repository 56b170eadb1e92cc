"""Activations that take something away: small numbers become 0, or pass only in part.

    softshrink   x moved towards 0 by λ, and 0 where it would pass it: the solution of min ½ (y − x)² + λ |y|
    hardshrink   x itself where |x| > λ, else 0
    threshold    x itself where it is above, else a given value
    tanhshrink   x − tanh(x), about x³ / 3 near 0
    glu          one half of the numbers says how much of the other passes

At a kink all have the slope of the side that is cut off, 0, as in PyTorch.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import interval, real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import itself, layer, verified
from tinygrad_edu.nn.options import require
from tinygrad_edu.types import Operand


@verified(layer(itself, interval(0.6, 2, 5, 3)), layer(itself, interval(-2, -0.6, 5, 3)))
def softshrink(x: Operand, lambd: float = 0.5) -> Operand:
    """The soft threshold: x − λ above λ, x + λ below −λ, 0 between (Donoho 1995).

    Raises:
        ValueError: λ < 0.
    """
    require("softshrink", "lambd ≥ 0", lambd, lambda given: given >= 0)
    return ops.where(x > lambd, x - lambd, ops.where(x < -lambd, x + lambd, 0.0 * x))


@verified(layer(itself, interval(0.6, 2, 5, 3)), layer(itself, interval(-2, -0.6, 5, 3)))
def hardshrink(x: Operand, lambd: float = 0.5) -> Operand:
    """The hard threshold: x where |x| > λ, else 0, so that it jumps at λ (Donoho and Johnstone 1994).

    Raises:
        ValueError: λ < 0.
    """
    require("hardshrink", "lambd ≥ 0", lambd, lambda given: given >= 0)
    return ops.where(x > lambd, x, ops.where(x < -lambd, x, 0.0 * x))


@verified(layer(itself, interval(0.2, 2, 5, 3), threshold=0.1, value=-3.0))
def threshold(x: Operand, threshold: float, value: float) -> Operand:
    """The part of x above a threshold, and a given value for all the rest, where the slope is 0."""
    return ops.where(x > threshold, x, value)


@verified(layer(itself, real(5, 3)))
def tanhshrink(x: Operand) -> Operand:
    """The rest that tanh leaves, x − tanh(x); near 0, where both are nearly equal, digits cancel."""
    return x - ops.tanh(x)


@verified(layer(itself, real(5, 4)), layer(itself, real(2, 4, 3), axis=1))
def glu(x: Operand, axis: int = -1) -> Operand:
    """The gated linear unit, a · σ(b), where a and b are the halves of x along an axis (Dauphin et al. 2017).

    Raises:
        ShapeError: there is no such axis, or its length is odd.
    """
    shape = np.shape(value_of(x))
    if not -len(shape) <= axis < len(shape) or shape[axis] % 2:
        raise ShapeError(f"glu: x of an even length along axis {axis} was expected, {shape} came")
    half, before = shape[axis] // 2, (slice(None),) * (axis % len(shape))
    a, b = (ops.getitem(x, (*before, slice(start, start + half))) for start in (0, half))
    return a * ops.sigmoid(b)
