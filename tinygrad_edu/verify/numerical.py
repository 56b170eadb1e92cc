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

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinygrad_edu.verify.noise import Function, each
from tinygrad_edu.verify.steps import extrapolate, search


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
