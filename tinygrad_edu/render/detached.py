"""Detached: what a module holds, or a graph once knew, and no gradient reaches.

    frozen      a leaf of a module that requires no gradient: it is used, and not learned
    unused      a parameter of a module that is not in the graph: nothing leads from it to the output
    detached    a leaf that holds the value of another node: `x.detach()`, or `y.data` as a constant

The last is told from the values. `detach` may hand on the very same object; if it has copied the array, equal contents
say the same, as long as they are not such as people write by themselves: two ones are equal for no reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.naming import Choice, Names, modules_in, parameters_in

DIGITS = 6  # that people write; a number with more was computed
LOOKED_AT = 64  # elements, to see whether an array was written by hand


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
    sizes = {np.shape(x.value) for x in leaves}
    same: dict[int, list[Node]] = {}
    equal: dict[Any, list[Node]] = {}
    users: dict[Node, set[Node]] = {}
    for node in ids if leaves else ():
        for x in node.args:
            users.setdefault(x, set()).add(node)
        if node.requires_grad and np.shape(node.value) in sizes and not _passed_on(node):
            same.setdefault(id(node.value), []).append(node)
            if type(node.value) is not float:
                equal.setdefault(_contents(node.value), []).append(node)
    found = []
    for leaf in leaves:
        sources = same.get(id(leaf.value), [])
        if not sources and type(leaf.value) is not float and isinstance(leaf.value, np.ndarray):
            sources = [
                source for source in equal.get(_contents(leaf.value), ())
                if _computed(leaf.value)
                or (_varied(leaf.value) and source.op is not None
                    and users.get(source, set()).isdisjoint(users.get(leaf, set())))
            ]  # fmt: skip
        if type(leaf.value) is float:  # a literal of the program is one object, wherever it is written
            sources = [source for source in sources if source.op is not None]
            sources = sources if len(sources) == 1 else []
        source = next((source for source in sources if not _depends(source, leaf, ids)), None)
        if source is not None:
            found.append((ids[source], ids[leaf]))
    return tuple(found)


def _depends(node: Node, leaf: Node, ids: Mapping[Node, int]) -> bool:
    """Whether a leaf is one of those that a node was computed from: then it is no copy of it."""
    seen: set[Node] = set()
    stack = [node]
    while stack:
        x = stack.pop()
        if x is leaf:
            return True
        if x not in seen and ids[x] > ids[leaf]:  # operands come first
            seen.add(x)
            stack += x.args
    return False


def _passed_on(node: Node) -> bool:
    """Whether the value is that of an operand, as `relu` of a positive number is."""
    return any(x.value is node.value for x in node.args)


def _contents(x: Any) -> tuple[Any, ...]:
    array = np.asarray(x)
    return array.shape, array.dtype.str, blake2b(array.tobytes()).digest()


def _varied(x: Any) -> bool:
    return np.size(x) > 1 and bool(np.ptp(x) != 0)


def _computed(x: Any) -> bool:
    """Whether an element has more digits than a person would write."""
    kind = x.dtype.type
    return x.dtype.kind == "f" and any(
        bool(np.isfinite(v)) and kind(f"{v:.{DIGITS}g}") != v for v in x.reshape(-1)[:LOOKED_AT]
    )
