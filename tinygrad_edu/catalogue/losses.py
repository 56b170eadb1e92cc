"""Losses: where a gradient begins. What goes wrong is 1/m, a 2, a sign, and the labels.

The upstream of a loss is nearly always 1, so nobody notices a rule that forgets it, until two losses are added.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue.activations import sigmoid
from tinygrad_edu.catalogue.entry import entry, labels, wrong
from tinygrad_edu.catalogue.habits import (
    accumulating,
    as_column,
    truncated,
    upstream_clipped,
    upstream_ignored,
)
from tinygrad_edu.catalogue.layers import softmax
from tinygrad_edu.core.cases import interval, positive, real
from tinygrad_edu.types import Array


def _log_softmax(x: Array) -> Array:
    return np.asarray(x - np.logaddexp.reduce(x, axis=1, keepdims=True))


def _one_hot(t: Array, classes: int) -> Array:
    return np.eye(classes)[t]


CROSS_ENTROPY = entry(
    "cross-entropy of labels", [real(7, 3), labels(3, 7)],
    lambda x, t: -_log_softmax(x)[np.arange(7), t].mean(),
    lambda g, y, x, t: (g * (softmax(x) - _one_hot(t, 3)) / 7, None),
    wrong("1/m forgotten", "count", lambda g, y, x, t: (g * (softmax(x) - _one_hot(t, 3)), None),
          "the mean became a sum"),
    wrong("1/m doubled", "count", lambda g, y, x, t: (g * (softmax(x) - _one_hot(t, 3)) / 49, None),
          "here and in the layer below"),
    wrong("sign", "sign", lambda g, y, x, t: (g * (_one_hot(t, 3) - softmax(x)) / 7, None), "t − p for p − t"),
    wrong("target not subtracted", "path", lambda g, y, x, t: (g * softmax(x) / 7, None), "p for p − t"),
    wrong("classes counted", "count", lambda g, y, x, t: (g * (softmax(x) - _one_hot(t, 3)) / 21, None),
          "mean over all elements"),
    wrong("labels shifted by one", "order", lambda g, y, x, t: (g * (softmax(x) - _one_hot(t - 1, 3)) / 7, None),
          "from 1, not 0"),
    wrong("softmax passed twice", "chain", lambda g, y, x, t: (
        g * softmax(x) * (softmax(x) - _one_hot(t, 3)) / 7, None), "p − t has the softmax in it already"),
    wrong("upstream ignored", "upstream",
          upstream_ignored(lambda g, y, x, t: (g * (softmax(x) - _one_hot(t, 3)) / 7, None)),
          "a loss is thought to be the end of the graph"),
)  # fmt: skip

SOFT_CROSS_ENTROPY = entry(
    "cross-entropy of weights", [real(7, 3), positive(7, 3)],
    lambda x, t: -(t * _log_softmax(x)).sum(),
    lambda g, y, x, t: (g * (softmax(x) * t.sum(axis=1, keepdims=True) - t), -g * _log_softmax(x)),
    wrong("weights assumed to sum to 1", "formula", lambda g, y, x, t: (g * (softmax(x) - t), -g * _log_softmax(x)),
          "p − t holds for a distribution t"),
    wrong("target detached", "detached", lambda g, y, x, t: (
        g * (softmax(x) * t.sum(axis=1, keepdims=True) - t), np.zeros_like(t)), "no distillation into a teacher"),
    wrong("log of p forgotten", "formula", lambda g, y, x, t: (
        g * (softmax(x) * t.sum(axis=1, keepdims=True) - t), -g * softmax(x)), "−p for −log p"),
)  # fmt: skip

CROSS_ENTROPY_P = entry(
    "cross-entropy of probabilities", [interval(0.1, 0.9, 7, 3), labels(3, 7)],
    lambda p, t: -np.log(p[np.arange(7), t]).sum(),
    lambda g, y, p, t: (np.where(_one_hot(t, 3) == 1, -g / p, 0), None),
    wrong("softmax assumed", "formula", lambda g, y, p, t: (g * (p - _one_hot(t, 3)), None),
          "the gradient at the logits"),
    wrong("other classes", "twice",
          lambda g, y, p, t: (g * ((1 - _one_hot(t, 3)) / (1 - p) - _one_hot(t, 3) / p), None),
          "the loss of independent yes and no"),
    wrong("sign", "sign", lambda g, y, p, t: (g * _one_hot(t, 3) / p, None), "the minus of −log p lost"),
)  # fmt: skip

MSE = entry(
    "mean squared error", [real(7, 3), real(7, 3)],
    lambda p, t: ((p - t) ** 2).mean(),
    lambda g, y, p, t: (2 * g * (p - t) / p.size, -2 * g * (p - t) / p.size),
    wrong("2 dropped", "factor", lambda g, y, p, t: (g * (p - t) / p.size, -g * (p - t) / p.size),
          "right for ½ (p − t)²"),
    wrong("rows counted", "count", lambda g, y, p, t: (2 * g * (p - t) / 7, -2 * g * (p - t) / 7), "1/m for 1/(m·n)"),
    wrong("1/m forgotten", "count", lambda g, y, p, t: (2 * g * (p - t), -2 * g * (p - t)), "the rule of the sum"),
    wrong("same sign for both", "sign", lambda g, y, p, t: (2 * g * (p - t) / p.size, 2 * g * (p - t) / p.size),
          "not −"),
    wrong("target detached", "detached", lambda g, y, p, t: (2 * g * (p - t) / p.size, np.zeros_like(t)),
          "the other path of p − t"),
    wrong("clipped", "region", lambda g, y, p, t: (
        2 * g * np.clip(p - t, -1, 1) / p.size, -2 * g * np.clip(p - t, -1, 1) / p.size), "Huber's gradient"),
)  # fmt: skip

MAE = entry(
    "mean absolute error", [real(7), real(7)],
    lambda p, t: np.abs(p - t).mean(),
    lambda g, y, p, t: (g * np.sign(p - t) / 7, -g * np.sign(p - t) / 7),
    wrong("sign lost", "sign", lambda g, y, p, t: (np.full(7, g / 7), np.full(7, -g / 7)), "right where p > t"),
    wrong("squared", "formula", lambda g, y, p, t: (g * (p - t) / 7, -g * (p - t) / 7), "p − t for its sign"),
    wrong("NaN where met", "not finite", lambda g, y, p, t: (
        g * (p - t) / np.abs(p - t) / 7, -g * (p - t) / np.abs(p - t) / 7), "0/0 at a perfect prediction"),
)  # fmt: skip

BCE_LOGITS = entry(
    "binary cross-entropy of logits", [real(7), labels(2, 7)],
    lambda x, t: (np.logaddexp(0, x) - t * x).mean(),
    lambda g, y, x, t: (g * (sigmoid(x) - t) / 7, None),
    wrong("logit for probability", "formula", lambda g, y, x, t: (g * (x - t) / 7, None),
          "the sigmoid left out: squared error"),
    wrong("sigmoid passed twice", "chain", lambda g, y, x, t: (
        g * (sigmoid(x) - t) * sigmoid(x) * (1 - sigmoid(x)) / 7, None), "the s′ that cancels is multiplied again"),
    wrong("1/m forgotten", "count", lambda g, y, x, t: (g * (sigmoid(x) - t), None), "the mean became a sum"),
    wrong("positive examples only", "region", lambda g, y, x, t: (g * t * (sigmoid(x) - 1) / 7, None),
          "−t log p without the rest"),
    wrong("upstream clipped", "upstream", upstream_clipped(lambda g, y, x, t: (g * (sigmoid(x) - t) / 7, None), 0.5),
          "at ½"),
)  # fmt: skip

BCE = entry(
    "binary cross-entropy of probabilities", [interval(0.1, 0.9, 7), labels(2, 7)],
    lambda p, t: -(np.log(np.where(t, p, 1 - p))).sum(),
    lambda g, y, p, t: (g * np.where(t, -1 / p, 1 / (1 - p)), None),
    wrong("sigmoid assumed", "formula", lambda g, y, p, t: (g * (p - t), None), "the gradient at the logits"),
    wrong("inner sign lost", "sign", lambda g, y, p, t: (-g * np.where(t, 1 / p, 1 / (1 - p)), None),
          "the −1 of (1 − p)′"),
    wrong("NaN where certain", "not finite", lambda g, y, p, t: (g * ((1 - t) / (1 - p) - t / p), None),
          "0/0 at a certain p that is right"),
    wrong("safe only backward", "epsilon", lambda g, y, p, t: (g * (p - t) / (p * (1 - p) + 1e-2), None),
          "an ε of the backward pass"),
)  # fmt: skip

HINGE = entry(
    "hinge", [real(7), labels(2, 7)],
    lambda x, t: np.maximum(0, 1 - (2 * t - 1) * x).sum(),
    lambda g, y, x, t: (-g * (2 * t - 1) * ((2 * t - 1) * x < 1), None),
    wrong("mask forgotten", "region", lambda g, y, x, t: (-g * (2 * t - 1.0), None),
          "examples beyond the margin are still pulled"),
    wrong("margin forgotten", "region", lambda g, y, x, t: (-g * (2 * t - 1) * ((2 * t - 1) * x < 0), None),
          "0 for 1: a perceptron"),
    wrong("labels 0 and 1", "region", lambda g, y, x, t: (-g * t * ((2 * t - 1) * x < 1), None),
          "t for ±1: no negative examples"),
    wrong("sign", "sign", lambda g, y, x, t: (g * (2 * t - 1) * ((2 * t - 1) * x < 1), None), "ascends"),
)  # fmt: skip

DIVERGENCE = entry(
    "divergence of distributions", [positive(7), positive(7)],
    lambda p, q: (p * np.log(p / q)).sum(),
    lambda g, y, p, q: (g * (np.log(p / q) + 1), -g * p / q),
    wrong("1 forgotten", "path", lambda g, y, p, q: (g * np.log(p / q), -g * p / q),
          "p stands in front of the log and in it"),
    wrong("log lost", "path", lambda g, y, p, q: (g * np.ones(7), -g * p / q), "the path in the log alone"),
    wrong("roles exchanged", "exchanged", lambda g, y, p, q: (-g * q / p, g * (np.log(q / p) + 1)), "KL(q ‖ p)"),
)  # fmt: skip


def _ridge(g: Array, x: Array, w: Array, t: Array, penalty: float = 0.2, data: float = 1.0) -> Array:
    return np.asarray(g * (data * 2 * x.T @ (x @ w - t) / len(x) + penalty * w))


RIDGE = entry(
    "squared error with an L2 penalty", [real(3), real(7, 3), real(7)],
    lambda w, x, t: ((x @ w - t) ** 2).mean() + 0.1 * (w * w).sum(),
    lambda g, y, w, x, t: (_ridge(g, x, w, t), 2 * g * np.outer(x @ w - t, w) / 7, -2 * g * (x @ w - t) / 7),
    wrong("penalty missing", "penalty", lambda g, y, w, x, t: (
        _ridge(g, x, w, t, penalty=0), 2 * g * np.outer(x @ w - t, w) / 7, -2 * g * (x @ w - t) / 7), "forward only"),
    wrong("2 of the penalty dropped", "penalty", lambda g, y, w, x, t: (
        _ridge(g, x, w, t, penalty=0.1), 2 * g * np.outer(x @ w - t, w) / 7, -2 * g * (x @ w - t) / 7), "λw for 2λw"),
    wrong("penalty divided by m", "penalty", lambda g, y, w, x, t: (
        _ridge(g, x, w, t, penalty=0.2 / 7), 2 * g * np.outer(x @ w - t, w) / 7, -2 * g * (x @ w - t) / 7),
        "λ/m for λ"),
    wrong("penalty subtracted", "penalty", lambda g, y, w, x, t: (
        _ridge(g, x, w, t, penalty=-0.2), 2 * g * np.outer(x @ w - t, w) / 7, -2 * g * (x @ w - t) / 7), "sign"),
    wrong("data forgotten", "path", lambda g, y, w, x, t: (
        _ridge(g, x, w, t, data=0), 2 * g * np.outer(x @ w - t, w) / 7, -2 * g * (x @ w - t) / 7), "= for +="),
)  # fmt: skip

LOGISTIC = entry(
    "logistic regression", [real(3), real(7, 3), labels(2, 7)],
    lambda w, x, t: (np.logaddexp(0, x @ w) - t * (x @ w)).sum(),
    lambda g, y, w, x, t: (g * x.T @ (sigmoid(x @ w) - t), g * np.outer(sigmoid(x @ w) - t, w), None),
    wrong("a column", "shape", lambda g, y, w, x, t: (
        (g * x.T @ (sigmoid(x @ w) - t))[:, None], g * np.outer(sigmoid(x @ w) - t, w), None), "(n, 1) for (n,)"),
    wrong("threshold for probability", "formula", lambda g, y, w, x, t: (
        g * x.T @ ((x @ w > 0) - t), g * np.outer((x @ w > 0) - t, w), None), "the perceptron's rule"),
    wrong("averaged", "count", lambda g, y, w, x, t: (
        g * x.T @ (sigmoid(x @ w) - t) / 7, g * np.outer(sigmoid(x @ w) - t, w), None), "1/m for w only"),
)  # fmt: skip

SQUARED_LENGTH = entry(
    "half the squared length", [real(5)],
    lambda x: 0.5 * (x * x).sum(),
    lambda g, y, x: g * x,
    wrong("2 added", "factor", lambda g, y, x: 2 * g * x, "the ½ was there to cancel it"),
    wrong("truncated", "upstream", truncated(lambda g, y, x: g * x),
          "the buffer has the integer type of its first input"),
    wrong("a column", "shape", as_column(lambda g, y, x: g * x), "(n, 1) for (n,)"),
    wrong("result is kept", "state", accumulating(lambda g, y, x: g * x), "+= into a buffer never cleared"),
)  # fmt: skip

TRIPLET = entry(
    "triplet", [real(5), real(5), real(5)],
    lambda a, p, n: np.maximum(0, ((a - p) ** 2).sum() - ((a - n) ** 2).sum() + 20),
    lambda g, y, a, p, n: (2 * g * (y > 0) * (n - p), -2 * g * (y > 0) * (a - p), 2 * g * (y > 0) * (a - n)),
    wrong("anchor by one path", "path", lambda g, y, a, p, n: (
        2 * g * (y > 0) * (a - p), -2 * g * (y > 0) * (a - p), 2 * g * (y > 0) * (a - n)), "one use of two"),
    wrong("margin not seen", "region", lambda g, y, a, p, n: (2 * g * (n - p), -2 * g * (a - p), 2 * g * (a - n)),
          "max(0, ·) forgotten: wrong for triplets that are already right"),
)  # fmt: skip
