"""What a check is about: the arguments as nodes, and every leaf that is to be moved, under a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import Node, describe
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.errors import NotDifferentiableError
from tinygrad_edu.inputs import among_arrays, input_leaf
from tinygrad_edu.tensor import Tensor


def leaves_of(target: Any, inputs: Sequence[Any], parameters: Any) -> tuple[list[Any], dict[str, Any]]:
    """The arguments as nodes, and {name: leaf} of all that is to be checked."""
    leaves: dict[str, Any] = {}
    if _is_module(target):
        leaves |= dict(target.named_parameters())
    if parameters is not None:
        for name, leaf in _named(parameters).items():
            if leaves.setdefault(name, leaf) is not leaf:
                raise ValueError(
                    f"check: two leaves are called {name!r}, so one would hide the other: rename one"
                )
    arguments = []
    if not leaves or any(isinstance(leaf, Tensor) for leaf in leaves.values()):
        inputs = [_array_of(x) for x in inputs]  # but a network of Scalars takes its numbers one by one
    beside_arrays = among_arrays([*inputs, *leaves.values()])
    for i, x in enumerate(inputs):
        node = input_leaf(x, beside_arrays) if _is_checked(x) else x
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


_INSTEAD = {
    type(None): "end it with return",
    tuple: "check one of its outputs at a time, lambda x: f(x)[0]",
    list: "check one of its outputs at a time, lambda x: f(x)[0]",
    np.ndarray: "compute with nodes to the end, or give NumPy functions a backward pass, tg.custom_vjp(f, vjp)",
}


def output_of(target: Any, arguments: Sequence[Any]) -> Node:
    """What the target computes.

    Raises:
        NotDifferentiableError: something other than a node.
        ValueError: it writes into an array that belongs to a node.
    """
    try:
        y = target(*arguments)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ValueError(
            "check: the function changes an array in place that belongs to a node, whose value others use, too: let it "
            "compute a new one, x * 2 where it has x *= 2"
        ) from error
    if not isinstance(y, Node):
        raise NotDifferentiableError(
            f"check: the target was to return a node, {type(y).__name__} came: "
            + _INSTEAD.get(type(y), "no part of it may leave the graph, as by float() or item()")
        )
    return y


def leaves_of_graph(output: Node, parameters: Any) -> dict[str, Any]:
    """{name: leaf} of all leaves of a graph that require a gradient, under the names of the parameters if given.

    Raises:
        NotDifferentiableError: the node is a leaf, or needs no gradient.
        StaleValueError: a leaf was assigned after it had been used.
    """
    if output.op is None or not output.requires_grad:
        raise NotDifferentiableError(
            f"check: a node that was computed from leaves with requires_grad was expected, {describe(output)} came"
        )
    leaves = [node for node in topological_order([output]) if node.op is None and node.requires_grad]
    gradients(output, leaves, output.ones())
    called = {leaf: name for name, leaf in (_named(parameters) if parameters is not None else {}).items()}
    found: dict[str, Any] = {}
    for leaf in leaves:
        name = base = called.get(leaf) or leaf.name or f"leaf {len(found)}"
        for number in count(2):
            if name not in found:
                break
            name = f"{base} ({number})"
        found[name] = leaf
    return found


def _named(parameters: Any) -> dict[str, Any]:
    """{name: leaf} of whatever parameters may be given as; in a list, a module is called by its number."""
    if _is_module(parameters):
        return dict(parameters.named_parameters())
    given = [parameters] if isinstance(parameters, Node) else parameters
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(
            f"check: parameters={parameters!r} came, where a module, a leaf, {{name: leaf}}, or a list of modules and "
            f"leaves was expected"
        )
    pairs = list(given.items()) if isinstance(given, Mapping) else [(None, x) for x in given]
    named: dict[str, Any] = {}
    for i, (name, held) in enumerate(pairs):
        if _is_module(held):
            owner = i if name is None else name
            inside = [(f"{owner}.{path}", leaf) for path, leaf in held.named_parameters()]
        else:
            inside = [(name or getattr(held, "name", None) or f"parameter {i}", held)]
        for path, leaf in inside:
            if not isinstance(leaf, Node) or leaf.op is not None or not leaf.requires_grad:
                raise NotDifferentiableError(
                    f"check: a leaf that requires a gradient was expected for {path!r}, {leaf!r} came"
                )
            if named.setdefault(path, leaf) is not leaf:
                raise ValueError("check: parameters with different names were expected: pass {name: leaf}")
    return named


def _is_module(x: Any) -> bool:
    return not isinstance(x, type) and hasattr(x, "named_parameters")


def _is_checked(x: Any) -> bool:
    """Whether a plain value is a float, or an array of floats."""
    return type(x) is float or (isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f")


def _array_of(x: Any) -> Any:
    """A list of floats as an array; anything else, such as a list of labels, as it is."""
    if not isinstance(x, list) or not x or _holds_node(x):
        return x
    try:
        array = np.asarray(x)
    except ValueError:  # rows of unequal length
        return x
    return array if array.dtype.kind == "f" else x


def _holds_node(x: Any) -> bool:
    return isinstance(x, Node) or (isinstance(x, list | tuple) and any(map(_holds_node, x)))
