"""Whom to blame: the operation by which the gradients of a whole graph are wrong.

The gradient of a weight is a product of many rules, so its numbers say little of a mistake in one of them. But the
graph has kept the operands of each, and that is enough to try them one by one:

    guilty    which operation is wrong by itself, at the values that it has in the graph?
    planted   of gradients by hand: do they come out if one rule of the graph is a wrong one of the catalogue?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from tinygrad_edu.catalogue import catalogue
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.sweep import reverse_sweep, topological_order
from tinygrad_edu.custom import CustomFunction
from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis.suspicion import FEWEST, same
from tinygrad_edu.verify.examination import judge_few
from tinygrad_edu.verify.explanation import explained
from tinygrad_edu.verify.pair import Pair, pair_of_node

Rule = Callable[..., Any]
MOST = 200  # operations, beyond which it would take long


@np.errstate(all="ignore")
def guilty(output: Node) -> str:
    """The first operation in a graph that is wrong by itself, and why; or ""."""
    for number, node in islice(_operations(output), MOST):
        try:
            pair, inputs = _pair_of(node)
            rows = judge_few(pair, inputs) or []
        except Exception:  # whatever the function says when it is called alone
            continue
        if any(row.verdict == "wrong" for row in rows):
            rows = explained(pair, inputs, rows, judge_few, inputs)
            note = next(row.note for row in rows if row.verdict == "wrong")
            return f"{node.op.name}, operation {number} of the graph, is wrong by itself: {note}"
    return ""


def _pair_of(node: Any) -> tuple[Pair, list[Array]]:
    """The pair of an operation: of a custom function the very one that it was made of, which can be asked for more."""
    custom = getattr(node.op.rules, "__self__", None)
    if not isinstance(custom, CustomFunction):
        return pair_of_node(node)
    inputs = [np.asarray(x.value) for x in node.args]
    return Pair(custom.f, custom.gradients, [f"operand {i}" for i in range(len(inputs))]), inputs


@np.errstate(all="ignore")
def planted(output: Node, leaves: Mapping[str, Any], given: Mapping[str, Array]) -> str:
    """The wrong rule of an operation in a graph that makes all of some gradients what they are; or "".

    Args:
        output: the end of the graph, a number.
        leaves: by name, at least those of the gradients.
        given: the gradients, not all of them right.
    """
    operations, numbers = list(_operations(output)), np.concatenate([np.ravel(g) for g in given.values()])
    if len(operations) > MOST or len(numbers) < FEWEST or not np.all(np.isfinite(numbers)):
        return ""  # two numbers fit too many rules
    wrong = [leaves[name] for name in given]
    for number, node in operations:
        alike = [other for _, other in operations if other.op is node.op]
        for words, rule in _wrong_rules(node):
            for chosen in [alike, [node]] if len(alike) > 1 and alike[0] is node else [[node]]:
                found = _swept(output, dict.fromkeys(chosen, rule))
                if all(
                    leaf in found and same(found[leaf], g)
                    for leaf, g in zip(wrong, given.values(), strict=True)
                ):
                    where = (
                        f"operation {number} of the graph" if chosen == [node] else "everywhere in the graph"
                    )
                    return f"just this comes out if {node.op.name}, {where}, has a wrong rule: {words}"
    return ""


def _operations(output: Node) -> Iterator[tuple[int, Any]]:
    """(number, node) of those that pass a gradient on; all are counted, as `check_graph` does."""
    computed = [node for node in topological_order([output]) if node.op is not None]
    yield from ((number, node) for number, node in enumerate(computed, 1) if node.requires_grad)


def _wrong_rules(node: Any) -> Iterator[tuple[str, Rule]]:
    """Typical wrong rules of an operation, with their names."""
    values = [np.asarray(x.value) for x in node.args]
    if len(values) == 1 and values[0].shape == np.shape(node.value):
        yield "the upstream is passed on as it is", lambda g, y, x: (g,)
    for entry in catalogue():
        try:
            y = np.asarray(entry.f(*values))
        except Exception:  # it is not for such operands
            continue
        if y.shape == np.shape(node.value) and np.allclose(y, node.value, rtol=1e-9, atol=0):
            yield from ((f"{mistake.name} ({mistake.why})", mistake.vjp) for mistake in entry.mistakes)


def _swept(output: Node, rules: Mapping[Any, Rule]) -> dict[Any, Array]:
    """The cotangents of all nodes, where some operations have other rules."""
    cotangents: dict[Any, Any] = {output: output.ones()}
    for node in reversed(topological_order([output])):
        if node not in cotangents or node.op is None:
            continue
        if node in rules:
            sent = _said(rules[node], node, cotangents[node])
            if sent is None:
                return {}
        else:
            found = reverse_sweep(node, cotangents[node], keep=node.args, stop=node.args)
            sent = list(found.items())
        for x, g in sent:
            cotangents[x] = cotangents[x] + g if x in cotangents else g
    return cotangents


def _said(rule: Rule, node: Any, g: Any) -> list[tuple[Any, Array]] | None:
    """What another rule sends to each operand; None if it is for other operands."""
    try:
        found = rule(np.array(g), np.array(node.value), *[np.array(x.value) for x in node.args])
        sent = [
            (x, np.asarray(d))
            for x, d in zip(node.args, found, strict=True)
            if x.requires_grad and d is not None
        ]
    except Exception:  # whatever it says of operands that it was not made for
        return None
    return sent if all(d.shape == np.shape(x.value) for x, d in sent) else None
