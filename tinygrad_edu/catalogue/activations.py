"""Activations: elementwise too, but with a gate, a kink, or a region in which they are saturated.

A rule is easily right for ordinary numbers and wrong for large, for negative, or for clipped ones.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue.entry import entry, wrong
from tinygrad_edu.catalogue.habits import upstream_clipped
from tinygrad_edu.core.cases import real
from tinygrad_edu.types import Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


TANH = entry(
    "tanh", [real(2, 3)],
    lambda x: np.tanh(x),
    lambda g, y, x: g * (1 - y * y),
    wrong("input for output", "input for output", lambda g, y, x: g * (1 - x * x),
          "agrees near 0 only, where tanh x ≈ x"),
    wrong("square forgotten", "formula", lambda g, y, x: g * (1 - y), "1 − y for 1 − y²"),
    wrong("upstream clipped", "upstream", upstream_clipped(lambda g, y, x: g * (1 - y * y)),
          "against exploding gradients, but here"),
    wrong("sigmoid's rule", "formula", lambda g, y, x: g * y * (1 - y),
          "the activation was exchanged, its derivative was not"),
)  # fmt: skip

SIGMOID = entry(
    "sigmoid", [real(2, 3)],
    lambda x: sigmoid(x),
    lambda g, y, x: g * y * (1 - y),
    wrong("input for output", "input for output", lambda g, y, x: g * x * (1 - x),
          "a helper s·(1 − s) that is called with x"),
    wrong("taken twice", "input for output", lambda g, y, x: g * sigmoid(y) * (1 - sigmoid(y)),
          "the helper applies the sigmoid to y again"),
    wrong("zero where saturated", "region", lambda g, y, x: np.where(np.abs(x) > 4, 0, g * y * (1 - y)),
          "a shortcut of approximations by pieces; right for ordinary numbers"),
    wrong("NaN where saturated", "not finite", lambda g, y, x: g * np.exp(-x) / (1 + np.exp(-x)) ** 2,
          "∞ / ∞ below −700"),
)  # fmt: skip


def _relu_in_place(g: Array, y: Array, x: Array) -> Array:
    g[x <= 0] = 0
    return g


RELU = entry(
    "relu", [real(2, 3)],
    lambda x: np.maximum(x, 0),
    lambda g, y, x: g * (x > 0),
    wrong("mask forgotten", "region", lambda g, y, x: g, "as if every unit were active"),
    wrong("mask of the upstream", "upstream", lambda g, y, x: g * (g > 0),
          "the ReLU of g, as deconvolution pictures want it"),
    wrong("both masks", "upstream", lambda g, y, x: g * (g > 0) * (x > 0),
          "guided backpropagation: a picture, not a gradient"),
    wrong("upstream overwritten", "in place", _relu_in_place, "g[x <= 0] = 0 ruins g for the other branch of a fork"),
    wrong("output returned", "chain", lambda g, y, x: g * y, "the values that passed, where a mask of ones was meant"),
)  # fmt: skip

LEAKY_RELU = entry(
    "leaky relu", [real(2, 3)],
    lambda x: np.where(x > 0, x, 0.1 * x),
    lambda g, y, x: g * np.where(x > 0, 1, 0.1),
    wrong("not leaky", "region", lambda g, y, x: g * (x > 0), "the rule of relu: wrong at negative values only"),
    wrong("slope twice", "region", lambda g, y, x: g * np.where(x > 0, 1, 0.01),
          "once in the mask and once in the product"),
    wrong("sides exchanged", "exchanged", lambda g, y, x: g * np.where(x > 0, 0.1, 1),
          "the two branches of where() swapped"),
)  # fmt: skip

ELU = entry(
    "elu", [real(2, 3)],
    lambda x: np.where(x > 0, x, 1.5 * np.expm1(np.minimum(x, 0))),
    lambda g, y, x: g * np.where(x > 0, 1, y + 1.5),
    wrong("α = 1 assumed", "region", lambda g, y, x: g * np.where(x > 0, 1, y + 1), "y + 1 is y + α of the usual α"),
    wrong("exp of the output", "input for output", lambda g, y, x: g * np.where(x > 0, 1, 1.5 * np.exp(y)),
          "y where x belongs"),
)  # fmt: skip

CLIP = entry(
    "clip", [real(2, 3)],
    lambda x: np.clip(x, -1, 1),
    lambda g, y, x: g * (np.abs(x) <= 1),
    wrong("straight through", "region", lambda g, y, x: g, "wrong at clipped values only"),
    wrong("mask of the output", "region", lambda g, y, x: g * (np.abs(y) <= 1), "always true: y has been clipped"),
    wrong("one bound forgotten", "region", lambda g, y, x: g * (x <= 1), "values below the lower bound pass"),
)  # fmt: skip

SOFTPLUS = entry(
    "softplus", [real(2, 3)],
    lambda x: np.logaddexp(0, x),
    lambda g, y, x: g * sigmoid(x),
    wrong("output for input", "input for output", lambda g, y, x: g * sigmoid(y), "σ(y) for σ(x)"),
    wrong("sign in the exponent", "sign", lambda g, y, x: g / (1 + np.exp(x)), "1/(1 + eˣ) is σ(−x)"),
    wrong("NaN where large", "not finite", lambda g, y, x: g * np.exp(x) / (1 + np.exp(x)), "∞ / ∞ above 710"),
)  # fmt: skip


def _gelu(g: Array, x: Array, cubic: float = 3 * 0.044715, gate: bool = True) -> Array:
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return np.asarray(g * (0.5 * (1 + t) + gate * 0.5 * x * (1 - t * t) * c * (1 + cubic * x * x)))


GELU = entry(
    "gelu", [real(2, 3)],
    lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    lambda g, y, x: _gelu(g, x),
    wrong("gate detached", "path", lambda g, y, x: _gelu(g, x, gate=False),
          "the product rule stops after the first factor"),
    wrong("3 of x³ forgotten", "chain", lambda g, y, x: _gelu(g, x, cubic=0.044715),
          "the inner derivative of the cube"),
)  # fmt: skip

SILU = entry(
    "silu", [real(2, 3)],
    lambda x: x * sigmoid(x),
    lambda g, y, x: g * (sigmoid(x) + y * (1 - sigmoid(x))),
    wrong("gate detached", "path", lambda g, y, x: g * sigmoid(x), "only one path of the fork at x"),
    wrong("gate alone", "path", lambda g, y, x: g * y * (1 - sigmoid(x)), "only the other path"),
)  # fmt: skip

ROUND = entry(
    "round", [real(2, 3)],
    lambda x: np.round(x),
    lambda g, y, x: np.zeros_like(g),
    wrong("straight through", "formula", lambda g, y, x: g,
          "a useful surrogate of training with few bits; not the derivative"),
)  # fmt: skip
