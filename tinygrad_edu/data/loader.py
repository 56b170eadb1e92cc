"""Batches: the training set in small pieces, in a new order for every epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Array

#: Makes of the samples that were chosen, x and y, what the model is given.
Collate: TypeAlias = Callable[[Array, Array], tuple[Any, Any]]


def batches(
    x: Array, y: Array, *, size: int, rng: np.random.Generator | None = None, drop_last: bool = False,
    collate: Collate | None = None,
) -> Iterator[tuple[Any, Any]]:  # fmt: skip
    """Go through the samples once.

    Args:
        x: (n, …) the samples.
        y: (n, …) what belongs to them.
        size: of a batch, ≥ 1; the last one has what is left, which may be fewer.
        rng: shuffles the samples; without it they come in their order.
        drop_last: leave out a last batch that is smaller: batch normalization cannot train on one sample.
        collate: changes the samples of every batch, such as by noise, a shift, or a common length.

    Raises:
        ShapeError: x and y differ in length.
        TypeError: a size that is no whole number, or no generator.
        ValueError: size < 1, or `drop_last` would leave out everything.
    """
    x, y = np.asarray(value_of(x)), np.asarray(value_of(y))
    if x.shape[:1] != y.shape[:1] or not x.ndim:
        raise ShapeError(f"batches: as many labels as samples were expected, {x.shape} and {y.shape} came")
    require_whole("batches", "size", size)
    if rng is not None:
        require_generator("batches", rng)
    if drop_last and len(x) < size:
        raise ValueError(
            f"batches: {len(x)} samples do not fill one batch of {size}: drop_last leaves nothing"
        )
    order = np.arange(len(x)) if rng is None else rng.permutation(len(x))
    end = len(x) - len(x) % size if drop_last else len(x)
    pieces = (order[start : start + size] for start in range(0, end, size))
    chosen = ((x[piece], y[piece]) for piece in pieces)
    return chosen if collate is None else (collate(*pair) for pair in chosen)


def require_whole(name: str, what: str, n: Any) -> None:
    """Refuse what is no whole number by a TypeError, and one below 1 by a ValueError."""
    if not isinstance(n, int | np.integer) or isinstance(n, bool):
        raise TypeError(f"{name}: {what} was expected to be a whole number, {n!r} came")
    if n < 1:
        raise ValueError(f"{name}: {what} of at least 1 was expected, {n} came")


def require_generator(name: str, rng: Any) -> None:
    """Refuse anything but a generator by a TypeError."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{name}: a generator was expected as rng, {type(rng).__name__} came: np.random.default_rng(seed) makes one"
        )
