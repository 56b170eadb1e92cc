"""Lion: every number moves by lr, and only the sign is learned (Chen et al. 2023, Alg. 2).

    c = β₁ m + (1 − β₁) g
    w ← w − lr · (sign(c) + weight_decay · w)
    m ← β₂ m + (1 − β₂) g                 m starts at 0

The algorithm was found by a search over programs. As all numbers move by the same length, the rate is to be 3 to 10
times smaller than AdamW's, and the decay as much larger. It remembers one array for a parameter, and Adam two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, Params


class Lion(Optimizer):
    """Lion, "evolved sign momentum".

    Args:
        params: as for `Optimizer`.
        lr: the learning rate, > 0: the change of every number in one step.
        betas: β₁, the weight of the past in the sign, and β₂, how slowly the past fades; each in [0, 1).
        weight_decay: ≥ 0, decoupled as in `AdamW`.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, params: Params, lr: float = 1e-4, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0,
        *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, check_finite=check_finite, betas=betas, weight_decay=weight_decay)

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says; where c is 0, its sign is 0, too."""
        beta1, beta2 = group["betas"]
        m = state.get("exp_avg", 0.0)
        c = beta1 * m + (1 - beta1) * g
        state["exp_avg"] = beta2 * m + (1 - beta2) * g
        return w - group["lr"] * (np.sign(c) + group["weight_decay"] * w)
