"""A page to walk through a computation: forward, and back along the chain rule, with every number checked.

    python demos/20_explorer.py [FOLDER]

Saves explorer.html into the folder; without one, into a new temporary folder. The page needs no network: → and ← step
through it, a click on a card shows its numbers, / finds a node by its name, and a module folds at a click on its title.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import tinygrad_edu as tg


def network(rng: np.random.Generator) -> tuple[tg.Scalar, list[tg.Scalar]]:
    """The squared error of a network of single numbers, 2 → 4 → 1 with tanh, on one sample; and its parameters."""
    x = [tg.Scalar(0.8, "x1"), tg.Scalar(-1.2, "x2")]
    parameters: list[tg.Scalar] = []

    def parameter(name: str, value: float) -> tg.Scalar:
        parameters.append(tg.Scalar(value, name))
        return parameters[-1]

    def neuron(inputs: list[tg.Scalar], weights: list[str], bias: str, result: str) -> tg.Scalar:
        total = sum((parameter(w, rng.normal()) * a for w, a in zip(weights[1:], inputs[1:], strict=True)),
                    parameter(weights[0], rng.normal()) * inputs[0])  # fmt: skip
        total = total + parameter(bias, 0.0)
        total.name = result
        return total

    hidden = []
    with tg.scope("hidden"):
        for j in range(1, 5):
            with tg.scope(f"neuron {j}"):
                h = neuron(x, [f"w{j}1", f"w{j}2"], f"b{j}", f"z{j}").tanh()
                h.name = f"h{j}"
                hidden.append(h)
    with tg.scope("output"):
        y = neuron(hidden, ["v1", "v2", "v3", "v4"], "c", "ŷ")
    with tg.scope("loss"):
        error = y - tg.Scalar(1.0, "target", requires_grad=False)
        loss = error**2
    error.name, loss.name = "error", "L"
    return loss, parameters


def main(folder: Path) -> None:
    """Make the page, and say what a reader will find in it."""
    loss, parameters = network(np.random.default_rng(4))
    steps = tg.trace_steps(loss)
    shares = [share for step in steps for share in step.contributions]
    print(f"L = {loss.value:.4f}, computed in {sum(step.phase == 'forward' for step in steps)} operations")
    print(f"The way back sends {len(shares)} shares, the last of them into "
          f"{steps[-1].expression}: {shares[-1].numbers} = {shares[-1].share:.4f}".replace("-", "−"))  # fmt: skip
    print(f"Largest difference from a numerical derivative: {max(s.check.error for s in shares):.0e}")
    page = tg.explore(
        loss,
        folder / "explorer.html",
        title="MLP 2 → 4 → 1",
        subtitle="one sample, squared error",
        parameters=parameters,
    )
    print(f"{page.stat().st_size / 1000:.0f} kB, to be opened in a browser: {page}")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="explorer_"))
    target.mkdir(parents=True, exist_ok=True)
    main(target)
