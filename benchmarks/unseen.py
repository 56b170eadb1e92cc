"""Wrong rules of operations that the catalogue does not have: what the diagnosis says where it has nothing to match.

The causes were written by reading the rules, before the diagnosis had seen any of them.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue import Entry
from tinygrad_edu.catalogue.entry import entry, labels, wrong
from tinygrad_edu.core.cases import distinct, interval, nonzero, positive, real
from tinygrad_edu.types import Array


def _unit(x: Array) -> Array:
    return np.asarray(x / np.sqrt((x * x).sum(axis=1, keepdims=True)))


def _centred(x: Array) -> Array:
    return np.asarray(x - x.mean(axis=1, keepdims=True))


def _instance(x: Array) -> Array:
    return np.asarray(_centred(x) / x.std(axis=1, keepdims=True))


def _instance_rule(g: Array, x: Array, mean: bool = True, variance: bool = True) -> Array:
    n = _instance(x)
    direct = g - mean * g.mean(axis=1, keepdims=True) - variance * n * (g * n).mean(axis=1, keepdims=True)
    return np.asarray(direct / x.std(axis=1, keepdims=True))


def _distances(a: Array, b: Array) -> Array:
    return np.asarray(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2))


def _gathered(g: Array, x: Array, i: Array, add: bool = True) -> Array:
    found = np.zeros(x.shape)
    rows = np.arange(len(x))[:, None]
    if add:
        np.add.at(found, (rows, i), g)
    else:
        found[rows, i] = g
    return found


UNSEEN: tuple[Entry, ...] = (
    entry("sinh", [real(2, 5)], lambda x: np.sinh(x), lambda g, y, x: g * np.cosh(x),
          wrong("minus of cos", "sign", lambda g, y, x: -g * np.cosh(x), "as of the trigonometric functions"),
          wrong("cosh of the output", "input for output", lambda g, y, x: g * np.cosh(y), "taken at y")),
    entry("softsign", [real(2, 5)], lambda x: x / (1 + np.abs(x)), lambda g, y, x: g / (1 + np.abs(x)) ** 2,
          wrong("square lost", "chain", lambda g, y, x: g / (1 + np.abs(x)), "the rule of the quotient, half"),
          wrong("sign at x", "region", lambda g, y, x: g / (1 + x) ** 2, "|x| for x: wrong at negative values")),
    entry("logit", [interval(0.1, 0.9, 2, 5)], lambda p: np.log(p / (1 - p)), lambda g, y, p: g / (p * (1 - p)),
          wrong("safe only backward", "epsilon", lambda g, y, p: g / (p * (1 - p) + 1e-2), "an ε against 1/0"),
          wrong("upside down", "formula", lambda g, y, p: g * p * (1 - p), "the rule of the sigmoid")),
    entry("log2", [positive(2, 5)], lambda x: np.log2(x), lambda g, y, x: g / (x * np.log(2)),
          wrong("natural base", "factor", lambda g, y, x: g / x, "ln 2 forgotten")),
    entry("soft shrink", [real(2, 5)], lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
          lambda g, y, x: g * (np.abs(x) > 0.5),
          wrong("mask forgotten", "region", lambda g, y, x: g, "what was shrunk to 0 learns"),
          wrong("one side", "region", lambda g, y, x: g * (x > 0.5), "the negative side has no gradient")),
    entry("log cosh loss", [real(5), real(5)], lambda p, t: np.log(np.cosh(p - t)).mean(),
          lambda g, y, p, t: (g * np.tanh(p - t) / 5, -g * np.tanh(p - t) / 5),
          wrong("1/m forgotten", "count", lambda g, y, p, t: (g * np.tanh(p - t), -g * np.tanh(p - t)), "a sum"),
          wrong("target detached", "detached", lambda g, y, p, t: (g * np.tanh(p - t) / 5, np.zeros_like(t)), "data"),
          wrong("upstream ignored", "upstream", lambda g, y, p, t: (np.tanh(p - t) / 5, -np.tanh(p - t) / 5), "g = 1")),
    entry("poisson loss", [real(7), positive(7)], lambda x, t: (np.exp(x) - t * x).sum(),
          lambda g, y, x, t: (g * (np.exp(x) - t), -g * x),
          wrong("rate for its log", "formula", lambda g, y, x, t: (g * (x - t), -g * x), "x taken for the rate"),
          wrong("sign", "sign", lambda g, y, x, t: (g * (t - np.exp(x)), -g * x), "t − p"),
          wrong("only the rate", "path", lambda g, y, x, t: (g * np.exp(x), -g * x), "the term t·x has no gradient")),
    entry("geometric mean", [positive(5)], lambda x: x.prod() ** 0.2, lambda g, y, x: g * y / (5 * x),
          wrong("1/n forgotten", "count", lambda g, y, x: g * y / x, "n-th root not differentiated"),
          wrong("y forgotten", "chain", lambda g, y, x: g / (5 * x), "the rule of the mean of logarithms")),
    entry("unit rows", [real(3, 5)], lambda x: _unit(x),
          lambda g, y, x: (g - y * (g * y).sum(1, keepdims=True)) / np.sqrt((x * x).sum(1, keepdims=True)),
          wrong("length detached", "path", lambda g, y, x: g / np.sqrt((x * x).sum(1, keepdims=True)), "a constant"),
          wrong("length squared", "chain",
                lambda g, y, x: (g - y * (g * y).sum(1, keepdims=True)) / (x * x).sum(1, keepdims=True), "no root")),
    entry("centring of rows", [real(3, 5)], lambda x: _centred(x), lambda g, y, x: g - g.mean(1, keepdims=True),
          wrong("mean detached", "path", lambda g, y, x: g, "the mean as a constant"),
          wrong("other axis", "axis", lambda g, y, x: g - g.mean(0, keepdims=True), "columns"),
          wrong("mean over all", "axis", lambda g, y, x: g - g.mean(), "mean() without its axis")),
    entry("instance norm", [real(3, 7)], lambda x: _instance(x), lambda g, y, x: _instance_rule(g, x),
          wrong("mean path missing", "path", lambda g, y, x: _instance_rule(g, x, mean=False), "μ as a constant"),
          wrong("variance path missing", "path", lambda g, y, x: _instance_rule(g, x, variance=False), "σ, too")),
    entry("squared distances", [real(3, 2), real(5, 2)], lambda a, b: _distances(a, b),
          lambda g, y, a, b: (2 * (g.sum(1)[:, None] * a - g @ b), 2 * (g.sum(0)[:, None] * b - g.T @ a)),
          wrong("2 dropped", "factor",
                lambda g, y, a, b: (g.sum(1)[:, None] * a - g @ b, g.sum(0)[:, None] * b - g.T @ a), "of the square"),
          wrong("not summed", "shape",
                lambda g, y, a, b: (2 * g[..., None] * (a[:, None] - b[None]), 2 * (g.sum(0)[:, None] * b - g.T @ a)),
                "one gradient for each pair")),
    entry("swap of axes", [real(2, 3, 5)], lambda x: x.swapaxes(0, 2), lambda g, y, x: g.swapaxes(0, 2),
          wrong("other axes", "order", lambda g, y, x: g.reshape(x.shape), "a reshape instead of a swap")),
    entry("gather along rows", [real(3, 5), labels(5, 3, 7)], lambda x, i: np.take_along_axis(x, i, axis=1),
          lambda g, y, x, i: (_gathered(g, x, i), None),
          wrong("assigned", "ties", lambda g, y, x, i: (_gathered(g, x, i, add=False), None), "the last use counts"),
          wrong("off by one", "order", lambda g, y, x, i: (_gathered(g, x, (i + 1) % 5), None), "counted from one")),
    entry("smallest and largest", [distinct(5)], lambda x: x.max() - x.min(),
          lambda g, y, x: g * ((x == x.max()) / (x == x.max()).sum() - (x == x.min()) / (x == x.min()).sum()),
          wrong("whole to each tie", "ties", lambda g, y, x: g * (1.0 * (x == x.max()) - (x == x.min())),
                "a tie twice"),
          wrong("largest only", "path", lambda g, y, x: g * (x == x.max()) / (x == x.max()).sum(), "one of two uses")),
    entry("moving average", [real(7)], lambda x: np.convolve(x, np.ones(3) / 3, "valid"),
          lambda g, y, x: np.convolve(g, np.ones(3) / 3, "full"),
          wrong("1/k forgotten", "count", lambda g, y, x: np.convolve(g, np.ones(3), "full"), "the sum of a window"),
          wrong("centre only", "path", lambda g, y, x: np.pad(g, 1) / 3, "of a window its middle")),
    entry("frobenius product", [real(3, 3), real(3, 3)], lambda a, b: np.trace(a @ b),
          lambda g, y, a, b: (g * b.T, g * a.T),
          wrong("not transposed", "order", lambda g, y, a, b: (g * b, g * a), "tr(AᵀB) instead"),
          wrong("exchanged", "exchanged", lambda g, y, a, b: (g * a.T, g * b.T), "each gets itself")),
    entry("scale and shift of channels", [real(3, 5), positive(5), real(5)], lambda x, a, b: a * x + b,
          lambda g, y, x, a, b: (g * a, (g * x).sum(0), g.sum(0)),
          wrong("from the output", "input for output", lambda g, y, x, a, b: (g * a, (g * y).sum(0), g.sum(0)),
                "y for x"),
          wrong("shift averaged", "count", lambda g, y, x, a, b: (g * a, (g * x).sum(0), g.mean(0)), "1/m"),
          wrong("kept", "in place", lambda g, y, x, a, b: (
                np.multiply(g, a, out=g), (g / a * x).sum(0), (g / a).sum(0)),
                "written over g")),
    entry("product of sums", [real(5), real(3)], lambda a, b: a.sum() * b.sum(),
          lambda g, y, a, b: (np.full(5, g * b.sum()), np.full(3, g * a.sum())),
          wrong("exchanged", "exchanged", lambda g, y, a, b: (np.full(5, g * a.sum()), np.full(3, g * b.sum())),
                "own sums"),
          wrong("factor lost", "chain", lambda g, y, a, b: (np.full(5, g), np.full(3, g)), "the other sum left out")),
    entry("ridge penalty of a sine", [nonzero(7)], lambda w: np.sin(w).sum() + 0.05 * (w * w).sum(),
          lambda g, y, w: g * (np.cos(w) + 0.1 * w),
          wrong("penalty missing", "penalty", lambda g, y, w: g * np.cos(w), "forward only"),
          wrong("2 dropped", "penalty", lambda g, y, w: g * (np.cos(w) + 0.05 * w), "λw for 2λw")),
    entry("two uses", [real(3, 3)], lambda x: x @ x, lambda g, y, x: g @ x.T + x.T @ g,
          wrong("first use", "path", lambda g, y, x: g @ x.T, "one place of two"),
          wrong("as a square", "formula", lambda g, y, x: 2 * g * x, "2x, elementwise")),
)  # fmt: skip
