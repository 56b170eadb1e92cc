"""Elementwise functions: yᵢ = φ(xᵢ), so x̄ = g · φ′(x), and what can go wrong is φ′ or the place where it is taken.

Wherever φ′ is shorter in terms of the output, as in y, 1 − y² or y (1 − y), somebody will put the input in its place.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue.entry import entry, wrong
from tinygrad_edu.catalogue.habits import (
    accumulating,
    cached_upstream,
    input_overwritten,
    scaled,
    truncated,
    upstream_averaged,
    upstream_clipped,
    upstream_ignored,
    upstream_overwritten,
)
from tinygrad_edu.core.cases import interval, nonzero, positive, real
from tinygrad_edu.types import Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


EXP = entry(
    "exp", [real(2, 3)],
    lambda x: np.exp(x),
    lambda g, y, x: g * y,
    wrong("power rule", lambda g, y, x: g * x * np.exp(x - 1), "x eˣ⁻¹, as if the exponent were a constant"),
    wrong("upstream ignored", upstream_ignored(lambda g, y, x: g * y), "(eˣ)′ = eˣ, and the chain rule forgotten"),
    wrong("1 % too large", scaled(lambda g, y, x: g * y, 1.01), "a table or an approximation in the backward pass"),
)  # fmt: skip

LOG = entry(
    "log", [positive(2, 3)],
    lambda x: np.log(x),
    lambda g, y, x: g / x,
    wrong("output for input", lambda g, y, x: g / y, "most rules beside this one are about y"),
    wrong("safe only backward", lambda g, y, x: g / (x + 1e-3), "an ε against 1/0 that the forward pass does not have"),
    wrong("sign", lambda g, y, x: -g / x, "the − of a loss −log p is taken into the rule of log, and applied twice"),
)  # fmt: skip

LOG10 = entry(
    "log10", [positive(2, 3)],
    lambda x: np.log10(x),
    lambda g, y, x: g / (x * np.log(10)),
    wrong("natural base", lambda g, y, x: g / x, "the rule of the natural logarithm"),
    wrong("ln 10 on the wrong side", lambda g, y, x: g * np.log(10) / x, "ln x = ln 10 · log₁₀ x, read backwards"),
)  # fmt: skip

LOG1P = entry(
    "log1p", [positive(2, 3)],
    lambda x: np.log1p(x),
    lambda g, y, x: g / (1 + x),
    wrong("1 forgotten", lambda g, y, x: g / x, "the rule of log, copied"),
)  # fmt: skip

SIN = entry(
    "sin", [real(2, 3)],
    lambda x: np.sin(x),
    lambda g, y, x: g * np.cos(x),
    wrong("sign", lambda g, y, x: -g * np.cos(x), "the minus belongs to the derivative of cos"),
    wrong("always positive", lambda g, y, x: g * np.sqrt(1 - y * y), "√(1 − y²) is |cos x|: wrong beyond π/2 only"),
)  # fmt: skip

COS = entry(
    "cos", [real(2, 3)],
    lambda x: np.cos(x),
    lambda g, y, x: -g * np.sin(x),
    wrong("sign", lambda g, y, x: g * np.sin(x), "copied from sin, whose derivative has no minus"),
    wrong("gradient of the output", lambda g, y, x: -g * np.sin(y), "taken at y instead of x"),
)  # fmt: skip

TAN = entry(
    "tan", [interval(-1.2, 1.2, 2, 3)],
    lambda x: np.tan(x),
    lambda g, y, x: g * (1 + y * y),
    wrong("square lost", lambda g, y, x: g / np.cos(x), "1/cos² without its square"),
    wrong("sign of tanh", lambda g, y, x: g * (1 - y * y), "the rule of tanh"),
)  # fmt: skip

ARCTAN = entry(
    "arctan", [real(2, 3)],
    lambda x: np.arctan(x),
    lambda g, y, x: g / (1 + x * x),
    wrong("output for input", lambda g, y, x: g / (1 + y * y), "the rules of tan and arctan mixed"),
    wrong("square lost", lambda g, y, x: g / (1 + np.abs(x)), "1 + x² with the square dropped"),
)  # fmt: skip

TANH = entry(
    "tanh", [real(2, 3)],
    lambda x: np.tanh(x),
    lambda g, y, x: g * (1 - y * y),
    wrong("input for output", lambda g, y, x: g * (1 - x * x), "agrees near 0 only, where tanh x ≈ x"),
    wrong("square forgotten", lambda g, y, x: g * (1 - y), "1 − y for 1 − y²"),
    wrong("upstream clipped", upstream_clipped(lambda g, y, x: g * (1 - y * y)), "against exploding gradients, but here"),
    wrong("sigmoid's rule", lambda g, y, x: g * y * (1 - y), "the activation was exchanged, its derivative was not"),
)  # fmt: skip

SIGMOID = entry(
    "sigmoid", [real(2, 3)],
    lambda x: sigmoid(x),
    lambda g, y, x: g * y * (1 - y),
    wrong("input for output", lambda g, y, x: g * x * (1 - x), "a helper s·(1 − s) that is called with x"),
    wrong("taken twice", lambda g, y, x: g * sigmoid(y) * (1 - sigmoid(y)), "the helper applies the sigmoid to y again"),
    wrong("zero where saturated", lambda g, y, x: np.where(np.abs(x) > 4, 0, g * y * (1 - y)),
          "a shortcut of approximations by pieces; right for ordinary numbers"),
    wrong("NaN where saturated", lambda g, y, x: g * np.exp(-x) / (1 + np.exp(-x)) ** 2, "∞ / ∞ below −700"),
)  # fmt: skip


def _relu_in_place(g: Array, y: Array, x: Array) -> Array:
    g[x <= 0] = 0
    return g


RELU = entry(
    "relu", [real(2, 3)],
    lambda x: np.maximum(x, 0),
    lambda g, y, x: g * (x > 0),
    wrong("mask forgotten", lambda g, y, x: g, "as if every unit were active"),
    wrong("mask of the upstream", lambda g, y, x: g * (g > 0), "the ReLU of g, as deconvolution pictures want it"),
    wrong("both masks", lambda g, y, x: g * (g > 0) * (x > 0), "guided backpropagation: a picture, not a gradient"),
    wrong("upstream overwritten", _relu_in_place, "g[x <= 0] = 0 ruins g for the other branch of a fork"),
    wrong("output returned", lambda g, y, x: g * y, "the values that passed, where a mask of ones was meant"),
)  # fmt: skip

LEAKY_RELU = entry(
    "leaky relu", [real(2, 3)],
    lambda x: np.where(x > 0, x, 0.1 * x),
    lambda g, y, x: g * np.where(x > 0, 1, 0.1),
    wrong("not leaky", lambda g, y, x: g * (x > 0), "the rule of relu: wrong at negative values only"),
    wrong("slope twice", lambda g, y, x: g * np.where(x > 0, 1, 0.01), "once in the mask and once in the product"),
    wrong("sides exchanged", lambda g, y, x: g * np.where(x > 0, 0.1, 1), "the two branches of where() swapped"),
)  # fmt: skip

ELU = entry(
    "elu", [real(2, 3)],
    lambda x: np.where(x > 0, x, 1.5 * np.expm1(np.minimum(x, 0))),
    lambda g, y, x: g * np.where(x > 0, 1, y + 1.5),
    wrong("α = 1 assumed", lambda g, y, x: g * np.where(x > 0, 1, y + 1), "y + 1 is y + α of the usual α"),
    wrong("exp of the output", lambda g, y, x: g * np.where(x > 0, 1, 1.5 * np.exp(y)), "y where x belongs"),
)  # fmt: skip

ABS = entry(
    "abs", [real(2, 3)],
    lambda x: np.abs(x),
    lambda g, y, x: g * np.sign(x),
    wrong("sign forgotten", lambda g, y, x: g, "right at positive values only"),
    wrong("NaN at zero", lambda g, y, x: g * x / y, "x / |x| for the sign"),
    wrong("smoothed", lambda g, y, x: g * x / (y + 0.01), "an ε against 0/0, which is felt everywhere"),
)  # fmt: skip

CLIP = entry(
    "clip", [real(2, 3)],
    lambda x: np.clip(x, -1, 1),
    lambda g, y, x: g * (np.abs(x) <= 1),
    wrong("straight through", lambda g, y, x: g, "wrong at clipped values only"),
    wrong("mask of the output", lambda g, y, x: g * (np.abs(y) <= 1), "always true: y has been clipped"),
    wrong("one bound forgotten", lambda g, y, x: g * (x <= 1), "values below the lower bound pass"),
)  # fmt: skip

SOFTPLUS = entry(
    "softplus", [real(2, 3)],
    lambda x: np.logaddexp(0, x),
    lambda g, y, x: g * sigmoid(x),
    wrong("output for input", lambda g, y, x: g * sigmoid(y), "σ(y) for σ(x)"),
    wrong("sign in the exponent", lambda g, y, x: g / (1 + np.exp(x)), "1/(1 + eˣ) is σ(−x)"),
    wrong("NaN where large", lambda g, y, x: g * np.exp(x) / (1 + np.exp(x)), "∞ / ∞ above 710"),
)  # fmt: skip


def _gelu(g: Array, x: Array, cubic: float = 3 * 0.044715, gate: bool = True) -> Array:
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return np.asarray(g * (0.5 * (1 + t) + gate * 0.5 * x * (1 - t * t) * c * (1 + cubic * x * x)))


GELU = entry(
    "gelu", [real(2, 3)],
    lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    lambda g, y, x: _gelu(g, x),
    wrong("gate detached", lambda g, y, x: _gelu(g, x, gate=False), "the product rule stops after the first factor"),
    wrong("3 of x³ forgotten", lambda g, y, x: _gelu(g, x, cubic=0.044715), "the inner derivative of the cube"),
)  # fmt: skip

SILU = entry(
    "silu", [real(2, 3)],
    lambda x: x * sigmoid(x),
    lambda g, y, x: g * (sigmoid(x) + y * (1 - sigmoid(x))),
    wrong("gate detached", lambda g, y, x: g * sigmoid(x), "only one path of the fork at x"),
    wrong("gate alone", lambda g, y, x: g * y * (1 - sigmoid(x)), "only the other path"),
)  # fmt: skip

SQRT = entry(
    "sqrt", [positive(2, 3)],
    lambda x: np.sqrt(x),
    lambda g, y, x: g / (2 * y),
    wrong("2 dropped", lambda g, y, x: g / y, "1/√x for 1/(2√x)"),
    wrong("input for output", lambda g, y, x: g / (2 * x), "agrees at x = 1 only"),
    wrong("result is kept", accumulating(lambda g, y, x: g / (2 * y)), "added to what the last call has left"),
)  # fmt: skip

RELU_ROOT = entry(
    "root of the positive part", [nonzero(2, 3)],
    lambda x: np.sqrt(np.maximum(x, 0)),
    lambda g, y, x: np.where(x > 0, g / np.where(x > 0, 2 * y, 1), 0),
    wrong("NaN where masked", lambda g, y, x: (x > 0) * (g / (2 * y)), "0 · ∞: a mask does not stop an infinity"),
)  # fmt: skip

SQUARE = entry(
    "square", [real(2, 3)],
    lambda x: x * x,
    lambda g, y, x: 2 * g * x,
    wrong("2 dropped", lambda g, y, x: g * x, "x·x is differentiated in one of its two places only"),
    wrong("input overwritten", input_overwritten(lambda g, y, x: 2 * g * x), "the gradient shares the input's memory"),
    wrong("upstream of the last call", cached_upstream(lambda g, y, x: 2 * g * x), "a stale buffer"),
)  # fmt: skip

POWER = entry(
    "power 2.5", [positive(2, 3)],
    lambda x: x**2.5,
    lambda g, y, x: g * 2.5 * x**1.5,
    wrong("exponent kept", lambda g, y, x: g * 2.5 * y, "multiplied by n, and not lowered to n − 1"),
    wrong("factor forgotten", lambda g, y, x: g * x**1.5, "lowered to n − 1, and not multiplied by n"),
    wrong("exponent truncated", lambda g, y, x: g * 2 * x**1.5, "int(n): right for whole exponents"),
)  # fmt: skip

RECIPROCAL = entry(
    "reciprocal", [nonzero(2, 3)],
    lambda x: 1 / x,
    lambda g, y, x: -g * y * y,
    wrong("sign", lambda g, y, x: g * y * y, "the minus of −1/x² dropped"),
    wrong("square lost", lambda g, y, x: -g * y, "−1/x for −1/x²"),
    wrong("upstream overwritten", upstream_overwritten(lambda g, y, x: -g * y * y), "scaled in place to save memory"),
)  # fmt: skip

HUBER = entry(
    "huber", [real(2, 3)],
    lambda x: np.where(np.abs(x) <= 1, x * x / 2, np.abs(x) - 0.5),
    lambda g, y, x: g * np.clip(x, -1, 1),
    wrong("sign lost outside", lambda g, y, x: g * np.where(np.abs(x) <= 1, x, 1), "wrong below −1 only"),
    wrong("2 inside", lambda g, y, x: g * np.where(np.abs(x) <= 1, 2 * x, np.sign(x)), "the ½ of x²/2 overlooked"),
    wrong("truncated", truncated(lambda g, y, x: g * np.clip(x, -1, 1)), "stored as integers"),
    wrong("upstream averaged", upstream_averaged(lambda g, y, x: g * np.clip(x, -1, 1)), "a loss is thought to be a mean"),
)  # fmt: skip

ROUND = entry(
    "round", [real(2, 3)],
    lambda x: np.round(x),
    lambda g, y, x: np.zeros_like(g),
    wrong("straight through", lambda g, y, x: g, "a useful surrogate of training with few bits; not the derivative"),
)  # fmt: skip
