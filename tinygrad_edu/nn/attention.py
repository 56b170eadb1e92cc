"""Attention: every element of a sequence looks at the others, and takes from each as much as its key fits.

    attention(Q, K, V) = softmax(Q Kᵀ / √d) V                                   Vaswani et al. 2017, eq. 1

A row of Q is a question, a row of K what an element is asked by, a row of V what it has to say. The softmax of their
products says, for each question, how much of each answer is taken: numbers that sum to 1. The product of two random
vectors of length d has the variance d, hence the √d: without it a softmax of large d would take one answer, and pass no
gradient on to the others.

Several heads do so side by side, each with projections of its own to a part of the length. A mask says who must not
look at whom; where it says so the score is −∞, and its softmax 0. As in PyTorch, True means "not".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import counts
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.init import lecun_normal
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.types import Array, Operand


def attention_weights(Q: Operand, K: Operand, mask: Operand | None = None) -> Operand:
    """softmax(Q Kᵀ / √d): how much each of L questions takes from each of S elements.

    Args:
        Q: (…, L, d).
        K: (…, S, d).
        mask: that broadcasts to (…, L, S): True where a question must not look, or numbers that are added to the
            scores.

    Returns:
        (…, L, S), which sum to 1 over the last axis.

    Raises:
        TypeError: a mask of integers.
        ValueError: a question has nothing to look at.
    """
    n = len(np.shape(value_of(K)))
    scores = Q @ ops.transpose(K, (*range(n - 2), n - 1, n - 2)) / math.sqrt(np.shape(value_of(K))[-1])
    if mask is not None:
        if _forbids(mask):
            scores = ops.where(value_of(mask), -np.inf, scores)
        else:  # of numbers; plain ones in the dtype of the scores: float32 stays float32
            scores = scores + (
                mask if isinstance(mask, Node) else np.asarray(mask, np.asarray(value_of(scores)).dtype)
            )
        if np.any(np.all(np.isneginf(value_of(scores)), axis=-1)):
            raise ValueError(
                "attention: at least one element was expected that each question may look at, a mask leaves one "
                "without any: True means that it must not look, and the weights of nothing cannot sum to 1"
            )
    return ops.softmax(scores)


# The names of the three projections, for inputs of other lengths than the output.
APART = ("q_proj_weight", "k_proj_weight", "v_proj_weight")


def _forbids(mask: Operand) -> bool:
    """Whether it is a mask of True and False; 0 and 1 might be meant as either, and are refused."""
    dtype = np.asarray(value_of(mask)).dtype
    if dtype.kind not in "bf":
        raise TypeError(
            f"attention: a mask of True and False, or of floats that are added, was expected, {dtype} came: "
            f"say mask.astype(bool)"
        )
    return dtype.kind == "b"


def causal_mask(n: int) -> Array:
    """(n, n), True where an element would look at a later one."""
    return np.triu(np.ones((n, n), bool), 1)


@verified(
    layer(lambda rng: MultiheadAttention(2, 2, 0.3, rng=rng), real(3, 2, 2), batch=1,
          call=lambda f, x: f(x, x, x, is_causal=True)[0]),
    layer(lambda rng: MultiheadAttention(2, 1, bias=False, kdim=3, vdim=1, batch_first=True, rng=rng), real(2, 1, 2),
          real(2, 2, 3), real(2, 2, 1), call=lambda f, q, k, v: ops.concatenate(f(q, k, v), -1)),
)  # fmt: skip
class MultiheadAttention(Module):
    """Attention of several heads, out(concat(head₁, …)), headᵢ = attention(Q Wᵢᵠ, K Wᵢᵏ, V Wᵢᵛ).

    Args:
        embed_dim: the length E of an element, and of an output, ≥ 1.
        num_heads: ≥ 1, divides embed_dim.
        dropout: the probability in [0, 1) with which a weight is left out in training.
        bias: whether the projections have one; they start at 0.
        kdim: the length of an element of `key`, by default E.
        vdim: the length of an element of `value`, by default E.
        batch_first: sequences are (batch, time, E) instead of (time, batch, E).
        init: how the projections start, a function (shape, *, rng, layout) of `nn.init`; by default normal with
            variance 1 / length. PyTorch's is Xavier's uniform.
        rng: where the initial weights and the dropout's masks come from.
        dtype: of the parameters.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, *, bias: bool = True, kdim: int | None = None,
        vdim: int | None = None, batch_first: bool = False, init: Callable[..., Array] = lecun_normal,
        rng: np.random.Generator, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        self.lengths = tuple(embed_dim if n is None else n for n in (embed_dim, kdim, vdim))
        if not counts(*self.lengths, num_heads) or embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention: lengths and num_heads of at least 1, and an embed_dim that is a multiple of "
                f"num_heads, were expected, {self.lengths} and {num_heads} came"
            )
        self.embed_dim, self.num_heads, self.batch_first = embed_dim, num_heads, batch_first

        def drawn(name: str, rows: int, length: int) -> Tensor:
            return parameter(np.asarray(init((rows, length), rng=rng, layout="out_in"), dtype), name)

        self.in_proj_weight = None  # the three in one matrix, if they are of one length
        if set(self.lengths) == {embed_dim}:
            self.in_proj_weight = drawn("in_proj_weight", 3 * embed_dim, embed_dim)
        else:
            for name, length in zip(APART, self.lengths, strict=True):
                setattr(self, name, drawn(name, embed_dim, length))
        self.in_proj_bias = parameter(np.zeros(3 * embed_dim, dtype), "in_proj_bias") if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, init=init, rng=rng, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng)

    def forward(
        self, query: Operand, key: Operand, value: Operand, key_padding_mask: Any = None, need_weights: bool = True,
        attn_mask: Operand | None = None, average_attn_weights: bool = True, is_causal: bool = False,
    ) -> tuple[Operand, Operand | None]:  # fmt: skip
        """Look at `key` with `query`, and take from `value`; the same sequence three times is self-attention.

        Args:
            query: (L, batch, E), or (batch, L, E) if `batch_first`, and so the others.
            key: (S, batch, E), or kdim in the place of E.
            value: (S, batch, E), or vdim in the place of E.
            key_padding_mask: (batch, S), True where an element only fills up its sequence.
            need_weights: whether the weights are returned.
            attn_mask: (L, S) or (batch · heads, L, S), True where a question must not look, or numbers to add to the
                scores, which may be learned.
            average_attn_weights: whether the weights are averaged over the heads.
            is_causal: whether no question may look at later elements. PyTorch wants the mask for it as well.

        Returns:
            (L, batch, E) as `query`, and the weights, (batch, L, S), or (batch, heads, L, S), or None.

        Raises:
            ShapeError: sequences of other lengths, or a mask that does not fit them.
            TypeError: an array was put in the place of a parameter, or a mask of integers.
            ValueError: a question has nothing to look at.
        """
        self.require_nodes("in_proj_weight", "in_proj_bias", *(APART if self.in_proj_weight is None else ()))
        q, k, v = (
            x if self.batch_first else ops.transpose(x, (1, 0, 2)) for x in self._fitting(query, key, value)
        )
        Q, K, V = (self._heads(x, i) for i, x in enumerate((q, k, v)))
        mask = self._mask(Q.shape[:3] + K.shape[2:3], key_padding_mask, attn_mask, is_causal)
        weights = self.dropout(attention_weights(Q, K, mask))
        together = ops.reshape(
            ops.transpose(weights @ V, (0, 2, 1, 3)), (Q.shape[0], Q.shape[2], self.embed_dim)
        )
        y = self.out_proj(together)
        y = y if self.batch_first else ops.transpose(y, (1, 0, 2))
        if not need_weights:
            return y, None
        return y, ops.mean(weights, axis=1) if average_attn_weights else weights

    def _fitting(self, *sequences: Operand) -> tuple[Operand, ...]:
        shapes = [np.shape(value_of(x)) for x in sequences]
        time = int(self.batch_first)
        fits = {len(shape) for shape in shapes} == {3} and tuple(shape[2] for shape in shapes) == self.lengths
        if not fits or len({shape[1 - time] for shape in shapes}) > 1 or shapes[1][time] != shapes[2][time]:
            axes = "batch, time" if self.batch_first else "time, batch"
            wanted = ", ".join(f"({axes}, {length})" for length in self.lengths)
            raise ShapeError(
                f"{self.title()}: query, key and value {wanted} were expected, key and value of the same time, "
                f"{', '.join(map(str, shapes))} came"
            )
        return sequences

    def _heads(self, x: Operand, i: int) -> Operand:
        """The i-th projection of x (batch, time, E), cut into heads: (batch, heads, time, E / heads)."""
        part = slice(i * self.embed_dim, (i + 1) * self.embed_dim)
        W = getattr(self, APART[i]) if self.in_proj_weight is None else ops.getitem(self.in_proj_weight, part)
        if self.in_proj_bias is None:
            projected = x @ W.T
        else:
            projected = ops.linear(x, W, ops.getitem(self.in_proj_bias, part), transposed=True)
        batch, time, _ = projected.shape
        return ops.transpose(
            ops.reshape(projected, (batch, time, self.num_heads, self.embed_dim // self.num_heads)),
            (0, 2, 1, 3),
        )

    def _mask(self, shape: Any, padding: Any, mask: Operand | None, causal: bool) -> Operand | None:
        """All masks in one that broadcasts to (batch, heads, L, S): True and False, or numbers if one is of numbers."""
        batch, heads, questions, elements = shape
        found: list[Operand] = []
        if mask is not None:
            if np.shape(value_of(mask)) == (batch * heads, questions, elements):
                mask = ops.reshape(mask, tuple(shape))
            elif np.shape(value_of(mask)) != (questions, elements):
                raise ShapeError(
                    f"{self.title()}: attn_mask {(questions, elements)} or {(batch * heads, questions, elements)} was "
                    f"expected, {np.shape(value_of(mask))} came"
                )
            found.append(mask)
        if padding is not None:
            padding = np.asarray(value_of(padding))
            if padding.shape != (batch, elements):
                raise ShapeError(
                    f"{self.title()}: key_padding_mask {(batch, elements)} was expected, {padding.shape} came"
                )
            found.append(padding[:, None, None, :])
        if causal:
            if questions != elements:
                raise ShapeError(
                    f"{self.title()}: as many questions as elements were expected with is_causal, "
                    f"{questions} and {elements} came"
                )
            found.append(causal_mask(questions))
        forbidden = [np.broadcast_to(value_of(one), shape) for one in found if _forbids(one)]
        numbers = [one for one in found if not _forbids(one)]
        if not forbidden:
            return reduce(add, numbers) if numbers else None
        never = np.logical_or.reduce(forbidden)
        return ops.where(never, -np.inf, reduce(add, numbers)) if numbers else never

    def extra_repr(self) -> str:
        """The sizes."""
        heads = f"{self.num_heads} heads" if self.num_heads > 1 else "1 head"
        return f"{self.embed_dim}, {heads}{', batch first' if self.batch_first else ''}"
