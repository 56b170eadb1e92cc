"""A mistake in one operation of a graph that was recorded already: its rule is exchanged, and its values are not.

    y = f(x; W)  recorded   →   node.op ← the same operation with a wrong rule   →   reverse sweep   →   node.op ← f

The other operations of the graph keep their rules, even if they are of the same kind.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.suite.mutation.equivalents import EQUIVALENT
from tinygrad_edu.suite.mutation.mutant import copied
from tinygrad_edu.suite.mutation.semantic import Shapes, mistakes, rules_with, vjp_of
from tinygrad_edu.suite.mutation.source import source_mutants
from tinygrad_edu.types import Array, Rule
from tinygrad_edu.verify.hazards import hazard_points

T = TypeVar("T")


class Mistake(NamedTuple):
    """A wrong vjp (g, y, *xs) for one operand of an operation, its name, and the source before and after, if any."""

    operand: int
    name: str
    vjp: Rule
    diff: str = ""


@contextmanager
def with_mistake(node: Any, mistake: Mistake) -> Iterator[None]:
    """Within it a recorded operation has a wrong rule."""
    op, a, b = node.op, node.a, node.b
    rules = rules_with(op, mistake.operand, mistake.vjp)
    node.a, node.b = node.args, node.params  # the long form of the record: the short one is for partials
    node.op = copied(op, rules, elementwise=False)
    try:
        yield
    finally:
        node.op, node.a, node.b = op, a, b


def quietly(compute: Callable[[], T]) -> T:
    """What a computation returns, without warnings: a wrong rule may divide by 0."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return compute()


# ---- which mistakes there could be ----


def mistakes_at(node: Any) -> Iterator[Mistake]:
    """The mistakes in the rules of one recorded operation that could make a difference there, each once.

    Left out are those that whoever makes them finds out at once, since they raise an error or return another shape.
    """
    op, wanted = node.op, [i for i, x in enumerate(node.args) if x.requires_grad]
    shapes: list[Shapes] = [[shape_of(x.value) for x in (node, *node.args)]]
    calls = list(calls_at(node))
    shapes += [[np.shape(x) for x in (call.y, *call.xs)] for call in calls]
    for i in wanted:
        right = vjp_of(op, i)
        expected, seen = [result(right, call) for call in calls], set[tuple[bytes, ...]]()
        of_any_rule = (Mistake(i, name, vjp) for name, vjp in mistakes(op, i, shapes, wanted))
        for mistake in (*of_any_rule, *_of_source(op, i)):
            found = [result(mistake.vjp, call) for call in calls]
            if not _runs(expected, found):
                continue
            if any(map(differ, expected, found)):
                as_seen = tuple(map(_digits, expected, found))
                if as_seen not in seen:  # two ways of writing one mistake count once
                    seen.add(as_seen)
                    yield mistake


def _runs(expected: list[Array | None], found: list[Array | None]) -> bool:
    """Whether a rule returns something of the right shape, at least at the first of several calls."""
    if not expected or expected[0] is None or found[0] is None:
        return False
    return expected[0].shape == found[0].shape


def _digits(expected: Array | None, found: Array | None) -> bytes:
    """Nine digits of what a wrong rule returns, by the size of what is right."""
    if expected is None or found is None:
        return b""
    size = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)) or 1.0
    return quietly(lambda: np.round(found / size, 9) + 0.0).tobytes()


@cache
def _of_source(op: Primitive, i: int) -> list[Mistake]:
    """Every source mutant of the rule for operand i that is none of the equivalents."""
    found = []
    for mutant in source_mutants(op):
        if mutant.operand in (str(i), "all") and (op.name, mutant.operand, mutant.name) not in EQUIVALENT:
            with suppress(Exception):  # of those that are no functions, nothing needs to be said
                found.append(Mistake(i, mutant.name, vjp_of(mutant.make(), i), mutant.diff))
    return found


class Call(NamedTuple):
    """Values of ȳ, y and the operands, and the parameters."""

    g: Array
    y: Any
    xs: list[Array]
    params: dict[str, Any]


def calls_at(node: Any) -> Iterator[Call]:
    """Calls with other values of the same operands: hazard points; and the same with longer axes of length 1."""
    rng = np.random.default_rng(0)
    params = {name: value for name, value in node.params.items() if name != "saved"}
    xs = [np.asarray(x.value) for x in node.args]
    longer = [_grown(x) for x in xs]
    for start in (xs, longer) if any(1 in x.shape for x in xs) else (xs,):
        drawn = [rng.normal(size=x.shape) if x.dtype.kind == "f" else x for x in start]
        for values in (start, drawn, *(point.inputs for point in hazard_points(drawn, rng))):
            if (call := made(node.op, values, params, rng)) is not None:
                yield call


def _grown(x: Array) -> Array:
    for axis, n in enumerate(x.shape):
        if n == 1:
            x = np.repeat(x, 3, axis)
    return x


def made(op: Any, xs: list[Array], params: dict[str, Any], rng: np.random.Generator) -> Call | None:
    """A call of an operation on arrays with a random ȳ; None where it has no finite value."""
    try:
        y = quietly(lambda: op.forward(*xs, **params))
    except Exception:  # not for these values
        return None
    saved = {}
    if type(y) is tuple:
        y, saved = y[0], {"saved": y[1]}
    if not np.isfinite(y).all():
        return None
    return Call(np.asarray(rng.normal(size=np.shape(y)))[()], y, xs, params | saved)


def result(rule: Rule, call: Call) -> Array | None:
    """What a rule returns, or None if it raises an error."""
    try:
        return quietly(lambda: np.asarray(rule(call.g.copy(), call.y, *call.xs, **call.params), dtype=float))
    except Exception:
        return None


def differ(expected: Array | None, found: Array | None) -> bool:
    """Whether a wrong rule returns something else than the right one, where that one returns anything."""
    if expected is None or not np.isfinite(expected).all():
        return False
    if found is None or found.shape != expected.shape:
        return True
    size = float(np.abs(expected).max(initial=0.0))
    return not np.allclose(found, expected, rtol=1e-9, atol=1e-12 * size)
