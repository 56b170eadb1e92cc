"""Gradient descent, and its two kinds of momentum.

    g ← ∇f(w) + weight_decay · w
    v ← momentum · v + g                      v starts at 0
    w ← w − lr · v                            or, with Nesterov's, w − lr · (g + momentum · v)

The velocity v is a sum of past gradients that fades: it grows where they agree and averages out where they
alternate. The forms are those of PyTorch: the learning rate multiplies v, and is not part of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_edu.core.node import Node
from tinygrad_edu.optim.optimizer import Optimizer, in_range


class SGD(Optimizer):
    """Gradient descent; "stochastic" if each step sees a random batch (Robbins and Monro 1951).

    Args:
        parameters: as for `Optimizer`.
        lr: the learning rate, > 0.
        momentum: in [0, 1); 0.9 is usual (Polyak 1964).
        nesterov: look ahead along the velocity (Nesterov 1983, as in Sutskever et al. 2013).
        weight_decay: ≥ 0, pulls every parameter towards 0: the gradient of weight_decay / 2 · w².
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range, or Nesterov's momentum without momentum.
    """

    def __init__(
        self, parameters: Iterable[Node] | Iterable[tuple[str, Node]], lr: float, momentum: float = 0.0,
        nesterov: bool = False, weight_decay: float = 0.0, *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, check_finite=check_finite)
        self.momentum = in_range("SGD", "momentum", momentum, 0, 1)
        self.weight_decay = in_range("SGD", "weight_decay", weight_decay, 0, float("inf"))
        if nesterov and not momentum:
            raise ValueError(
                "SGD: nesterov=True looks ahead along the velocity: a momentum above 0 was expected, 0 came"
            )
        self.nesterov = nesterov
        self.velocity: list[Any] = [None] * len(self.parameters)

    def update(self, i: int, w: Any, g: Any) -> Any:
        """As the chapter says."""
        if self.weight_decay:
            g = g + self.weight_decay * w
        if self.momentum:
            v = self.velocity[i]
            v = self.velocity[i] = g if v is None else self.momentum * v + g
            g = g + self.momentum * v if self.nesterov else v
        return w - self.lr * g
