"""The gradients of a pair against numerical slopes, at kinks and ties as well as where the function is smooth.

    by component   each against a numerical derivative; at a kink between the slopes of both sides
    along ties     in directions in which equal values stay equal. A tied maximum is smooth there, so its gradient,
                   which may be shared out in any way, must have the right sum

A backward pass that gives a tied maximum to both operands passes the first and fails the second.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.noise import norm
from tinygrad_edu.verify.numerical import Estimate
from tinygrad_edu.verify.report import Row, judge
from tinygrad_edu.verify.steps import Gradient, search
from tinygrad_edu.verify.weighted import Weighted


def by_component(
    f: Weighted, i: int, found: Array, rounding: float, rng: np.random.Generator, most: int, interior: bool
) -> Row:  # fmt: skip
    """Compare components of one gradient, that by input i, with numerical derivatives."""
    x = f.inputs[i].astype(float)
    size = _size(x)
    noise, middle = f.noise, f.middle
    at = np.arange(x.size) if x.size <= most else np.sort(rng.choice(x.size, most, replace=False))
    columns = np.full((3, x.size), (np.nan,), float)
    columns[1] = np.inf

    def moved(which: Array, to: Array) -> Array:
        return f([{i: _with(x, k, t)} for k, t in zip(which, to.tolist(), strict=True)])

    def slopes(at: Array, zoom: float = 1.0) -> Gradient:
        there = x.flat[at]
        scale = zoom * np.maximum(np.abs(there), size)
        return search(lambda k, t: moved(at[k], t), there, scale=scale, middle=middle, noise=noise)

    columns[:, at] = slopes(at)
    # Where the function has a kink, or no derivative that could be seen, a backward pass may even say NaN.
    a = found.reshape(-1)
    free = ~np.isfinite(a) & ((columns[2] > 0) | ~np.isfinite(columns[1]) | (not interior))
    at = at[~free[at]]
    row = _judged(f.pair.names[i], a, columns, at, x, rounding)
    if row.verdict == "wrong":
        rough = noise > _ROUGH * abs(middle)
        for k in at:
            value, error, jump = columns[:, k]
            apart = abs(a[k] - value)
            if apart <= jump + 4 * error + 1e-9 * abs(value):
                continue
            if any(
                _unfounded(
                    Estimate(*np.ravel(slopes(np.array([k]), zoom))),
                    Estimate(value, error, jump),
                    a[k],
                    rough,
                )
                for zoom in ZOOMS
            ):  # it accuses nobody
                columns[1, k] = np.inf
                continue
            columns[2, k] = max(jump, _spread(f, i, int(k), value, apart, rng))
            if not apart <= columns[2, k]:
                break  # this one is wrong, and that is enough
        row = _judged(f.pair.names[i], a, columns, at, x, rounding)
    return row


ZOOMS = 2.0**-4, 2.0**-10


def _unfounded(close: Estimate, far: Estimate, said: float, rough: bool) -> bool:
    """Whether a closer look takes back that a slope is not what a backward pass has said.

    So it is if short steps contradict the long ones, as on a staircase; and on a rough function, whose noise is more
    than rounding, if they leave it open.
    """
    if close.value == 0 != far.value:  # the function stood still, which noise does not
        return True
    allowed = 4 * (close.error + far.error) + close.jump + far.jump + 1e-6 * abs(far.value)
    if abs(close.value - far.value) > allowed:
        return True
    return bool(rough and abs(close.value - said) <= 4 * close.error + close.jump)


_ROUGH = 2e-7  # relative noise: more than float32 makes


def _judged(name: str, a: Array, columns: Array, at: Array, x: Array, rounding: float) -> Row:
    """The row of all components, in the shape of the input, or of those that were looked at."""
    if len(at) == x.size:
        numeric = Gradient(*(column.reshape(x.shape) for column in columns))
        return judge(name, a.reshape(x.shape), numeric, rounding, x)
    row = judge(name, a[at], Gradient(*columns[:, at]), rounding, x.reshape(-1)[at])
    worst = tuple(map(int, np.unravel_index(int(at[row.worst[0]]), x.shape))) if row.worst else ()
    return replace(row, shape=x.shape, worst=worst)


def _spread(f: Weighted, i: int, k: int, middle: float, wanted: float, rng: np.random.Generator) -> float:
    """How far the slopes around a kink are from the one in the middle; 0 if there is no kink.

    A function that is neither convex nor concave, such as a sort or a median of equal values, may be smooth in each
    component and yet have a kink, and its slopes at the kink do not bound those nearby. Each of these belongs to the
    gradients that there are (Clarke 1975). They differ however near one goes; those of a smooth function do not.

    Nearby points are tried until a slope is as far off as what is `wanted`: first two at which equal values have become
    ascending and descending, for whoever takes the first or the last of them, then random ones. Where more values may
    be equal than can be tried, a kink that is seen is believed to explain as much; and where hardly two slopes are the
    same, as of eigenvalues that are equal, the outermost has not been met.
    """
    x, size = f.inputs[i], _size(f.inputs[i])

    def near(distance: float, order: int) -> list[Array]:
        if order:
            rank = order * np.arange(x.size).reshape(x.shape)
            return [*f.inputs[:i], x + distance * size * rank, *f.inputs[i + 1 :]]
        return [
            x + distance * _size(x) * rng.normal(size=x.shape) if x.dtype.kind == "f" else x for x in f.inputs
        ]

    def off(distance: float, order: int = 0) -> float:
        """How far the slope is at one of the points nearby, if that can be seen."""
        point = near(distance, order)

        def moved(t: float) -> dict[int, Array]:
            return dict(enumerate(point)) | {i: _with(point[i], k, t)}

        slope = f.slope(moved, float(point[i].flat[k]), distance * size, attempts=2)
        apart = abs(slope.value - middle)
        return apart + slope.error if slope.error < 0.1 * apart else 0.0

    far, seen = max(off(1e-3) for _ in range(16)), [0.0]
    for order in [1, -1] + [0] * min(8 * x.size, _TRIES):
        seen.append(off(1e-5, order))
        if seen[-1] >= max(wanted, 0.1 * far):
            break
    close = max(seen)
    if close <= 0.1 * far:
        return 0.0
    if len({f"{each:.6g}" for each in seen}) > len(seen) / 2:
        return _BEYOND * max(far, close)
    return max(far, close, wanted if 8 * x.size > _TRIES else 0.0)


_TRIES = 400
_BEYOND = 1.5  # times as far as what was met


def _with(x: Array, k: int, value: float) -> Array:
    """A copy of x with another value at place k, in the order of memory."""
    other = np.array(x)
    other.flat[k] = value
    return other


def _size(x: Array) -> float:
    """What is large or small for an element: the root of the mean square."""
    return norm(x) / max(x.size, 1) ** 0.5 or 1.0


def along_ties(
    f: Weighted, floats: list[int], found: list[Array], rounding: list[float], rows: dict[int, Row],
    rng: np.random.Generator, hold: bool, whole: bool,
) -> None:  # fmt: skip
    """Move equal values together, and whole numbers not at all if they are to be held, and correct the rows.

    Where there are no ties, and the rows are about the `whole` of the inputs, it would find nothing that they have not.
    If the sum is wrong, each group of equal values is moved by itself, to find out whose gradients do not add up.
    """
    inputs = f.inputs
    values = np.concatenate([inputs[i].ravel() for i in floats]).astype(float)
    distinct, group = np.unique(values, return_inverse=True)
    integers = distinct == np.round(distinct)
    if (whole and distinct.size == values.size) or (hold and not integers.any()):
        return
    starts = np.cumsum([inputs[i].size for i in floats])[:-1]
    groups = dict(zip(floats, np.split(group.reshape(-1), starts), strict=True))

    def note(speed: Array) -> str:
        directions = {i: speed[groups[i]].reshape(inputs[i].shape) for i in floats}
        return _wrong_sum(f, directions, found, rounding, _size(values))

    speed = rng.uniform(0.5, 1.5, distinct.shape)
    if hold:
        speed[integers] = 0.0
    said = note(speed)
    if not said:
        return
    for k in np.flatnonzero(speed)[:_GROUPS]:
        alone = np.where(np.arange(distinct.size) == k, speed, 0.0)
        if of_one := note(alone):
            members = {i: np.flatnonzero(groups[i] == k) for i in floats}
            break
    else:
        of_one, members = said, {i: np.arange(inputs[i].size) for i in floats}
    for i, row in rows.items():
        if row.verdict == "wrong" or not members[i].size:
            continue
        there = found[i].reshape(-1)[members[i]]
        k = int(members[i][np.argmax(np.abs(there))])
        worst = tuple(map(int, np.unravel_index(k, row.shape)))
        rows[i] = replace(
            row,
            verdict="wrong",
            note=of_one,
            worst=worst,
            backward=float(found[i].flat[k]),
            numeric=np.nan,
            error=np.inf,
        )


_GROUPS = 40  # of equal values that are moved by themselves


def _wrong_sum(
    f: Weighted, directions: dict[int, Array], found: list[Array], rounding: list[float], size: float
) -> str:  # fmt: skip
    """What is wrong with the sum of the gradients in a direction, or ""."""
    terms = np.concatenate([(found[i] * direction).ravel() for i, direction in directions.items()])
    if not any(direction.any() for direction in directions.values()) or not np.isfinite(terms).all():
        return ""

    def moved(t: float) -> dict[int, Array]:
        return {i: f.inputs[i] + t * d for i, d in directions.items()}

    n = f.slope(moved, 0.0, size)
    allowed = 4 * n.error + 1e-9 * (abs(n.value) + float(np.abs(terms).sum()))
    allowed += sum(rounding[i] * float(np.abs(d).sum()) for i, d in directions.items())
    if n.jump or not n.error <= 1e-3 * float(np.abs(terms).sum() + abs(n.value)):
        return ""  # a kink in this direction, too, or nothing that could be seen
    total = float(terms.sum())
    if abs(total - n.value) <= allowed:
        return ""
    rough = f.noise > _ROUGH * abs(f.middle)
    zoomed = (f.slope(moved, 0.0, zoom * size) for zoom in ZOOMS)
    if any(_unfounded(close, n, total, rough) for close in zoomed):
        return ""
    return f"where equal values move together, the slope is {n.value:.9g}, and the gradients add up to {total:.9g}"
