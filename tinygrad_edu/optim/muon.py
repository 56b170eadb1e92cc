"""Muon: a matrix moves by an orthogonal matrix (Jordan et al. 2024, "Muon: an optimizer for hidden layers").

    b ← μ b + (1 − μ) g                                 the mean of the gradient; Nesterov: μ b + (1 − μ) g once more
    U S Vᵀ = b,     u ≈ U Vᵀ                            all its directions with the same length, about 1
    w ← w − lr · weight_decay · w − lr · √max(1, out / in) · u

The gradient of a weight has few large singular values and many small ones, so a plain step moves W along few
directions. With all singular values made 1, every direction is learned at the same speed. No decomposition is computed
for it: five steps of an iteration of Newton and Schulz with matrix products alone bring every singular value σ, by

    σ ← a σ + b σ³ + c σ⁵           (a, b, c) = (3.4445, −4.7750, 2.0315)

from (0, 1] to about [0.7, 1.2]. It does not converge to 1, but it is quick for small σ, which matters more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.optim.optimizer import Optimizer, Params
from tinygrad_edu.types import Array

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(Optimizer):
    """Momentum, orthogonalized; for the weight matrices of hidden layers, beside another optimizer for the rest.

        hidden = [w for name, w in net.named_parameters() if np.ndim(w.value) == 2]

    Args:
        params: as for `Optimizer`; each must be a matrix (out, in).
        lr: the learning rate, > 0: about the singular values of a step.
        weight_decay: ≥ 0, decoupled as in `AdamW`.
        momentum: μ in [0, 1).
        nesterov: whether the gradient enters a second time, as it will at the next step.
        ns_steps: how many steps of Newton and Schulz, ≥ 1.
        eps: > 0, keeps the quotient finite where the gradient is 0.
        check_finite: as for `Optimizer`.

    Raises:
        ShapeError: a parameter that is no matrix.
        ValueError: a number outside its range.
    """

    def __init__(
        self, params: Params, lr: float = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95,
        nesterov: bool = True, *, ns_steps: int = 5, eps: float = 1e-7, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, check_finite=check_finite, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov,
            ns_steps=ns_steps, eps=eps,
        )  # fmt: skip
        for name, leaf in zip(self.names, self.parameters, strict=True):
            if np.ndim(leaf.value) != 2:
                raise ShapeError(
                    f"Muon: matrices were expected, {name or leaf.name or 'a parameter'} has the shape "
                    f"{np.shape(leaf.value)}: give it to another optimizer, such as AdamW"
                )

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """As the chapter says."""
        mu, lr = group["momentum"], group["lr"]
        b = state["momentum_buffer"] = mu * state.get("momentum_buffer", 0.0) + (1 - mu) * g
        u = orthogonalized(
            mu * b + (1 - mu) * g if group["nesterov"] else b, int(group["ns_steps"]), group["eps"]
        )
        out, inputs = np.shape(w)
        return w - lr * group["weight_decay"] * w - lr * math.sqrt(max(1.0, out / inputs)) * u


def orthogonalized(x: Array, steps: int = 5, eps: float = 1e-7) -> Array:
    """About U Vᵀ of x = U S Vᵀ: after five steps every singular value above some hundredth of the norm is near 1.

    Args:
        x: (m, n).
        steps: ≥ 1.
        eps: > 0, the least norm that is divided by.
    """
    a, b, c = COEFFICIENTS
    wide = x if x.shape[0] <= x.shape[1] else x.T  # the smaller of the two products x xᵀ and xᵀ x
    wide = wide / max(float(np.linalg.norm(wide)), eps)  # no singular value above 1
    for _ in range(steps):
        square = wide @ wide.T
        wide = a * wide + (b * square + c * (square @ square)) @ wide
    return wide if x.shape[0] <= x.shape[1] else wide.T
