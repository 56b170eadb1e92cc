"""Adam: each number has a learning rate of its own (Kingma and Ba 2015, Alg. 1).

    m ← β₁ m + (1 − β₁) g             the mean of the gradient, fading
    v ← β₂ v + (1 − β₂) g²            the mean of its square
    m̂ = m / (1 − β₁ᵗ)                 both start at 0, and t steps later are too small by this factor
    v̂ = v / (1 − β₂ᵗ)
    w ← w − lr · m̂ / (√v̂ + ε)

As |m̂| is hardly ever larger than √v̂, no number moves by much more than lr in a step, however large its
gradient.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.optim.optimizer import Optimizer, in_range


class Adam(Optimizer):
    """Adam.

    Args:
        parameters: as for `Optimizer`.
        lr: the learning rate, > 0: about the largest change of a number in one step.
        betas: β₁ and β₂, each in [0, 1): how slowly the two means fade.
        eps: ε > 0, which keeps the quotient finite where gradients are 0.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, parameters: Iterable[Node] | Iterable[tuple[str, Node]], lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, check_finite=check_finite)
        beta1, beta2 = betas
        self.betas = in_range("Adam", "β₁", beta1, 0, 1), in_range("Adam", "β₂", beta2, 0, 1)
        self.eps = in_range("Adam", "eps", eps, 0, np.inf, open_below=True)
        self.means: list[tuple[int, Any, Any]] = [(0, 0.0, 0.0)] * len(self.parameters)  # t, m, v

    def update(self, i: int, w: Any, g: Any) -> Any:
        """As the chapter says; t counts the gradients that this parameter has received."""
        beta1, beta2 = self.betas
        t, m, v = self.means[i]
        t += 1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * (g * g)
        self.means[i] = t, m, v
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return w - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
