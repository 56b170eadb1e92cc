"""Diagnosis: what a wrong gradient has in common with the right one, in words.

Most mistakes leave a trace in the numbers: everything is off by one factor, the difference is a multiple of the
parameter, the array is turned round. Each suspicion is tried on all components that have digits enough. It is said
aloud only if it explains every one of them, for a wrong diagnosis is worse than none.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.types import Array

_FEWEST = 3  # components; two numbers fit too many suspicions


def diagnose(a: Array, n: Array, error: Array, theta: Array | None) -> str:
    """The cause of a wrong gradient in a sentence, or "" if none is certain.

    Args:
        a: what the backward pass says.
        n: the numerical values.
        error: their error bars.
        theta: the parameter or input itself, if it is known.
    """
    if not np.all(np.isfinite(a)):
        return "the backward pass gives a number that is not finite"
    if not a.any():
        return "the backward pass gives 0 everywhere"
    clear = np.isfinite(error) & (np.abs(n) > 1e3 * error)
    suspicions = [_factor(a, n, error, clear)]
    if int(clear.sum()) >= _FEWEST:
        suspicions += [*_turned(a, n, error), *_of_theta(a, n, error, clear, theta)]
    return next(filter(None, suspicions), "")


def _same(a: Array, n: Array, error: Array) -> bool:
    """Whether the numbers agree, as far as the numerical ones go."""
    return bool(np.all(np.abs(a - n) <= 4 * error + 1e-6 * np.abs(n)))


def _factor(a: Array, n: Array, error: Array, clear: Array) -> str:
    """The one factor by which everything is off."""
    if clear.sum() < 2:
        return ""
    ratio = a[clear] / n[clear]
    typical = float(np.median(ratio))
    spread = float(np.ptp(ratio) / max(np.abs(ratio).max(), np.finfo(float).tiny))
    allowed = 4 * error * (1 + abs(typical)) + 1e-6 * np.abs(typical * n)
    if spread >= 1e-5 or not np.all(np.abs(a - typical * n) <= allowed):
        return ""
    digits = 6 if abs(typical - 1) > 1e-4 else 12
    sign = ": the sign is wrong" if abs(typical + 1) < 1e-6 else ""
    return f"every entry is {typical:.{digits}f} × the numeric value (spread {spread:.0e}){sign}"


def _turned(a: Array, n: Array, error: Array) -> Iterator[str]:
    """The right numbers in the wrong places."""
    if a.ndim == 2 and a.shape[0] == a.shape[1]:
        yield "the gradient is transposed" * _same(a.T, n, error)
    for axis in range(a.ndim):
        if a.shape[axis] < 2:
            continue
        yield f"the gradient is reversed along axis {axis}" * _same(np.flip(a, axis), n, error)
        for k in (1, -1):
            yield f"the gradient is shifted by {-k} along axis {axis}" * _same(np.roll(a, k, axis), n, error)


def _of_theta(a: Array, n: Array, error: Array, clear: Array, theta: Array | None) -> Iterator[str]:
    """What the difference has to do with the values of the parameter itself."""
    if theta is None or theta.shape != a.shape or not np.any(theta):
        return
    missing = n - a
    decay = float(np.sum(missing * theta) / np.sum(theta * theta))
    if np.all(np.abs(missing - decay * theta) <= 4 * error + 1e-6 * np.abs(decay * theta)):
        yield (
            f"what is missing is λ·θ with λ = {decay:.6g}: the loss has a regularization term that the gradient has not"
            if decay > 0
            else f"what is too much is λ·θ with λ = {-decay:.6g}: a regularization term that the loss has not"
        )
    wrong = np.abs(a - n) > 4 * error + 1e-9 * np.abs(n)
    right = clear & ~wrong
    if wrong.sum() >= _FEWEST and right.sum() >= _FEWEST:
        for where, words in ((theta < 0, "negative"), (theta > 0, "positive"), (theta == 0, "0")):
            if np.all(where[wrong]) and not np.any(where[right]):
                yield f"wrong where the value is {words}, and right where it is not"
