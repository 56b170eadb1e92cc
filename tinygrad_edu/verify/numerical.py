"""Numerical derivatives, each with an estimate of its own error.

    one-sided     (f(x + h) − f(x)) / h                   error O(h)
    central       (f(x + h) − f(x − h)) / 2h              error O(h²)
    extrapolated  from central ones at h, h/2 and h/4     error O(h⁶)    Richardson 1911, Ridders 1982
    complex step  Im f(x + ih) / h                        exact to rounding    Squire and Trapp 1998

The smaller the step, the smaller these errors, but the more of the digits of f cancel: rounding adds about
noise / h. So the noise of f is measured (`noise_of`), and `differentiate` finds the step at which the two errors
balance (see `steps`). Its error bar is the sum of both.

This chapter knows nothing of graphs: functions of plain numbers are all it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.noise import Function, each, noise_along, norm
from tinygrad_edu.verify.steps import SAFETY, Family, Gradient, extrapolate, search


def one_sided(f: Function, x: float, step: float) -> float:
    """(f(x + h) − f(x)) / h: its error falls like h."""
    return (f(x + step) - f(x)) / step


def central(f: Function, x: float, step: float) -> float:
    """(f(x + h) − f(x − h)) / 2h: its error falls like h²."""
    return (f(x + step) - f(x - step)) / (2 * step)


def extrapolated(f: Function, x: float, step: float) -> float:
    """The limit of three central differences, at h, h/2 and h/4, for a step of 0: its error falls like h⁶."""
    limit: float = extrapolate(*(central(f, x, h) for h in (step, step / 2, step / 4)))[0]
    return limit


def complex_step(f: Callable[[complex], complex], x: float, step: float = 1e-30) -> float:
    """Im f(x + ih) / h: nothing is subtracted, so nothing cancels; f must be analytic and take complex numbers."""
    return f(complex(x, step)).imag / step


class Estimate(NamedTuple):
    """A derivative and how much it may be off.

    Attributes:
        value: the derivative; at a kink the mean of the slopes on both sides.
        error: a bound that it keeps in nearly all cases; infinite where f could not be evaluated around x.
        jump: half the difference between the slopes on the right and on the left: 0 unless x is on a kink.
    """

    value: float
    error: float
    jump: float


def differentiate(
    f: Function, x: float, *, noise: float, scale: float | None = None, accuracy: float = 1e-7, enough: float = 0.0,
    at_x: float | None = None,
) -> Estimate:  # fmt: skip
    """The derivative of f at x, from central differences with a step that is found.

    Args:
        f: the function; NaN, infinity or an ArithmeticError or ValueError mean that it is not defined there.
        x: where.
        noise: the rounding error of f, see `noise_of`.
        scale: the size of x that steps are measured by; by default |x|, or 1 for x = 0.
        accuracy: relative; once it is reached the search ends. Usually that is at the first step.
        enough: an error at which it ends, too, for derivatives that may be 0.
        at_x: f(x), if known already.

    Returns:
        The best of the estimates.
    """
    found = search(
        lambda which, at: each(f, at.tolist()), np.array([x], float), scale=np.array([scale or abs(x) or 1.0], float),
        middle=each(f, [x])[0] if at_x is None else at_x, noise=noise, accuracy=accuracy, enough=enough,
    )  # fmt: skip
    return Estimate(*(float(column[0]) for column in found))


Points: TypeAlias = Callable[[list[Array]], Array]


def gradient(f: Callable[[Array], float], x: Array, *, step: float | None = None) -> Gradient:
    """The gradient of a function of an array, by one component after the other.

    Args:
        f: a function of an array of the shape of x that returns one number. It may keep the array: each is a new one.
        x: where.
        step: a fixed one, for plain central differences; by default it is found for each component.

    Returns:
        Value, error and jump, each of the shape of x.
    """
    return gradients_by_all(one_by_one(lambda values: f(values[0])), [x], step=step)[0]


def one_by_one(f: Callable[[list[Array]], float]) -> Points:
    """A function of arrays as one of many points, which it is given as arrays of its own."""

    def many(points: list[Array]) -> Array:
        rows = range(max(map(len, points)))
        return each(f, ([x[row % len(x)].copy() for x in points] for row in rows))

    return many


def gradients_by_all(
    f: Points, xs: Sequence[Array], *, step: float | None = None, at_once: int = 64
) -> list[Gradient]:  # fmt: skip
    """The derivatives by every component of several arrays, which are all one θ.

    Args:
        f: of many points at once: for each array its values there, (P, *shape) or, if they are everywhere the same,
            (1, *shape); it returns (P,), NaN where it is not defined, and keeps nothing of what it is given.
        xs: where.
        step: a fixed one; by default it is found for each component.
        at_once: how many points f is given at a time, ≥ 1.
    """
    xs = [np.array(x, dtype=float) for x in xs]
    sizes = [norm(x) / max(x.size, 1) ** 0.5 for x in xs]
    rng = np.random.default_rng(1)
    directions = [rng.uniform(0.5, 1.0, x.shape) * (size or 1.0) for x, size in zip(xs, sizes, strict=True)]

    def along(t: Array) -> Array:
        return f([x + np.multiply.outer(t, d) for x, d in zip(xs, directions, strict=True)])

    middle = float(f([x[None] for x in xs])[0])
    noise = noise_along(along, 0.0, 1.0)
    theta, family = np.concatenate([x.ravel() for x in xs]), _components(f, xs, at_once)
    group = np.repeat(np.arange(len(xs)), [x.size for x in xs])
    if step is not None:
        found = _with_fixed_step(family, theta, step, noise)
    else:
        scale = np.maximum(np.abs(theta), np.array(sizes)[group])
        scale[scale == 0] = 1.0
        found = search(family, theta, scale=scale, middle=middle, noise=noise, group=group)
    ends = np.cumsum([x.size for x in xs])[:-1]
    columns = [[part.reshape(x.shape) for part, x in zip(np.split(c, ends), xs, strict=True)] for c in found]
    return [Gradient(*parts) for parts in zip(*columns, strict=True)]


def _components(f: Points, xs: list[Array], at_once: int) -> Family:
    """A function of arrays as one of the components of θ, of which each point moves one."""
    theta = np.concatenate([x.ravel() for x in xs])
    ends = np.cumsum([x.size for x in xs])
    at_once = min(at_once, 6 * theta.size)  # a step asks for six values
    # For all chunks: of each, only the components that move are written, and then put back.
    buffers = [np.repeat(x[None], at_once, axis=0) for x in xs]

    def chunk(which: Array, at: Array) -> Array:
        owner = np.searchsorted(ends, which, side="right")
        points = [x[None] for x in xs]
        moved = []
        for i in set(owner.tolist()):
            points[i] = buffers[i][: which.size]
            rows = np.flatnonzero(owner == i)
            place = rows, which[rows] - (ends[i] - xs[i].size)
            flat = points[i].reshape(which.size, -1)
            flat[place] = at[rows]
            moved.append((flat, place, theta[which[rows]]))
        values = f(points)
        for flat, place, before in moved:
            flat[place] = before
        return values

    def family(which: Array, at: Array) -> Array:
        starts = range(0, at.size, at_once)
        return np.concatenate([chunk(which[k : k + at_once], at[k : k + at_once]) for k in starts])

    return family


def _with_fixed_step(f: Family, x: Array, step: float, noise: float) -> Gradient:
    """Plain central differences. Their truncation falls like h², so half the step tells how large it is."""
    moves = np.array([step, -step, step / 2, -step / 2])
    which = np.repeat(np.arange(x.size), len(moves))
    right, left, near, nearer = f(which, (x[:, None] + moves).ravel()).reshape(-1, len(moves)).T
    value = (right - left) / (2 * step)
    error = 4 / 3 * np.abs(value - (near - nearer) / step) + SAFETY * noise / step
    return Gradient(value, np.where(np.isfinite(error), error, np.inf), np.zeros(x.shape))
