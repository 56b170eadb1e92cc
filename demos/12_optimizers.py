"""Optimizers in a valley: one that is steep across and flat along, and one that is bent.

python demos/12_optimizers.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import optim

BOWL = np.array([1.0, 100.0])  # the curvatures, with the condition number κ = 100
MOST = 4000  # evaluations


def bowl(w: Any) -> Any:
    """½ (w₁² + 100 w₂²)."""
    return tg.sum(BOWL * w**2) / 2


def rosenbrock(w: Any) -> Any:
    """(1 − w₁)² + 100 (w₂ − w₁²)²: a bent valley with its minimum at (1, 1) (Rosenbrock 1960)."""
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


def needed(f: Callable[[Any], Any], start: list[float], make: Callable[[Any], Any]) -> str:
    """How many times f was computed until it was below 1e-10."""
    w = tg.tensor(start, requires_grad=True, name="w")
    optimizer = make([w])
    losses: list[float] = []

    def closure() -> Any:
        optimizer.zero_grad()
        loss = f(w)
        loss.backward()
        losses.append(loss.item())
        return loss

    while len(losses) < MOST and (not losses or min(losses) >= 1e-10):
        optimizer.step(closure)
    below = [i for i, loss in enumerate(losses, start=1) if loss < 1e-10]
    return str(below[0]) if below else f"more than {MOST}"


def main() -> None:
    """Two tables."""
    root = np.sqrt(BOWL[1] / BOWL[0])
    rate, beta = 4 / (root + 1) ** 2, ((root - 1) / (root + 1)) ** 2
    print("How often a loss is computed until it has fallen to 1e-10. A bowl with the condition number 100:")
    for name, make in {
        "gradient descent, lr = 2 / (λmin + λmax)": lambda p: optim.SGD(p, lr=2 / BOWL.sum()),
        "Polyak's momentum, with the best values": lambda p: optim.SGD(p, lr=rate, momentum=beta),
        "Adam, lr = 0.1": lambda p: optim.Adam(p, lr=0.1),
        "L-BFGS": lambda p: optim.LBFGS(p, tolerance_change=0),
    }.items():
        print(f"    {name:<42}{needed(bowl, [1.0, 1.0], make):>5}")
    print(f"In theory the error shrinks by (κ − 1)/(κ + 1) = {99 / 101:.3f} a step, with momentum by")
    print(f"(√κ − 1)/(√κ + 1) = {(root - 1) / (root + 1):.3f}, which needs a tenth of the steps.\n")

    print("Rosenbrock's bent valley, from (−1.2, 1), where the loss is 24.2:")
    for name, make in {
        "gradient descent, lr = 0.001": lambda p: optim.SGD(p, lr=1e-3),
        "Nesterov's momentum, lr = 0.001": lambda p: optim.SGD(p, lr=1e-3, momentum=0.95, nesterov=True),
        "Adam, lr = 0.02": lambda p: optim.Adam(p, lr=0.02),
        "L-BFGS": lambda p: optim.LBFGS(p, tolerance_change=0),
    }.items():
        print(f"    {name:<42}{needed(rosenbrock, [-1.2, 1.0], make):>5}")


if __name__ == "__main__":
    main()
