"""Detached: what a module holds, or a graph once knew, and no gradient reaches.

    frozen      a leaf of a module that requires no gradient: it is used, and not learned
    unused      a parameter of a module that is not in the graph: nothing leads from it to the output
    detached    a leaf that holds the value of another node: `x.detach()`

The last is told from the values: `detach` hands on the very same object. Its source is found if it is in the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.graph.naming import Choice, Names, modules_in, parameters_in


def frozen(names: Names) -> list[tuple[str, Node]]:
    """(path, leaf) of the leaves without gradient among the attributes of the modules in `names`."""
    found: dict[Node, str] = {}
    for module in modules_in(names):
        for path, node in _leaves(module):
            if not node.requires_grad:
                found.setdefault(node, path)
    return [(path, node) for node, path in found.items()]


def _leaves(module: Any) -> Iterator[tuple[str, Node]]:
    """All leaves that a module holds, itself or in what it holds."""
    stack: list[tuple[str, Any]] = [("", module)]
    seen: set[int] = set()
    while stack:
        path, x = stack.pop()
        if isinstance(x, Node):
            if x.op is None:
                yield path, x
            continue
        if isinstance(x, Mapping):
            inside = list(x.items())
        elif isinstance(x, list | tuple):
            inside = list(enumerate(x))
        elif x is module or callable(getattr(x, "named_parameters", None)):
            inside = list(getattr(x, "__dict__", {}).items())
        else:
            continue
        if id(x) not in seen:
            seen.add(id(x))
            stack += [(f"{path}.{key}" if path else str(key), value) for key, value in reversed(inside)]


def unused(ids: Mapping[Node, int], names: Names, parameters: Choice) -> list[tuple[str, Node]]:
    """(path, leaf) of the parameters of modules, in `names` or `parameters`, that are not in the graph."""
    found: dict[Node, str] = {}
    for path, node in (*parameters_in(names), *parameters_in(parameters), *frozen(names)):
        if node not in ids:
            found.setdefault(node, path)
    return [(path, node) for node, path in found.items()]


def detached(ids: Mapping[Node, int], order: list[Node]) -> tuple[tuple[int, int], ...]:
    """(id of the node, id of the leaf) of every leaf that holds another node's value.

    Args:
        ids: of all nodes that may have been detached.
        order: the nodes of the graph; the leaves among them that need no gradient are looked at.
    """
    leaves = [x for x in order if x.op is None and not x.requires_grad]
    shared = {id(x.value) for x in leaves}
    same: dict[int, list[Node]] = {}
    for node in ids:
        if node.requires_grad and id(node.value) in shared and not _passed_on(node):
            same.setdefault(id(node.value), []).append(node)
    found = []
    for leaf in leaves:
        sources = same.get(id(leaf.value), [])
        if type(leaf.value) is float:  # a literal of the program is one object, wherever it is written
            sources = [source for source in sources if source.op is not None]
        if len(sources) == 1:
            found.append((ids[sources[0]], ids[leaf]))
    return tuple(found)


def _passed_on(node: Node) -> bool:
    """Whether the value is that of an operand, as `relu` of a positive number is."""
    return any(x.value is node.value for x in node.args)
