"""Matching: which node of one graph is which of another.

Two graphs of the same program have most of their nodes in common, and nothing says which they are. So, in this order,

1. equal parts: nodes whose whole expressions are the same, operation for operation down to the leaves, largest first;
2. results and leaves of the same name;
3. from each of these pairs, and from the roots, down: operand by operand, as long as the operation and the module are
   the same;
4. up again: results of the same operation on paired operands.

Equal expressions are known by a number and every node is paired once, so all this is O(nodes + edges).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from tinygrad_edu.render.graph.model import GraphModel, NodeModel

Pairs = dict[int, int]  # id in the second graph -> id in the first


def operands(model: GraphModel) -> list[list[int]]:
    """The ids of the operands of each node, in their order."""
    found: list[list[int]] = [[] for _ in model.nodes]
    for edge in model.edges:
        found[edge.dst].append(edge.src)
    return found


def match(first: GraphModel, second: GraphModel) -> Pairs:
    """{id in the second graph: id in the first} of the nodes that are in both; the roots are, unless one is within."""
    above, below = operands(first), operands(second)
    known: dict[Hashable, int] = {}
    keys = _expressions(first, above, known), _expressions(second, below, known)
    pairs: Pairs = {}
    taken: set[int] = set()

    def descend(i: int, k: int, alike: Callable[[int, int], bool]) -> None:
        """Pair two nodes, and of their operands those that are alike."""
        start = i, k
        stack = [start]
        while stack:
            i, k = stack.pop()
            if k in pairs or i in taken or not ((i, k) == start or alike(i, k)):
                continue
            pairs[k] = i
            taken.add(i)
            if len(above[i]) == len(below[k]):
                stack += list(zip(above[i], below[k], strict=True))[::-1]

    def equal(i: int, k: int) -> bool:
        return keys[0][i] == keys[1][k]

    def same_place(i: int, k: int) -> bool:
        return _place(first.nodes[i]) == _place(second.nodes[k])

    waiting: dict[int, list[int]] = {}
    for node in first.nodes:
        waiting.setdefault(keys[0][node.id], []).append(node.id)
    for node in reversed(second.nodes):  # users before operands
        candidates = waiting.get(keys[1][node.id], [])
        while candidates and candidates[-1] in taken:
            candidates.pop()
        # A plain number is like any other of its size: it goes with its user.
        if candidates and node.id not in pairs and (node.op is not None or node.name is not None):
            descend(candidates[-1], node.id, equal)
    named = {_name(node): node.id for node in first.nodes if node.name is not None}
    for node in reversed(second.nodes):
        if node.name is not None and _name(node) in named:
            descend(named[_name(node)], node.id, same_place)
    like_root = [node.id for node in second.nodes if node.id not in pairs and same_place(first.root, node.id)]
    descend(first.root, max(like_root, default=second.root), same_place)  # what the first root has become
    made = {(_place(node), *above[node.id]): node.id for node in first.nodes if node.op is not None}
    for node in second.nodes:  # operands before users
        i = made.get((_place(node), *(pairs.get(k, -1) for k in below[node.id])))
        if i is not None and i not in taken and node.id not in pairs:
            pairs[node.id] = i
            taken.add(i)
    return pairs


def _expressions(model: GraphModel, below: list[list[int]], known: dict[Hashable, int]) -> list[int]:
    """A number for each node, the same for equal expressions, whatever their values are."""
    keys: list[int] = []
    for node in model.nodes:
        inside = tuple(keys[i] for i in below[node.id])
        key = (_place(node), node.value.shape, node.name if node.op is None else None, inside)
        keys.append(known.setdefault(key, len(known)))
    return keys


def _place(node: NodeModel) -> Hashable:
    """The operation and the module; of a leaf its name."""
    return node.op, node.kind, node.scope, node.name if node.op is None else None


def _name(node: NodeModel) -> Hashable:
    return node.name, node.scope, node.op is None
