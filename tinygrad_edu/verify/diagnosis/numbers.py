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
from tinygrad_edu.verify.diagnosis.suspicion import FEWEST, Evidence, Suspicion, diagonal, same


def nothing(e: Evidence) -> Iterator[Suspicion]:
    """Numbers that are none, and zeros."""
    if not np.all(np.isfinite(e.a)):
        yield Suspicion("not finite", "the backward pass gives a number that is not finite")
    elif not e.a.any():
        yield Suspicion("detached", "the backward pass gives 0 everywhere")


def factor(e: Evidence) -> Iterator[Suspicion]:
    """The one factor by which everything is off."""
    a, n, error, clear = e.a, e.n, e.error, e.clear
    if a.shape != n.shape or clear.sum() < (2 if e.rule is None else 1) or not np.all(np.isfinite(a)):
        return
    ratio = a[clear] / n[clear]
    typical = float(np.median(ratio))
    spread = float(np.ptp(ratio) / max(np.abs(ratio).max(), np.finfo(float).tiny))
    allowed = 4 * error * (1 + abs(typical)) + 1e-6 * np.abs(typical * n)
    if (
        typical == 0
        or spread >= min(1e-5, abs(typical - 1) / 2)
        or not np.all(np.abs(a - typical * n) <= allowed)
        or not e.wrong.any()
    ):
        return
    digits = 6 if abs(typical - 1) > 1e-4 else 12
    cause, cure, likely = _named(typical, e)
    words = f"every entry is {typical:.{digits}f} × the numeric value"
    yield Suspicion(cause, words, f" (spread {spread:.0e}){cure}", likely)


def _named(ratio: float, e: Evidence) -> tuple[str, str, bool]:
    """The cause of a ratio, what is said of it, and whether it may be another one."""
    if _close(ratio, -1):
        return "sign", ": the sign is wrong", False
    uses = set() if e.jacobian is None else {int(n) for n in np.sum(np.nan_to_num(e.jacobian) != 0, axis=1)}
    m = max(uses, default=1)  # at the edges of a sliding window there are fewer
    if m > (1 if len(uses) == 1 else 2) and (_close(ratio, m) or _close(ratio, 1 / m)):
        return "count", f": a sum and a mean over its {m} uses are mixed up", len(uses) > 1
    lengths = {n for x in (e.a, *e.inputs, *([] if e.y is None else [e.y])) for n in _lengths(x)}
    for value, name in _CONSTANTS:
        for power, what in ((1, "is too much"), (-1, "is missing")):
            if _close(abs(ratio), value**power):
                sign = ", and the sign is wrong" if ratio < 0 else ""
                mean = e.jacobian is not None and not diagonal(e.jacobian) and value in lengths
                return "factor", f": a factor of {name} {what}{sign}{f', or a mean over {name}' * mean}", mean
    for n in sorted(lengths):
        if _close(ratio, n):
            return "count", f": not divided by the {n} elements of a mean", False
        if _close(ratio, 1 / n):
            return "count", f": divided by {n}, as in a mean, once too often", False
    for n in sorted(lengths):
        if n > 2 and (_close(ratio, n / (n - 1)) or _close(ratio, (n - 1) / n)):
            return "count", f": {n} and {n} − 1 may be mixed up", True
        for root, what in ((math.sqrt(n), "is too much"), (1 / math.sqrt(n), "is missing")):
            if _close(ratio, root):
                return "factor", f": a factor of √{n} {what}", False
    for n, m in itertools.permutations(sorted(lengths), 2):
        if _close(ratio, n / m):
            return "count", f": divided by {m}, where {n} may be what is to be counted", False
    return "factor", "", False


_CONSTANTS = (
    (2.0, "2"), (4.0, "4"), (math.pi, "π"),
    (math.log(2), "ln 2"), (math.log(10), "ln 10"), (math.log(10) ** 2, "(ln 10)²"),
)  # fmt: skip


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-6 * abs(b)


def _lengths(x: Array) -> set[int]:
    """What means over an array are divided by: the length of an axis, its square, the size, that of other axes."""
    every = {*x.shape, x.size, *(x.size // length for length in x.shape if length), *(n * n for n in x.shape)}
    return {n for n in every if n > 1}


def places(e: Evidence) -> Iterator[Suspicion]:
    """The right numbers in the wrong places."""
    a, n = e.a, e.n
    if a.size != n.size or e.clear.sum() < FEWEST or not np.all(np.isfinite(a)):
        return
    if a.shape == n.shape and np.allclose(a, n, rtol=1e-3, atol=0):
        return  # they are in their places, and a little off
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
    share = float(np.sum(a * theta) / np.sum(theta * theta))
    of_right = float(np.sum(n * theta) / np.sum(theta * theta))
    if share and same(a, share * theta) and not same(n, of_right * theta):
        words = "nothing but a multiple of the parameter: all the rest of the gradient is missing"
        yield Suspicion("path", words, likely=True)
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
    """Where it is wrong, by the values of the parameter or of another input, element by element."""
    wrong, theta = e.wrong, e.theta
    right = e.clear & ~wrong
    if theta is None or theta.shape != e.a.shape or wrong.sum() < FEWEST or right.sum() < FEWEST:
        return
    for where, words in ((theta < 0, "negative"), (theta > 0, "positive"), (theta == 0, "0")):
        if np.all(where[wrong]) and not np.any(where[right]):
            slopes = e.a[wrong] / np.where(e.n[wrong] == 0, np.nan, e.n[wrong])
            plain = np.ptp(slopes) < 1e-6 * np.abs(slopes).max()  # another formula there is another cause
            said = f"wrong where the value is {words}, and right where it is not"
            yield Suspicion("region", said, likely=not plain)
    known = {f"input {j}": x for j, x in enumerate(e.inputs) if x.shape == e.a.shape}
    moving = {name: x for name, x in known.items() if x.dtype.kind == "f"}
    for name, x in known.items():
        for value in np.unique(x) if x.dtype.kind in "iub" else ():
            if np.all(x[wrong] == value) and not np.any(x[right] == value):
                yield Suspicion("region", f"wrong where {name} is {value}, and right where it is not")
    values = moving | {
        f"{p} − {q}": moving[p] - moving[q] for p, q in itertools.combinations(moving, 2)
    }  # fmt: skip
    for name, x in values.items():
        for what, v in ((name, x), (f"the size of {name}", np.abs(x))):
            for words, low, high in (("large", v[right], v[wrong]), ("small", v[wrong], v[right])):
                if low.max() < high.min():
                    few = min(wrong.sum(), right.sum()) < 2 * FEWEST
                    border = f", beyond {(low.max() + high.min()) / 2:.2g} or so" if words == "large" else ""
                    yield Suspicion("region", f"wrong only where {what} is {words}{border}", likely=bool(few))
