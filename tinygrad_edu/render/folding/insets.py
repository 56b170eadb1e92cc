"""Insets: leaves that are drawn as rows inside the card that uses them.

weight  64×64           0 ± 0.13   2.8       of one card
weight  12 × 64×64      0 ± 0.12   3.1       of twelve equal parts on one card: their weights, stacked
33 parameters           0.1 ± 0.5  0.9       of more rows than a card has room for
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tinygrad_edu.render.folding.repeats import Group
from tinygrad_edu.render.folding.units import LEARNED, common
from tinygrad_edu.render.graph.flags import POINTED_AT
from tinygrad_edu.render.graph.model import GraphModel, NodeModel
from tinygrad_edu.render.graph.numbers import Numbers

ROOM = 8  # rows of a card that stands for equal parts


def insets(
    model: GraphModel, owner: Sequence[int], whole: Collection[int], always: bool, groups: Mapping[int, Group]
) -> set[int]:
    """The leaves to draw as rows: learned ones and constants with one user, and inputs beside a result.

    Args:
        model: the graph.
        owner: for each node the node that it is drawn with.
        whole: the nodes that stand for a module, or for equal parts.
        always: if not, only constants and the leaves of these.
        groups: the equal parts among them.
    """
    users: dict[int, list[int]] = {}
    for edge in model.edges:
        users.setdefault(edge.src, []).append(owner[edge.dst])
    shared = {leaf for leaf, cards in users.items() if len(set(cards)) > 1}
    anchored = {  # cards that keep an arrow: from an operation, or from a leaf that others use too
        owner[edge.dst] for edge in model.edges
        if owner[edge.src] != owner[edge.dst]
        and (model.nodes[edge.src].op is not None or edge.src in shared)
    }  # fmt: skip
    each = {leaf for group in groups.values() for leaves in group.leaves for leaf in leaves}
    part = {i: k for group in groups.values() for k, nodes in enumerate(group.parts) for i in nodes}
    parts: dict[int, set[int]] = {}
    for edge in model.edges if part else ():
        if edge.dst in part:
            parts.setdefault(edge.src, set()).add(part[edge.dst])
    own = each | {leaf for leaf, used in parts.items() if len(used) > 1}  # or one that the parts share
    found = set()
    for node in model.nodes:
        cards = users.get(node.id, [])
        if node.op is not None or not cards or owner[node.id] != node.id:
            continue
        joined = node.id not in shared and cards[0] in whole
        if not POINTED_AT.isdisjoint(node.flags) and not (joined and node.id in each):
            continue
        wanted = always or joined or node.role == "constant"
        enough = node.role in LEARNED or cards[0] in anchored or (joined and node.id in own)
        if (len(cards) == 1 or joined) and wanted and enough:
            found.add(node.id)
    return found


def rows_of(
    model: GraphModel, leaves: Sequence[NodeModel], group: Group
) -> tuple[list[NodeModel], dict[int, tuple[NodeModel, ...]]]:
    """The rows for the leaves of equal parts, and which of them stand for several leaves, by their numbers."""
    inside = {leaf.id for leaf in leaves}
    stacks: dict[int, tuple[NodeModel, ...]] = {}
    used: set[int] = set()
    rows: list[NodeModel] = []
    for ids in group.leaves:
        if inside.issuperset(ids) and used.isdisjoint(ids):
            used.update(ids)
            nodes = tuple(model.nodes[i] for i in ids)
            if nodes[0].role == "constant" and not any(node.flags for node in nodes):
                continue
            stacks[ids[-1]] = nodes
            rows.append(stacked(nodes))
    rows += [leaf for leaf in leaves if leaf.id not in used and (leaf.role != "constant" or leaf.flags)]
    if len(rows) > ROOM:
        by_role: dict[str, list[NodeModel]] = {}
        for row in rows:
            by_role.setdefault(row.role, []).extend(stacks.get(row.id, (row,)))
        stacks = {nodes[-1].id: tuple(nodes) for nodes in by_role.values()}
        rows = [
            replace(stacked(nodes), name=_counted(nodes)) if len(nodes) > 1 else nodes[0]
            for nodes in stacks.values()
        ]
    return sorted(rows, key=lambda row: row.role), {i: nodes for i, nodes in stacks.items() if len(nodes) > 1}


def stacked(nodes: Sequence[NodeModel]) -> NodeModel:
    """Several leaves as one: its statistics are those of all their elements, its shape has their number in front."""
    last = nodes[-1]
    graded = [node.gradient for node in nodes if node.gradient is not None]
    return replace(
        last, name=_common_name([node.name for node in nodes]) or _counted(nodes),
        kind="Tensor", value=pooled([node.value for node in nodes]),
        gradient=pooled(graded) if len(graded) == len(nodes) else None,
        flags=tuple(dict.fromkeys(flag for node in nodes for flag in node.flags if flag != "dead")),
    )  # fmt: skip


def _counted(nodes: Sequence[NodeModel]) -> str:
    """`14 inputs`."""
    return f"{len(nodes)} {'frozen parameter' if nodes[0].role == 'frozen' else nodes[0].role}s"


def _common_name(names: Sequence[str | None]) -> str | None:
    """What the paths end with, `c1.weight`; if that is nothing, the first name and the last."""
    paths = [tuple(reversed(name.split("."))) if name else () for name in names]
    if end := common(paths):
        return ".".join(reversed(end if len(set(names)) > 1 else end[:1]))
    return f"{names[0]} … {names[-1]}" if names[0] and names[-1] else None


def pooled(parts: Sequence[Numbers]) -> Numbers:
    """The statistics of all the elements of some arrays together; no histogram, since the bins differ."""
    shapes = {part.shape for part in parts}
    sizes = [math.prod(part.shape) - part.nan - part.infinite for part in parts]
    total = sum(sizes)
    shape = (
        (len(parts), *shapes.pop()) if len(shapes) == 1 else (sum(math.prod(part.shape) for part in parts),)
    )
    nan, infinite = sum(part.nan for part in parts), sum(part.infinite for part in parts)
    flat = [
        (n, part.item if part.item is not None else part.mean, part.std or 0.0, part)
        for n, part in zip(sizes, parts, strict=True) if n
    ]  # fmt: skip
    known = [(n, mean, std, part) for n, mean, std, part in flat if mean is not None]
    if not total or len(known) < len(flat):
        return Numbers(shape, parts[0].dtype, None, nan=nan, infinite=infinite)
    mean = sum(n / total * m for n, m, _, _ in known)
    variance = sum(n / total * (std**2 + (m - mean) ** 2) for n, m, std, _ in known)
    norms = [part.norm for part in parts]
    return Numbers(
        shape, parts[0].dtype, None, mean, math.sqrt(variance),
        min(m if part.smallest is None else part.smallest for _, m, _, part in known),
        max(m if part.largest is None else part.largest for _, m, _, part in known),
        None if None in norms else math.hypot(*(norm for norm in norms if norm is not None)), (), nan, infinite,
    )  # fmt: skip
