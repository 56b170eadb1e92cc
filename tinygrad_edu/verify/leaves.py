"""What a check is about: the arguments as nodes, and every leaf that is to be moved, under a name of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, describe
from tinygrad_edu.errors import NotDifferentiableError
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.tensor import Tensor


def leaves_of(target: Any, inputs: Sequence[Any], parameters: Any) -> tuple[list[Any], dict[str, Any]]:
    """The arguments as nodes, and {name: leaf} of all that is to be checked."""
    leaves: dict[str, Any] = {}
    if hasattr(target, "named_parameters"):
        leaves |= dict(target.named_parameters())
    if parameters is not None:
        for name, leaf in _named(parameters).items():
            if leaves.setdefault(name, leaf) is not leaf:
                raise ValueError(
                    f"check: two leaves are called {name!r}, so one would hide the other: rename one"
                )
    arguments = []
    among_arrays = any(isinstance(x, np.ndarray | Tensor) for x in inputs)
    for i, x in enumerate(inputs):
        node = _argument(x, among_arrays)
        arguments.append(node)
        if isinstance(node, Node) and node.requires_grad:
            if node.op is not None:
                raise NotDifferentiableError(
                    f"check: input {i}, {describe(node)}, was computed: make a leaf of its value, "
                    f"tg.tensor(x.numpy(), requires_grad=True)"
                )
            if not any(node is leaf for leaf in leaves.values()):
                name = node.name or f"input {i}"
                leaves[name if name not in leaves else f"{name} (input {i})"] = node
    return arguments, leaves


def _named(parameters: Any) -> dict[str, Any]:
    if hasattr(parameters, "named_parameters"):
        return dict(parameters.named_parameters())
    if isinstance(parameters, Mapping):
        named = dict(parameters)
    else:
        named = {leaf.name or f"parameter {i}": leaf for i, leaf in enumerate(parameters)}
        if len(named) < len(parameters):
            raise ValueError("check: parameters with different names were expected: pass {name: leaf}")
    for name, leaf in named.items():
        if not isinstance(leaf, Node) or leaf.op is not None or not leaf.requires_grad:
            raise NotDifferentiableError(
                f"check: a leaf that requires a gradient was expected for {name!r}, {leaf!r} came"
            )
    return named


def _argument(x: Any, among_arrays: bool) -> Any:
    """An array of floats as a Tensor, a float as a Scalar, or as a Tensor among arrays; anything else as it is."""
    if isinstance(x, Node):
        return x
    if type(x) is float:
        return Tensor(x, requires_grad=True) if among_arrays else Scalar(x)
    if isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f":
        return Tensor(x, requires_grad=True)
    return x
