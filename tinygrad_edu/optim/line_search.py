"""A line search: how far to go in a given direction (Nocedal and Wright 2006, Alg. 3.5 and 3.6).

    φ(t) = f(x + t d),   φ′(t) = ∇f(x + t d) · d
    φ(t) ≤ φ(0) + c₁ t φ′(0)          it has gone down far enough for the length of the step,
    |φ′(t)| ≤ c₂ |φ′(0)|              and there the slope is flatter: the strong Wolfe conditions

First longer and longer steps are tried until two of them have an acceptable one between them; then this bracket is
made smaller. Each trial is the minimum of the cubic that has the values and the slopes at both ends; the safeguards on
it are those of minFunc (Schmidt 2005), as in PyTorch. PyTorch also goes on from a lower point that has not sunk enough
for its length, and may end there; here the book is followed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from tinygrad_edu.types import Array

C1, C2 = 1e-4, 0.9  # Nocedal and Wright's for quasi-Newton directions, which usually have the right length


class Point(NamedTuple):
    """A trial: the length t, φ(t), φ′(t), and the gradient of f there."""

    t: float
    f: float
    slope: float
    g: Array


def strong_wolfe(
    phi: Callable[[float], Point], start: Point, t: float, *, shortest: float, most: int
) -> Point:
    """A point that satisfies the conditions; the lowest that was found if there are too many trials.

    Args:
        phi: the function along the line.
        start: at t = 0, where the slope is below 0.
        t: the first trial, > 0.
        shortest: the length of a bracket that is not divided further.
        most: the number of trials after the first.
    """

    def sinks(point: Point) -> bool:  # NaN does not
        return point.f <= start.f + C1 * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -C2 * start.slope

    previous, point = start, phi(t)
    for trial in range(most):
        if not sinks(point) or (trial and point.f >= previous.f):
            return _zoom(phi, previous, point, sinks, is_flat, shortest, most - trial)
        if is_flat(point):
            return point
        if point.slope >= 0:
            return _zoom(phi, point, previous, sinks, is_flat, shortest, most - trial)
        t = cubic_minimum(previous, point, point.t + 0.01 * (point.t - previous.t), 10 * point.t)
        previous, point = point, phi(t)
    return point if point.f < start.f else start


def _zoom(
    phi: Callable[[float], Point], low: Point, high: Point, sinks: Callable[[Point], bool],
    is_flat: Callable[[Point], bool], shortest: float, most: int,
) -> Point:  # fmt: skip
    """Make the bracket smaller; `low` stays the lowest point that has sunk enough, and slopes down towards `high`."""
    hesitated = False
    for _ in range(most):
        left, right = sorted((low.t, high.t))
        if right - left <= shortest:
            break
        t = cubic_minimum(low, high, left, right)
        # Trials near an end make little progress: of two in a row, the second goes a tenth of the bracket inside.
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (hesitated or not left < t < right):
            t = right - margin if right - t < t - left else left + margin
            hesitated = False
        else:
            hesitated = near
        point = phi(t)
        if not sinks(point) or point.f >= low.f:
            high = point
        elif is_flat(point):
            return point
        else:
            if point.slope * (high.t - low.t) >= 0:
                high = low
            low = point
    return low


def cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """Where the cubic through two points has its minimum (Nocedal and Wright 2006, eq. 3.59), kept in [low, high].

    The middle of [low, high] if the cubic has none.
    """
    a, b = (a, b) if a.t <= b.t else (b, a)
    if a.t < b.t:
        d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
        square = d1 * d1 - a.slope * b.slope
        if square >= 0:  # neither below 0 nor NaN
            d2 = math.sqrt(square)
            denominator = b.slope - a.slope + 2 * d2
            if denominator:
                t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / denominator)
                return min(max(t, low), high)
    return (low + high) / 2
