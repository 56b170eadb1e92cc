"""A block of a transformer, and what tells it where things stand (Vaswani et al. 2017).

    norm first    x ← x + attention(norm₁(x))      x ← x + f(norm₂(x))           Xiong et al. 2020
    norm last     x ← norm₁(x + attention(x))      x ← norm₂(x + f(x))           as in the paper

f is two linear layers, for every element by itself. Attention alone mixes elements, and it does not see their order: a
sequence in another order gives the same outputs in that order. So a vector for each position is added before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import functional
from tinygrad_edu.nn.attention import MultiheadAttention
from tinygrad_edu.nn.axes import counts
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.init import normal
from tinygrad_edu.nn.layer_norm import LayerNorm
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.types import Array, Operand

ACTIVATIONS: dict[str, Callable[[Operand], Operand]] = {"relu": ops.relu, "gelu": functional.gelu}


@verified(
    layer(lambda rng: TransformerEncoderLayer(3, 1, 2, 0.0, "gelu", norm_first=True, rng=rng), real(3, 2, 3), batch=1),
    layer(lambda rng: TransformerEncoderLayer(4, 2, 1, 0.4, "gelu", batch_first=True, rng=rng), real(2, 2, 4)),
)  # fmt: skip
class TransformerEncoderLayer(Module):
    """Self-attention and two linear layers, each with a way around it: x (time, batch, d_model) keeps its shape.

    Args:
        d_model: the length of an element, ≥ 1.
        nhead: the number of heads, divides d_model.
        dim_feedforward: the length between the two linear layers, ≥ 1.
        dropout: a probability in [0, 1): of the weights of attention, of what each part adds, and between the layers.
        activation: between the two linear layers, "relu" or "gelu", or a function.
        layer_norm_eps: of the normalizations.
        batch_first: x is (batch, time, d_model).
        norm_first: whether the normalizations come before the parts, and leave the way around them free.
        rng: where initial weights and masks come from.
        dtype: of the parameters.

    Raises:
        ValueError: a number outside its range, or an unknown activation.
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable[[Operand], Operand] = "relu", layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, *, rng: np.random.Generator, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        if isinstance(activation, str):
            if activation not in ACTIVATIONS:
                raise ValueError(
                    f"TransformerEncoderLayer: activation {' or '.join(map(repr, ACTIVATIONS))}, or a function, was "
                    f"expected, {activation!r} came"
                )
            activation = ACTIVATIONS[activation]
        self.d_model, self.norm_first, self.activation = d_model, norm_first, activation
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, batch_first=batch_first, rng=rng, dtype=dtype
        )
        self.linear1 = Linear(d_model, dim_feedforward, rng=rng, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng)
        self.linear2 = Linear(dim_feedforward, d_model, rng=rng, dtype=dtype)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, dtype=dtype)
        self.dropout1, self.dropout2 = Dropout(dropout, rng=rng), Dropout(dropout, rng=rng)

    def forward(
        self,
        src: Operand,
        src_mask: Operand | None = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Operand:
        """The block; the masks and `is_causal` are those of `MultiheadAttention`.

        Raises:
            ShapeError: as there.
            TypeError: as there.
            ValueError: as there.
        """

        def attended(x: Operand) -> Operand:
            y, _ = self.self_attn(
                x, x, x, src_key_padding_mask, need_weights=False, attn_mask=src_mask, is_causal=is_causal
            )
            return self.dropout1(y)

        def fed(x: Operand) -> Operand:
            return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))

        x = src
        if self.norm_first:
            x = x + attended(self.norm1(x))
            return x + fed(self.norm2(x))
        x = self.norm1(x + attended(x))
        return self.norm2(x + fed(x))

    def extra_repr(self) -> str:
        """Where the normalization stands."""
        return f"{self.d_model}, norm {'first' if self.norm_first else 'last'}"


# ---- positions ----


def sinusoidal_positions(time: int, d_model: int) -> Array:
    """(time, d_model): sin(t / 10000^(2i/d)) at 2i and cos(t / 10000^(2i/d)) at 2i + 1 (Vaswani et al. 2017, 3.5).

    A shift by a fixed number of places is a rotation of each pair, the same at every place.
    """
    i = np.arange(d_model)
    angles = np.arange(time)[:, None] / 10000.0 ** ((i - i % 2) / d_model)
    return np.where(i % 2 == 0, np.sin(angles), np.cos(angles))


class _Positions(Module):
    """Something for each place is added to x (time, batch, d_model), or (batch, time, d_model)."""

    def __init__(self, d_model: int, batch_first: bool = False) -> None:
        self.d_model, self.batch_first = d_model, batch_first

    def placed(self, x: Operand) -> int:
        """The number of places in x."""
        shape = np.shape(value_of(x))
        if len(shape) != 3 or shape[2] != self.d_model:
            axes = "batch, time" if self.batch_first else "time, batch"
            raise ShapeError(f"{self.title()}: x ({axes}, {self.d_model}) was expected, {shape} came")
        return int(shape[self.batch_first])

    def along(self, positions: Operand) -> Operand:
        """(time, d_model) as it is to be added to x."""
        return positions if self.batch_first else ops.expand_dims(positions, 1)

    def extra_repr(self) -> str:
        """The length of an element."""
        return f"{self.d_model}"


@verified(layer(lambda rng: SinusoidalPositions(3), real(2, 2, 3), batch=1))
class SinusoidalPositions(_Positions):
    """x + fixed sines of the place; there are places for any length. See `sinusoidal_positions`."""

    def forward(self, x: Operand) -> Operand:
        """The sum; a ShapeError for other than a batch of sequences."""
        positions = sinusoidal_positions(self.placed(x), self.d_model)
        return x + self.along(positions.astype(np.asarray(value_of(x)).dtype))


@verified(layer(lambda rng: LearnedPositions(2, 3, batch_first=True, rng=rng), real(2, 2, 3)))
class LearnedPositions(_Positions):
    """x + a row of a table for each place, which is learned.

    Args:
        max_length: the number of places, ≥ 1.
        d_model: the length of an element, ≥ 1.
        batch_first: x is (batch, time, d_model).
        rng: where the initial rows come from: normal, with standard deviation 0.02.
        dtype: of the table.

    Raises:
        ValueError: a length below 1.
    """

    def __init__(
        self, max_length: int, d_model: int, batch_first: bool = False, *, rng: np.random.Generator,
        dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        if not counts(max_length, d_model):
            raise ValueError(
                f"LearnedPositions: lengths of at least 1 were expected, {max_length} and {d_model} came"
            )
        super().__init__(d_model, batch_first)
        self.weight = parameter(normal((max_length, d_model), rng=rng, std=0.02, dtype=dtype), "weight")

    def forward(self, x: Operand) -> Operand:
        """The sum.

        Raises:
            ShapeError: other than a batch of sequences, or longer ones than there are places.
            TypeError: an array was put in the place of the table.
        """
        self.require_nodes("weight")
        time = self.placed(x)
        if time > len(self.weight):
            raise ShapeError(f"{self.title()}: at most {len(self.weight)} places were expected, {time} came")
        return x + self.along(ops.getitem(self.weight, slice(time)))
