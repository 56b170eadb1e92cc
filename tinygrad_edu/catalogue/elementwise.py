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
    upstream_ignored,
    upstream_overwritten,
)
from tinygrad_edu.core.cases import interval, nonzero, positive, real

EXP = entry(
    "exp", [real(2, 3)],
    lambda x: np.exp(x),
    lambda g, y, x: g * y,
    wrong("power rule", "formula", lambda g, y, x: g * x * np.exp(x - 1), "x eˣ⁻¹, as if the exponent were a constant"),
    wrong("upstream ignored", "upstream", upstream_ignored(lambda g, y, x: g * y),
          "(eˣ)′ = eˣ, and the chain rule forgotten"),
    wrong("1 % too large", "factor", scaled(lambda g, y, x: g * y, 1.01),
          "a table or an approximation in the backward pass"),
)  # fmt: skip

LOG = entry(
    "log", [positive(2, 3)],
    lambda x: np.log(x),
    lambda g, y, x: g / x,
    wrong("output for input", "input for output", lambda g, y, x: g / y, "most rules beside this one are about y"),
    wrong("safe only backward", "epsilon", lambda g, y, x: g / (x + 1e-3),
          "an ε against 1/0 that the forward pass does not have"),
    wrong("sign", "sign", lambda g, y, x: -g / x,
          "the − of a loss −log p is taken into the rule of log, and applied twice"),
)  # fmt: skip

LOG10 = entry(
    "log10", [positive(2, 3)],
    lambda x: np.log10(x),
    lambda g, y, x: g / (x * np.log(10)),
    wrong("natural base", "factor", lambda g, y, x: g / x, "the rule of the natural logarithm"),
    wrong("ln 10 on the wrong side", "factor", lambda g, y, x: g * np.log(10) / x,
          "ln x = ln 10 · log₁₀ x, read backwards"),
)  # fmt: skip

LOG1P = entry(
    "log1p", [positive(2, 3)],
    lambda x: np.log1p(x),
    lambda g, y, x: g / (1 + x),
    wrong("1 forgotten", "formula", lambda g, y, x: g / x, "the rule of log, copied"),
)  # fmt: skip

SIN = entry(
    "sin", [real(2, 3)],
    lambda x: np.sin(x),
    lambda g, y, x: g * np.cos(x),
    wrong("sign", "sign", lambda g, y, x: -g * np.cos(x), "the minus belongs to the derivative of cos"),
    wrong("always positive", "sign", lambda g, y, x: g * np.sqrt(1 - y * y),
          "√(1 − y²) is |cos x|: wrong beyond π/2 only"),
)  # fmt: skip

COS = entry(
    "cos", [real(2, 3)],
    lambda x: np.cos(x),
    lambda g, y, x: -g * np.sin(x),
    wrong("sign", "sign", lambda g, y, x: g * np.sin(x), "copied from sin, whose derivative has no minus"),
    wrong("gradient of the output", "input for output", lambda g, y, x: -g * np.sin(y), "taken at y instead of x"),
)  # fmt: skip

TAN = entry(
    "tan", [interval(-1.2, 1.2, 2, 3)],
    lambda x: np.tan(x),
    lambda g, y, x: g * (1 + y * y),
    wrong("square lost", "chain", lambda g, y, x: g / np.cos(x), "1/cos² without its square"),
    wrong("sign of tanh", "formula", lambda g, y, x: g * (1 - y * y), "the rule of tanh"),
)  # fmt: skip

ARCTAN = entry(
    "arctan", [real(2, 3)],
    lambda x: np.arctan(x),
    lambda g, y, x: g / (1 + x * x),
    wrong("output for input", "input for output", lambda g, y, x: g / (1 + y * y), "the rules of tan and arctan mixed"),
    wrong("square lost", "formula", lambda g, y, x: g / (1 + np.abs(x)), "1 + x² with the square dropped"),
)  # fmt: skip

ABS = entry(
    "abs", [real(2, 3)],
    lambda x: np.abs(x),
    lambda g, y, x: g * np.sign(x),
    wrong("sign forgotten", "sign", lambda g, y, x: g, "right at positive values only"),
    wrong("NaN at zero", "not finite", lambda g, y, x: g * x / y, "x / |x| for the sign"),
    wrong("smoothed", "epsilon", lambda g, y, x: g * x / (y + 0.01), "an ε against 0/0, which is felt everywhere"),
)  # fmt: skip

SQRT = entry(
    "sqrt", [positive(2, 3)],
    lambda x: np.sqrt(x),
    lambda g, y, x: np.where(g == 0, 0, g / (2 * y)),  # at 0 the slope is infinite, and 0 · ∞ would be NaN
    wrong("2 dropped", "factor", lambda g, y, x: g / y, "1/√x for 1/(2√x)"),
    wrong("input for output", "input for output", lambda g, y, x: g / (2 * x), "agrees at x = 1 only"),
    wrong("result is kept", "state", accumulating(lambda g, y, x: g / (2 * y)), "added to what the last call has left"),
)  # fmt: skip

RELU_ROOT = entry(
    "root of the positive part", [nonzero(2, 3)],
    lambda x: np.sqrt(np.maximum(x, 0)),
    lambda g, y, x: np.where(x > 0, g / np.where(x > 0, 2 * y, 1), 0),
    wrong("NaN where masked", "not finite", lambda g, y, x: (x > 0) * (g / (2 * y)),
          "0 · ∞: a mask does not stop an infinity"),
)  # fmt: skip

SQUARE = entry(
    "square", [real(2, 3)],
    lambda x: x * x,
    lambda g, y, x: 2 * g * x,
    wrong("2 dropped", "factor", lambda g, y, x: g * x, "x·x is differentiated in one of its two places only"),
    wrong("input overwritten", "in place", input_overwritten(lambda g, y, x: 2 * g * x),
          "the gradient shares the input's memory"),
    wrong("upstream of the last call", "state", cached_upstream(lambda g, y, x: 2 * g * x), "a stale buffer"),
)  # fmt: skip

POWER = entry(
    "power 2.5", [positive(2, 3)],
    lambda x: x**2.5,
    lambda g, y, x: g * 2.5 * x**1.5,
    wrong("exponent kept", "chain", lambda g, y, x: g * 2.5 * y, "multiplied by n, and not lowered to n − 1"),
    wrong("factor forgotten", "factor", lambda g, y, x: g * x**1.5, "lowered to n − 1, and not multiplied by n"),
    wrong("exponent truncated", "factor", lambda g, y, x: g * 2 * x**1.5, "int(n): right for whole exponents"),
)  # fmt: skip

RECIPROCAL = entry(
    "reciprocal", [nonzero(2, 3)],
    lambda x: 1 / x,
    lambda g, y, x: -g * y * y,
    wrong("sign", "sign", lambda g, y, x: g * y * y, "the minus of −1/x² dropped"),
    wrong("square lost", "chain", lambda g, y, x: -g * y, "−1/x for −1/x²"),
    wrong("upstream overwritten", "in place", upstream_overwritten(lambda g, y, x: -g * y * y),
          "scaled in place to save memory"),
)  # fmt: skip

HUBER = entry(
    "huber", [real(2, 3)],
    lambda x: np.where(np.abs(x) <= 1, x * x / 2, np.abs(x) - 0.5),
    lambda g, y, x: g * np.clip(x, -1, 1),
    wrong("sign lost outside", "sign", lambda g, y, x: g * np.where(np.abs(x) <= 1, x, 1), "wrong below −1 only"),
    wrong("2 inside", "region", lambda g, y, x: g * np.where(np.abs(x) <= 1, 2 * x, np.sign(x)),
          "the ½ of x²/2 overlooked"),
    wrong("truncated", "upstream", truncated(lambda g, y, x: g * np.clip(x, -1, 1)), "stored as integers"),
    wrong("upstream averaged", "upstream", upstream_averaged(lambda g, y, x: g * np.clip(x, -1, 1)),
          "a loss is thought to be a mean"),
)  # fmt: skip
