"""Many numbers in one, or in a few."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.types import Array

BINS = 11  # of a histogram, odd so that 0 has one


def mean_square(x: Array) -> float:
    """E[x²] over all numbers."""
    return float(np.mean(np.square(x)))


def histogram(x: Array) -> tuple[int, ...]:
    """Counts in bins of ±3 rms, what is outside in the outermost; of zeros, or with overflow, all in the middle."""
    rms = math.sqrt(mean_square(x))
    if not 0 < rms < math.inf:
        return (*[0] * (BINS // 2), int(np.size(x)), *[0] * (BINS // 2))
    counts, _ = np.histogram(np.clip(x / rms, -3, 3), bins=BINS, range=(-3, 3))
    return tuple(counts.tolist())


def refuse_not_finite(name: str, *inputs: Any) -> None:
    """For inputs that are not finite at the start, which say nothing of a model.

    Raises:
        ValueError: one is not; the sentence says where.
    """
    for i, x in enumerate(map(np.asarray, inputs)):
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            at = tuple(map(int, np.argwhere(~np.isfinite(x))[0]))
            which = "x" if len(inputs) == 1 else f"input {i + 1}"
            place = f"{which}[{', '.join(map(str, at))}]" if at else which
            raise ValueError(
                f"{name}: the inputs are not finite, {place} is {x[at]}: remove or fill such values first"
            )
