"""The gradient of any node of a graph a second time, by numbers: ∂L/∂x without a single rule of differentiation.

    f(t) = L computed anew from x + t·d on        f′(0) against ⟨x̄, d⟩

The node x is given another value, what depends on it is replayed, and the rest stays as it was. For a single number d
is 1; for an array it is one direction with something in every element, so an error in any of them shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.verify.noise import evaluate, noise_of
from tinygrad_edu.verify.numerical import differentiate
from tinygrad_edu.verify.replay import replay

BUDGET = 400_000  # operations replayed for all checks of a page together; about a second
CALLS = 50  # evaluations that one check takes, about
SEED = 3  # of the directions: the same in every run


@dataclass(frozen=True, slots=True)
class Finding:
    """A gradient in one direction, by backward and by numbers.

    Attributes:
        analytic: ⟨x̄, d⟩, by backward.
        numeric: the derivative along d, by differences.
        bound: how much the latter may be off.
        error: how far they differ, relative to the larger one.
        verdict: "right", "wrong", or "open" where the numbers cannot tell: at a kink, or outside of a domain.
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
    wanted = [node for node in wanted if node in cotangents and np.asarray(node.value).dtype.kind == "f"]
    affordable = max(1, BUDGET // (CALLS * len(order)))
    return dict(_checked(wanted[:affordable], root, np.asarray(seed, float), cotangents))


def _checked(
    nodes: Iterable[Node], root: Node, seed: Any, cotangents: dict[Node, Any]
) -> Iterable[tuple[Node, Finding]]:
    rng = np.random.default_rng(SEED)
    for node in nodes:
        x = np.asarray(node.value, np.float64)
        size = float(np.abs(x).mean()) if x.size else 0.0
        signs = rng.uniform(0.5, 1.0, x.shape) * rng.choice([-1.0, 1.0], x.shape)
        d = signs * (size or 1.0) if x.shape else np.float64(1.0)
        yield node, _compared(node, root, seed, np.asarray(cotangents[node], np.float64), x, d)


def _compared(node: Node, root: Node, seed: Any, g: Any, x: Any, d: Any) -> Finding:
    again = replay(root, [node])
    single = not x.shape

    def f(t: float) -> float:
        moved = x + t * d
        y = again(float(moved) if type(node.value) is float else moved)
        return float(np.sum(seed * np.asarray(y, np.float64)))

    analytic = float(np.sum(g * d))
    scale = abs(float(x)) or 1.0 if single else 1.0
    middle = evaluate(f, 0.0)
    if middle is None or not np.isfinite(analytic):
        return Finding(analytic, float("nan"), float("inf"), float("nan"), "open")
    found = differentiate(f, 0.0, noise=noise_of(f, 0.0, scale), scale=scale, at_x=middle)
    size = max(abs(analytic), abs(found.value))
    difference = abs(analytic - found.value)
    error = difference / size if size else 0.0
    if found.jump > found.error or not np.isfinite(found.error):
        verdict = "open"
    elif difference <= 2 * found.error + 1e-6 * size:
        verdict = "right" if found.error <= 1e-3 * size + 1e-9 else "open"
    else:
        verdict = "wrong"
    return Finding(analytic, found.value, found.error, error, verdict)
