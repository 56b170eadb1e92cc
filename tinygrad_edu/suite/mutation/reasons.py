"""Why a check does not see a mistake, and where it would.

A reason is not guessed: it is tried out. What hides a mistake is a property of the operand, such as that all of its
values are positive. It is said to be the reason if other values with this property hide the mistake as well, and values
without it do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.recording import NEEDED, recording
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.inputs import input_leaf
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.state import state_restored
from tinygrad_edu.suite.mutation.graph import (
    Call,
    Mistake,
    calls_at,
    differ,
    made,
    quietly,
    result,
    with_mistake,
)
from tinygrad_edu.suite.mutation.semantic import vjp_of
from tinygrad_edu.types import Array
from tinygrad_edu.verify.examination import judge_few
from tinygrad_edu.verify.hazards import hazard_points
from tinygrad_edu.verify.pair import Pair, pair_of


class Property(NamedTuple):
    """What may be special about the values of an operand, and how to make some that have it, or do not."""

    words: str
    holds: Callable[[Array], Any]
    impose: Callable[[Array], Array]
    oppose: Callable[[Array], Array]


def _symmetric(x: Array) -> bool:
    square = x.ndim > 1 and x.shape[-1] == x.shape[-2] > 1
    return bool(square and np.array_equal(x, x.swapaxes(-1, -2)))


PROPERTIES = (
    Property("is symmetric", _symmetric, lambda x: x + x.swapaxes(-1, -2), lambda x: x),
    Property("is positive everywhere", lambda x: np.all(x > 0), np.abs, lambda x: -np.abs(x)),
    Property("is negative everywhere", lambda x: np.all(x < 0), lambda x: -np.abs(x), np.abs),
    Property("has no two equal values", lambda x: x.size > 1 and np.unique(x).size == x.size, lambda x: x,
             lambda x: np.full(x.shape, x.flat[0])),
    Property("is 0 nowhere", lambda x: np.all(x != 0), lambda x: x, lambda x: np.where(np.arange(x.size) == x.size // 2,
                                                                                   0.0, x.ravel()).reshape(x.shape)),
)  # fmt: skip
TRIES = 4


def why(node: Any, mistake: Mistake, upstream: Array) -> str:
    """What hides a mistake at the values of a recorded operation; "" if that is not known.

    Args:
        node: the operation.
        mistake: in its rule.
        upstream: the cotangent of the operation in the check.
    """
    calls, here = list(calls_at(node)), [np.shape(x.value) for x in node.args]
    if not any(_tells(node, mistake, call) for call in calls if list(map(np.shape, call.xs)) == here):
        return "an axis has length 1: only a longer one tells the two apart"
    first = upstream.flat[0]
    alike = [call._replace(g=np.full_like(call.g, first)) for call in calls]
    if np.all(upstream == first) and not any(_tells(node, mistake, call) for call in alike):
        return f"the upstream ȳ is {first:g}" + (" everywhere" if upstream.size > 1 else "")
    for words, hiding, showing in _reasons([np.asarray(x.value) for x in node.args]):
        hidden = _seen(node, mistake, hiding)
        if hidden and not any(hidden) and any(_seen(node, mistake, showing)):
            return words
    return ""


Change = Callable[[list[Array], np.random.Generator], list[Array]]


def _reasons(xs: list[Array]) -> Iterator[tuple[str, Change, Change]]:
    """(in words, how to make other operands that have the property, how to make some that do not have it)."""
    floats = [i for i, x in enumerate(xs) if x.dtype.kind == "f" and x.size]
    for i, j in combinations(floats, 2):
        if np.array_equal(xs[i], xs[j]):
            yield f"operands {i} and {j} are equal", _drawn(i, j), _drawn(i)
    for i in floats:
        called = f"operand {i}" if len(xs) > 1 else "the operand"
        for each in PROPERTIES:
            if each.holds(xs[i]):
                yield f"{called} {each.words}", _drawn(i, how=each.impose), _drawn(i, how=each.oppose)


def _drawn(*places: int, how: Callable[[Array], Array] = np.positive) -> Change:
    """Other values, the same for each of some operands."""

    def change(xs: list[Array], rng: np.random.Generator) -> list[Array]:
        values = how(rng.normal(size=xs[places[0]].shape))
        return [values if i in places else x for i, x in enumerate(xs)]

    return change


def _tells(node: Any, mistake: Mistake, call: Call) -> bool:
    """Whether the wrong rule gives another result than the right one."""
    return differ(result(vjp_of(node.op, mistake.operand), call), result(mistake.vjp, call))


def _seen(node: Any, mistake: Mistake, change: Change) -> list[bool]:
    """Whether the wrong rule gives another result, at several values of the operands."""
    rng = np.random.default_rng(1)
    params = {name: value for name, value in node.params.items() if name != "saved"}
    changed = (change([np.asarray(x.value) for x in node.args], rng) for _ in range(TRIES))
    calls = [made(node.op, xs, params, rng) for xs in changed]
    return [_tells(node, mistake, call) for call in calls if call is not None]


def shows_at(
    f: Callable[..., Any], arguments: Sequence[Any], leaves: dict[str, Any], number: int, mistake: Mistake
) -> str:
    """The name of the first hazard point at which a check sees a mistake, and does not accuse the right rule; or "".

    Args:
        f: the function.
        arguments: of it, as nodes.
        leaves: what is checked, by name.
        number: of the operation in the graph, from 1.
        mistake: in its rule.
    """
    pair, point = pair_of(f, list(arguments), leaves)
    right = pair._replace(record=None)
    places = [i for i, x in enumerate(arguments) if any(x is leaf for leaf in leaves.values())]

    scalars = any(isinstance(arguments[i], Scalar) for i in places)  # a graph holds them, or tensors

    def vjp(g: Array, y: Array, *xs: Array) -> list[Any]:
        leaves = (input_leaf(float(x) if scalars else np.array(x), not scalars) for x in xs)
        moved = dict(zip(places, leaves, strict=True))
        with recording(NEEDED), state_restored():
            output = f(*[moved.get(i, x) for i, x in enumerate(arguments)])
        node = _operation(output, number)
        if node is None:
            raise ArithmeticError("another graph than at the inputs")
        with with_mistake(node, mistake):
            return gradients(output, list(moved.values()), g)

    if not point or len(places) != len(point):
        return ""
    wrong = Pair(pair.f, vjp, pair.names)
    for name, changed in hazard_points(point, np.random.default_rng(0)):
        if quietly(lambda: _shows(right, wrong, changed)):  # noqa: B023 (asked at once)
            return name
    return ""


def _shows(right: Pair, wrong: Pair, point: list[Array]) -> bool:
    return _apart(right, wrong, point) and _accused(wrong, point) and not _accused(right, point)


def _apart(right: Pair, wrong: Pair, point: list[Array]) -> bool:
    """Whether it is worth a look: whether the gradients differ at all."""
    try:
        y = np.asarray(right.f(*point))
        g = np.random.default_rng(0).normal(size=y.shape)
        gradients = [[np.asarray(x) for x in pair.vjp(g, y, *point)] for pair in (right, wrong)]
    except Exception:
        return True
    return any(map(differ, *gradients))


def _accused(pair: Pair, point: list[Array]) -> bool:
    rows = judge_few(pair, [x.copy() for x in point])
    return any(row.verdict == "wrong" for row in rows or ())


def _operation(output: Node, number: int) -> Any:
    computed = [node for node in topological_order([output]) if node.op is not None]
    return computed[number - 1] if len(computed) >= number and computed[number - 1].requires_grad else None
