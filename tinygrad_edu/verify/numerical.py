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

import math
from collections.abc import Callable
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


Points: TypeAlias = Callable[[Array], Array]  # of many arrays at once: (points, *shape) → (points,)


def gradient(f: Callable[[Array], float], x: Array, *, step: float | None = None) -> Gradient:
    """The gradient of a function of an array, by one component after the other.

    Args:
        f: a function of an array of the shape of x that returns one number. It may keep the array: each is a new one.
        x: where.
        step: a fixed one, for plain central differences; by default it is found for each component.

    Returns:
        Value, error and jump, each of the shape of x.
    """
    return gradient_of_many(lambda points: each(lambda point: f(point.copy()), points), x, step=step)


def gradient_of_many(
    f: Points, x: Array, *, step: float | None = None, at_once: int = 64, which: Array | None = None
) -> Gradient:  # fmt: skip
    """The same by a function of many arrays at once.

    Args:
        f: (points, *shape) → (points,), NaN where it is not defined; it keeps nothing of what it is given.
        x: where.
        step: a fixed one; by default it is found for each component.
        at_once: how many points it is given at a time, ≥ 1.
        which: (n,), the components that are asked for, in the order of memory; by default all. The derivatives by the
            others are unknown: their error is infinite.
    """
    x = np.array(x, dtype=float)
    size = norm(x) / max(x.size, 1) ** 0.5
    direction = np.random.default_rng(1).uniform(0.5, 1.0, x.shape) * (size or 1.0)
    middle = float(f(x[None])[0])
    noise = noise_along(lambda t: f(x + np.multiply.outer(t, direction)), 0.0, 1.0)
    which = np.arange(x.size) if which is None else which
    at, family = x.ravel()[which], _components(f, x, at_once)

    def moved(chosen: Array, to: Array) -> Array:
        return family(which[chosen], to)

    if step is not None:
        found = _with_fixed_step(moved, at, step, noise)
    else:
        scale = np.maximum(np.abs(at), size)
        found = search(moved, at, scale=np.where(scale > 0, scale, 1.0), middle=middle, noise=noise)
    whole = Gradient(*(np.full(x.shape, unknown) for unknown in (math.nan, math.inf, 0.0)))
    for column, values in zip(whole, found, strict=True):
        column.flat[which] = values
    return whole


def _components(f: Points, x: Array, at_once: int) -> Family:
    """A function of an array as one of its components, of which each point moves one."""
    points = np.repeat(
        x[None], at_once, axis=0
    )  # for all chunks: of each, only the moved components are written
    flat = points.reshape(at_once, -1)

    def family(which: Array, at: Array) -> Array:
        values = np.empty(at.shape)
        for first in range(0, at.size, at_once):
            chunk = slice(first, first + at_once)
            rows = np.arange(at[chunk].size)
            flat[rows, which[chunk]] = at[chunk]
            values[chunk] = f(points[: rows.size])
            flat[rows, which[chunk]] = x.ravel()[which[chunk]]
        return values

    return family


def _with_fixed_step(f: Family, x: Array, step: float, noise: float) -> Gradient:
    """Plain central differences. Their truncation falls like h², so half the step tells how large it is."""
    moves = np.array([step, -step, step / 2, -step / 2])
    which = np.repeat(np.arange(x.size), len(moves))
    right, left, near, nearer = f(which, (x[:, None] + moves).ravel()).reshape(-1, len(moves)).T
    value = (right - left) / (2 * step)
    error = 4 / 3 * np.abs(value - (near - nearer) / step) + SAFETY * noise / step
    return Gradient(value, np.where(np.isfinite(error), error, np.inf), np.zeros(x.shape))
