"""Many numbers in one, or in a few."""

from __future__ import annotations

import math

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
