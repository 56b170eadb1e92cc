"""The model: everything that a picture may show of a graph, as plain data.

    graph  --capture-->  GraphModel  -->  DOT, text, JSON, ...

Every output is a function of the model alone, so a picture can be tested without an engine, saved, and
compared. Nodes are numbered with operands before their users, in the order in which the expression was
written; nothing depends on addresses or hashes, so the same graph gives the same bytes in every process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.render.graph.backward import Watched, local_derivatives, watch
from tinygrad_edu.render.graph.buffers import buffers
from tinygrad_edu.render.graph.collector import at_rest
from tinygrad_edu.render.graph.cycle import refuse_cycles
from tinygrad_edu.render.graph.detached import detached, frozen, unused
from tinygrad_edu.render.graph.expressions import derived_names
from tinygrad_edu.render.graph.flags import flags, is_broken
from tinygrad_edu.render.graph.gradients import accumulated, more_than_one_pass, shown
from tinygrad_edu.render.graph.naming import (
    Choice,
    Names,
    given_names,
    module_labels,
    named,
    selected,
    unmatched,
)
from tinygrad_edu.render.graph.numbers import Numbers, numbers
from tinygrad_edu.render.graph.roles import learned, roles
from tinygrad_edu.render.graph.stale import sentence, stale_leaves
from tinygrad_edu.render.graph.views import views

__all__ = [
    "SCHEMA",
    "EdgeModel",
    "Finding",
    "GraphModel",
    "NodeModel",
    "Numbers",
    "capture",
    "describe",
    "numbers",
]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class NodeModel:
    """A node as pictures see it."""

    id: int
    name: str | None  # given by the user
    derived: str  # what the expression says, for a node without name
    op: str | None
    symbol: str | None
    role: str  # input, parameter, frozen, constant, intermediate, output
    scope: str | None
    kind: str  # "Scalar" or "Tensor"
    requires_grad: bool
    value: Numbers
    gradient: Numbers | None  # None: not computed
    flags: tuple[str, ...] = ()  # see the chapter `flags`
    note: str = ""  # a remark on the card, below its numbers
    before: tuple[Numbers, Numbers | None] | None = (
        None  # value and gradient in the graph it is compared with
    )


@dataclass(frozen=True, slots=True)
class EdgeModel:
    """The operand `src` of `dst`, at position `arg`; x·x has two edges."""

    src: int
    dst: int
    arg: int
    local: float | None = None  # ∂dst/∂src, of elementwise operations on single numbers
    flags: tuple[str, ...] = ()  # tainted: not finite forward; gradient: what was sent back is not finite


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong in a graph, or worth knowing: its kind in a word, where, and what in a sentence."""

    kind: str
    node: int | None
    words: str


@dataclass(frozen=True, slots=True)
class GraphModel:
    """A graph as plain data."""

    schema: int
    root: int
    nodes: tuple[NodeModel, ...]
    edges: tuple[EdgeModel, ...]
    modules: tuple[tuple[str, str], ...] = ()  # (path, `Linear(3 → 4)`) of modules that were given
    warnings: tuple[str, ...] = ()
    detached: tuple[tuple[int, int], ...] = ()  # (node, leaf that holds its value without its gradient)
    unused: tuple[NodeModel, ...] = ()  # parameters of the modules that are not in the graph, if asked for
    findings: tuple[Finding, ...] = ()  # of a diagnosis; they stand over the picture


def capture(
    x: Node, *, names: Names = None, parameters: Choice = None, highlight: Choice = None, report: Any = None,
) -> GraphModel:  # fmt: skip
    """Describe the graph that a node was computed by.

    Args:
        x: the root, such as a loss.
        names: where names come from if a node has none itself: `locals()` or another mapping (lists in it
            give `w[0]`), a module (attribute paths such as `fc1.weight`), or several of these.
        parameters: which leaves are parameters: a module, nodes, or patterns such as `"w* b"`. Default: those
            of the modules in `names`; if there are none, the tensors that require a gradient.
        highlight: which nodes to emphasise, in the same way.
        report: of a gradient check; the nodes that it calls wrong are marked.

    Raises:
        TypeError: `x` is not a node, or `report` is none.
        GraphCycleError: a node was made its own operand by hand.
    """
    if not isinstance(x, Node):
        raise TypeError(f"capture: a Scalar or a Tensor was expected, {type(x).__name__} came")
    return describe([x], watch, names=names, parameters=parameters, highlight=highlight, report=report)


@at_rest()
def describe(
    outputs: list[Node], watched: Callable[[Node], Watched], *, idle: bool = False, names: Names = None,
    parameters: Choice = None, highlight: Choice = None, report: Any = None,
) -> GraphModel:  # fmt: skip
    """`capture` for those who want more, or have less.

    Args:
        outputs: the last of them is the root.
        watched: watches the backward sweep, or knows what it showed.
        idle: whether to list the parameters of modules that are not in the graph.
        names: as for `capture`, like all that follow.
        parameters: as there.
        highlight: as there.
        report: as there.
    """
    x = outputs[-1]
    order = topological_order(outputs)
    ids = {node: i for i, node in enumerate(order)}
    refuse_cycles(order, ids)
    kept = frozen(names)
    held = buffers(order, names)
    given = given_names(order, names, kept) | held
    parts = views(order, ids, given, named(names))
    derived = derived_names(order, ids, given, parts=parts)
    told, trained = learned(order, given, names, parameters)
    trained |= {node for _, node in kept if node in ids}
    beside = unused(ids, names, parameters) if idle else []
    stale, wrong = stale_leaves(order), _wrong(report)
    emphasised = selected(order, given, highlight)
    seen = watched(x)

    def said(node: Node) -> str:
        return given.get(node, derived[node])

    warnings = list(seen.warnings)
    if stale:  # if the sweep has refused, then for that reason
        lost = bool(warnings) and any(node.grad is not None for node in order)
        warnings = [sentence([said(node) for node in order if node in stale], lost=lost)]
    warnings += unmatched(order, given, names=names, parameters=parameters, highlight=highlight)
    values = {node: numbers(node.value) for node in order}
    gradients = {node: numbers(g) for node, g in shown(order, seen.cotangents).items()}
    more = accumulated(order, seen.cotangents)
    if more:
        warnings.append(more_than_one_pass([said(node) for node in order if node in more]))
    marks = {"highlight": emphasised, "stale": stale, "wrong": wrong, "accumulated": more}
    role = roles(order, x, told, trained, held)
    flagged = flags(order, values, gradients, role, [birth.node for birth in seen.births], marks)

    def entry(node: Node, i: int, **known: Any) -> NodeModel:
        return NodeModel(
            id=i, derived=derived.get(node, ""), scope=node.scope, op=node.op.name if node.op else None,
            symbol=node.op.symbol if node.op else None, kind=type(node).__name__,
            requires_grad=node.requires_grad, **known,
        )  # fmt: skip

    nodes = [
        entry(
            node, i, name=given.get(node), role=role[node], value=values[node], gradient=gradients.get(node),
            flags=flagged[node],
        )
        for node, i in ids.items()
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        edges = [
            EdgeModel(ids[a], i, k, local, _tainted(values[a], values[node], (node, k) in seen.sent))
            for node, i in ids.items()
            for k, (a, local) in enumerate(zip(node.args, local_derivatives(node), strict=True))
        ]
    apart = [
        entry(
            node, len(ids) + k, name=path, role="parameter" if node.requires_grad else "frozen",
            value=numbers(node.value), gradient=None if node.grad is None else numbers(value_of(node.grad)),
            flags=("unused",),
        )
        for k, (path, node) in enumerate(beside)
    ]  # fmt: skip
    everything = ids | {node: len(ids) + k for k, (_, node) in enumerate(beside)}
    return GraphModel(
        SCHEMA, ids[x], tuple(nodes), tuple(edges), module_labels(order, names), tuple(warnings),
        detached(everything, order), tuple(apart),
    )  # fmt: skip


def _tainted(operand: Numbers, result: Numbers, sent: bool) -> tuple[str, ...]:
    both = is_broken(operand) and is_broken(result)
    return (*(("tainted",) if both else ()), *(("gradient",) if sent else ()))


def _wrong(report: Any) -> set[Node]:
    """The nodes whose gradients a check has found to be wrong."""
    if report is None:
        return set()
    if not hasattr(report, "rows") or not hasattr(report, "nodes"):
        raise TypeError(
            f"report: that of a gradient check was expected, tg.check(…) or tg.check_graph(…), "
            f"{type(report).__name__} came"
        )
    return {
        report.nodes[row.name] for row in report.rows if row.verdict == "wrong" and row.name in report.nodes
    }
