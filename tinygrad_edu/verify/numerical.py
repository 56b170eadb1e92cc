"""Numerical derivatives, each with an estimate of its own error.

    one-sided     (f(x + h) − f(x)) / h                   error O(h)
    central       (f(x + h) − f(x − h)) / 2h              error O(h²)
    extrapolated  from central ones at h, h/2 and h/4     error O(h⁶)    Richardson 1911, Ridders 1982
    complex step  Im f(x + ih) / h                        exact to rounding    Squire and Trapp 1998

The smaller the step, the smaller these errors, but the more of the digits of f cancel: rounding adds about
noise / h. No fixed step suits every function, so the noise of f is measured (`noise_of`), and `differentiate`
moves the step until the two errors balance. Its error bar is the sum of both.

This chapter knows nothing of graphs: functions of plain numbers are all it asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.noise import Function, evaluate, noise_of, norm


def one_sided(f: Function, x: float, step: float) -> float:
    """(f(x + h) − f(x)) / h: its error falls like h."""
    return (f(x + step) - f(x)) / step


def central(f: Function, x: float, step: float) -> float:
    """(f(x + h) − f(x − h)) / 2h: its error falls like h²."""
    return (f(x + step) - f(x - step)) / (2 * step)


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


START = 2.0**-8  # the first step, in units of x
STRIDE = 8.0  # from one step to the next
LEAP = STRIDE**4  # from a step that changed nothing at all
ATTEMPTS = 8
SAFETY = 4.0  # on the noise, which is itself an estimate


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
    scale = scale or abs(x) or 1.0
    middle = evaluate(f, x) if at_x is None else at_x
    best = kinked = estimate = Estimate(math.nan, math.inf, 0.0)
    if middle is None or not math.isfinite(middle):
        return best
    # The noise was measured at x. Far from there f may be rounded differently, so no step goes far.
    step, longest, direction = START * scale, max(scale, 1.0) / 4, 0.0
    for _ in range(ATTEMPTS):
        if step > longest:
            break
        attempt = _extrapolate(f, x, step, middle, noise)
        if attempt is None:  # outside of where f is defined: closer
            step /= STRIDE**2
            continue
        estimate, truncation = attempt
        if estimate.value == truncation == estimate.jump == 0:  # f is flat, or x is tiny beside its changes
            best = min(best, estimate, key=_error)
            step *= LEAP
            continue
        if estimate.jump:  # a kink at x or near it: closer, to see which
            kinked = min(kinked, estimate, key=_error)
            step /= STRIDE
            continue
        best = min(best, estimate, key=_error)
        if best.error <= max(accuracy * abs(best.value), enough):
            break
        # Truncation wants a smaller step, rounding a larger one. Once both have had their turn, the best is behind.
        wanted = 1 / STRIDE if truncation > estimate.error / 2 else STRIDE
        if direction not in (0.0, wanted):
            break
        direction = wanted
        step *= direction
    else:  # still on the way to smaller steps; if that made it worse, f turns faster than any of them could follow
        if estimate.error > LEAP * best.error:
            best = Estimate(best.value, math.inf, 0.0)
    return kinked if kinked.jump and best.error > 1e-3 * kinked.jump else best


def _error(estimate: Estimate) -> float:
    return estimate.error


def _extrapolate(
    f: Function, x: float, step: float, middle: float, noise: float
) -> tuple[Estimate, float] | None:
    """Three central differences, and what they say of the limit; also the part of the error that is truncation."""
    slopes, bends = [], []
    for h in (step, step / 2, step / 4):
        right, left = x + h, x - h
        above, below = evaluate(f, right), evaluate(f, left)
        if above is None or below is None:
            return None
        # No value is known better than to half a unit in its last place; beside f(x) = 0 that is more than at x.
        noise = max(noise, float(np.finfo(float).eps) / 2 * max(abs(above), abs(below)))
        slopes.append((above - below) / (right - left))  # the steps as they were rounded
        bends.append(((above - middle) - (middle - below)) / (right - left))
    if not any(slopes) and not any(bends):  # the same number everywhere, to rounding
        return Estimate(0.0, SAFETY * 4 * noise / step, 0.0), 0.0
    first = [(4 * slopes[1] - slopes[0]) / 3, (4 * slopes[2] - slopes[1]) / 3]  # without the h² of the error
    value = (16 * first[1] - first[0]) / 15  # and without its h⁴
    truncation = abs(first[1] - first[0])  # more than that of `value`: a kink between the steps must show
    rounding = SAFETY * 4 * noise / step + 4 * np.finfo(float).eps * abs(value)
    # A bend that falls like h is curvature; one that stays is a kink at x.
    jump = 2 * bends[2] - bends[1]
    jump_error = abs(jump - (2 * bends[1] - bends[0])) + SAFETY * 16 * noise / step
    kink = abs(jump) > 4 * jump_error and abs(jump) > 1e-9 * abs(value)
    if not kink and abs(jump) > 0.01 * abs(value) + SAFETY * 16 * noise / step:
        truncation += abs(jump)  # f is wilder than the steps can see
    return Estimate(value, float(truncation + rounding), abs(jump) if kink else 0.0), truncation


def _with_fixed_step(f: Function, x: float, step: float, noise: float) -> Estimate:
    """The plain central difference. Its truncation falls like h², so half the step tells how large it is."""
    value = central(f, x, step)
    truncation = 4 / 3 * abs(value - central(f, x, step / 2))
    error = truncation + SAFETY * noise / step
    return Estimate(value, error if math.isfinite(error) else math.inf, 0.0)


class Gradient(NamedTuple):
    """Estimates for every component of an array."""

    value: Array
    error: Array
    jump: Array


def gradient(f: Callable[[Array], float], x: Array, *, step: float | None = None) -> Gradient:
    """The gradient of a function of an array, one component after the other.

    Args:
        f: a function of an array of the shape of x that returns one number. It may keep the array: each is a new one.
        x: where.
        step: a fixed one, for plain central differences; by default it is found for each component.

    Returns:
        Value, error and jump (see `Estimate`), each of the shape of x.
    """
    x = np.array(x, dtype=float)
    size = norm(x) / max(x.size, 1) ** 0.5
    direction = np.random.default_rng(1).uniform(0.5, 1.0, x.shape) * (size or 1.0)
    middle = float(f(x.copy()))
    noise = noise_of(lambda t: f(x + t * direction), 0.0)
    found: list[Estimate] = []
    length = 0.0  # of the gradient so far
    for i in np.ndindex(x.shape):

        def along(t: float, i: tuple[int, ...] = i) -> float:
            moved = x.copy()
            moved[i] = t
            return f(moved)

        at = float(x[i])
        if step is not None:
            found.append(_with_fixed_step(along, at, step, noise))
            continue
        # A derivative of 0 never reaches a relative accuracy: for those, small beside the others is enough.
        enough = 1e-7 * length / math.sqrt(len(found)) if len(found) > 7 else 0.0
        scale = max(abs(at), size) or 1.0
        found.append(differentiate(along, at, noise=noise, scale=scale, enough=enough, at_x=middle))
        length = math.hypot(length, found[-1].value) if math.isfinite(found[-1].value) else length
    columns = np.array(found, dtype=float).reshape(-1, 3).T
    return Gradient(*(column.reshape(x.shape) for column in columns))
