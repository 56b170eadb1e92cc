"""One parameter under several names: in a file, and in a module.

    model.head.weight = model.embedding.weight        one leaf with two paths, of which it has the first here

PyTorch writes a shared parameter under all of its paths, and other formats keep one of them, which need not be the
first. So every name is led back to the first path before it is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.core.node import value_of


def by_first_names(state: Mapping[str, Any], aliases: Mapping[str, str]) -> Mapping[str, Any]:
    """The state with every name led back to the first path of what it names.

    Args:
        state: {name: array}.
        aliases: {further path: first path}, of parameters or of whole modules.

    Raises:
        ValueError: two names of one parameter, and different values.
    """
    if not aliases:
        return state
    found: dict[str, Any] = {}
    came: dict[str, str] = {}
    for name, value in state.items():
        first = _first(name, aliases)
        if first in found and not _same(value_of(found[first]), value_of(value)):
            raise ValueError(
                f"load_state_dict: one value for {came[first]} and {name} was expected, which are the same parameter "
                f"here, two different ones came"
            )
        found.setdefault(first, value)
        came.setdefault(first, name)
    return found


def _same(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")


def _first(name: str, aliases: Mapping[str, str]) -> str:
    """Of `head.weight` the path `embedding.weight`, if `head.weight` or all of `head` is an alias."""
    path = name
    while path:
        if path in aliases:
            return aliases[path] + name[len(path) :]
        path = path.rpartition(".")[0]
    return name
