"""Pooling and attention: layers in which places share: windows overlap, and every query looks at every key."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue.entry import entry, wrong
from tinygrad_edu.catalogue.habits import cached_upstream, upstream_overwritten
from tinygrad_edu.catalogue.layers import softmax
from tinygrad_edu.core.cases import distinct, real
from tinygrad_edu.types import Array

_WINDOWS = np.array([[0, 1, 2], [2, 3, 4], [4, 5, 6]])  # length 3, step 2: neighbours share an element


def _max_pool_rule(g: Array, y: Array, x: Array, share: bool = True, add: bool = True) -> Array:
    """Each window gives its g to its maximum: shared among ties or whole to each, added or assigned."""
    ties = np.asarray(x[_WINDOWS] == y[:, None], float)
    if share:
        ties /= ties.sum(axis=1, keepdims=True)
    gradient = np.zeros(x.shape)
    for window, given in zip(_WINDOWS, g[:, None] * ties, strict=True):
        gradient[window] = np.where(given != 0, given + add * gradient[window], gradient[window])
    return gradient


MAX_POOL = entry(
    "max pooling", [distinct(7)],
    lambda x: x[_WINDOWS].max(axis=1),
    lambda g, y, x: _max_pool_rule(g, y, x),
    wrong("overlap assigned", "ties", lambda g, y, x: _max_pool_rule(g, y, x, add=False),
          "an element that is the maximum of "
          "two windows gets the gradient of the last"),
    wrong("whole to each tie", "ties", lambda g, y, x: _max_pool_rule(g, y, x, share=False),
          "a tie of n counts n times"),
    wrong("first of the window", "order", lambda g, y, x: np.array([g[0], 0, g[1], 0, g[2], 0, 0]),
          "the place in the window lost"),
    wrong("rule of the average", "formula", lambda g, y, x: np.array(
        [g[0], g[0], g[0] + g[1], g[1], g[1] + g[2], g[2], g[2]]) / 3, "spread over the window"),
)  # fmt: skip

AVERAGE_POOL = entry(
    "average pooling", [real(7)],
    lambda x: x[_WINDOWS].mean(axis=1),
    lambda g, y, x: np.array([g[0], g[0], g[0] + g[1], g[1], g[1] + g[2], g[2], g[2]]) / 3,
    wrong("1/k forgotten", "count", lambda g, y, x: np.array([g[0], g[0], g[0] + g[1], g[1], g[1] + g[2], g[2], g[2]]),
          "a sum"),
    wrong("overlap assigned", "ties", lambda g, y, x: np.array([g[0], g[0], g[1], g[1], g[2], g[2], g[2]]) / 3,
          "= for +="),
    wrong("step for length", "count", lambda g, y, x: np.array(
        [g[0], g[0], g[0] + g[1], g[1], g[1] + g[2], g[2], g[2]]) / 2, "divided by the stride"),
    wrong("upstream overwritten", "in place", upstream_overwritten(lambda g, y, x: np.array(
        [g[0], g[0], g[0] + g[1], g[1], g[1] + g[2], g[2], g[2]]) / 3), "g is divided in place"),
)  # fmt: skip

GLOBAL_POOL = entry(
    "global average pooling", [real(2, 3, 5)],
    lambda x: x.mean(axis=(1, 2)),
    lambda g, y, x: np.broadcast_to(g[:, None, None] / 15, x.shape).copy(),
    wrong("one axis counted", "count", lambda g, y, x: np.broadcast_to(g[:, None, None] / 5, x.shape).copy(),
          "1/w for 1/(h·w)"),
    wrong("batch counted", "count", lambda g, y, x: np.broadcast_to(g[:, None, None] / 30, x.shape).copy(),
          "the size of x"),
    wrong("upstream of the last call", "state", cached_upstream(
        lambda g, y, x: np.broadcast_to(g[:, None, None] / 15, x.shape).copy()), "a stale buffer"),
)  # fmt: skip


def _attention_rule(
    g: Array, q: Array, k: Array, v: Array,
    scale: bool = True, normalize: bool = True, scores: bool = True, axis: int = 1,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Back through the values, the softmax and the scores; what is False is left out."""
    root = np.sqrt(q.shape[1])
    a = softmax(q @ k.T / root)
    into_a = g @ v.T
    into_s = a * (into_a - normalize * (a * into_a).sum(axis=axis, keepdims=True))
    into_s = scores * into_s / (root if scale else 1)
    return into_s @ k, into_s.T @ q, a.T @ g


ATTENTION = entry(
    "attention", [real(2, 3), real(5, 3), real(5, 7)],
    lambda q, k, v: softmax(q @ k.T / np.sqrt(3)) @ v,
    lambda g, y, q, k, v: _attention_rule(g, q, k, v),
    wrong("√d forgotten", "factor", lambda g, y, q, k, v: _attention_rule(g, q, k, v, scale=False),
          "scaled forward only"),
    wrong("softmax not normalized", "path", lambda g, y, q, k, v: _attention_rule(g, q, k, v, normalize=False),
          "g·a alone"),
    wrong("weights detached", "detached", lambda g, y, q, k, v: _attention_rule(g, q, k, v, scores=False),
          "only the values learn"),
    wrong("softmax over queries", "axis", lambda g, y, q, k, v: _attention_rule(g, q, k, v, axis=0), "the wrong axis"),
    wrong("weights not transposed", "order", lambda g, y, q, k, v: (
        *_attention_rule(g, q, k, v)[:2], softmax(k @ q.T / np.sqrt(3)) @ g), "softmax(K Qᵀ) is not softmax(Q Kᵀ)ᵀ"),
)  # fmt: skip


def _masked(x: Array) -> Array:
    return np.where(np.tri(3, 5, 1) == 1, x, -np.inf)


MASKED_SOFTMAX = entry(
    "softmax with a causal mask", [real(3, 5)],
    lambda x: softmax(_masked(x)),
    lambda g, y, x: y * (g - (g * y).sum(axis=1, keepdims=True)),
    wrong("NaN where masked", "not finite", lambda g, y, x: y * (
        g - (g * y).sum(axis=1, keepdims=True)) * (1 + _masked(x) - _masked(x)), "∞ − ∞ in what was masked out"),
    wrong("mask forgotten", "region", lambda g, y, x: softmax(x) * (g - (g * softmax(x)).sum(axis=1, keepdims=True)),
          "the softmax is computed again, without its mask"),
    wrong("sum over all", "axis", lambda g, y, x: y * (g - (g * y).sum()), "rows leak into one another"),
)  # fmt: skip
