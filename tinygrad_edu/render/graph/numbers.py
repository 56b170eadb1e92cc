"""Numbers: an array as far as a picture can show it, and a reader take it in.

    few elements     all of them
    many elements    smallest, largest, mean ± standard deviation, norm, and a histogram of eight bins

The statistics are those of the finite elements; how many are NaN or infinite is counted beside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
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
    dimensions, dtype = array.shape, _name(array.dtype)
    if array.dtype.kind not in "biuf":
        return Numbers(dimensions, dtype, None)
    flat = array.reshape(-1).astype(np.float64)  # a copy: float16 would overflow in the sums
    items = tuple(flat.tolist()) if flat.size <= ITEMS else None
    nan = infinite = 0
    if flat.size and not (math.isfinite(flat.min()) and math.isfinite(flat.max())):
        nan, infinite = int(np.isnan(flat).sum()), int(np.isinf(flat).sum())
        flat = flat[np.isfinite(flat)]
    if not flat.size:
        return Numbers(
            dimensions, dtype, items, norm=None if nan + infinite else 0.0, nan=nan, infinite=infinite
        )
    low, high = float(flat.min()), float(flat.max())
    scale = max(abs(low), abs(high)) or 1.0  # against overflow of the squares
    unit = flat / scale
    mean = float(unit.sum()) / unit.size
    about = unit - mean
    return Numbers(
        dimensions, dtype, items, mean * scale, math.sqrt(about @ about / unit.size) * scale, low, high,
        None if nan or infinite else math.sqrt(unit @ unit) * scale, _histogram(unit, low / scale, high / scale),
        nan, infinite,
    )  # fmt: skip


@cache
def _name(dtype: Any) -> str:
    return str(dtype)  # which NumPy puts together anew each time


def _histogram(unit: Any, low: float, high: float) -> tuple[int, ...]:
    if unit.size == 1 or low == high:
        return ()
    places = np.minimum((unit - low) / (high - low) * BINS, BINS - 1).astype(np.intp)
    return tuple(np.bincount(places, minlength=BINS).tolist())
