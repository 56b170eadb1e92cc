"""Adam: each number has a learning rate of its own (Kingma and Ba 2015, Alg. 1).

    g ← ∇f(w) + weight_decay · w
    m ← β₁ m + (1 − β₁) g             the mean of the gradient, fading
    v ← β₂ v + (1 − β₂) g²            the mean of its square
    m̂ = m / (1 − β₁ᵗ)                 both start at 0, and t steps later are too small by this factor
    v̂ = v / (1 − β₂ᵗ)
    w ← w − lr · m̂ / (√v̂ + ε)

As |m̂| is hardly ever larger than √v̂, no number moves by much more than lr in a step, however large its
gradient. AMSGrad takes for v in the last two lines the largest that there has been, since a v that shrinks again
can keep Adam from converging (Reddi, Kale and Kumar 2018, Alg. 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, Params


class Adam(Optimizer):
    """Adam, with a weight decay that is part of the gradient; see `AdamW` for one that is not.

    Args:
        params: as for `Optimizer`.
        lr: the learning rate, > 0: about the largest change of a number in one step.
        betas: β₁ and β₂, each in [0, 1): how slowly the two means fade.
        eps: ε > 0, which keeps the quotient finite where gradients are 0.
        weight_decay: ≥ 0.
        amsgrad: whether to divide by the largest v so far.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, amsgrad: bool = False, *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, check_finite=check_finite,
            betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
        )  # fmt: skip

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says."""
        if group["weight_decay"]:
            g = g + group["weight_decay"] * w
        return w - group["lr"] * adaptive(g, state, group)


def adaptive(g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
    """m̂ / (√v̂ + ε), after the gradient g has entered into the means; t counts the gradients received so far."""
    beta1, beta2 = group["betas"]
    t = state["step"] = state.get("step", 0) + 1
    m = state["exp_avg"] = beta1 * state.get("exp_avg", 0.0) + (1 - beta1) * g
    v = state["exp_avg_sq"] = beta2 * state.get("exp_avg_sq", 0.0) + (1 - beta2) * (g * g)
    if group["amsgrad"]:
        v = state["max_exp_avg_sq"] = np.maximum(state.get("max_exp_avg_sq", 0.0), v)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return m_hat / (np.sqrt(v_hat) + group["eps"])
