"""Repeats: equal parts of a graph become one card, `blocks.0 … blocks.11`.

    parallel parts   samples computed one by one, neurons of a layer      outermost first
    chains           blocks of a network, steps of a loop                 outermost modules first

Equal means: the same operations on the same shapes, with the same arrows between them; names do not count. Parts that
only look alike from outside, such as modules that a skip connection enters from further away, stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

from tinygrad_edu.render.folding.board import Repeats
from tinygrad_edu.render.folding.modules import path
from tinygrad_edu.render.folding.units import Units, common
from tinygrad_edu.render.graph.model import GraphModel, NodeModel


@dataclass(frozen=True, slots=True)
class Group:
    """Equal parts, by the numbers of nodes."""

    kind: str  # "chain" or "parallel"
    parts: list[list[int]]
    outputs: list[int]  # of the parts
    scopes: list[list[tuple[str, ...]]]  # of what is in the parts
    leaves: list[tuple[int, ...]]  # for each place in a part where every part has a leaf of its own: these


def find_repeats(
    model: GraphModel, owner: Sequence[int], *, least: int, parallel: bool = True, apart: Collection[int] = ()
) -> tuple[list[int], dict[int, Group]]:
    """Put equal parts together.

    Args:
        model: the graph.
        owner: for each node the node that it is drawn with so far.
        least: how many parts there must be.
        parallel: look beside each other, too, and not only along the graph.
        apart: nodes that are to be drawn for themselves.

    Returns:
        For each node the node that it is drawn with, and the groups by the nodes that stand for them.
    """
    from tinygrad_edu.render.folding.chains import chains  # most pictures are small, and need neither
    from tinygrad_edu.render.folding.parallel import parallel_parts

    found = _Found(model, list(owner), apart)
    if parallel:
        units = found.units()
        for parts in parallel_parts(units, least):
            found.join(units, "parallel", parts, len(parts[0]) - 1)
    deepest = max((len(path(node.scope)) for node in model.nodes), default=0)
    for level in range(max(1, deepest)):
        again = True
        while again:
            units = found.units()
            again = False
            for parts in chains(units, level, least):
                found.join(units, "chain", parts, _exit(units, parts))
                again = True
    return found.owner, found.groups


class _Found:
    """What has been joined so far."""

    def __init__(self, model: GraphModel, owner: list[int], apart: Collection[int]) -> None:
        self.model, self.owner, self.apart = model, owner, apart
        self.groups: dict[int, Group] = {}
        self.labels: dict[int, int] = {}
        self.numbers: dict[Hashable, int] = {}

    def units(self) -> Units:
        return Units(self.model, self.owner, self.labels, self.numbers, self.apart)

    def join(self, units: Units, kind: str, parts: list[list[int]], exit_: int) -> None:
        leaves = [
            operands
            for place in zip(*parts, strict=True)
            for operands in zip(*(units.operands[u] for u in place), strict=True)
            if all(map(units.is_leaf, operands)) and len(set(operands)) == len(parts)
        ]
        unit = parts[-1][exit_]
        label = units.number((kind, len(parts), *(units.labels[u] for u in parts[0])))
        group = Group(
            kind, [[i for u in part for i in units.members[u]] for part in parts], [part[exit_] for part in parts],
            [[units.scope(u) for u in part] for part in parts], list(dict.fromkeys(leaves)),
        )  # fmt: skip
        for part in parts:
            for u in part:
                self.groups.pop(u, None)
                self.labels.pop(u, None)
        for part in group.parts:
            for i in part:
                self.owner[i] = unit
        self.groups[unit], self.labels[unit] = group, label


def _exit(units: Units, parts: list[list[int]]) -> int:
    """The place in a part of what it hands on; of several, the last; the root, if a part has it."""
    if units.root in parts[-1]:
        return parts[-1].index(units.root)
    handed = {a for unit in parts[-1] for a in units.operands[unit]}
    return max(j for part in parts[:-1] for j, unit in enumerate(part) if unit in handed)


def described(
    model: GraphModel, group: Group, rows: dict[int, tuple[NodeModel, ...]], operations: int
) -> Repeats:
    """What a card says of equal parts: `rows` are the leaves that its rows stand for, `operations` are of one part."""
    nodes = model.nodes
    labels, title = _titles(model, group)
    where: dict[str, list[str]] = {}
    own: list[list[int]] = [[leaves[k] for leaves in group.leaves] for k in range(len(group.parts))]
    for label, part, beside in zip(labels, group.parts, own, strict=True):
        for flag in dict.fromkeys(flag for i in (*part, *beside) for flag in nodes[i].flags):
            where.setdefault(flag, []).append(label)
    return Repeats(
        group.kind, labels, title, tuple(nodes[i] for i in group.outputs),
        operations, rows, {f: tuple(at) for f, at in where.items()}, tuple(map(tuple, group.parts)),
    )  # fmt: skip


def _titles(model: GraphModel, group: Group) -> tuple[tuple[str, ...], str]:
    """The names of the parts, and of all together: by their modules, their outputs, or what they are."""
    around = common([scope for part in group.scopes for scope in part])
    inner = [common([scope for scope in part if len(scope) > len(around)]) for part in group.scopes]
    if not all(inner):  # not within one module: the one that most of it is in
        often = [Counter(part).most_common(1)[0] for part in group.scopes]
        inner = [
            scope if 2 * n > len(part) else () for (scope, n), part in zip(often, group.scopes, strict=True)
        ]
    modules = [".".join(scope) for scope in inner]
    names = [model.nodes[i].name for i in group.outputs]
    if all(inner) and len(set(modules)) == len(modules):
        return tuple(modules), f"{modules[0]} … {modules[-1]}"
    given = [name for name in names if name]
    if len(set(given)) == len(names):
        return tuple(given), f"{given[0]} … {given[-1]}"
    n = len(names)
    if group.kind == "parallel":
        own = any(model.nodes[leaves[0]].role in ("input", "constant") for leaves in group.leaves)
        trained = any(model.nodes[leaves[0]].role in ("parameter", "frozen") for leaves in group.leaves)
        word = "sample" if own and not trained else "part"
    else:
        word = "step"
    labels = tuple(f"{word} {k}" for k in range(1, n + 1))
    module = modules[0] if all(inner) and len(set(modules)) == 1 else ".".join(around)
    return labels, f"{module}  {word} 1 … {n}" if module else f"{labels[0]} … {n}"
