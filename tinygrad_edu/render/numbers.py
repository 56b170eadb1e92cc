"""Numbers: an array as far as a picture can show it, and a reader take it in.

    few elements     all of them
    many elements    smallest, largest, mean ± standard deviation, norm, and a histogram of eight bins

The statistics are those of the finite elements; how many are NaN or infinite is counted beside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 8
ITEMS = 64  # arrays up to this size are kept in full


@dataclass(frozen=True, slots=True)
class Numbers:
    """An array in numbers: all of them if they are few, and their statistics over the finite ones."""

    shape: tuple[int, ...]
    dtype: str
    items: tuple[float, ...] | None  # flat, in C order
    mean: float | None = None
    std: float | None = None
    smallest: float | None = None
    largest: float | None = None
    norm: float | None = None  # Euclidean
    histogram: tuple[int, ...] = ()  # counts in 8 equal bins from the smallest to the largest
    nan: int = 0
    infinite: int = 0

    @property
    def item(self) -> float | None:
        """The number, if it is a single one."""
        return self.items[0] if self.items is not None and not self.shape else None


def numbers(array: Any) -> Numbers:
    """The statistics of a float or an array."""
    if type(array) is float:
        finite = math.isfinite(array)
        return Numbers(
            (), "float64", (array,), norm=abs(array) if finite else None,
            nan=int(array != array), infinite=int(math.isinf(array)),
        )  # fmt: skip
    array = np.asarray(array)
    dimensions, dtype = tuple(map(int, array.shape)), str(array.dtype)
    if array.dtype.kind not in "biuf":
        return Numbers(dimensions, dtype, None)
    flat = array.reshape(-1).astype(np.float64)  # a copy: float16 would overflow in the sums
    items = tuple(flat.tolist()) if flat.size <= ITEMS else None
    nan, infinite = int(np.isnan(flat).sum()), int(np.isinf(flat).sum())
    finite_part = flat[np.isfinite(flat)] if nan or infinite else flat
    if not finite_part.size:
        return Numbers(dimensions, dtype, items, norm=None if flat.size else 0.0, nan=nan, infinite=infinite)
    low, high = float(finite_part.min()), float(finite_part.max())
    scale = max(abs(low), abs(high)) or 1.0  # against overflow of the squares
    unit = finite_part / scale
    mean = unit.mean()
    return Numbers(
        dimensions, dtype, items, float(mean) * scale, float(unit.std()) * scale, low, high,
        None if nan or infinite else float(np.sqrt(unit @ unit)) * scale, _histogram(unit), nan, infinite,
    )  # fmt: skip


def _histogram(unit: Any) -> tuple[int, ...]:
    low, high = unit.min(), unit.max()
    if unit.size == 1 or low == high:
        return ()
    places = np.minimum((unit - low) / (high - low) * BINS, BINS - 1).astype(np.intp)
    return tuple(np.bincount(places, minlength=BINS).tolist())
