"""The noise of a function: how large its rounding errors are, measured and not guessed.

Over a stretch so short that f itself hardly moves, the differences of high order of its values consist of rounding
alone (Hamming 1971). One unit in the last place of f(x) is too little wherever digits cancel on the way to f(x).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

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
    scale = scale or abs(x) or 1.0
    found = size = 0.0
    for exponent in (-40, -32, -24, -16):
        # Farther, as long as f stands still: it may be made of float32, or cancel.
        moved = points = 0
        for stretch in (1.0, math.sqrt(2), math.sqrt(3)):  # one alone may fit the spacing of the floats
            values = [evaluate(f, x + k * stretch * 2.0**exponent * scale) for k in range(-4, 5)]
            known = np.array([value for value in values if value is not None])
            size = max(size, float(np.abs(known).max(initial=0.0)))
            found = max(found, _irregularity(known))
            moved, points = moved + int(np.count_nonzero(np.diff(known))), points + len(known)
        if 2 * moved >= points - 3:
            break
    return max(min(found, _COARSEST * size), float(np.finfo(float).eps) * size / 2)


_COARSEST = 8 * float(np.finfo(np.float32).eps)  # relative; what is more irregular is no rounding, but a kink


def _irregularity(values: Array) -> float:
    """The standard deviation of the noise in equidistant values of a smooth function."""
    differences, estimates = values, []
    for k in range(1, len(values)):
        with np.errstate(all="ignore"):
            differences = np.diff(differences)
            size = norm(differences)
        if k >= 3:
            estimates.append(
                size * math.sqrt(math.factorial(k) ** 2 / math.factorial(2 * k) / len(differences))
            )
    return float(np.median(estimates)) if estimates else 0.0


def norm(x: Array) -> float:
    """The Euclidean norm; the largest element is taken out first, since the square of 1e200 is infinite."""
    largest = float(np.abs(x).max(initial=0.0))
    return largest * float(np.linalg.norm(x / largest)) if 0 < largest < np.inf else largest
