"""Cycles: an expression can't be its own operand, and the engine can't make it one. Slots set by hand can.

    x.a = y  where y was computed from x          x → y → x

Nothing that goes along a graph would come to an end there, so it is refused first, and the way round is named.
"""

from __future__ import annotations

from tinygrad_edu.core.node import Node, describe
from tinygrad_edu.errors import TinygradEduError

SHOWN = 6  # nodes of a cycle that are named


class GraphCycleError(TinygradEduError, ValueError):
    """A graph in which a node depends on itself."""


def refuse_cycles(order: list[Node], ids: dict[Node, int]) -> None:
    """Raise if an operand does not stand before its user.

    Args:
        order: of `topological_order`, which is one if there is any.
        ids: the place of each node in it.

    Raises:
        GraphCycleError: there is a cycle, which the message names.
    """
    for node in order:
        for x in node.args:
            if ids[x] >= ids[node]:
                way = _way(node, x)
                names = [describe(step) for step in way[:SHOWN]]
                if len(way) > SHOWN:
                    names.append(f"… {len(way) - SHOWN} more …")
                raise GraphCycleError(
                    f"the graph has a cycle, {' → '.join([*names, names[0]])}: a node cannot be computed from itself. "
                    f"Operands are set by computing, never by hand"
                )


def _way(start: Node, end: Node) -> list[Node]:
    """A path from `start` along users to `end`, found from `end` along operands."""
    user: dict[Node, Node] = {}
    stack = [end]
    while stack:
        node = stack.pop()
        if node is start:
            break
        for x in node.args:
            if x not in user and x is not end:
                user[x] = node
                stack.append(x)
    path = [start]
    while path[-1] is not end:
        path.append(user[path[-1]])
    return path
