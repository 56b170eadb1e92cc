"""Batches: the training set in small pieces, in a new order for every epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Array


def batches(
    x: Array, y: Array, *, size: int, rng: np.random.Generator | None = None, drop_last: bool = False
) -> Iterator[tuple[Array, Array]]:
    """Go through the samples once.

    Args:
        x: (n, …) the samples.
        y: (n, …) what belongs to them.
        size: of a batch, ≥ 1; the last one has what is left, which may be fewer.
        rng: shuffles the samples; without it they come in their order.
        drop_last: leave out a last batch that is smaller: batch normalization cannot train on one sample.

    Raises:
        ShapeError: x and y differ in length.
        ValueError: size < 1, or `drop_last` would leave out everything.
    """
    if len(x) != len(y):
        raise ShapeError(f"batches: as many labels as samples were expected, {len(x)} and {len(y)} came")
    if size < 1:
        raise ValueError(f"batches: a size of at least 1 was expected, {size} came")
    if drop_last and len(x) < size:
        raise ValueError(
            f"batches: {len(x)} samples do not fill one batch of {size}: drop_last leaves nothing"
        )
    order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
    end = len(x) - len(x) % size if drop_last else len(x)
    pieces = (order[start : start + size] for start in range(0, end, size))
    return ((x[piece], y[piece]) for piece in pieces)
