"""Views: leaves that are a part of an array which something else holds, `x[:, 3]` or `xᵀ`.

    with x as data, without gradient:     h = x[:, 3] @ w     records the product, and not the index

What needs no gradient is not recorded, so its result stands in the graph as a leaf like any other, and one input looks
like several. NumPy takes parts and transposes without a copy, so those are told from the memory that they share. What
was computed in any other way is not to be told from what was given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.look.style import shape


def views(
    order: list[Node], ids: Mapping[Node, int], given: Mapping[Node, str], others: Iterable[tuple[str, Node]]
) -> dict[Node, str]:
    """{leaf: title} of the leaves without name and gradient that are a view of an array.

    Args:
        order: the nodes of the graph.
        ids: their numbers.
        given: their names.
        others: (name, node) of nodes that may be outside of it, as a batch is of which only parts were used.
    """
    arrays = [x for x in order if x.op is None and isinstance(x.value, np.ndarray) and x.value.size > 1]
    leaves = [x for x in arrays if x not in given and not x.requires_grad]
    if not leaves:
        return {}
    sources: dict[int, tuple[str, Any]] = {}
    for name, node in [*((given[x], x) for x in given), *others]:
        if isinstance(node.value, np.ndarray):
            _offer(sources, name, node.value)
    for leaf in leaves:
        if leaf.value.size == _owner(leaf.value).size and leaf.value.flags.c_contiguous:
            _offer(sources, f"n{ids[leaf]}", leaf.value)
    found = {}
    for leaf in leaves:
        whole = _owner(leaf.value)
        name, array = sources.get(id(whole), (f"({shape(whole.shape)})", whole))
        if (title := _title(name, array, leaf.value)) is not None:
            found[leaf] = title
    return found


def _owner(array: Any) -> Any:
    """The array whose memory it is."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _offer(sources: dict[int, tuple[str, Any]], name: str, array: Any) -> None:
    """The first of the largest is the source."""
    key = id(_owner(array))
    if key not in sources or sources[key][1].size < array.size:
        sources[key] = name, array


def _title(name: str, array: Any, view: Any) -> str | None:
    """`x[:, 3]`, `xᵀ`; nothing for the array itself."""
    start = _address(view) - _address(array)
    steps = [(n, s) for n, s in zip(array.shape, array.strides, strict=True) if n > 1]
    mine = [(n, s) for n, s in zip(view.shape, view.strides, strict=True) if n > 1]
    if mine == steps and not start:
        return None if view.shape == array.shape else f"{name} reshaped"
    if sorted(mine) == sorted(steps) and not start:
        return f"{name}ᵀ"
    if view.size == array.size:
        return f"{name} reshaped"
    index = _index(array, view, start)
    return f"{name}[{index or '…'}]"


def _index(array: Any, view: Any, start: int) -> str | None:
    """The index that makes the view of the array; None if it is none of integers and plain slices."""
    rest, parts = list(zip(view.shape, view.strides, strict=True)), []
    if start < 0 or not math.prod(array.shape) or not array.flags.c_contiguous:
        return None
    for n, step in zip(array.shape, array.strides, strict=True):
        at, start = divmod(start, step)
        if rest and rest[0][1] == step and at + rest[0][0] <= n:
            m, _ = rest.pop(0)
            parts.append(":" if m == n else f"{at or ''}:{at + m if at + m < n else ''}")
        else:
            parts.append(str(at))
    if rest or start:
        return None
    while parts and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts)


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])
