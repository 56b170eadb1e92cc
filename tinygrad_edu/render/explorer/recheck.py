"""The gradient of any node of a graph a second time, by numbers: ∂L/∂x without a single rule of differentiation.

    f(t) = L computed anew from x + t·d on        f′(0) against ⟨x̄, d⟩

The node x is given another value, what depends on it is replayed, and the rest stays as it was. For a single number d
is 1; for an array it is one direction with something in every element, so an error in any of them shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.verify.noise import evaluate, noise_of
from tinygrad_edu.verify.numerical import differentiate
from tinygrad_edu.verify.replay import replay

BUDGET = 800_000  # operations replayed for all checks of a page together; a second or two
CALLS = 20  # evaluations that one check takes, about
NOISE = 100  # and one measurement of the rounding noise
ELEMENTS = 100  # of an array that take as long as one more operation
MEASURED = 2  # nodes at which the rounding noise of L is measured; it is much the same whichever node moves
SEED = 3  # of the directions: the same in every run


@dataclass(frozen=True, slots=True)
class Finding:
    """A gradient in one direction, by backward and by numbers.

    Attributes:
        analytic: ⟨x̄, d⟩, by backward.
        numeric: the derivative along d, by differences.
        bound: how much the latter may be off.
        error: how far they differ, relative to the larger one.
        verdict: "right", "wrong", or where the numbers cannot tell "kink", or "open" outside of a domain.
    """

    analytic: float
    numeric: float
    bound: float
    error: float
    verdict: str


def recheck(order: list[Node], root: Node, seed: Any, cotangents: dict[Node, Any]) -> dict[Node, Finding]:
    """Check the gradients of a graph, leaves first, and from the root on; of large graphs as many as the budget allows.

    Args:
        order: the nodes, operands first.
        root: where the gradient started, and with which `seed`.
        seed: its cotangent there.
        cotangents: the gradients of the nodes.
    """
    wanted = [node for node in order if node.op is None] + [
        node for node in reversed(order) if node.op is not None
    ]
    rng = np.random.default_rng(SEED)
    wanted = [node for node in wanted if node in cotangents and np.asarray(node.value).dtype.kind == "f"]
    work = sum(1 + np.size(node.value) // ELEMENTS for node in order)
    affordable = max(0, BUDGET // work - MEASURED * NOISE) // CALLS
    lines = [_Line(root, node, np.asarray(seed, float), rng) for node in wanted[:affordable]]
    noise = max((noise_of(line, 0.0, line.scale) for line in lines[:MEASURED]), default=0.0)
    return {line.node: _compared(line, cotangents[line.node], noise) for line in lines}


class _Line:
    """L along a line through the value of one node; a function of how far."""

    def __init__(self, root: Node, node: Node, seed: Any, rng: np.random.Generator) -> None:
        self.node, self._seed, self._again = node, seed, replay(root, [node])
        self._x = np.asarray(node.value, np.float64)
        if self._x.shape:
            size = float(np.abs(self._x).mean()) if self._x.size else 0.0
            signs = rng.choice([-1.0, 1.0], self._x.shape)
            self.direction: Any = rng.uniform(0.5, 1.0, self._x.shape) * signs * (size or 1.0)
            self.scale = 1.0
        else:
            self.direction, self.scale = np.float64(1.0), abs(float(self._x)) or 1.0

    def __call__(self, t: float) -> float:
        """L at a distance t."""
        moved = self._x + t * self.direction
        y = self._again(float(moved) if type(self.node.value) is float else moved)
        return float(np.sum(self._seed * np.asarray(y, np.float64)))


def _compared(line: _Line, cotangent: Any, noise: float) -> Finding:
    analytic = float(np.sum(np.asarray(cotangent, np.float64) * line.direction))
    middle = evaluate(line, 0.0)
    if middle is None or not np.isfinite(analytic):
        return Finding(analytic, float("nan"), float("inf"), float("nan"), "open")
    found = differentiate(line, 0.0, noise=noise, scale=line.scale, at_x=middle)
    size = max(abs(analytic), abs(found.value))
    difference = abs(analytic - found.value)
    error = difference / size if size else 0.0
    if not np.isfinite(found.error):
        verdict = "open"
    elif found.jump > found.error:
        verdict = "kink"
    elif difference <= 2 * found.error + 1e-6 * size:
        verdict = "right" if found.error <= 1e-3 * size + 1e-9 else "open"
    else:
        verdict = "wrong"
    return Finding(analytic, found.value, found.error, error, verdict)
