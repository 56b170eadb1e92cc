"""A forward and a backward pass as a pair of plain functions, whatever they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.custom import CustomFunction
from tinygrad_edu.inputs import input_leaf
from tinygrad_edu.state import state_restored
from tinygrad_edu.types import Array


class Pair(NamedTuple):
    """f(*xs) → y and vjp(g, y, *xs) → a gradient (or None) for each input, both on arrays; and the inputs' names."""

    f: Callable[..., Any]
    vjp: Callable[..., list[Any]]
    names: list[str]
    composed: bool = False  # of operations of the engine, each of which has its own verification


def pair_of(target: Any, arguments: list[Any], leaves: dict[str, Any]) -> tuple[Pair, list[Array]]:
    """The pair behind a target, and the present values of its inputs.

    Of a custom function it is the one that it was made of. Of any other it is the engine's: a forward pass and a
    reverse sweep, as functions of those arguments that require a gradient.
    """
    called = {id(leaf): name for name, leaf in leaves.items()}
    names = [called.get(id(x), f"input {i}") for i, x in enumerate(arguments)]
    if isinstance(target, CustomFunction):
        return Pair(target.f, target.gradients, names), [_wide(value_of(x)) for x in arguments]
    places = [i for i, x in enumerate(arguments) if id(x) in called]

    def call(xs: Sequence[Array]) -> tuple[Any, list[Any]]:
        moved = dict(zip(places, (input_leaf(np.array(x), True) for x in xs), strict=True))
        return target(*[moved.get(i, x) for i, x in enumerate(arguments)]), list(moved.values())

    def f(*xs: Array) -> Any:
        with no_grad(), state_restored():
            return call(xs)[0].value

    def vjp(g: Array, y: Array, *xs: Array) -> list[Any]:
        with state_restored():
            output, inputs = call(xs)
        return gradients(output, inputs, g) if output.requires_grad else [None] * len(inputs)

    return Pair(f, vjp, [names[i] for i in places], True), [_wide(arguments[i].value) for i in places]


def _wide(x: Any) -> Array:
    """Values in float64, whose digits tell a mistake from rounding; what is not of floats as it is."""
    array = np.asarray(x)
    return array.astype(float) if array.dtype.kind == "f" else array
