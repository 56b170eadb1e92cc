"""Buffers: the arrays that a module holds and does not learn, such as a running mean.

    y = (x − running_mean) · (running_var + ε)^(−1/2)

An operation takes an array as a copy, so a leaf does not know where its values come from. It is told from them: a leaf
without name and gradient, used by nothing but a module, that has the values of a buffer of this module is that buffer.
What a normalization multiplies by is computed of one, outside of the graph, and is recognized in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.graph.naming import Names, modules_in


def buffers(order: list[Node], names: Names) -> dict[Node, str]:
    """{leaf: path} of the leaves that hold what is in a buffer of the modules in `names`."""
    known = [held for module in modules_in(names) for held in _held(module)]
    users: dict[Node, set[str]] = {}
    for node in order if known else ():
        for x in node.args:
            if x.op is None and x.name is None and not x.requires_grad:
                users.setdefault(x, set()).add(node.scope or "")
    found = {}
    for leaf, scopes in users.items():
        for owner, path, array in known:
            if scopes == {owner} and _equal(leaf.value, array):
                found[leaf] = path
                break
    return found


def _held(module: Any) -> Iterator[tuple[str, str, Any]]:
    """(path of the owner, path, array) of every buffer, and of (buffer + ε)^(−1/2) where the owner has an ε."""
    if not callable(getattr(module, "named_buffers", None)):
        return
    epsilons = {path: getattr(m, "eps", None) for path, m in getattr(module, "named_modules", list)()}
    for path, buffer in module.named_buffers():
        owner, _, name = path.rpartition(".")
        array, eps = np.asarray(buffer.value), epsilons.get(owner)
        if array.ndim:
            yield owner, path, array
            if isinstance(eps, float):
                with np.errstate(all="ignore"):
                    yield owner, f"{owner}.rsqrt({name} + ε)".lstrip("."), (array + eps) ** -0.5


def _equal(value: Any, array: Any) -> bool:
    """Whether these are the same numbers but for rounding, be there axes of length 1 between them or not."""
    value = np.asarray(value)
    if value.size != array.size or [n for n in value.shape if n > 1] != [n for n in array.shape if n > 1]:
        return False
    return value.dtype.kind == "f" and bool(
        np.allclose(value.reshape(array.shape), array, 1e-6, 0, equal_nan=True)
    )
