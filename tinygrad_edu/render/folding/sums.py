"""Sums and views: operations that say too little for a card of their own.

    ((a + b) + c) + d   one Σ of four terms, which all receive the same gradient
    reshape, transpose  the same numbers in another order: words on the arrow

Both are merged into a neighbour, so they come before everything else, and lose nothing.
"""

from __future__ import annotations

from collections import Counter

from tinygrad_edu.render.graph.flags import POINTED_AT
from tinygrad_edu.render.graph.model import GraphModel, NodeModel

VIEWS = frozenset({"reshape", "transpose", "squeeze", "expand_dims", "moveaxis", "broadcast_to"})


def sums(model: GraphModel) -> list[int]:
    """For each node the node it is drawn with: inner additions without a name go with their last."""
    owner = list(range(len(model.nodes)))
    uses = Counter(edge.src for edge in model.edges)
    user = {edge.src: edge.dst for edge in model.edges}
    for inner in reversed(model.nodes):
        if inner.op != "add" or not _plain(inner) or uses[inner.id] != 1:
            continue
        outer = model.nodes[user[inner.id]]
        if outer.op == "add" and outer.scope == inner.scope and outer.value.shape == inner.value.shape:
            owner[inner.id] = owner[outer.id]
    return owner


def views(model: GraphModel, owner: list[int]) -> tuple[list[int], dict[int, str]]:
    """Put operations that only change the shape on the arrow that leaves their operand.

    Returns:
        For each node the node it is drawn with, and for each view what stands on the arrow: `reshape, transpose`.
    """
    owner, words = list(owner), dict[int, str]()
    operand = {edge.dst: edge.src for edge in reversed(model.edges)}
    for node in model.nodes:
        if node.op in VIEWS and node.id in operand and node.id != model.root and _plain(node):
            source = operand[node.id]
            if model.nodes[source].op is not None:  # a leaf has a row to itself, and no arrow
                owner[node.id] = owner[source]
                before = words.get(source)
                words[node.id] = f"{before}, {node.op}" if before else str(node.op)
    return owner, words


def _plain(node: NodeModel) -> bool:
    return node.name is None and POINTED_AT.isdisjoint(node.flags)
