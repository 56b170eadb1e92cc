"""Axes: from where to where they go, and the round numbers that stand at them."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_edu.types import Array


def extent(values: Array) -> tuple[float, float]:
    """From the least to the largest finite value; of a single one, some room on both sides."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (
        (low, high) if high > low else (low - abs(low) / 2 - (low == 0), high + abs(high) / 2 + (high == 0))
    )


def wider(low: float, high: float) -> tuple[float, float]:
    """With room for a dot at the ends."""
    return low - 0.05 * (high - low), high + 0.05 * (high - low)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high, about five."""
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next(k for k in (1, 2, 5, 10) if k * unit >= rough)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def number(x: float) -> str:
    """With a real minus sign."""
    return f"{x:.6g}".replace("-", "−")
