"""Reductions: many numbers become one, so one cotangent goes back to many places.

What goes wrong is where it goes (the axis), how much of it (1, 1/m, 1/(m − 1)), and who gets it at ties.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue.entry import entry, wrong
from tinygrad_edu.catalogue.habits import accumulating, upstream_averaged, upstream_ignored
from tinygrad_edu.core.cases import distinct, nonzero, positive, real
from tinygrad_edu.types import Array


def _back(g: Array, x: Array) -> Array:
    """The cotangent of a sum over the last axis, in every place that was summed."""
    return np.broadcast_to(np.expand_dims(g, -1), x.shape).copy()


SUM = entry(
    "sum over rows", [real(3, 5)],
    lambda x: x.sum(axis=1),
    lambda g, y, x: _back(g, x),
    wrong("filled in reading order", "order", lambda g, y, x: np.resize(g, x.shape),
          "tiled along the rows, not repeated"),
    wrong("averaged", "count", lambda g, y, x: _back(g, x) / x.shape[1], "the rule of the mean"),
    wrong("upstream ignored", "upstream", upstream_ignored(lambda g, y, x: _back(g, x)),
          "the derivative of a sum is 1, times g"),
    wrong("axis kept", "shape", lambda g, y, x: g[:, None], "not spread over the places: (n, 1) for (n, m)"),
)  # fmt: skip

SUM_ALL = entry(
    "sum of all", [real(3, 5)],
    lambda x: x.sum(),
    lambda g, y, x: np.full(x.shape, g),
    wrong("not spread", "shape", lambda g, y, x: g,
          "a number for a matrix; + would broadcast it, so it is seldom noticed"),
    wrong("shared over the axis", "count", lambda g, y, x: np.full(x.shape, g / x.shape[1]), "divided by one length"),
)  # fmt: skip

MEAN = entry(
    "mean over columns", [real(3, 5)],
    lambda x: x.mean(axis=0),
    lambda g, y, x: np.broadcast_to(g / x.shape[0], x.shape).copy(),
    wrong("1/m forgotten", "count", lambda g, y, x: np.broadcast_to(g, x.shape).copy(), "the rule of the sum"),
    wrong("1/m twice", "count", lambda g, y, x: np.broadcast_to(g / x.shape[0] ** 2, x.shape).copy(),
          "once by an average of g"),
    wrong("size for length", "count", lambda g, y, x: np.broadcast_to(g / x.size, x.shape).copy(),
          "all elements are counted"),
    wrong("the other length", "count", lambda g, y, x: np.broadcast_to(g / x.shape[1], x.shape).copy(),
          "the wrong axis is counted"),
    wrong("m − 1", "count", lambda g, y, x: np.broadcast_to(g / (x.shape[0] - 1), x.shape).copy(),
          "right for variances only"),
)  # fmt: skip


def _ties(y: Array, x: Array) -> Array:
    """1 where x is the extremum y of its row."""
    return np.asarray(x == y[:, None], float)


MAX = entry(
    "max over rows", [distinct(3, 5)],
    lambda x: x.max(axis=1),
    lambda g, y, x: g[:, None] * _ties(y, x) / _ties(y, x).sum(axis=1, keepdims=True),
    wrong("whole to each tie", "ties", lambda g, y, x: g[:, None] * _ties(y, x), "a tie of n counts n times"),
    wrong("none at ties", "ties",
          lambda g, y, x: g[:, None] * _ties(y, x) * (_ties(y, x).sum(axis=1, keepdims=True) == 1),
          "only a strict maximum is looked for"),
    wrong("no mask", "region", lambda g, y, x: _back(g, x), "the rule of the sum"),
    wrong("place in the flat array", "axis", lambda g, y, x: _back(g, x) * (x == x.max()), "argmax() without its axis"),
    wrong("softened", "formula", lambda g, y, x: g[:, None] * np.exp(x) / np.exp(x).sum(axis=1, keepdims=True),
          "a smooth surrogate"),
)  # fmt: skip

MIN = entry(
    "min over rows", [distinct(3, 5)],
    lambda x: x.min(axis=1),
    lambda g, y, x: g[:, None] * _ties(y, x) / _ties(y, x).sum(axis=1, keepdims=True),
    wrong("place of the maximum", "order", lambda g, y, x: g[:, None] * _ties(x.max(axis=1), x),
          "copied from max, argmax kept"),
    wrong("sign", "sign", lambda g, y, x: -g[:, None] * _ties(y, x), "min x = −max(−x), with one of its two signs"),
)  # fmt: skip


def _products_of_others(x: Array) -> Array:
    """The product of all but one element of a vector, without a division."""
    others = np.where(np.eye(len(x)) == 1, 1, x)
    return np.asarray(others.prod(axis=1))


PROD = entry(
    "product", [nonzero(5)],
    lambda x: x.prod(),
    lambda g, y, x: g * _products_of_others(x),
    wrong("NaN at zero", "not finite", lambda g, y, x: g * y / x, "the product divided by the element: 0/0"),
    wrong("zero at zero", "region", lambda g, y, x: g * y / np.where(x == 0, 1, x),
          "0/0 set to 0, but the others do count"),
    wrong("element not taken out", "chain", lambda g, y, x: np.full(x.shape, g * y), "y for y/x"),
)  # fmt: skip

CUMSUM = entry(
    "cumulative sum", [real(5, 3)],
    lambda x: np.cumsum(x, axis=0),
    lambda g, y, x: np.cumsum(g[::-1], axis=0)[::-1],
    wrong("not reversed", "order", lambda g, y, x: np.cumsum(g, axis=0),
          "x₁ is in every sum, xₙ in one, and not the other way"),
    wrong("reversed once", "order", lambda g, y, x: np.cumsum(g[::-1], axis=0), "turned round, and not back"),
    wrong("shifted by one", "path", lambda g, y, x: np.cumsum(g[::-1], axis=0)[::-1] - g,
          "the element's own sum is left out"),
    wrong("other axis", "axis", lambda g, y, x: np.cumsum(g[:, ::-1], axis=1)[:, ::-1], "the last axis by default"),
)  # fmt: skip


def _cumprod(g: Array, x: Array) -> Array:
    before = np.concatenate([[1.0], np.cumprod(x)[:-1]])
    after, total = np.zeros(len(x)), 0.0
    for i in reversed(range(len(x))):
        after[i] = total = g[i] + (x[i + 1] * total if i + 1 < len(x) else 0.0)
    return before * after


CUMPROD = entry(
    "cumulative product", [nonzero(5)],
    lambda x: np.cumprod(x),
    lambda g, y, x: _cumprod(g, x),
    wrong("NaN at zero", "not finite", lambda g, y, x: np.cumsum((g * y)[::-1])[::-1] / x, "divides by the element"),
    wrong("not reversed", "order", lambda g, y, x: np.cumsum(g * y) / x, "summed from the front"),
    wrong("last product only", "path", lambda g, y, x: g[-1] * _products_of_others(x), "the rule of prod"),
)  # fmt: skip

VAR = entry(
    "variance over columns", [real(5, 3)],
    lambda x: x.var(axis=0),
    lambda g, y, x: 2 * g * (x - x.mean(axis=0)) / len(x),
    wrong("2 dropped", "factor", lambda g, y, x: g * (x - x.mean(axis=0)) / len(x), "the 2 of the square"),
    wrong("m − 1", "count", lambda g, y, x: 2 * g * (x - x.mean(axis=0)) / (len(x) - 1),
          "the unbiased one, backward only"),
    wrong("not centred", "path", lambda g, y, x: 2 * g * x / len(x), "right where the mean happens to be 0"),
    wrong("centred by all", "axis", lambda g, y, x: 2 * g * (x - x.mean()) / len(x), "mean() without its axis"),
)  # fmt: skip

STD = entry(
    "standard deviation", [real(5)],
    lambda x: x.std(ddof=1),
    lambda g, y, x: g * (x - x.mean()) / ((len(x) - 1) * np.where(y > 0, y, 1)),
    wrong("m", "count", lambda g, y, x: g * (x - x.mean()) / (len(x) * np.where(y > 0, y, 1)),
          "the biased one, backward only"),
    wrong("NaN where constant", "not finite", lambda g, y, x: g * (x - x.mean()) / ((len(x) - 1) * y),
          "0/0 in a constant vector"),
    wrong("divided by the variance", "chain", lambda g, y, x: g * (x - x.mean()) / ((len(x) - 1) * y * y), "y² for y"),
    wrong("root not differentiated", "chain", lambda g, y, x: 2 * g * (x - x.mean()) / (len(x) - 1),
          "the rule of the variance"),
)  # fmt: skip

LOGSUMEXP = entry(
    "logsumexp over rows", [real(3, 5)],
    lambda x: np.logaddexp.reduce(x, axis=1),
    lambda g, y, x: g[:, None] * np.exp(x - y[:, None]),
    wrong("not normalized", "chain", lambda g, y, x: g[:, None] * np.exp(x), "eˣ without 1 / Σ eˣ"),
    wrong("NaN where large", "not finite",
          lambda g, y, x: g[:, None] * np.exp(x) / np.exp(x).sum(axis=1, keepdims=True),
          "∞ / ∞ above 710: the maximum is subtracted forward only"),
    wrong("normalized over columns", "axis", lambda g, y, x: g[:, None] * np.exp(x) / np.exp(x).sum(axis=0),
          "the wrong axis"),
    wrong("the maximum alone", "formula", lambda g, y, x: g[:, None] * _ties(x.max(axis=1), x), "the rule of max"),
)  # fmt: skip

NORM = entry(
    "norm", [real(7)],
    lambda x: np.sqrt((x * x).sum()),
    lambda g, y, x: g * x / np.where(y > 0, y, 1),
    wrong("½ kept", "factor", lambda g, y, x: g * x / (2 * np.where(y > 0, y, 1)),
          "the ½ of the root, without the 2 of the square"),
    wrong("NaN at the origin", "not finite", lambda g, y, x: g * x / y, "0/0, where 0 is a subgradient"),
    wrong("squared norm", "chain", lambda g, y, x: 2 * g * x, "the rule of Σ x²"),
    wrong("result is kept", "state", accumulating(lambda g, y, x: g * x / np.where(y > 0, y, 1)),
          "+= into a buffer never cleared"),
)  # fmt: skip

SQUARED_NORM = entry(
    "sum of squares over columns", [real(5, 3)],
    lambda x: (x * x).sum(axis=0),
    lambda g, y, x: 2 * g * x,
    wrong("2 dropped", "factor", lambda g, y, x: g * x, "right for ½ Σ x²"),
    wrong("upstream averaged", "upstream", upstream_averaged(lambda g, y, x: 2 * g * x),
          "the same factor for every column"),
    wrong("output for input", "input for output", lambda g, y, x: np.broadcast_to(2 * g * np.sqrt(y), x.shape).copy(),
          "‖x‖ for x"),
)  # fmt: skip

L1_NORM = entry(
    "sum of absolute values", [nonzero(7)],
    lambda x: np.abs(x).sum(),
    lambda g, y, x: g * np.sign(x),
    wrong("sign forgotten", "sign", lambda g, y, x: np.full(x.shape, g), "right at positive values only"),
    wrong("penalty of squares", "formula", lambda g, y, x: g * 2 * x, "the L2 penalty for the L1"),
    wrong("2 at zero", "region", lambda g, y, x: g * (np.sign(x) + 2 * (x == 0)),
          "+2, outside of [−1, 1], the slopes of |x| at 0"),
)  # fmt: skip

WEIGHTED_MEAN = entry(
    "weighted mean", [real(5), positive(5)],
    lambda x, w: (w * x).sum() / w.sum(),
    lambda g, y, x, w: (g * w / w.sum(), g * (x - y) / w.sum()),
    wrong("total detached", "path", lambda g, y, x, w: (g * w / w.sum(), g * x / w.sum()), "Σw depends on w too"),
    wrong("weights detached", "detached", lambda g, y, x, w: (g * w / w.sum(), np.zeros_like(w)),
          "weights are taken for data"),
    wrong("weights ignored", "formula", lambda g, y, x, w: (np.full(x.shape, g / len(x)), g * (x - y) / w.sum()),
          "1/n for w/Σw"),
)  # fmt: skip


def _one_hot(i: int | np.intp, n: int) -> Array:
    return np.asarray(np.arange(n) == i, float)


MEDIAN = entry(
    "median", [distinct(5)],
    lambda x: np.median(x),
    lambda g, y, x: g * _one_hot(np.argsort(x)[len(x) // 2], len(x)),
    wrong("place after sorting", "order", lambda g, y, x: g * _one_hot(len(x) // 2, len(x)),
          "not led back to the unsorted places"),
    wrong("rule of the mean", "formula", lambda g, y, x: np.full(x.shape, g / len(x)), "a median is not a mean"),
    wrong("whole to each tie", "ties", lambda g, y, x: g * (x == y), "every element that equals the median"),
)  # fmt: skip
