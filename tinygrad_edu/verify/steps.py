"""The step is found: numerical derivatives by many numbers at once, each with a step of its own.

    f(which, at) → values        number `which[p]` has moved to `at[p]`, and all others are where they were

No fixed step suits every function: truncation wants a small one, and rounding, which adds about noise / h, a large
one. So from a first guess the step of each number walks, until it has met the place where the two balance. Usually
that is at once. Then the error bar, which is the sum of both, is small enough, and the walk of that number ends.

The numbers have nothing to do with each other, but they walk in step, so that f is asked for many values at a time.
Whoever can compute those together need not call a function once for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tinygrad_edu.types import Array

Family: TypeAlias = Callable[[Array, Array], Array]  # NaN where it is not defined


class Gradient(NamedTuple):
    """Estimates of many derivatives, as three arrays of one shape.

    Attributes:
        value: the derivatives; at a kink the mean of the slopes on both sides.
        error: bounds that they keep in nearly all cases; infinite where f could not be evaluated around x.
        jump: half the difference between the slopes on the right and on the left: 0 unless x is on a kink.
    """

    value: Array
    error: Array
    jump: Array

    def better(self, other: Gradient, at: Array) -> None:
        """Take over, at those numbers, what has the smaller error bar."""
        taken = at[other.error[at] < self.error[at]]
        for mine, others in zip(self, other, strict=True):
            mine[taken] = others[taken]


START = 2.0**-8  # the first step, in units of x
STRIDE = 8.0  # from one step to the next
LEAP = STRIDE**4  # from a step that changed nothing at all
ATTEMPTS = 8
SAFETY = 4.0  # on the noise, which is itself an estimate
EPS = float(np.finfo(float).eps)
LEAST = 5e-324  # beside 0
LOST = 2.0**-256  # a step whose powers may be 0, so that f stands still whatever its derivative is


def search(
    f: Family, x: Array, *, scale: Array, middle: float, noise: float, accuracy: float = 1e-7, enough: float = 0.0,
    group: Array | None = None, attempts: int = ATTEMPTS,
) -> Gradient:  # fmt: skip
    """The derivatives of f by every number in x.

    Args:
        f: the function, see above.
        x: (n,), where.
        scale: (n,), positive: the sizes that steps are measured by.
        middle: f where nothing has moved.
        noise: the rounding error of f, see `noise_of`.
        accuracy: relative; a walk ends once it is reached.
        enough: an error at which it ends, too, for derivatives that may be 0.
        attempts: how many steps are tried at most, ≥ 1.
        group: (n,), of integers from 0: the numbers that belong together, as those of one parameter do. A derivative
            that is small beside the others of its group is known well enough by what matters beside those.
    """
    best, kinked, latest = (Gradient(np.full(x.shape, np.nan), np.full(x.shape, np.inf), np.zeros(x.shape))
                            for _ in range(3))  # fmt: skip
    if not np.isfinite(middle):
        return best
    # The noise was measured at x. Far from there f may be rounded differently, so no step goes far.
    step, longest, direction = START * scale, np.maximum(scale, 1.0) / 4, np.zeros(x.shape)
    walking, limit = np.arange(x.size), np.full(x.shape, enough)
    for attempt in range(attempts):
        walking = walking[step[walking] <= longest[walking]]
        if not walking.size:
            break
        truncation = np.full(x.shape, np.nan)
        defined = _attempt(f, walking, x, step, middle, noise, latest, truncation)
        there = walking[defined]
        still = truncation[there] == 0
        still &= (latest.value[there] == 0) & (latest.jump[there] == 0)
        bent = latest.jump[there] != 0
        flat, kinks, smooth = there[still], there[bent], there[~still & ~bent]
        best.better(latest, flat[step[flat] > LOST])
        best.better(latest, smooth)
        kinked.better(latest, kinks)
        if attempt == 0 and group is not None:  # a derivative of 0 never reaches a relative accuracy
            limit = np.maximum(limit, accuracy * _usual(best.value, smooth, group))
        # Truncation wants a smaller step, rounding a larger one. Once both have had their turn, the best is behind.
        wanted = np.where(truncation[smooth] > latest.error[smooth] / 2, 1 / STRIDE, STRIDE)
        done = best.error[smooth] <= np.maximum(accuracy * np.abs(best.value[smooth]), limit[smooth])
        done |= (direction[smooth] != 0) & (direction[smooth] != wanted)
        direction[smooth] = wanted
        step[smooth] *= wanted
        step[flat] = np.maximum(LEAP * step[flat], LEAP**-3)  # f is flat, or x is tiny beside its changes
        step[kinks] /= STRIDE  # a kink at x or near it: closer, to see which
        step[walking[~defined]] /= STRIDE**2  # outside of where f is defined: closer
        walking = np.setdiff1d(walking, smooth[done], assume_unique=True)
    # Still on the way to smaller steps; if that made it worse, f turns faster than any of them could follow.
    lost = walking[latest.error[walking] > LEAP * best.error[walking]]
    best.error[lost] = np.inf
    edges = (kinked.jump != 0) & (best.error > 1e-3 * kinked.jump)
    return Gradient(*(np.where(edges, k, b) for k, b in zip(kinked, best, strict=True)))


def extrapolate(coarse: Any, finer: Any, finest: Any) -> tuple[Any, Any]:
    """The limit of central differences at h, h/2 and h/4, with an error O(h⁶), and how far it may be off.

    That is more than the truncation of the limit itself: a kink between the steps must show.
    """
    near, nearer = (4 * finer - coarse) / 3, (4 * finest - finer) / 3  # without the h² of the error
    return (16 * nearer - near) / 15, abs(nearer - near)  # and without its h⁴


_MANY = 7  # derivatives, of which one can say what is usual among them


def _usual(values: Array, known: Array, group: Array) -> Array:
    """The mean size of the known values in each group, for every member; 0 where they are few."""
    groups = int(group.max(initial=0)) + 1
    count = np.bincount(group[known], minlength=groups)
    total = np.bincount(group[known], np.abs(values[known]), minlength=groups)
    usual: Array = np.where(count > _MANY, total / np.maximum(count, 1), 0.0)[group]
    return usual


def _attempt(
    f: Family, which: Array, x: Array, step: Array, middle: float, noise: float, found: Gradient, truncation: Array
) -> Array:  # fmt: skip
    """Three central differences, and what they say of the limit; also the part of the error that is truncation.

    It is written into `found` and `truncation`, at the numbers for which f is defined; which those are is returned.
    """
    h = step[which, None] * (1.0, 0.5, 0.25)
    right, left = x[which, None] + h, x[which, None] - h
    moved = np.concatenate([right, left], axis=1)
    values = np.asarray(f(np.repeat(which, 6), moved.ravel())).reshape(-1, 6)
    defined: Array = np.isfinite(values).all(axis=1)
    if not defined.all():
        which, values, h, right, left = (a[defined] for a in (which, values, h, right, left))
    above, below, width = values[:, :3], values[:, 3:], right - left  # the steps as they were rounded
    with np.errstate(all="ignore"):
        slopes = (above - below) / width
        bends = ((above - middle) - (middle - below)) / width
        # No value is known better than to half a unit in its last place; beside f(x) = 0 that is more than at x. And
        # what is less than the least number of all may have been lost on the way.
        last = np.maximum(EPS / 2 * np.abs(values).max(axis=1, initial=0), LEAST)
        rounding = SAFETY * np.maximum(noise, last) / h[:, 0]
        value, cut = extrapolate(*slopes.T)
        # A bend that falls like h is curvature; one that stays is a kink at x.
        coarse, jump = (2 * bends[:, 1:] - bends[:, :2]).T
        size, jump_error = np.abs(jump), np.abs(jump - coarse) + 16 * rounding
        kink = (size > 4 * jump_error) & (size > 1e-9 * np.abs(value))
        wild = ~kink & (size > 0.01 * np.abs(value) + 16 * rounding)  # f is wilder than the steps can see
        cut = np.where(wild, cut + size, cut)
        found.value[which] = value
        found.error[which] = cut + 4 * rounding + 4 * EPS * np.abs(value)
        found.jump[which] = np.where(kink, size, 0.0)
        truncation[which] = cut
    return defined
