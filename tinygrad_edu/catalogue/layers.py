"""Layers of neural networks: several paths lead from an input to the output, and a rule needs all of them.

A normalization has three, directly, by the mean and by the variance; attention has three inputs and a softmax between
them. A path that is missing leaves a gradient that looks plausible, and that even trains.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue.activations import sigmoid
from tinygrad_edu.catalogue.entry import entry, labels, wrong
from tinygrad_edu.catalogue.habits import (
    accumulating,
    upstream_averaged,
)
from tinygrad_edu.core.cases import boolean, positive, real
from tinygrad_edu.types import Array

LINEAR = entry(
    "linear layer", [real(7, 3), real(3, 5), real(5)],
    lambda x, w, b: x @ w + b,
    lambda g, y, x, w, b: (g @ w.T, x.T @ g, g.sum(axis=0)),
    wrong("bias averaged", "count", lambda g, y, x, w, b: (g @ w.T, x.T @ g, g.mean(axis=0)),
          "1/m for b, though g has it"),
    wrong("weights averaged", "count", lambda g, y, x, w, b: (g @ w.T, x.T @ g / len(x), g.sum(axis=0)),
          "1/m for W only"),
    wrong("bias not summed", "shape", lambda g, y, x, w, b: (g @ w.T, x.T @ g, g), "(m, n) for (n,)"),
    wrong("bias summed over all", "axis", lambda g, y, x, w, b: (g @ w.T, x.T @ g, np.full(5, g.sum())),
          "sum() without axis"),
    wrong("gradients are kept", "state", accumulating(lambda g, y, x, w, b: (g @ w.T, x.T @ g, g.sum(axis=0))),
          "no zero_grad"),
    wrong("input left out", "detached", lambda g, y, x, w, b: (np.zeros_like(x), x.T @ g, g.sum(axis=0)),
          "only parameters learn"),
)  # fmt: skip

NEURON_LAYER = entry(
    "linear layer with tanh", [real(7, 3), real(3, 5)],
    lambda x, w: np.tanh(x @ w),
    lambda g, y, x, w: ((g * (1 - y * y)) @ w.T, x.T @ (g * (1 - y * y))),
    wrong("activation left out", "chain", lambda g, y, x, w: (g @ w.T, x.T @ g),
          "g is passed through the layer as it is"),
    wrong("one gradient without it", "chain", lambda g, y, x, w: ((g * (1 - y * y)) @ w.T, x.T @ g),
          "g updated too late for W"),
    wrong("derivative twice", "chain", lambda g, y, x, w: (
        (g * (1 - y * y) ** 2) @ w.T, x.T @ (g * (1 - y * y))), "once here and once in the layer below"),
)  # fmt: skip

RESIDUAL = entry(
    "residual block", [real(7, 3), real(3, 3)],
    lambda x, w: x + np.tanh(x @ w),
    lambda g, y, x, w: (g + (g * (1 - (y - x) ** 2)) @ w.T, x.T @ (g * (1 - (y - x) ** 2))),
    wrong("skip forgotten", "path", lambda g, y, x, w: (
        (g * (1 - (y - x) ** 2)) @ w.T, x.T @ (g * (1 - (y - x) ** 2))), "one path of the fork: = for +="),
    wrong("skip alone", "path", lambda g, y, x, w: (g, x.T @ (g * (1 - (y - x) ** 2))), "the other path of the fork"),
    wrong("output for activation", "input for output", lambda g, y, x, w: (
        g + (g * (1 - y * y)) @ w.T, x.T @ (g * (1 - y * y))), "the y of the block is not that of tanh"),
)  # fmt: skip

GATE = entry(
    "gated linear unit", [real(3, 5), real(3, 5)],
    lambda a, b: a * sigmoid(b),
    lambda g, y, a, b: (g * sigmoid(b), g * y * (1 - sigmoid(b))),
    wrong("gate not differentiated", "chain", lambda g, y, a, b: (g * sigmoid(b), g * a),
          "a·s(b) as if s were the identity"),
    wrong("value left out", "chain", lambda g, y, a, b: (g * sigmoid(b), g * sigmoid(b) * (1 - sigmoid(b))),
          "s′(b) without a"),
)  # fmt: skip


def softmax(x: Array) -> Array:
    """eˣ / Σ eˣ over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _softmax_rule(g: Array, y: Array, axis: int = -1) -> Array:
    return np.asarray(y * (g - (g * y).sum(axis=axis, keepdims=True)))


SOFTMAX = entry(
    "softmax", [real(3, 5)],
    lambda x: softmax(x),
    lambda g, y, x: _softmax_rule(g, y),
    wrong("diagonal only", "path", lambda g, y, x: g * y * (1 - y),
          "the rule of the sigmoid: ∂yᵢ/∂xⱼ is left out for i ≠ j"),
    wrong("other axis", "axis", lambda g, y, x: _softmax_rule(g, y, axis=0), "rows and columns exchanged"),
    wrong("cross-entropy assumed", "upstream", lambda g, y, x: y - g, "p − t, with g taken for the target"),
    wrong("y not subtracted", "path", lambda g, y, x: g * y, "the path by the denominator is missing"),
    wrong("mean for sum", "count", lambda g, y, x: y * (g - (g * y).mean(axis=-1, keepdims=True)), "Σ g·y averaged"),
)  # fmt: skip

LOG_SOFTMAX = entry(
    "log_softmax", [real(3, 5)],
    lambda x: x - np.logaddexp.reduce(x, axis=1, keepdims=True),
    lambda g, y, x: g - np.exp(y) * g.sum(axis=1, keepdims=True),
    wrong("one label assumed", "upstream", lambda g, y, x: g - np.exp(y), "right where g sums to 1 in each row"),
    wrong("log of the probability", "formula", lambda g, y, x: g - y * g.sum(axis=1, keepdims=True), "y for eʸ"),
    wrong("denominator detached", "path", lambda g, y, x: g, "x − constant"),
    wrong("elementwise", "path", lambda g, y, x: g * (1 - np.exp(y)), "the diagonal of I − p only"),
)  # fmt: skip

EPS = 1e-3


def _normalized(x: Array, axis: int) -> Array:
    return np.asarray((x - x.mean(axis=axis, keepdims=True)) / np.sqrt(x.var(axis=axis, keepdims=True) + EPS))


def _normalization_rule(
    g: Array, x: Array, axis: int, mean: float = 1.0, variance: float = 1.0, eps_inside: bool = True
) -> Array:
    """The three paths of a normalization, with a weight for the paths by the mean and by the variance."""
    n, v = _normalized(x, axis), x.var(axis=axis, keepdims=True)
    direct = (
        g - mean * g.mean(axis=axis, keepdims=True) - variance * n * (g * n).mean(axis=axis, keepdims=True)
    )
    return np.asarray(direct / (np.sqrt(v + EPS) if eps_inside else np.sqrt(v) + EPS))


BATCH_NORM = entry(
    "batch norm", [real(7, 3), positive(3), real(3)],
    lambda x, gamma, beta: gamma * _normalized(x, 0) + beta,
    lambda g, y, x, gamma, beta: (_normalization_rule(g * gamma, x, 0), (g * _normalized(x, 0)).sum(0), g.sum(0)),
    wrong("mean path missing", "path", lambda g, y, x, gamma, beta: (
        _normalization_rule(g * gamma, x, 0, mean=0), (g * _normalized(x, 0)).sum(0), g.sum(0)), "μ as a constant"),
    wrong("variance path missing", "path", lambda g, y, x, gamma, beta: (
        _normalization_rule(g * gamma, x, 0, variance=0), (g * _normalized(x, 0)).sum(0), g.sum(0)),
        "σ² as a constant"),
    wrong("statistics detached", "path", lambda g, y, x, gamma, beta: (
        _normalization_rule(g * gamma, x, 0, mean=0, variance=0), (g * _normalized(x, 0)).sum(0), g.sum(0)),
        "right in evaluation, with running statistics, and not in training"),
    wrong("γ left out", "chain", lambda g, y, x, gamma, beta: (
        _normalization_rule(g, x, 0), (g * _normalized(x, 0)).sum(0), g.sum(0)),
        "right as long as γ is 1, as it begins"),
    wrong("γ from the raw input", "input for output", lambda g, y, x, gamma, beta: (
        _normalization_rule(g * gamma, x, 0), (g * x).sum(0), g.sum(0)), "x for its normalized form"),
    wrong("β averaged", "count", lambda g, y, x, gamma, beta: (
        _normalization_rule(g * gamma, x, 0), (g * _normalized(x, 0)).sum(0), g.mean(0)), "1/m for one of three"),
    wrong("1/m doubled", "count", lambda g, y, x, gamma, beta: (
        _normalization_rule(g * gamma, x, 0, mean=1 / 7), (g * _normalized(x, 0)).sum(0), g.sum(0)),
        "the mean path is divided by m twice"),
    wrong("m − 1", "count", lambda g, y, x, gamma, beta: (
        _normalization_rule(g * gamma, x, 0, variance=7 / 6), (g * _normalized(x, 0)).sum(0), g.sum(0)),
        "the path by the variance as of the unbiased one"),
    wrong("ε outside of the root", "epsilon", lambda g, y, x, gamma, beta: (
        _normalization_rule(g * gamma, x, 0, eps_inside=False), (g * _normalized(x, 0)).sum(0), g.sum(0)),
        "σ + ε for √(σ² + ε): felt where the variance is small"),
)  # fmt: skip

LAYER_NORM = entry(
    "layer norm", [real(3, 7)],
    lambda x: _normalized(x, 1),
    lambda g, y, x: _normalization_rule(g, x, 1),
    wrong("mean path missing", "path", lambda g, y, x: _normalization_rule(g, x, 1, mean=0), "μ as a constant"),
    wrong("variance path missing", "path", lambda g, y, x: _normalization_rule(g, x, 1, variance=0),
          "σ² as a constant"),
    wrong("rule of batch norm", "axis", lambda g, y, x: _normalization_rule(g, x, 0), "copied, and the axis with it"),
    wrong("ε left out", "epsilon", lambda g, y, x: _normalization_rule(g, x, 1) * np.sqrt(
        x.var(axis=1, keepdims=True) + EPS) / x.std(axis=1, keepdims=True), "NaN in a constant row"),
)  # fmt: skip


def _rms(x: Array) -> Array:
    return np.asarray(np.sqrt((x * x).mean(axis=1, keepdims=True) + EPS))


RMS_NORM = entry(
    "RMS norm", [real(3, 7)],
    lambda x: x / _rms(x),
    lambda g, y, x: (g - y * (g * y).mean(axis=1, keepdims=True)) / _rms(x),
    wrong("scale detached", "path", lambda g, y, x: g / _rms(x), "the root of the mean square as a constant"),
    wrong("sum for mean", "count", lambda g, y, x: (g - y * (g * y).sum(axis=1, keepdims=True)) / _rms(x),
          "1/n forgotten"),
    wrong("centred", "twice",
          lambda g, y, x: (g - g.mean(axis=1, keepdims=True) - y * (g * y).mean(axis=1, keepdims=True))
          / _rms(x), "the mean path of layer norm, which is not here"),
)  # fmt: skip


def _rows_added(g: Array, i: Array, table: Array) -> Array:
    gradient = np.zeros(table.shape)
    np.add.at(gradient, i, g)
    return gradient


def _rows_assigned(g: Array, i: Array, table: Array) -> Array:
    gradient = np.zeros(table.shape)
    gradient[i] = g
    return gradient


EMBEDDING = entry(
    "embedding", [real(5, 3), labels(5, 2, 7)],
    lambda table, i: table[i],
    lambda g, y, table, i: (_rows_added(g, i, table), None),
    wrong("repeats assigned", "ties", lambda g, y, table, i: (_rows_assigned(g, i, table), None),
          "the last use of a word counts"),
    wrong("first row is padding", "region", lambda g, y, table, i: (
        _rows_added(g * (i != 0)[..., None], i, table), None), "padding_idx = 0, which the forward pass does not know"),
    wrong("upstream averaged", "upstream", upstream_averaged(lambda g, y, table, i: (_rows_added(g, i, table), None)),
          "one g for all"),
)  # fmt: skip

DROPOUT = entry(
    "dropout", [real(3, 5), boolean(3, 5)],
    lambda x, keep: x * keep / 0.8,
    lambda g, y, x, keep: (g * keep / 0.8, None),
    wrong("scale forgotten", "factor", lambda g, y, x, keep: (g * keep, None), "1/p forward only"),
    wrong("mask forgotten", "region", lambda g, y, x, keep: (g / 0.8, None), "what was dropped learns as well"),
    wrong("mask by value", "region", lambda g, y, x, keep: (g * (y != 0) / 0.8, None),
          "a kept value that is 0 counts as dropped"),
    wrong("mask of the last call", "region", lambda g, y, x, keep: (g * np.roll(keep, 1, axis=0) / 0.8, None),
          "a stale mask"),
)  # fmt: skip
