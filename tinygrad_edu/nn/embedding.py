"""Embedding: a table with a row of numbers for each word, or whatever is counted from 0.

    y[…, :] = weight[i[…], :]

This is the product of the table with rows that are 0 but for one 1, without the zeros. Its derivative gives every row
the sum over all places where it was looked up: a word that occurs twice learns twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.node import value_of
from tinygrad_edu.nn.axes import counts
from tinygrad_edu.nn.cases import labels, layer, verified
from tinygrad_edu.nn.init import normal
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.types import Array, Operand


@verified(
    layer(lambda rng: Embedding(3, 2, rng=rng), labels(3, 7)),
    layer(lambda rng: Embedding(3, 2, padding_idx=1, rng=rng), labels(3, 3, 4)),
)
class Embedding(Module):
    """Look up rows: integers i (…) in [0, num_embeddings) give (…, embedding_dim).

    Args:
        num_embeddings: the number of rows, ≥ 1.
        embedding_dim: the length of a row, ≥ 1.
        padding_idx: a row that stands for nothing, in [−num_embeddings, num_embeddings): it reads as zeros, and
            learns nothing. PyTorch reads what the table holds there, which is 0 unless it was put there by hand.
        init: how the table starts, a function (shape, *, rng) of `nn.init`; by default normal with variance 1.
        rng: where the initial rows come from.
        dtype: of the table.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, *,
        init: Callable[..., Array] = normal, rng: np.random.Generator, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        if not counts(num_embeddings, embedding_dim):
            raise ValueError(
                f"Embedding: at least 1 row of at least 1 number was expected, "
                f"{num_embeddings} × {embedding_dim} came"
            )
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(
                f"Embedding: padding_idx in [{-num_embeddings}, {num_embeddings}) was expected, {padding_idx} came"
            )
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        table = np.array(init((num_embeddings, embedding_dim), rng=rng), dtype)
        if self.padding_idx is not None:
            table[self.padding_idx] = 0
        self.weight = parameter(table, "weight")

    def forward(self, i: Any) -> Operand:
        """The rows of the integers i, an array of any shape.

        Raises:
            TypeError: other than integers, or an array was put in the place of the table.
            ValueError: an integer outside the table.
        """
        self.require_nodes("weight")
        i = np.asarray(value_of(i))
        if i.dtype.kind not in "iu":
            raise TypeError(f"{self.title()}: integers were expected, {i.dtype} came")
        if i.size and not 0 <= i.min() <= i.max() < self.num_embeddings:
            raise ValueError(
                f"{self.title()}: integers in [0, {self.num_embeddings}) were expected, {i.min()} … {i.max()} came"
            )
        rows = ops.getitem(self.weight, i)
        return rows if self.padding_idx is None else ops.where((i != self.padding_idx)[..., None], rows, 0)

    def extra_repr(self) -> str:
        """The size of the table."""
        padding = "" if self.padding_idx is None else f", padding {self.padding_idx}"
        return f"{self.num_embeddings} → {self.embedding_dim}{padding}"
