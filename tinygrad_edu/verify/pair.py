"""A forward and a backward pass as a pair of plain functions, and what several witnesses say of the pair at one point.

    hygiene      the inputs, y and ȳ are left alone; a second call gives the same; every gradient has its input's shape
    linearity    vjp(a ȳ₁ + b ȳ₂) = a vjp(ȳ₁) + b vjp(ȳ₂), to rounding: there is no tolerance to choose
    numeric      every component against a numerical derivative, at kinks between the slopes of both sides
    ties         along directions in which equal values stay equal: there a tied maximum is smooth, so its gradient,
                 which may be shared out in any way, must have the right sum

A backward pass that ignores ȳ, or clips it, fails the second; one that gives a tied maximum to both operands only the
fourth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.custom import CustomFunction
from tinygrad_edu.inputs import input_leaf
from tinygrad_edu.state import state_restored
from tinygrad_edu.types import Array
from tinygrad_edu.verify.noise import noise_of, norm
from tinygrad_edu.verify.numerical import Gradient, differentiate
from tinygrad_edu.verify.report import Row, judge


class Pair(NamedTuple):
    """f(*xs) → y and vjp(g, y, *xs) → a gradient (or None) for each input, both on arrays; and the inputs' names."""

    f: Callable[..., Any]
    vjp: Callable[..., list[Any]]
    names: list[str]


def pair_of(target: Any, arguments: list[Any], leaves: dict[str, Any]) -> tuple[Pair, list[Array]]:
    """The pair behind a target, and the present values of its inputs.

    Of a custom function it is the one that it was made of. Of any other it is the engine's: a forward pass and a
    reverse sweep, as functions of those arguments that require a gradient.
    """
    called = {id(leaf): name for name, leaf in leaves.items()}
    names = [called.get(id(x), f"input {i}") for i, x in enumerate(arguments)]
    if isinstance(target, CustomFunction):
        return Pair(target.f, target.gradients, names), [np.asarray(value_of(x)) for x in arguments]
    places = [i for i, x in enumerate(arguments) if id(x) in called]

    def call(xs: Sequence[Array]) -> tuple[Any, list[Any]]:
        moved = dict(zip(places, (input_leaf(np.array(x), True) for x in xs), strict=True))
        return target(*[moved.get(i, x) for i, x in enumerate(arguments)]), list(moved.values())

    def f(*xs: Array) -> Any:
        with no_grad(), state_restored():
            return call(xs)[0].value

    def vjp(g: Array, y: Array, *xs: Array) -> list[Any]:
        with state_restored():
            output, inputs = call(xs)
        return gradients(output, inputs, g) if output.requires_grad else [None] * len(inputs)

    return Pair(f, vjp, [names[i] for i in places]), [np.asarray(arguments[i].value) for i in places]


def examine(
    pair: Pair,
    inputs: list[Array],
    rng: np.random.Generator,
    *,
    most: int,
    strict: bool = True,
    floors: Sequence[float] = (),
) -> list[Row] | None:
    """A row for every input of floats, or None where the function has no finite value or the pair cannot be called.

    Args:
        pair: the functions.
        inputs: the point.
        rng: of the weights and directions.
        most: how many components of an input are looked at; beyond that, random ones are chosen.
        strict: whether a gradient that is not finite is wrong where the function is smooth.
        floors: for each input of floats, what may be rounding in any case: where x − mean(x) is 0, it comes out as
            10⁻¹⁶, and is as large beside 0 as one likes.
    """
    xs = [np.array(x) for x in inputs]
    with np.errstate(all="ignore"):
        y = np.array(pair.f(*xs))
        if y.dtype.kind not in "fiu" or not np.isfinite(y).all():
            return None
        g = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape)
        found, trouble = _hygiene(pair, inputs, y, g)
        if not trouble:
            trouble = _linearity(pair, inputs, y, g, found, rng)
        floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
        if trouble:
            return [_refused(pair.names[i], i, inputs[i], found, trouble) for i in floats]
        rounding = _rounding(pair, inputs, y, g, found)
        for i, floor in zip(floats, floors, strict=False):
            rounding[i] = max(rounding[i], floor)
        rows = {i: _numeric(pair, inputs, i, g, found[i], rounding[i], rng, most, strict) for i in floats}
        for _ in range(2):
            for hold in (False, True):
                _along_ties(pair, inputs, floats, g, found, rounding, rows, rng, hold)
    return [rows[i] for i in floats]


def _hygiene(pair: Pair, inputs: list[Array], y: Array, g: Array) -> tuple[list[Array], str]:
    """The gradients, and what is wrong with the way they came about."""
    xs, given, output = [np.array(x) for x in inputs], g.copy(), y.copy()
    again = np.array(pair.f(*xs))
    if not all(map(_same, xs, inputs)):
        return [], "the forward pass changes its inputs in place"
    if not _same(again, y):
        return [], "two forward passes with the same inputs differ"
    first = pair.vjp(given, output, *xs)
    if len(first) != len(inputs):
        return [], f"{len(first)} gradients came for {len(inputs)} inputs"
    first = [np.zeros(x.shape) if d is None else np.array(d) for d, x in zip(first, inputs, strict=True)]
    if not all(map(_same, xs, inputs)):
        return first, "the backward pass changes the inputs in place"
    if not _same(given, g):
        return first, "the backward pass changes the cotangent of the output in place"
    if not _same(output, y):
        return first, "the backward pass changes the output in place"
    second = pair.vjp(g.copy(), y.copy(), *[np.array(x) for x in inputs])
    for i, (d, e, x) in enumerate(zip(first, second, inputs, strict=True)):
        if d.shape != x.shape:
            return first, f"the gradient of {pair.names[i]} has shape {d.shape}, the input {x.shape}"
        if d.dtype.kind not in "fiu" and x.dtype.kind == "f":
            return first, f"real numbers were expected as the gradient of {pair.names[i]}, {d.dtype} came"
        if x.dtype.kind == "f" and e is not None and not _same(np.array(e), d):
            return (
                first,
                "a second call of the backward pass gives another gradient: it keeps something from the first",
            )
    return first, ""


def _same(a: Array, b: Array) -> bool:
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f"))


def _pulled(pair: Pair, inputs: list[Array], y: Array, g: Array) -> list[Array]:
    found = pair.vjp(g.copy(), y.copy(), *[np.array(x) for x in inputs])
    return [np.zeros(x.shape) if d is None else np.array(d) for d, x in zip(found, inputs, strict=True)]


def _linearity(
    pair: Pair, inputs: list[Array], y: Array, g: Array, found: list[Array], rng: np.random.Generator
) -> str:
    """What is wrong with the backward pass as a function of the cotangent, in which it must be linear."""
    other = rng.normal(size=y.shape)
    of_other = _pulled(pair, inputs, y, other)
    for a, b in ((-1.0, 0.0), (1e4, 0.0), (1e-4, 0.0), (2.0, -3.0)):
        combined = _pulled(pair, inputs, y, a * g + b * other)
        for d, e, c in zip(found, of_other, combined, strict=True):
            expected, size = a * d + b * e, np.abs(a * d) + np.abs(b * e)
            finite = np.isfinite(expected) & np.isfinite(c)
            eps = float(np.finfo(c.dtype).eps) if c.dtype.kind == "f" else 0.0
            allowed = max(1e-9, 64 * eps) * np.maximum(size, norm(size[finite]) / max(c.size, 1) ** 0.5)
            if np.any(np.abs(c - expected)[finite] > allowed[finite]):
                what = f"{a:g} times the cotangent does not give {a:g} times the gradient" if not b else ""
                return f"the backward pass is not linear in the cotangent{': ' + what if what else ''}"
    return ""


def _rounding(pair: Pair, inputs: list[Array], y: Array, g: Array, found: list[Array]) -> list[float]:
    """How much of each gradient is rounding: three times the cotangent gives three times the gradient, rounded anew."""
    rounding = []
    for d, e in zip(found, _pulled(pair, inputs, y, 3 * g), strict=True):
        finite = np.isfinite(d) & np.isfinite(e)
        apart, largest = (e / 3 - d)[finite], float(np.abs(d[finite]).max(initial=0.0))
        eps = float(np.finfo(d.dtype).eps) if d.dtype.kind == "f" else 0.0
        rounding.append(min(8 * norm(apart) / max(apart.size, 1) ** 0.5, 16 * eps * largest))
    return rounding


def _refused(name: str, i: int, x: Array, found: list[Array], trouble: str) -> Row:
    at = float(found[i].flat[0]) if len(found) > i and found[i].size else float("nan")
    nothing = (0,) * x.ndim if x.size else ()
    return Row(name, x.shape, "wrong", 1.0, nothing, at, float("nan"), float("inf"), x.size, 0, trouble,
               (0.0, 0.0, 0.0))  # fmt: skip


# ---- numerically ----


def _weighted(pair: Pair, inputs: list[Array], g: Array, moved: Callable[[float], dict[int, Array]]) -> Any:
    """The one number Σ g · f as a function of how far some inputs have moved."""

    def along(t: float) -> float:
        changed = moved(t)
        y = np.asarray(pair.f(*[changed[i] if i in changed else np.array(x) for i, x in enumerate(inputs)]))
        return float(np.sum(g * y)) if y.shape == g.shape else float("nan")

    return along


def _numeric(
    pair: Pair, inputs: list[Array], i: int, g: Array, found: Array, rounding: float, rng: np.random.Generator,
    most: int, strict: bool,
) -> Row:  # fmt: skip
    """Compare components of one gradient with numerical derivatives."""
    x = inputs[i].astype(float)
    size = norm(x) / max(x.size, 1) ** 0.5
    direction = rng.uniform(0.5, 1.0, x.shape) * (size or 1.0)
    noise = noise_of(_weighted(pair, inputs, g, lambda t: {i: x + t * direction}), 0.0)
    middle = _weighted(pair, inputs, g, lambda t: {})(0.0)
    at = np.arange(x.size) if x.size <= most else np.sort(rng.choice(x.size, most, replace=False))
    columns = np.full((3, x.size), (np.nan,), float)
    columns[1] = np.inf
    for k in at:

        def moved(t: float, k: int = k) -> dict[int, Array]:
            other = x.copy()
            other.flat[k] = t
            return {i: other}

        there = float(x.flat[k])
        columns[:, k] = differentiate(
            _weighted(pair, inputs, g, moved),
            there,
            noise=noise,
            scale=max(abs(there), size) or 1.0,
            at_x=middle,
        )
    for k in at:
        if columns[2, k] > 0 and abs(found.flat[k] - columns[0, k]) > columns[2, k]:
            columns[2, k] = max(columns[2, k], _spread(pair, inputs, i, int(k), g, columns[0, k], noise, rng))
    # Where the function has a kink, or no derivative that could be seen, a backward pass may even say NaN.
    a = found.reshape(-1)
    free = ~np.isfinite(a) & ((columns[2] > 0) | ~np.isfinite(columns[1]) | (not strict))
    at = at[~free[at]]
    row = judge(pair.names[i], a[at], Gradient(*columns[:, at]), rounding)
    worst = tuple(map(int, np.unravel_index(int(at[row.worst[0]]), x.shape))) if row.worst else ()
    return replace(row, shape=x.shape, worst=worst)


def _spread(
    pair: Pair, inputs: list[Array], i: int, k: int, g: Array, middle: float, noise: float, rng: np.random.Generator
) -> float:  # fmt: skip
    """How far the slopes around a kink are from the one in the middle.

    Of a function that is neither convex nor concave there, such as a sort of equal values, the two slopes at the kink
    itself do not bound those nearby, and each of these is a gradient to be had (Clarke 1975).
    """
    farthest = 0.0
    for _ in range(16):
        near = [
            x + 1e-3 * (norm(x) / x.size**0.5 or 1.0) * rng.normal(size=x.shape)
            if x.dtype.kind == "f" and x.size
            else x
            for x in inputs
        ]

        def moved(t: float, near: list[Array] = near) -> dict[int, Array]:
            other = near[i].copy()
            other.flat[k] = t
            return {i: other}

        slope = differentiate(
            _weighted(pair, near, g, moved), float(near[i].flat[k]), noise=noise, scale=1e-3
        )
        if slope.error < 0.1 * abs(slope.value - middle):
            farthest = max(farthest, abs(slope.value - middle))
    return farthest


def _along_ties(
    pair: Pair, inputs: list[Array], floats: list[int], g: Array, found: list[Array], rounding: list[float],
    rows: dict[int, Row],
    rng: np.random.Generator, hold: bool,
) -> None:  # fmt: skip
    """Move equal values together, and whole numbers not at all if they are to be held, and correct the rows."""
    values = np.concatenate([inputs[i].ravel() for i in floats]).astype(float)
    distinct, group = np.unique(values, return_inverse=True)
    speed = rng.uniform(0.5, 1.5, distinct.shape)
    if hold:
        speed[distinct == np.round(distinct)] = 0.0
    size = norm(values) / max(values.size, 1) ** 0.5 or 1.0
    pieces = np.split(speed[group.reshape(-1)], np.cumsum([inputs[i].size for i in floats])[:-1])
    directions = {i: piece.reshape(inputs[i].shape) for i, piece in zip(floats, pieces, strict=True)}
    terms = np.concatenate([(found[i] * directions[i]).ravel() for i in floats])
    if not np.any(speed) or not np.isfinite(terms).all():
        return
    along = _weighted(pair, inputs, g, lambda t: {i: inputs[i] + t * directions[i] for i in floats})
    n = differentiate(along, 0.0, noise=noise_of(along, 0.0, size), scale=size)
    allowed = 4 * n.error + 1e-9 * (abs(n.value) + float(np.abs(terms).sum()))
    allowed += sum(rounding[i] * float(np.abs(directions[i]).sum()) for i in floats)
    if n.jump or not n.error <= 1e-3 * float(np.abs(terms).sum() + abs(n.value)):
        return  # a kink in this direction, too, or nothing that could be seen
    total = float(terms.sum())
    if abs(total - n.value) <= allowed:
        return
    for i, row in rows.items():
        if row.verdict != "wrong":
            rows[i] = replace(
                row, verdict="wrong", note=f"where equal values move together, the slope is {n.value:.9g}, and the "
                f"gradients add up to {total:.9g}",
            )  # fmt: skip
