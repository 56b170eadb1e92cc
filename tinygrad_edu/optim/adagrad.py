"""Adagrad: the more a number has been moved, the less it moves (Duchi, Hazan and Singer 2011, eq. 1).

    g ← ∇f(w) + weight_decay · w
    G ← G + g²                            the sum of all squares so far; starts at initial_accumulator_value
    w ← w − lr / (1 + (t − 1) · lr_decay) · g / (√G + ε)

A number that seldom has a gradient, such as the weight of a rare word, keeps its large step. G never shrinks, so in a
long training the steps become as small as 1/√t.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, Params


class Adagrad(Optimizer):
    """Adagrad.

    Args:
        params: as for `Optimizer`.
        lr: the learning rate, > 0.
        lr_decay: ≥ 0: how much the learning rate itself falls.
        weight_decay: ≥ 0.
        initial_accumulator_value: ≥ 0, where G starts.
        eps: ε > 0.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, params: Params, lr: float = 1e-2, lr_decay: float = 0.0, weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0, eps: float = 1e-10, *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, check_finite=check_finite, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps,
        )  # fmt: skip

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says; t counts the gradients that this parameter has received."""
        if group["weight_decay"]:
            g = g + group["weight_decay"] * w
        t = state["step"] = state.get("step", 0) + 1
        total = state["sum"] = state.get("sum", group["initial_accumulator_value"]) + g * g
        rate = group["lr"] / (1 + (t - 1) * group["lr_decay"])
        return w - rate * g / (np.sqrt(total) + group["eps"])
