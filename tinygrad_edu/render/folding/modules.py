"""Modules as single cards, as long as the picture stays free of cycles.

A module that is called twice is two calls, and they must not be merged: what lies between them would then
both follow and precede the card. So the operations of a module are joined along the arrows within it, and a
call that some path leaves and enters again is drawn in detail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from tinygrad_edu.render.graph.model import GraphModel


def path(scope: str | None) -> tuple[str, ...]:
    """`block.fc1` as its parts."""
    return tuple(scope.split(".")) if scope else ()


def whole_modules(
    model: GraphModel, before: Sequence[int], depth: int, apart: Collection[int] = ()
) -> tuple[list[int], set[int]]:
    """Draw the operations of each call of a module with its last one.

    Args:
        model: what `capture` found.
        before: for each node the node that it is drawn with outside of modules.
        depth: modules of this depth, counted from 1.
        apart: nodes that are in no module: they are drawn in detail, or folded already.

    Returns:
        For each node the node that it is drawn with, and those that stand for a module.
    """
    keys = [path(node.scope)[:depth] for node in model.nodes]
    inside = [
        len(key) == depth and node.op is not None and node.id not in apart
        for key, node in zip(keys, model.nodes, strict=True)
    ]
    call = list(range(len(model.nodes)))  # a forest; a module that is called twice has two trees

    def top(i: int) -> int:
        while call[i] != i:
            call[i] = call[call[i]]
            i = call[i]
        return i

    for edge in model.edges:
        if inside[edge.src] and inside[edge.dst] and keys[edge.src] == keys[edge.dst]:
            a, b = top(edge.src), top(edge.dst)
            call[min(a, b)] = max(a, b)

    def owners() -> list[int]:
        return [
            top(i) if inside[i] else top(before[i]) if inside[before[i]] else before[i]
            for i in range(len(call))
        ]

    while circular := _circular(
        model, owner := owners()
    ):  # a path leaves the module and returns: no single card
        torn = [i for i in range(len(owner)) if inside[i] and owner[i] in circular]
        if not torn:
            break
        for i in torn:
            inside[i] = False
    return owner, {owner[i] for i in range(len(owner)) if inside[i]}


def _circular(model: GraphModel, owner: list[int]) -> set[int]:
    """The cards on cycles (and between cycles): what stays when sources and sinks are peeled off."""
    links = {(owner[e.src], owner[e.dst]) for e in model.edges if owner[e.src] != owner[e.dst]}
    left = set(owner)
    for source, target in ((0, 1), (1, 0)):
        waiting = Counter(link[target] for link in links)
        onward: dict[int, list[int]] = {}
        for link in links:
            onward.setdefault(link[source], []).append(link[target])
        ready = [card for card in left if not waiting[card]]
        while ready:
            card = ready.pop()
            left.discard(card)
            for other in onward.get(card, ()):
                waiting[other] -= 1
                if not waiting[other]:
                    ready.append(other)
        links = {link for link in links if link[0] in left and link[1] in left}
    return left
