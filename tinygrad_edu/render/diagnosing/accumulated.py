"""Accumulated gradients: what several backward passes have added up in the leaves.

    w̄ ← w̄ + ∂L/∂w        with every call of backward, until someone sets w̄ to None

After 400 passes a gradient of 4 is one of 1600, and nothing explodes: so what a diagnosis judges is one pass. That the
leaves hold another gradient is worth a sentence of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.graph.backward import Watched, finite
from tinygrad_edu.render.graph.gradients import SAME
from tinygrad_edu.render.graph.model import GraphModel, NodeModel, Numbers, numbers


def of_one_pass(model: GraphModel, nodes: Sequence[Node], seen: Watched) -> GraphModel:
    """The model with the gradients of one backward pass that starts with 1, whatever has been added up in the leaves.

    A pass is linear in what it starts with, so one that started with 3, as the third from the same number does, is
    divided by 3. Without a sweep, the model is as it was.
    """
    if not seen.cotangents:
        return model
    start = np.asarray(seen.cotangents.get(nodes[model.root], 1.0))
    unit = float(start.reshape(())) if start.size == 1 and finite(start) and np.all(start) else 1.0

    def gradient(node: Node) -> Numbers | None:
        g = seen.cotangents.get(node)
        return None if g is None else numbers(g if unit == 1 else np.asarray(g) / unit)

    with np.errstate(all="ignore"):
        return replace(model, nodes=tuple(replace(n, gradient=gradient(nodes[n.id])) for n in model.nodes))


def accumulated(model: GraphModel, once: GraphModel) -> list[tuple[NodeModel, float, float]]:
    """(leaf, |grad|, |grad| of one pass) of the leaves where these are not the same.

    Args:
        model: with what the leaves hold.
        once: of `of_one_pass`.
    """
    return [
        (node, node.gradient.norm, one.gradient.norm)
        for node, one in zip(model.nodes, once.nodes, strict=True)
        if node.op is None and node.gradient is not None and node.gradient.norm is not None
        and one.gradient is not None and one.gradient.norm is not None and _differ(node.gradient, one.gradient)
    ]  # fmt: skip


def _differ(held: Numbers, one: Numbers) -> bool:
    """Whether two gradients are not the same but for rounding; statistics are enough to see a sum."""
    pairs = [(held.norm, one.norm), (held.mean, one.mean), (held.item, one.item)]
    size = max(held.norm or 0.0, one.norm or 0.0)
    return any(a is not None and b is not None and abs(a - b) > SAME * size for a, b in pairs)
