"""Less learning rate when the loss stands still: a schedule that looks at what has been measured.

    plateau = ReduceOnPlateau(patience=5)
    optimizer.lr = optimizer.initial_lr * plateau(losses)        the list of all losses so far

Like the other schedules it remembers nothing: it goes through the list anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tinygrad_edu.optim.options import in_range


@dataclass(frozen=True)
class ReduceOnPlateau:
    """Down by a factor whenever a measured value has not improved for a while: a function of all values so far.

    Args:
        mode: "min" if the value is to become smaller, "max" if larger.
        factor: in (0, 1).
        patience: how many values in a row may fail to improve, ≥ 0.
        threshold: by which share of the best value an improvement must exceed it, in [0, 1).
        cooldown: for how many values after a reduction failures are not counted, ≥ 0.
        min_factor: the product of the reductions does not fall below it, in [0, 1).
    """

    mode: str = "min"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    cooldown: int = 0
    min_factor: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max"):
            raise ValueError(f"ReduceOnPlateau: mode 'min' or 'max' was expected, {self.mode!r} came")
        in_range("ReduceOnPlateau", "factor", self.factor, 0, 1, open_below=True)
        in_range("ReduceOnPlateau", "patience", self.patience, 0, math.inf)
        in_range("ReduceOnPlateau", "threshold", self.threshold, 0, 1)
        in_range("ReduceOnPlateau", "cooldown", self.cooldown, 0, math.inf)
        in_range("ReduceOnPlateau", "min_factor", self.min_factor, 0, 1)

    def __call__(self, values: Sequence[float]) -> float:
        """The factor after these values; a NaN is never an improvement."""
        product, bad, cooling = 1.0, 0, 0
        best = math.inf if self.mode == "min" else -math.inf
        for value in values:
            if (
                value < best * (1 - self.threshold)
                if self.mode == "min"
                else value > best * (1 + self.threshold)
            ):
                best, bad = value, 0
            else:
                bad += 1
            if cooling:
                cooling, bad = cooling - 1, 0
            if bad > self.patience:
                product, bad, cooling = max(product * self.factor, self.min_factor), 0, self.cooldown
        return product
