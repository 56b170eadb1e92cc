"""Early stopping: end when the validation no longer improves, and go back to where it was best (Prechelt 1998).

A network that is trained for longer fits the noise of its training set as well. What shows it is a value measured on
samples that it does not learn from. Like the schedules, this is a function of all values so far, and remembers nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class EarlyStopping:
    """Stop after `patience` epochs without improvement.

    Args:
        patience: ≥ 1.
        monitor: the name of a value in the history.
        mode: "min" if it is to become smaller, "max" if larger. Of a loss it is "min"; of anything else it must be
            said, for an accuracy that is taken for a loss would bring back the worst epoch in silence.
        min_delta: by how much more than it an improvement must be, ≥ 0.

    Raises:
        ValueError: a number outside its range, or no mode where it must be said.
    """

    patience: int = 10
    monitor: str = "val_loss"
    mode: str | None = None
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.mode is None and self.monitor.endswith("loss"):
            object.__setattr__(self, "mode", "min")
        if self.mode is None:
            raise ValueError(
                f"EarlyStopping: mode='min' or mode='max' was expected with monitor='{self.monitor}', none came: "
                f"is less of it better, or more?"
            )
        if self.patience < 1 or not self.min_delta >= 0 or self.mode not in ("min", "max"):
            raise ValueError(
                f"EarlyStopping: patience ≥ 1, min_delta ≥ 0 and mode 'min' or 'max' were expected, "
                f"{self.patience}, {self.min_delta} and {self.mode!r} came"
            )

    def best(self, values: Sequence[float]) -> int | None:
        """The index of the last improvement; None if there is none, as NaN never is one."""
        sign = 1 if self.mode == "min" else -1
        found, best = None, math.inf
        for i, value in enumerate(values):
            if sign * value < best - self.min_delta:
                found, best = i, sign * value
        return found

    def stops(self, values: Sequence[float]) -> bool:
        """Whether the training ends after these values."""
        best = self.best(values)
        return len(values) - (0 if best is None else best + 1) >= self.patience
