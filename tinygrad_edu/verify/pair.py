"""A forward and a backward pass as a pair of plain functions, whatever they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import leaf, value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.custom import CustomFunction
from tinygrad_edu.inputs import input_leaf
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.state import state_restored
from tinygrad_edu.types import Array
from tinygrad_edu.verify.leaves import output_of


class Pair(NamedTuple):
    """f(*xs) → y and vjp(g, y, *xs) → a gradient (or None) for each input, both on arrays; and the inputs' names."""

    f: Callable[..., Any]
    vjp: Callable[..., list[Any]]
    names: list[str]
    record: Callable[[Sequence[Array]], tuple[Any, list[Any]]] | None = (
        None  # (output, leaves), if there is a graph
    )


def pair_of(target: Any, arguments: list[Any], leaves: dict[str, Any]) -> tuple[Pair, list[Array]]:
    """The pair behind a target, and the present values of its inputs.

    Of a custom function it is the one that it was made of. Of any other it is the engine's: a forward pass and a
    reverse sweep, as functions of those arguments that require a gradient.
    """
    called = {id(leaf): name for name, leaf in leaves.items()}
    names = [called.get(id(x), f"input {i}") for i, x in enumerate(arguments)]
    if isinstance(target, CustomFunction):
        return Pair(target.value, target.gradients, names), [_wide(value_of(x)) for x in arguments]
    places = [i for i, x in enumerate(arguments) if id(x) in called]

    def call(xs: Sequence[Array]) -> tuple[Any, list[Any]]:
        scalars = isinstance(arguments[places[0]], Scalar)  # a graph holds them, or tensors
        leaves = (input_leaf(float(x) if scalars else np.array(x), not scalars) for x in xs)
        moved = dict(zip(places, leaves, strict=True))
        given = [moved.get(i, x) for i, x in enumerate(arguments)]
        return output_of(target, given), list(moved.values())

    def f(*xs: Array) -> Any:
        with no_grad(), state_restored():
            return call(xs)[0].value

    def vjp(g: Array, y: Array, *xs: Array) -> list[Any]:
        with state_restored():
            output, inputs = call(xs)
        return gradients(output, inputs, g) if output.requires_grad else [None] * len(inputs)

    def record(xs: Sequence[Array]) -> tuple[Any, list[Any]]:
        with state_restored():
            return call(xs)

    return Pair(f, vjp, [names[i] for i in places], record), [_wide(arguments[i].value) for i in places]


def pair_of_node(node: Any) -> tuple[Pair, list[Array]]:
    """The pair of one operation in a graph, by itself, and the values that it was recorded with."""
    params = {name: value for name, value in node.params.items() if name != "saved"}
    operands = [leaf(type(node), x.value, np.asarray(x.value).dtype.kind == "f") for x in node.args]
    leaves = {f"operand {i}": x for i, x in enumerate(operands) if x.requires_grad}
    pair, inputs = pair_of(lambda *xs: node.op.call(*xs, **params), operands, leaves)
    return pair._replace(record=None), inputs


def _wide(x: Any) -> Array:
    """Values in float64, whose digits tell a mistake from rounding; what is not of floats as it is."""
    array = np.asarray(x)
    return array.astype(float) if array.dtype.kind == "f" else array
