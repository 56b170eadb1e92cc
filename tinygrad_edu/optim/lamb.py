"""LAMB: every parameter moves by the same share of its length (You et al. 2020, Alg. 2).

    u = m̂ / (√v̂ + ε) + weight_decay · w         the step of AdamW
    w ← w − lr · ‖w‖ / ‖u‖ · u                  made as long as lr times the parameter

With large batches a large rate is wanted, and one layer would explode at a rate at which another hardly moves. So the
rate is the share of its norm by which each parameter, all of a layer's weights together, changes in a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.optim.adam import Adam, adaptive
from tinygrad_edu.optim.optimizer import Params


class LAMB(Adam):
    """Adam's direction, at a length in proportion to the parameter.

    Args:
        params: as for `Optimizer`; biases and scales usually without decay, see `groups`.
        lr: the learning rate, > 0: the share of a parameter's norm that changes in one step.
        betas: β₁ and β₂, each in [0, 1).
        eps: ε > 0.
        weight_decay: ≥ 0, decoupled as in `AdamW`.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-6,
        weight_decay: float = 1e-2, *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, check_finite=check_finite)

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says; a parameter of zeros, which has no length, takes the step as it is."""
        u = adaptive(g, state, group) + group["weight_decay"] * w
        lengths = float(np.linalg.norm(np.ravel(w))), float(np.linalg.norm(np.ravel(u)))
        ratio = lengths[0] / lengths[1] if all(lengths) else 1.0
        return w - group["lr"] * ratio * u
