"""Replaying a graph: the operations that were recorded, run again on other values of one leaf.

    record once     y = f(w1, w2, …)
    replay often    y(w1 + h), y(w1 − h), …      only what depends on w1, on plain arrays

A gradient check evaluates one function thousands of times at points that differ in a single number. Called as the user
wrote it, the function builds every layer and looks at every parameter anew each time. Its record has all that
behind it, so a replay takes a fraction of the time.

A record knows nothing of what was computed past the graph, such as `math.exp(x)`, nor of an `if` that would turn the
other way: of just those mistakes that a check is to find. So before a replay is believed, `faithful` compares the two
at a few points beside the present one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.types import Array, Shape
from tinygrad_edu.verify.noise import each, norm


def replay(output: Node, leaves: list[Any]) -> Callable[..., Any]:
    """The output as a function of the values of some leaves, one for each; all others stay as they were.

    The graph is left untouched, and nothing is recorded.
    """
    slots: dict[Node, int] = {leaf: i for i, leaf in enumerate(leaves)}
    steps: list[tuple[Any, list[Any], list[tuple[int, int]], dict[str, Any]]] = []
    for node in topological_order([output]):
        moving = [(i, slots[x]) for i, x in enumerate(node.args) if x in slots]
        if moving:
            op: Any = node.op
            params = {name: value for name, value in node.params.items() if name != "saved"}
            steps.append((op.call, [x.value for x in node.args], moving, params))
            slots[node] = len(slots)
    if output not in slots:
        return lambda *values: output.value

    def at(*values: Any) -> Any:
        held = [*values]
        for call, operands, moving, params in steps:
            operands = operands.copy()
            for i, slot in moving:
                operands[i] = held[slot]
            held.append(call(*operands, **params))
        return held[slots[output]]

    return at


def beside(xs: Sequence[Array]) -> list[list[Array]]:
    """Four points around one: all components are moved, to both sides, by about as much as derivatives move them."""
    rng, sizes, points = np.random.default_rng(2), [_size(x) for x in xs], []
    for distance in (2.0**-8, 2.0**-14):
        steps = [distance * size * _signed(rng, size.shape) for size in sizes]
        points += [[x + sign * step for x, step in zip(xs, steps, strict=True)] for sign in (1, -1)]
    return points


def faithful(replayed: Callable[[Any], float], points: list[list[Array]], values: Array) -> bool:
    """Whether a replay gives, to the last bit, the values of the function itself, and each of them is a number."""
    return bool(np.array_equal(each(replayed, points), values))


def held_by(leaf: Any, x: Array) -> Any:
    """An array in the form in which a leaf holds it."""
    held: Any = leaf.result(x if x.shape else x[()])
    return held


def _signed(rng: np.random.Generator, shape: Shape) -> Array:
    """Numbers between ½ and 1, of either sign."""
    step = rng.uniform(-0.5, 0.5, shape)
    signed: Array = step + np.copysign(0.5, step)
    return signed


def _size(x: Array) -> Array:
    """By what components are measured: their own size, or that of the others where they are small beside them."""
    together = norm(x) / max(x.size, 1) ** 0.5
    size: Array = np.maximum(np.abs(x), together or 1.0)
    return size
