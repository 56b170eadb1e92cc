"""AdamW: a weight decay that Adam's division does not reach (Loshchilov and Hutter 2019, Alg. 2).

    w ← w − lr · weight_decay · w
    w ← w − lr · m̂ / (√v̂ + ε)         as in Adam, without decay in the gradient

As a part of the gradient, the decay of a number would be divided by √v̂ as well: the numbers with the largest gradients
would decay least. Here all decay at the same rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_edu.optim.adam import Adam, adaptive
from tinygrad_edu.optim.optimizer import Params


class AdamW(Adam):
    """Adam with decoupled weight decay.

    Args:
        params: as for `Optimizer`; `groups(model, decay=…)` spares biases and scales the decay.
        lr, betas, eps, amsgrad, check_finite: as for `Adam`.
        weight_decay: ≥ 0; lr · weight_decay is the share of a parameter that a step takes away.
    """

    def __init__(
        self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, check_finite=check_finite)

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says."""
        w = w - group["lr"] * group["weight_decay"] * w
        return w - group["lr"] * adaptive(g, state, group)
