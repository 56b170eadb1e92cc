"""RMSprop: each number is divided by the size that its gradient has had lately (Tieleman and Hinton 2012, lecture 6e).

    g ← ∇f(w) + weight_decay · w
    v ← α v + (1 − α) g²                  the mean of the square, fading
    a ← α a + (1 − α) g,  v − a² for v    if centered: the variance (Graves 2013, eq. 38–45)
    u = g / (√v + ε)
    w ← w − lr · u                        or, with momentum, b ← momentum · b + u and w ← w − lr · b

It is Adagrad with a memory that fades, so that its steps do not become smaller and smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, Params


class RMSprop(Optimizer):
    """RMSprop.

    Args:
        params: as for `Optimizer`.
        lr: the learning rate, > 0.
        alpha: α in [0, 1): how slowly the mean fades.
        eps: ε > 0.
        weight_decay: ≥ 0.
        momentum: in [0, 1).
        centered: whether to divide by the deviation about the mean, and not by the size.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, params: Params, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0,
        momentum: float = 0.0, centered: bool = False, *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, check_finite=check_finite,
            alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered,
        )  # fmt: skip

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says."""
        if group["weight_decay"]:
            g = g + group["weight_decay"] * w
        alpha = group["alpha"]
        v = state["square_avg"] = alpha * state.get("square_avg", 0.0) + (1 - alpha) * (g * g)
        if group["centered"]:
            a = state["grad_avg"] = alpha * state.get("grad_avg", 0.0) + (1 - alpha) * g
            v = np.maximum(v - a * a, 0)  # rounding may take a variance of 0 below it
        u = g / (np.sqrt(v) + group["eps"])
        if group["momentum"]:
            u = state["momentum_buffer"] = group["momentum"] * state.get("momentum_buffer", 0.0) + u
        return w - group["lr"] * u
