"""A pair of forward and backward pass before the witnesses: at one point, and at all that are made of an example.

    conduct        inputs, output and cotangent are left alone; linear in the cotangent; the same when asked again
    by component   each derivative against a numerical one
    along ties     the sum of the gradients, where equal values move together

The first point at which something is wrong decides, for what follows from it is not worth a second look.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.core.primitive import registry
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.types import Array
from tinygrad_edu.verify.conduct import hygiene, linearity, pulled, rounding_of
from tinygrad_edu.verify.culprits import culprits, refused
from tinygrad_edu.verify.hazards import hazard_points, number_of_points
from tinygrad_edu.verify.pair import Pair, pair_of_node
from tinygrad_edu.verify.report import Row
from tinygrad_edu.verify.sides import warn_of_time
from tinygrad_edu.verify.slopes import along_ties, by_component
from tinygrad_edu.verify.symmetry import ADVICE
from tinygrad_edu.verify.weighted import Weighted


def examine(
    pair: Pair,
    inputs: list[Array],
    rng: np.random.Generator,
    *,
    most: int,
    floors: Sequence[float] = (),
) -> list[Row] | None:
    """A row for every input of floats, or None where the function has no finite value or the pair cannot be called.

    Args:
        pair: the functions.
        inputs: the point.
        rng: of the weights and directions.
        most: how many components of an input are looked at; beyond that, random ones are chosen.
        floors: for each input of floats, what may be rounding in any case: where x − mean(x) is 0, it comes out as
            10⁻¹⁶, and is as large beside 0 as one likes.
    """
    with np.errstate(all="ignore"):
        y = np.array(pair.f(*[np.array(x) for x in inputs]))
        if y.dtype.kind not in "fiu":
            raise TypeError(f"check: real numbers were expected of the function, {y.dtype} came")
        if not np.isfinite(y).all():
            return None
        g = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape)
        floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
        least = dict(zip(floats, floors, strict=False))
        found, trouble = hygiene(pair, inputs, y, g)
        if not trouble:
            trouble = linearity(pair, inputs, y, g, found, least, rng)
        if trouble:
            at = culprits(pair, inputs, y, g, found, floats)
            return [refused(pair.names[i], i, inputs[i], found, trouble, at) for i in floats]
        rounding = rounding_of(pair, inputs, y, g, found)
        for i in least:
            rounding[i] = max(rounding[i], least[i])
        inside = _inside(pair, inputs, rng)
        f = Weighted(pair, inputs, g)
        rows = {i: by_component(f, i, found[i], rounding[i], rng, most, inside) for i in floats}
        whole = all(inputs[i].size <= most for i in floats)
        for hold in (False, True, False, True):
            # What is wrong already would explain a wrong sum, and of a matrix half of which is not read it is none.
            if not any(row.verdict == "wrong" or row.note == ADVICE for row in rows.values()):
                along_ties(f, floats, found, rounding, rows, rng, hold, whole)
        if any(row.verdict == "wrong" for row in rows.values()) and _unstable(pair, inputs, y, g, found):
            return None
    return [rows[i] for i in floats]


def _unstable(pair: Pair, inputs: list[Array], y: Array, g: Array, found: list[Array]) -> bool:
    """Whether the gradient is rounding through and through: a last digit of the inputs changes it, as 10⁻¹⁶ / 10⁻¹⁶.

    Or the value itself is: it moves a hundred million times as far as the inputs. For the gradient all digits are
    changed alike, so that equal values stay equal.
    """
    eps, rng = 4 * np.finfo(float).eps, np.random.default_rng(4)
    beside = [x * (1 + eps * rng.uniform(-1, 1, x.shape)) if x.dtype.kind == "f" else x for x in inputs]
    moved = np.abs(np.asarray(pair.f(*beside)) - y).max(initial=0.0)
    size = max(float(np.abs(x).max(initial=0.0)) for x in inputs if x.dtype.kind == "f")
    if moved > max(1e-4 * np.abs(y).max(initial=0.0), 1e8 * eps * size):
        return True
    for sign in (1, -1):
        near = [x * (1 + sign * eps) if x.dtype.kind == "f" else x for x in inputs]
        for d, e in zip(found, pulled(pair, near, np.array(pair.f(*near)), g), strict=True):
            if np.any(np.abs(d - e) > 1e-4 * np.abs(d).max(initial=0.0)):
                return True
    return False


def _inside(pair: Pair, inputs: list[Array], rng: np.random.Generator) -> bool:
    """Whether the function goes on in all directions. Where it ends, as a^b at a = 0, a rule may end, too."""
    for distance in (1e-3, -1e-3):
        near = [
            x + distance * rng.uniform(0.5, 1, x.shape) if x.dtype.kind == "f" else x.copy() for x in inputs
        ]
        if not np.isfinite(np.asarray(pair.f(*near))).all():
            return False
    return True


# ---- at all of them ----

_MOST = 400  # components at the example inputs themselves
_FEW = 40  # and at each hazard point
_TIMED = 3  # hazard points, by which one can say how long the others will take


def rows_at_hazards(pair: Pair, inputs: list[Array], rng: np.random.Generator) -> list[Row]:
    """A row for every input of floats: the first point at which it is wrong, or else the first that shows it right."""
    rows, point = found_at(pair, inputs, rng)
    if not any(row.verdict == "wrong" for row in rows):
        return rows
    from tinygrad_edu.verify.explanation import explained  # it is needed only now

    return explained(pair, point, rows, judge_few, inputs)


def judge_few(pair: Pair, inputs: list[Array]) -> list[Row] | None:
    """The rows at one more point, as at a hazard point."""
    return _examined(pair, inputs, np.random.default_rng(0), [])


def found_at(pair: Pair, inputs: list[Array], rng: np.random.Generator) -> tuple[list[Row], list[Array]]:
    """The same rows without their causes, and the point: the first at which one is wrong, or the last."""
    here = examine(pair, inputs, rng, most=_MOST)
    if here is None:
        raise ValueError(
            "check: the function is not finite at the example inputs: a check needs a point where it is"
        )
    if any(row.note == ADVICE for row in here):
        return here, inputs  # of hazard points without symmetry there would be less to say
    rows, seen, point = here, 0, inputs
    floors = [16 * float(np.finfo(float).eps) * row.norms[2] for row in here]
    number, started = number_of_points(inputs), time.perf_counter()
    for count, (name, changed) in enumerate(hazard_points(inputs, rng)):
        if count == _TIMED:
            left = (time.perf_counter() - started) * (number / _TIMED - 1)
            warn_of_time(left, f"{number - _TIMED} more hazard points", "smaller example inputs show as much")
        if any(row.verdict == "wrong" for row in rows):
            return rows, point
        there = _examined(pair, changed, rng, floors)
        if there is None:
            continue
        seen, point = seen + 1, changed
        rows = [
            _graver(row, replace(other, name=f"{row.name}, {name}"))
            for row, other in zip(rows, there, strict=True)
        ]
    if not any(row.verdict == "wrong" for row in rows):
        rows = [replace(row, note=row.note or f"right at {seen} hazard points, too") for row in rows]
    return rows, point


def _examined(
    pair: Pair, inputs: list[Array], rng: np.random.Generator, floors: list[float]
) -> list[Row] | None:
    """The rows at a hazard point, or None if it is none."""
    forward = pair.f

    def f(*xs: Array) -> Any:
        try:
            return forward(*xs)
        except Exception:  # whatever a function says of values that it was not made for
            return np.nan

    backward = pair.vjp

    def vjp(g: Array, y: Array, *xs: Array) -> list[Any]:
        try:
            return backward(g, y, *xs)
        except ArithmeticError:  # what Python's numbers say where NumPy's say NaN
            return [np.full(x.shape, np.nan) for x in xs]

    pair = pair._replace(f=f, vjp=vjp)
    most = max(_FEW // max(len(floors), 1), 8)
    try:
        rows = examine(pair, inputs, rng, most=most, floors=floors)
    except np.linalg.LinAlgError:  # a matrix without an inverse, say
        return None
    except Exception as error:
        trouble = f"the backward pass raises {type(error).__name__}: {error}"
        floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
        return [refused(pair.names[i], i, inputs[i], [], trouble, dict.fromkeys(floats, 0)) for i in floats]
    if pair.record and rows and any(row.verdict == "wrong" for row in rows):
        if _guilty(pair.record(inputs)[0], rng, most):
            return rows
        # Kinks of several operations may fall together, and what is right for each alone is none of the slopes of all.
        near = [x + 1e-4 * rng.normal(size=x.shape) if x.dtype.kind == "f" else x for x in inputs]
        return examine(pair, near, rng, most=most, floors=floors)
    return rows


def _guilty(output: Any, rng: np.random.Generator, most: int) -> bool:
    """Whether an operation of the user's is wrong by itself, at the values that it has in a graph."""
    for node in topological_order([output]):
        if node.op is not None and registry.get(node.op.name) is not node.op:
            pair, inputs = pair_of_node(node)
            rows = examine(pair, inputs, rng, most=most)
            if rows and any(row.verdict == "wrong" for row in rows):
                return True
    return False


def _graver(row: Row, other: Row) -> Row:
    """What is wrong anywhere is wrong; what one point leaves open another may show."""
    if other.verdict == "wrong" or (other.verdict == "verified" and row.verdict != "verified"):
        return other
    return row
