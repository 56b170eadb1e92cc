"""Difference: what has changed between two graphs.

    before = tg.render.capture(loss)            its numbers, as long as they are those
    optimizer.step()
    tg.render.diff(before, loss_of(net))

One picture of both: what is only in the second graph is marked +, what was only in the first − and dashed, and numbers
that are not the same are written `before → after`. Training and use of the same net differ in what computes; a step of
an optimizer leaves that as it is, and changes numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.forms import Drawing
from tinygrad_edu.render.graph.matching import Pairs, match
from tinygrad_edu.render.graph.model import EdgeModel, Finding, GraphModel, NodeModel, Numbers, capture
from tinygrad_edu.render.graph.naming import Choice, Names
from tinygrad_edu.render.options import Options

SAME = 1e-12  # relative; what differs by less is rounding
Graph = Node | GraphModel | Drawing | str | PathLike[str]


def diff(
    first: Graph, second: Graph, *, names: Names = None, parameters: Choice = None, highlight: Choice = None,
    **options: Any,
) -> Drawing:  # fmt: skip
    """Draw what has changed from one graph to another.

    Args:
        first: a node, or what `capture` or `draw` has made of one: take that if leaves are assigned in between, since
            a node shows the values that its leaves have now. Or the path of a JSON file that a drawing was saved as.
        second: likewise.
        names: as for `draw`.
        parameters: as for `draw`.
        highlight: as for `draw`.
        **options: of `draw`, that are about the picture: title, theme, depth, …

    Raises:
        TypeError: one of them is no graph.
        ValueError: an option is none of those of `draw`.
    """
    Options(**options)
    choices = {"names": names, "parameters": parameters, "highlight": highlight}
    before, after = _model(first, **choices), _model(second, **choices)
    merged = merge(before, after, match(before, after))
    return Drawing.from_model(merged, **({"title": "What has changed"} | options))


def _model(x: Any, **choices: Any) -> GraphModel:
    if isinstance(x, Drawing):
        return x.graph
    if isinstance(x, GraphModel):
        return x
    if isinstance(x, str | PathLike):
        from tinygrad_edu.render.plain import load_model

        return load_model(Path(x))
    if not isinstance(x, Node):
        raise TypeError(
            f"diff: a node, a drawing, what capture made, or a JSON file was expected, {type(x).__name__} came"
        )
    return capture(x, **choices)


def merge(first: GraphModel, second: GraphModel, pairs: Pairs) -> GraphModel:
    """Both graphs as one, with what is only in one of them and what has changed as flags and notes.

    Args:
        first: the graph before.
        second: the graph after.
        pairs: of `match`.
    """
    partner = {i: k for k, i in pairs.items()}
    shift = len(second.nodes)  # a node of the first graph alone is numbered behind those of the second
    place = {node.id: partner.get(node.id, shift + node.id) for node in first.nodes}
    nodes = {
        node.id: _changed(node, first.nodes[pairs[node.id]]) if node.id in pairs else _only(node, "added")
        for node in second.nodes
    }
    nodes |= {place[node.id]: _only(node, "removed") for node in first.nodes if node.id not in partner}
    edges = [replace(edge, flags=(*edge.flags, *_mark(edge, nodes))) for edge in second.edges]
    edges += _removed(first, place, edges)
    order, edges = _in_order(shift, nodes, edges)
    ids = {i: n for n, i in enumerate(order)}
    drawn = tuple(replace(nodes[i], id=ids[i]) for i in order)
    return GraphModel(
        second.schema, len(drawn) - 1, drawn,
        tuple(replace(edge, src=ids[edge.src], dst=ids[edge.dst]) for edge in edges),
        tuple((dict(first.modules) | dict(second.modules)).items()),
        tuple(dict.fromkeys((*first.warnings, *second.warnings))), findings=(_summary(drawn),),
    )  # fmt: skip


def _removed(first: GraphModel, place: dict[int, int], edges: list[EdgeModel]) -> list[EdgeModel]:
    """The arrows of the first graph that the second has no more."""
    kept = Counter((edge.src, edge.dst) for edge in edges)
    found = []
    for edge in first.edges:
        ends = place[edge.src], place[edge.dst]
        if kept[ends]:
            kept[ends] -= 1
        else:
            found.append(EdgeModel(*ends, edge.arg, edge.local, ("removed",)))
    return found


def _in_order(
    shift: int, nodes: dict[int, NodeModel], edges: list[EdgeModel]
) -> tuple[list[int], list[EdgeModel]]:
    """All nodes with operands first, and all edges that agree with that.

    The nodes of the second graph keep their order, and a removed one stands behind its last operand. Two graphs may
    have computed the same things in opposite orders; then an arrow that was removed would lead back, and is left out.
    """
    below: dict[int, list[EdgeModel]] = {}
    for edge in edges:
        below.setdefault(edge.dst, []).append(edge)
    behind: dict[int, int] = {}
    rows: list[list[int]] = [[] for _ in range(shift + 1)]  # at 0 what stands before all
    for i in nodes:  # those of the second graph, and then the removed ones, each with operands first
        last = i if i < shift else max((behind[edge.src] for edge in below.get(i, ())), default=-1)
        behind[i] = last
        rows[last + 1].append(i)
    order = [i for row in rows for i in row]
    fits = [
        edge for i in order for edge in below.get(i, ())
        if i >= shift or behind[edge.src] < i
    ]  # fmt: skip
    return order, fits


def _mark(edge: EdgeModel, nodes: dict[int, NodeModel]) -> tuple[str, ...]:
    return ("added",) if any("added" in nodes[i].flags for i in (edge.src, edge.dst)) else ()


def _only(node: NodeModel, flag: str) -> NodeModel:
    role = "intermediate" if node.role == "output" and flag == "removed" else node.role
    return replace(node, flags=(*node.flags, flag), role=role)


def _changed(node: NodeModel, before: NodeModel) -> NodeModel:
    """A node that is in both graphs, with what it was before if that is something else."""
    note = f"was {before.op or before.role}" if node.op != before.op else ""
    if same(node.value, before.value) and same(node.gradient, before.gradient) and not note:
        return node
    return replace(node, flags=(*node.flags, "changed"), note=note, before=(before.value, before.gradient))


def same(a: Numbers | None, b: Numbers | None) -> bool:
    """Whether two arrays are the same, up to rounding, as far as the model knows them."""
    if a is None or b is None:
        return a is b
    if (a.shape, a.dtype, a.nan, a.infinite) != (b.shape, b.dtype, b.nan, b.infinite):
        return False
    if a.items is not None and b.items is not None:
        scale = max((abs(x) for x in (*a.items, *b.items) if math.isfinite(x)), default=0.0)
        return all(_close(x, y, scale) for x, y in zip(a.items, b.items, strict=True))
    known = [(x or 0.0, y or 0.0) for x, y in ((a.mean, b.mean), (a.std, b.std), (a.norm, b.norm))]
    scale = max(a.largest or 0.0, -(a.smallest or 0.0))
    return all(_close(x, y, scale) for x, y in known)


def _close(x: float, y: float, scale: float) -> bool:
    return x == y or (x != x and y != y) or abs(x - y) <= SAME * scale


def _summary(nodes: tuple[NodeModel, ...]) -> Finding:
    counts = Counter(flag for node in nodes for flag in node.flags if flag in ("added", "removed", "changed"))
    said = [f"{n} {word}" for word in ("added", "removed", "changed") if (n := counts[word])]
    alike = len(nodes) - sum(counts.values())
    words = (
        ", ".join([*said, f"{alike} as before"]) if said else f"no difference: {alike} nodes are as before"
    )
    return Finding("difference", None, words)
