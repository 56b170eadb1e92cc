"""The noise of a function: how large its rounding errors are, measured and not guessed.

Over a stretch so short that f itself hardly moves, the differences of high order of its values consist of rounding
alone (Hamming 1971). One unit in the last place of f(x) is too little wherever digits cancel on the way to f(x).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.types import Array

Function: TypeAlias = Callable[[float], float]


def evaluate(f: Function, x: float) -> float | None:
    """f(x), or None where f is not defined."""
    try:
        with np.errstate(all="ignore"):
            y = float(f(x))
    except (ArithmeticError, ValueError):
        return None
    return y if math.isfinite(y) else None


def each(f: Callable[[Any], float], points: Iterable[Any]) -> Array:
    """The values of f at several points, NaN where it is not defined."""
    values = [evaluate(f, point) for point in points]
    return np.array([math.nan if value is None else value for value in values])


def noise_of(f: Function, x: float, scale: float | None = None) -> float:
    """The size of the rounding errors in f near x.

    Over a stretch so short that f itself hardly moves, the differences of high order of its values consist of
    rounding alone (Hamming 1971; Moré and Wild 2011, sec. 3).

    Args:
        f: the function.
        x: where.
        scale: the size of x that distances are measured by.

    Returns:
        A standard deviation, at least half a unit in the last place of f(x).
    """
    return noise_along(lambda at: each(f, at.tolist()), x, scale or abs(x) or 1.0)


def noise_along(f: Callable[[Array], Array], x: float, scale: float) -> float:
    """The same for a function of many numbers at once, (n,) → (n,)."""
    # Where only some of many numbers move, those may be rounded more coarsely that stand still so close by. On one side
    # of x, for a kink there is no noise.
    wide = f(x + np.arange(1, 10) * 2.0**-24 * scale)
    found = _irregularity(wide[None], np.min) if np.isfinite(wide).all() else 0.0
    size = 0.0
    for exponent in (-40, -32, -24, -16):
        # Farther, as long as f stands still: it may be made of float32, or cancel.
        values = f((x + _STRETCHES * 2.0**exponent * scale).ravel()).reshape(_STRETCHES.shape)
        known = np.isfinite(values)
        rows = [values] if known.all() else [row[kept][None] for row, kept in zip(values, known, strict=True)]
        size = max(size, float(np.abs(values[known]).max(initial=0.0)))
        found = max(found, *map(_irregularity, rows))
        moved = sum(int(np.count_nonzero(np.diff(row))) for row in rows)
        if 2 * moved >= int(known.sum()) - 3:
            break
    return max(min(found, _COARSEST * size), float(np.finfo(float).eps) * size / 2)


# Equidistant points, on three stretches: one alone may fit the spacing of the floats.
_STRETCHES = np.sqrt([[1], [2], [3]]) * np.arange(-4, 5)
_COARSEST = 8 * float(np.finfo(np.float32).eps)  # relative; what is more irregular is no rounding, but a kink


def _irregularity(values: Array, choose: Callable[..., Any] = np.median) -> float:
    """The standard deviation of the noise in rows (rows, points) of values of a smooth function: the largest.

    Differences of all orders give it; those of a function that turns fast fall with the order, so the least of them is
    free of that.
    """
    if values.shape[1] < 4:
        return 0.0
    matrix, starts, shares = _differencing(values.shape[1])
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    # What they have in common is taken out first, without rounding, or it would be rounded in the product.
    differences = (values - values[:, :1]) / largest @ matrix
    estimates = np.sqrt(np.add.reduceat(differences * differences, starts, axis=1) * shares)
    return largest * float(choose(estimates, axis=1).max())


@cache
def _differencing(points: int) -> tuple[Array, Array, Array]:
    """A matrix that gives all differences of order 3 and more of a row, where each order starts, and its share."""
    rows, orders = np.eye(points), range(1, points)
    columns = [rows := rows[:, 1:] - rows[:, :-1] for _ in orders][2:]
    widths = [column.shape[1] for column in columns]
    shares = [math.factorial(k) ** 2 / math.factorial(2 * k) / (points - k) for k in orders[2:]]
    return np.concatenate(columns, axis=1), np.cumsum([0, *widths[:-1]]), np.array(shares)


def norm(x: Array) -> float:
    """The Euclidean norm; where squares leave the range of the floats, the largest element is taken out first."""
    flat = np.asarray(x, float).ravel()
    with np.errstate(all="ignore"):
        square = float(np.dot(flat, flat))
    if 1e-200 < square < 1e200:
        return math.sqrt(square)
    largest = float(np.abs(flat).max(initial=0.0))
    return largest * float(np.linalg.norm(flat / largest)) if 0 < largest < np.inf else largest
