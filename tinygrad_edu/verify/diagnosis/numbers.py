"""What the numbers of one gradient have in common with the right ones, without a look at the function.

    a = c n             one factor            a = n in other places
    n − a = λ θ         a regularization      a ≠ n only where θ is negative, zero, …

Each suspicion is tried on all components that have digits enough.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis.suspicion import FEWEST, Evidence, Suspicion


def nothing(e: Evidence) -> Iterator[Suspicion]:
    """Numbers that are none, and zeros."""
    if not np.all(np.isfinite(e.a)):
        yield Suspicion("not finite", "the backward pass gives a number that is not finite")
    elif not e.a.any():
        yield Suspicion("detached", "the backward pass gives 0 everywhere")


def factor(e: Evidence) -> Iterator[Suspicion]:
    """The one factor by which everything is off."""
    a, n, error, clear = e.a, e.n, e.error, e.clear
    if a.shape != n.shape or clear.sum() < 2 or not np.all(np.isfinite(a)):
        return
    ratio = a[clear] / n[clear]
    typical = float(np.median(ratio))
    spread = float(np.ptp(ratio) / max(np.abs(ratio).max(), np.finfo(float).tiny))
    allowed = 4 * error * (1 + abs(typical)) + 1e-6 * np.abs(typical * n)
    if spread >= 1e-5 or not np.all(np.abs(a - typical * n) <= allowed) or typical == 0:
        return
    if e.is_right(a) and not e.wrong.any():
        return
    digits = 6 if abs(typical - 1) > 1e-4 else 12
    words = f"every entry is {typical:.{digits}f} × the numeric value"
    cause, cure = _named(typical, e)
    yield Suspicion(cause, words, f" (spread {spread:.0e}){cure}")


def _named(ratio: float, e: Evidence) -> tuple[str, str]:
    """The cause of a ratio, and what is said of it."""
    if _close(ratio, -1):
        return "sign", ": the sign is wrong"
    lengths = {length for x in (e.a, *e.inputs, *([] if e.y is None else [e.y])) for length in _lengths(x)}
    for n in sorted(lengths, key=lambda n: (n in (2, 4), n)):
        of_a_mean = f"the {n} elements of a sum or a mean"
        if _close(ratio, n) and n not in (2, 4):
            return "count", f": divide by {of_a_mean}, or once more by them"
        if _close(ratio, 1 / n) and n not in (2, 4):
            return "count", f": do not divide by {of_a_mean}, or not twice"
        if n > 2 and (_close(ratio, n / (n - 1)) or _close(ratio, (n - 1) / n)):
            return "count", f": {n} and {n} − 1 are mixed up"
    for value, name in _CONSTANTS:
        for power, what in ((1, "is too much"), (-1, "is missing")):
            if _close(abs(ratio), value**power):
                return "factor", f": a factor of {name} {what}" + (
                    ", and the sign is wrong" if ratio < 0 else ""
                )
    for n in sorted(lengths - {1}):
        for power, what in ((0.5, "is too much"), (-0.5, "is missing")):
            if _close(ratio, n**power):
                return "factor", f": a factor of √{n} {what}"
    for n, m in itertools.permutations(sorted(lengths - {1}), 2):
        if _close(ratio, n / m):
            return "count", f": divided by {m}, where {n} are to be counted"
    return "factor", ""


_CONSTANTS = (
    (2.0, "2"), (4.0, "4"), (math.log(10), "ln 10"), (math.log(2), "ln 2"), (math.pi, "π"), (math.log(10) ** 2, "(ln 10)²"),
)  # fmt: skip


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-6 * abs(b)


def _lengths(x: Array) -> set[int]:
    """The lengths that a mean may have over axes of an array: of each one, of all, and of all but one."""
    every = {*x.shape, x.size, *(x.size // length for length in x.shape if length)}
    return {n for n in every if n > 1} | {n * n for n in x.shape if n > 1}


def places(e: Evidence) -> Iterator[Suspicion]:
    """The right numbers in the wrong places."""
    a, n = e.a, e.n
    if a.size != n.size or e.clear.sum() < FEWEST or not np.all(np.isfinite(a)):
        return
    for axes in itertools.permutations(range(a.ndim)):
        if list(axes) != sorted(axes) and e.is_right(a.transpose(axes)):
            said = (
                "the gradient is transposed"
                if a.ndim == 2
                else f"the axes of the gradient are permuted, by {axes}"
            )
            yield Suspicion("order", said)
    for axis in range(a.ndim):
        if a.shape[axis] < 2 or a.shape != n.shape:
            continue
        if e.is_right(np.flip(a, axis)):
            yield Suspicion("order", f"the gradient is reversed along axis {axis}")
        for k in range(1, a.shape[axis]):
            if e.is_right(np.roll(a, -k, axis)):
                by = k if 2 * k <= a.shape[axis] else k - a.shape[axis]
                yield Suspicion("order", f"the gradient is shifted by {by} along axis {axis}")
    if e.is_right(np.flip(a)):
        yield Suspicion("order", "the gradient is reversed along all axes")
    if any(e.is_right(a.reshape(n.shape, order=order)) for order in ("C", "F")) or e.is_right(
        a.reshape(-1, order="F").reshape(n.shape)
    ):
        yield Suspicion("order", "the elements of the gradient are in another order, as by a reshape")
    ranks = (np.argsort(x, axis=None, kind="stable") for x in (a, n))
    moved = np.empty(n.size)
    source, target = ranks
    moved[target] = a.reshape(-1)[source]
    if len(np.unique(n)) >= FEWEST and e.is_right(moved.reshape(n.shape)):
        yield Suspicion("order", "the numbers of the gradient are right, and stand in the wrong places")


def penalty(e: Evidence) -> Iterator[Suspicion]:
    """What the difference has to do with the values of the parameter itself."""
    a, n, error, theta = e.a, e.n, e.error, e.theta
    if theta is None or theta.shape != a.shape or not np.any(theta) or e.clear.sum() < FEWEST:
        return
    missing = n - a
    decay = float(np.sum(missing * theta) / np.sum(theta * theta))
    if not decay or np.any(np.abs(missing - decay * theta) > 4 * error + 1e-6 * np.abs(decay * theta)):
        return
    weight = 1.0 if e.g is None else float(e.g.flat[0]) if e.g.size == 1 else math.nan  # of the loss
    if not math.isnan(weight):
        decay /= weight
        if decay > 0:
            said = (
                f"what is missing is λ·θ with λ = {decay:.6g}: the loss has a regularization term that the gradient "
                f"has not"
            )
        else:
            said = (
                f"what is too much is λ·θ with λ = {-decay:.6g}: a regularization term that the loss has not"
            )
        yield Suspicion("penalty", said)


def signs(e: Evidence) -> Iterator[Suspicion]:
    """The right sizes with some wrong signs."""
    if e.a.shape != e.n.shape or not (e.wrong & e.clear).any() or (e.wrong & ~e.clear).any():
        return
    if e.is_right(np.where(e.wrong, -e.a, e.a)):
        yield Suspicion("sign", "the sizes are right, and some signs are wrong: a sign was lost")


def regions(e: Evidence) -> Iterator[Suspicion]:
    """Where it is wrong, by the values of the parameter."""
    wrong, theta = e.wrong, e.theta
    right = e.clear & ~wrong
    if theta is None or theta.shape != e.a.shape or wrong.sum() < FEWEST or right.sum() < FEWEST:
        return
    for where, words in ((theta < 0, "negative"), (theta > 0, "positive"), (theta == 0, "0")):
        if np.all(where[wrong]) and not np.any(where[right]):
            yield Suspicion("region", f"wrong where the value is {words}, and right where it is not")
