"""RAdam: Adam that waits until it knows enough to divide (Liu et al. 2020, Alg. 2).

    m, v and their corrections as in Adam
    ρ∞ = 2 / (1 − β₂) − 1                                       how many squares v is the mean of, at most
    ρ  = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)                               how many it is the mean of so far, about
    w ← w − lr · m̂                                              while ρ ≤ 5
    w ← w − lr · m̂ / (√v̂ + ε) · r                               then, with
    r = √( (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ) )           which grows towards 1

After a few steps v is the mean of a few squares, and its root may be far too small: Adam's first steps are then too
long. Warm-up hides that by a small rate. Here the variance of 1/√v itself says how much a step can be trusted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, Params


class RAdam(Optimizer):
    """Rectified Adam, which needs no warm-up.

    Args:
        params: as for `Optimizer`.
        lr: the learning rate, > 0.
        betas: β₁ and β₂, each in [0, 1).
        eps: ε > 0; as in PyTorch it is added before v is corrected.
        weight_decay: ≥ 0.
        decoupled_weight_decay: whether the decay acts beside the gradient, as in `AdamW`, and not within it.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, decoupled_weight_decay: bool = False, *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, check_finite=check_finite, betas=betas, eps=eps, weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
        )  # fmt: skip

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says."""
        (beta1, beta2), lr = group["betas"], group["lr"]
        if group["decoupled_weight_decay"]:
            w = w - lr * group["weight_decay"] * w
        elif group["weight_decay"]:
            g = g + group["weight_decay"] * w
        t = state["step"] = state.get("step", 0) + 1
        m = state["exp_avg"] = beta1 * state.get("exp_avg", 0.0) + (1 - beta1) * g
        v = state["exp_avg_sq"] = beta2 * state.get("exp_avg_sq", 0.0) + (1 - beta2) * (g * g)
        m_hat = m / (1 - beta1**t)
        most = 2 / (1 - beta2) - 1
        rho = most - 2 * t * beta2**t / (1 - beta2**t)
        if rho <= 5:
            return w - lr * m_hat
        r = math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
        return w - lr * m_hat * (r * math.sqrt(1 - beta2**t)) / (np.sqrt(v) + group["eps"])
