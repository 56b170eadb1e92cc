"""Reductions: many numbers become one, and one cotangent goes back to all of them.

`axis` is None (all axes), an integer, or a tuple of them; with `keepdims` the reduced axes stay, with length 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.core.broadcasting import broadcast_to, shape_of
from tinygrad_edu.core.cases import case, distinct, nonzero, real, vanishing
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.primitive import multilinear, primitive
from tinygrad_edu.ops.choice import where
from tinygrad_edu.ops.shape import flip, reshape, transpose
from tinygrad_edu.ops.transcendental import exp, sqrt
from tinygrad_edu.types import Axis, Operand, Shape

# NumPy's sum without its Python wrapper; its type stub takes only a literal `keepdims`.
_add_up: Any = np.add.reduce


def kept(shape: Shape, axis: Axis) -> Shape:
    """The shape with every reduced axis kept, with length 1."""
    reduced = range(len(shape)) if axis is None else normalize_axis_tuple(axis, len(shape))
    return tuple(1 if i in reduced else n for i, n in enumerate(shape))


def count(shape: Shape, axis: Axis) -> int:
    """How many elements are reduced to one."""
    return math.prod(n for n, m in zip(shape, kept(shape, axis), strict=True) if m == 1)


def spread(g: Operand, x: Operand, axis: Axis) -> Operand:
    """Give every element of x what belongs to the one number that it went into."""
    shape = shape_of(x)
    return broadcast_to(reshape(g, shape=kept(shape, axis)), shape=shape)


# ---- sums: linear, and their transposes spread ----

_OF_SUMS = [
    case(real(2, 3)), case(real(2, 3), axis=0), case(real(2, 3), axis=1),
    case(real(2, 3, 5), axis=(0, -1), keepdims=True),
]  # fmt: skip


@multilinear(transposes=(lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis),), cases=_OF_SUMS, symbol="Σ",
             notation="Σ {0}")  # fmt: skip
def sum(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """Sum."""
    return _add_up(x, axis, keepdims=keepdims)


@multilinear(transposes=(lambda g, y, x, axis=None, keepdims=False: spread(g, x, axis) / count(shape_of(x), axis),),
             cases=_OF_SUMS)  # fmt: skip
def mean(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """Arithmetic mean.

    Raises:
        ValueError: there are no elements to take it of.
    """
    n = count(np.shape(x), axis)
    if n == 0:
        raise ValueError(f"mean: at least one element was expected, an array of shape {np.shape(x)} came")
    return _add_up(x, axis, keepdims=keepdims) / n


@multilinear(transposes=(lambda g, y, x, axis: flip(cumsum(flip(g, axis), axis), axis),),
             cases=[case(real(3), axis=0), case(real(2, 3), axis=1)])  # fmt: skip
def cumsum(x: Operand, axis: int) -> Operand:
    """Running sums along one axis."""
    if axis is None:
        raise TypeError("cumsum: an axis was expected, None came: flatten first, x.reshape(-1), and say 0")
    return np.cumsum(x, axis)


# ---- moments ----


def _var_vjp(
    g: Operand, y: Operand, x: Operand, axis: Axis = None, ddof: int = 0, keepdims: bool = False
) -> Operand:
    # The mean depends on x too, but that path adds nothing: the deviations sum to 0.
    return spread(g, x, axis) * (x - mean(x, axis, keepdims=True)) * (2 / (count(shape_of(x), axis) - ddof))


@primitive(vjps=(_var_vjp,), cases=[case(real(2, 3)), case(real(2, 3), axis=0, ddof=1), case(real(2, 3), axis=1),
                                    case(real(2, 3, 5), axis=(0, -1), keepdims=True)])  # fmt: skip
def var(x: Operand, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Operand:
    """Variance: the squared deviations from the mean, summed and divided by n − ddof.

    Raises:
        ValueError: n − ddof is not positive.
    """
    n = count(np.shape(x), axis)
    if n <= ddof:
        raise ValueError(f"var: more than ddof={ddof} elements were expected, {n} came")
    deviation = x - _add_up(x, axis, keepdims=True) / n
    return _add_up(deviation * deviation, axis, keepdims=keepdims) / (n - ddof)


def std(x: Operand, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Operand:
    """Standard deviation, √var; its derivative at 0 is infinite."""
    return sqrt(var(x, axis, ddof, keepdims))


# ---- extrema ----


def _extremum_vjp(g: Operand, y: Operand, x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    reached = value_of(x) == np.reshape(value_of(y), kept(shape_of(x), axis))
    share = reached / _add_up(reached, axis, keepdims=True)
    return spread(g, x, axis) * share.astype(getattr(value_of(x), "dtype", float))


_OF_EXTREMA = [
    case(distinct(2, 3)),
    case(distinct(2, 3), axis=0),
    case(distinct(2, 3), axis=1),
    case(distinct(2, 3, 5), axis=(0, -1), keepdims=True),
]


@primitive(vjps=(_extremum_vjp,), cases=_OF_EXTREMA)
def max(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """Maximum; ties share the gradient equally."""
    return np.max(x, axis, keepdims=keepdims)


@primitive(vjps=(_extremum_vjp,), cases=_OF_EXTREMA)
def min(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """Minimum; ties share the gradient equally."""
    return np.min(x, axis, keepdims=keepdims)


# ---- products, and sums in the logarithm ----


def _prod_vjp(g: Operand, y: Operand, x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    if np.all(value_of(x) != 0):
        return spread(g * y, x, axis) / x
    # Where an element is 0, the quotient above is 0/0: multiply the others instead, n products of n − 1 factors.
    reduced = range(len(shape_of(x))) if axis is None else normalize_axis_tuple(axis, len(shape_of(x)))
    order = [i for i in range(len(shape_of(x))) if i not in reduced] + list(reduced)
    rows = transpose(x, order)
    n = count(shape_of(x), axis)
    flat = reshape(rows, (-1, 1, n))
    others = prod(where(np.eye(n, dtype=bool), 1.0, flat), axis=-1)
    return spread(g, x, axis) * transpose(reshape(others, shape_of(rows)), np.argsort(order).tolist())


@primitive(vjps=(_prod_vjp,), symbol="Π", notation="Π {0}",
           cases=[case(nonzero(2, 3)), case(real(2, 3), axis=0), case(nonzero(2, 3), axis=1),
                  case(real(2, 3, 5), axis=(0, -1), keepdims=True),
                  case(vanishing(3, 5), axis=1)])  # fmt: skip
def prod(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """Product."""
    return np.prod(x, axis, keepdims=keepdims)


def _logsumexp_vjp(g: Operand, y: Operand, x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    return spread(g, x, axis) * exp(x - spread(y, x, axis))


@primitive(vjps=(_logsumexp_vjp,), cases=_OF_SUMS, symbol="log Σ exp", notation="log Σ exp {0}")
def logsumexp(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """Log Σ exp(x), which never overflows: the largest element is taken out of the sum first."""
    top = np.max(x, axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):  # the logarithm of a sum of nothing but exp(−∞) is −∞
        y = np.log(_add_up(np.exp(x - top), axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis)[()]
