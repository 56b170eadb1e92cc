"""Adadelta: steps in the units of the parameter, so that no learning rate has to be found (Zeiler 2012, Alg. 1).

    g ← ∇f(w) + weight_decay · w
    v ← ρ v + (1 − ρ) g²                  the mean square of the gradient
    Δ = √((u + ε) / (v + ε)) · g
    u ← ρ u + (1 − ρ) Δ²                  the mean square of the steps
    w ← w − lr · Δ

A gradient has the unit 1/w of the parameter (times that of the loss), and g/√v has none. With the size √u of the steps
before it, Δ has the unit of w. Both means start at 0, so the first steps are about √ε.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, Params


class Adadelta(Optimizer):
    """Adadelta.

    Args:
        params: as for `Optimizer`.
        lr: > 0; the paper has 1.
        rho: ρ in [0, 1): how slowly the means fade.
        eps: ε > 0, which starts the steps.
        weight_decay: ≥ 0.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, params: Params, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0, *,
        check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, check_finite=check_finite, rho=rho, eps=eps, weight_decay=weight_decay)

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says."""
        if group["weight_decay"]:
            g = g + group["weight_decay"] * w
        rho, eps = group["rho"], group["eps"]
        v = state["square_avg"] = rho * state.get("square_avg", 0.0) + (1 - rho) * (g * g)
        u = state.get("acc_delta", 0.0)
        delta = np.sqrt((u + eps) / (v + eps)) * g
        state["acc_delta"] = rho * u + (1 - rho) * (delta * delta)
        return w - group["lr"] * delta
