"""The network that the tests of the explorer explore, and its gradients."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as tg
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.sweep import reverse_sweep, topological_order


def mlp(width: int = 2) -> tuple[Any, list[Any]]:
    """2 → width → 1 with tanh, one sample, squared error; `backward` has not run."""
    xs = [tg.Scalar(v, name=f"x{i}") for i, v in enumerate((0.8, -1.2), 1)]
    parameters, hidden = [], []

    def parameter(name: str, value: float) -> Any:
        parameters.append(tg.Scalar(value, name=name))
        return parameters[-1]

    with tg.scope("hidden"):
        for j in range(1, width + 1):
            with tg.scope(f"neuron {j}"):
                w = [parameter(f"w{j}{i}", 0.7 * j / i - 1.3) for i in (1, 2)]
                z = w[0] * xs[0] + w[1] * xs[1] + parameter(f"b{j}", 0.1 * j)
                h = tg.tanh(z)
                z.name, h.name = f"z{j}", f"h{j}"
                hidden.append(h)
    with tg.scope("output"):
        y = parameter("c", 0.2)
        for j, h in enumerate(hidden, 1):
            y = parameter(f"v{j}", 1.1 - 0.6 * j) * h + y
        y.name = "ŷ"
    with tg.scope("loss"):
        loss = (y - tg.Scalar(1.0, name="target", requires_grad=False)) ** 2
    loss.name = "L"
    return loss, parameters


def gradients(root: Any) -> list[Any]:
    """∂root/∂node of every node in the order of the model, as the engine computes it; None where there is none."""
    found: dict[Any, Any] = {}
    leaves = reverse_sweep(
        root, root.ones(), observe=lambda step: found.setdefault(step.node, step.cotangent)
    )
    return [value_of((found | leaves).get(node)) for node in topological_order([root])]
