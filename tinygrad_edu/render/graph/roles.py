"""Roles: what a node is to the one who looks at the graph.

input, parameter, frozen, constant    leaves: given, learned, not to be learned, a plain number or a buffer
intermediate, output                  what was computed, and the last of that
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.graph.naming import Choice, Names, selected


def roles(
    order: list[Node], root: Node, told: bool, trained: Collection[Node], held: Collection[Node]
) -> dict[Node, str]:
    """The roles of all nodes.

    Args:
        order: the nodes.
        root: the output.
        told: whether someone has said which leaves are parameters.
        trained: the leaves that are, or would be if they were not frozen.
        held: the leaves that are buffers.
    """
    return {node: "constant" if node in held else _role(node, root, told, node in trained) for node in order}


def learned(
    order: list[Node], given: dict[Node, str], names: Names, parameters: Choice
) -> tuple[bool, set[Node]]:
    """Whether we were told which leaves are parameters, and which they are."""
    if parameters is not None:
        return True, selected(order, given, parameters)
    modules = selected(order, given, names, modules_only=True)
    return bool(modules), modules


def _role(node: Node, root: Node, told: bool, trained: bool) -> str:
    if node.op is not None:
        return "output" if node is root else "intermediate"
    if trained:
        return "parameter" if node.requires_grad else "frozen"
    if node.requires_grad:
        return "input" if told or type(node.value) is float else "parameter"
    return "constant" if node.name is None and np.size(node.value) == 1 else "input"
