"""Gradient descent, and its two kinds of momentum.

    g ← ∇f(w) + weight_decay · w
    v ← momentum · v + (1 − dampening) · g    v starts as the first g
    w ← w − lr · v                            or, with Nesterov's, w − lr · (g + momentum · v)

The velocity v is a sum of past gradients that fades: it grows where they agree and averages out where they
alternate. The forms are those of PyTorch: the learning rate multiplies v, and is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_edu.optim.optimizer import Optimizer, Params


class SGD(Optimizer):
    """Gradient descent; "stochastic" if each step sees a random batch (Robbins and Monro 1951).

    Args:
        params: as for `Optimizer`.
        lr: the learning rate, > 0.
        momentum: in [0, 1); 0.9 is usual (Polyak 1964).
        dampening: in [0, 1): the share of a new gradient that does not enter into the velocity.
        weight_decay: ≥ 0, pulls every parameter towards 0: the gradient of weight_decay / 2 · w².
        nesterov: look ahead along the velocity (Nesterov 1983, as in Sutskever et al. 2013).
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range, or Nesterov's momentum without momentum, or with dampening.
    """

    def __init__(
        self, params: Params, lr: float = 1e-3, momentum: float = 0.0, dampening: float = 0.0,
        weight_decay: float = 0.0, nesterov: bool = False, *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, check_finite=check_finite,
            momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
        )  # fmt: skip
        for group in self.param_groups:
            if group["nesterov"] and (not group["momentum"] or group["dampening"]):
                raise ValueError(
                    f"SGD: nesterov=True looks ahead along the velocity: a momentum above 0 and no dampening was "
                    f"expected, {group['momentum']} and {group['dampening']} came"
                )

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says."""
        if group["weight_decay"]:
            g = g + group["weight_decay"] * w
        momentum = group["momentum"]
        if momentum:
            v = state.get("momentum_buffer")
            v = g if v is None else momentum * v + (1 - group["dampening"]) * g
            state["momentum_buffer"] = v
            g = g + momentum * v if group["nesterov"] else v
        return w - group["lr"] * g
