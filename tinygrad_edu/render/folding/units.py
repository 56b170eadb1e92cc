"""Units: the graph of what would be drawn as one card, in which equal parts are looked for.

    nodes  --owner-->  units  --equal parts found-->  larger units  -->  ...

A unit is an operation with what was merged into it, or a leaf. The height of a unit is the longest way from it to the
root. Along every arrow it falls, so units of one height have no path between them, and a list by falling heights has
operands before their users, as late as can be: what a step of a loop prepares for itself stands beside that step.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from functools import cached_property

from tinygrad_edu.render.folding.board import topological
from tinygrad_edu.render.folding.modules import path
from tinygrad_edu.render.graph.model import GraphModel

LEARNED = ("parameter", "frozen", "constant")  # roles of leaves that belong to what uses them


class Units:
    """The units of a graph, by the number of the node that owns them.

    Args:
        model: the graph.
        owner: for each node the node that it is drawn with.
        labels: what larger units are, if some have been found: those with equal labels are equal.
        numbers: of all that was compared so far.
        apart: nodes that are to be drawn for themselves, and so are equal to nothing.
    """

    def __init__(
        self, model: GraphModel, owner: Sequence[int], labels: Mapping[int, int], numbers: dict[Hashable, int],
        apart: Collection[int] = (),
    ) -> None:  # fmt: skip
        self.model, self.owner, self._labels, self._apart = model, owner, labels, apart
        self.root = owner[model.root]
        self.members: dict[int, list[int]] = {}
        for i, unit in enumerate(owner):
            self.members.setdefault(unit, []).append(i)
        self.operands: dict[int, list[int]] = {unit: [] for unit in self.members}
        self.users: dict[int, list[int]] = {unit: [] for unit in self.members}
        self._shapes: dict[int, list[tuple[int, ...]]] = {unit: [] for unit in self.members}
        for edge in model.edges:
            source, target = owner[edge.src], owner[edge.dst]
            if source != target:
                self.operands[target].append(source)
                self.users[source].append(target)
                self._shapes[target].append(model.nodes[edge.src].value.shape)  # after a change of shape
        self.operations = [unit for unit in self.members if not self.is_leaf(unit)]
        self._numbers = numbers

    def is_leaf(self, unit: int) -> bool:
        """Whether a unit was given, and not computed."""
        return self.model.nodes[unit].op is None

    def number(self, thing: Hashable) -> int:
        """A small number for a thing, the same for equal ones."""
        return self._numbers.setdefault(thing, len(self._numbers))

    @cached_property
    def order(self) -> list[int]:
        """The operations, operands first."""
        return topological(
            self.operations,
            ((a, unit) for unit in self.operations for a in self.operands[unit] if not self.is_leaf(a)),
        )

    @cached_property
    def heights(self) -> dict[int, int]:
        """The longest way to the root."""
        found = dict.fromkeys(self.operations, 0)
        for unit in reversed(self.order):
            for a in self.operands[unit]:
                if not self.is_leaf(a):
                    found[a] = max(found[a], found[unit] + 1)
        return found

    @cached_property
    def labels(self) -> dict[int, int]:
        """What a unit computes, of what shapes; names say nothing about that."""
        nodes = self.model.nodes
        found = {}
        for unit in self.operations:
            if unit in self._apart or any(i in self._apart for i in self.members[unit]):
                found[unit] = self.number(("apart", unit))
            elif unit in self._labels:
                found[unit] = self._labels[unit]
            else:
                found[unit] = self.number((nodes[unit].op, nodes[unit].value.shape, *self._shapes[unit]))
        return found

    def kind(self, unit: int) -> tuple[Hashable, ...]:
        """What stands for a unit outside of a part: a leaf by its role and shape, an operation as such."""
        node = self.model.nodes[unit]
        return ("leaf", node.role, node.value.shape) if self.is_leaf(unit) else ("operation",)

    def scope(self, unit: int) -> tuple[str, ...]:
        """The modules around a unit, but for changes of shape that were merged into it."""
        if unit not in self._labels:
            return path(self.model.nodes[unit].scope)
        return common([path(self.model.nodes[i].scope) for i in self.members[unit] if self.model.nodes[i].op])


def common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The longest beginning that paths share."""
    if not paths:
        return ()
    low, high = min(paths), max(paths)
    length = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return low[:length]
