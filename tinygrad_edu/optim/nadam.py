"""NAdam: Adam that looks ahead along its mean, as Nesterov's momentum does (Dozat 2016).

    μₜ = β₁ (1 − ½ · 0.96^(t · momentum_decay))            the momentum, which warms up towards β₁
    m ← β₁ m + (1 − β₁) g
    v ← β₂ v + (1 − β₂) g²,   v̂ = v / (1 − β₂ᵗ)
    m̂ = μₜ₊₁ m / (1 − μ₁ ⋯ μₜ₊₁) + (1 − μₜ) g / (1 − μ₁ ⋯ μₜ)
    w ← w − lr · m̂ / (√v̂ + ε)

Adam steps along the mean with the gradient as it was before; here the gradient enters a second time, with the weight
that it will have at the next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, Params


class NAdam(Optimizer):
    """Adam with Nesterov's momentum.

    Args:
        params: as for `Optimizer`.
        lr: the learning rate, > 0.
        betas: β₁ and β₂, each in [0, 1).
        eps: ε > 0.
        weight_decay: ≥ 0.
        momentum_decay: ≥ 0: how fast μ warms up.
        decoupled_weight_decay: whether the decay acts beside the gradient, as in `AdamW`, and not within it.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, params: Params, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
        check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, check_finite=check_finite, betas=betas, eps=eps, weight_decay=weight_decay,
            momentum_decay=momentum_decay, decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says."""
        (beta1, beta2), lr, psi = group["betas"], group["lr"], group["momentum_decay"]
        if group["decoupled_weight_decay"]:
            w = w - lr * group["weight_decay"] * w
        elif group["weight_decay"]:
            g = g + group["weight_decay"] * w
        t = state["step"] = state.get("step", 0) + 1
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in (t, t + 1))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        m = state["exp_avg"] = beta1 * state.get("exp_avg", 0.0) + (1 - beta1) * g
        v = state["exp_avg_sq"] = beta2 * state.get("exp_avg_sq", 0.0) + (1 - beta2) * (g * g)
        m_hat = mu_next / (1 - product * mu_next) * m + (1 - mu) / (1 - product) * g
        return w - lr * m_hat / (np.sqrt(v / (1 - beta2**t)) + group["eps"])
