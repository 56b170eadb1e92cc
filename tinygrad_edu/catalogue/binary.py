"""Two operands: two gradients, which are easily exchanged, and which broadcasting gives the wrong shape.

An operand that was broadcast has been used many times, so its gradient is a sum over all the uses.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue.activations import sigmoid
from tinygrad_edu.catalogue.entry import entry, labels, wrong
from tinygrad_edu.catalogue.habits import input_overwritten, upstream_ignored
from tinygrad_edu.core.cases import interval, nonzero, positive, real
from tinygrad_edu.types import Array

ADD_ROW = entry(
    "add a row", [real(3, 5), real(5)],
    lambda a, b: a + b,
    lambda g, y, a, b: (g, g.sum(axis=0)),
    wrong("not summed", "shape", lambda g, y, a, b: (g, g), "the gradient has the shape of y, not that of b"),
    wrong("averaged", "count", lambda g, y, a, b: (g, g.mean(axis=0)), "the mean over the batch belongs to the loss"),
    wrong("summed over all", "axis", lambda g, y, a, b: (g, np.full_like(b, g.sum())), "sum() without its axis"),
    wrong("axis kept", "shape", lambda g, y, a, b: (g, g.sum(axis=0, keepdims=True)), "(1, n) where (n,) is asked for"),
    wrong("last row only", "path", lambda g, y, a, b: (g, g[-1]),
          "assigned in a loop over the batch, where += was meant"),
)  # fmt: skip

ADD_COLUMN = entry(
    "add a column", [real(3, 5), real(3, 1)],
    lambda a, b: a + b,
    lambda g, y, a, b: (g, g.sum(axis=1, keepdims=True)),
    wrong("axis dropped", "shape", lambda g, y, a, b: (g, g.sum(axis=1)), "(n,) where (n, 1) is asked for"),
    wrong("not summed", "path", lambda g, y, a, b: (g, g[:, :1]), "cut to the right shape instead of summed"),
)  # fmt: skip

SUBTRACT = entry(
    "subtract", [real(2, 3), real(2, 3)],
    lambda a, b: a - b,
    lambda g, y, a, b: (g, -g),
    wrong("sign forgotten", "sign", lambda g, y, a, b: (g, g), "the rule of +"),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (-g, g), "the sign is at the wrong operand"),
    wrong("a fork of one path", "detached", lambda g, y, a, b: (g, np.zeros_like(b)),
          "the target is taken for a constant"),
)  # fmt: skip

MULTIPLY = entry(
    "multiply", [nonzero(2, 3), nonzero(2, 3)],
    lambda a, b: a * b,
    lambda g, y, a, b: (g * b, g * a),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (g * a, g * b), "each operand multiplied by itself"),
    wrong("NaN at zero", "not finite", lambda g, y, a, b: (g * y / a, g * y / b), "y/a for b: 0/0 where a = 0"),
    wrong("upstream ignored", "upstream", upstream_ignored(lambda g, y, a, b: (g * b, g * a)),
          "the local derivatives alone"),
    wrong("input overwritten", "in place", input_overwritten(lambda g, y, a, b: (g * b, g * a)),
          "an operand used as a buffer"),
)  # fmt: skip

MULTIPLY_ROW = entry(
    "multiply by a row", [real(3, 5), real(5)],
    lambda a, b: a * b,
    lambda g, y, a, b: (g * b, (g * a).sum(axis=0)),
    wrong("summed too early", "axis", lambda g, y, a, b: (g * b, g.sum(axis=0) * a.sum(axis=0)),
          "Σ g·a is not Σ g · Σ a"),
    wrong("not summed", "shape", lambda g, y, a, b: (g * b, g * a), "the uses of b are left side by side"),
    wrong("averaged", "count", lambda g, y, a, b: (g * b, (g * a).mean(axis=0)), "1/m counted here and in the loss"),
)  # fmt: skip

SCALE = entry(
    "multiply by a number", [real(2, 3), interval(1, 2)],
    lambda a, b: a * b,
    lambda g, y, a, b: (g * b, (g * a).sum()),
    wrong("one axis summed", "shape", lambda g, y, a, b: (g * b, (g * a).sum(axis=0)),
          "one sum for two broadcast axes"),
    wrong("scale detached", "detached", lambda g, y, a, b: (g * b, np.zeros_like(b)),
          "a parameter that is taken for a constant"),
)  # fmt: skip

DIVIDE = entry(
    "divide", [real(2, 3), nonzero(2, 3)],
    lambda a, b: a / b,
    lambda g, y, a, b: (g / b, -g * y / b),
    wrong("sign", "sign", lambda g, y, a, b: (g / b, g * y / b), "the minus of −a/b² dropped"),
    wrong("square lost", "chain", lambda g, y, a, b: (g / b, -g * y), "−a/b for −a/b²"),
    wrong("numerator lost", "chain", lambda g, y, a, b: (g / b, -g / b**2), "the rule of 1/b"),
    wrong("whole numbers", "upstream", lambda g, y, a, b: (g // b, -g * y / b), "// where / was meant"),
)  # fmt: skip

MAXIMUM = entry(
    "maximum", [real(2, 3), real(2, 3)],
    lambda a, b: np.maximum(a, b),
    lambda g, y, a, b: (g * ((a > b) + 0.5 * (a == b)), g * ((b > a) + 0.5 * (a == b))),
    wrong("both at ties", "ties", lambda g, y, a, b: (g * (a >= b), g * (b >= a)), "a tie is counted twice"),
    wrong("neither at ties", "ties", lambda g, y, a, b: (g * (a > b), g * (b > a)), "a tie is not counted"),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (g * (a < b), g * (a >= b)),
          "the smaller one gets the gradient"),
    wrong("both always", "region", lambda g, y, a, b: (g, g), "the mask forgotten"),
)  # fmt: skip

MINIMUM = entry(
    "minimum", [real(2, 3), real(2, 3)],
    lambda a, b: np.minimum(a, b),
    lambda g, y, a, b: (g * (a <= b), g * (a > b)),
    wrong("copied from maximum", "exchanged", lambda g, y, a, b: (g * (a > b), g * (a <= b)),
          "the comparison not turned round"),
    wrong("mask of the values", "upstream", lambda g, y, a, b: (y * (a <= b), y * (a > b)),
          "passes the value and not g"),
    wrong("both at ties", "ties", lambda g, y, a, b: (g * (a == y), g * (b == y)),
          "found by comparison with y, twice at ties"),
)  # fmt: skip


def _nonzero(r: Array) -> Array:
    return np.where(r == 0, 1, r)


HYPOT = entry(
    "hypot", [real(2, 3), real(2, 3)],
    lambda a, b: np.hypot(a, b),
    lambda g, y, a, b: (g * a / _nonzero(y), g * b / _nonzero(y)),
    wrong("2 kept", "factor", lambda g, y, a, b: (2 * g * a / _nonzero(y), 2 * g * b / _nonzero(y)),
          "of 2a / (2y) one 2 is left"),
    wrong("y squared", "chain", lambda g, y, a, b: (g * a / _nonzero(y) ** 2, g * b / _nonzero(y) ** 2), "a/(a² + b²)"),
    wrong("NaN at the origin", "not finite", lambda g, y, a, b: (g * a / y, g * b / y),
          "0/0, where 0 is a subgradient"),
)  # fmt: skip

ARCTAN2 = entry(
    "arctan2", [nonzero(2, 3), nonzero(2, 3)],
    lambda a, b: np.arctan2(a, b),
    lambda g, y, a, b: (g * b / _nonzero(a * a + b * b), -g * a / _nonzero(a * a + b * b)),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (-g * a / (a * a + b * b), g * b / (a * a + b * b)),
          "which operand is first?"),
    wrong("sign", "sign", lambda g, y, a, b: (g * b / (a * a + b * b), g * a / (a * a + b * b)),
          "the minus of the second"),
    wrong("not squared", "chain", lambda g, y, a, b: (g * b / np.hypot(a, b), -g * a / np.hypot(a, b)), "r for r²"),
)  # fmt: skip


def _of_base(g: Array, a: Array, b: Array) -> Array:
    # a⁰ is constant, also at a = 0, where a⁻¹ is infinite; and nothing is asked of an infinite slope where g is 0.
    return np.where((b == 0) | (g == 0), 0, g * b * a ** np.where(b == 0, 1, b - 1))


def _log_or_zero(a: Array) -> Array:
    return np.log(np.where(a > 0, a, 1))


POWER_OF = entry(
    "a to the power b", [positive(2, 3), real(2, 3)],
    lambda a, b: a**b,
    lambda g, y, a, b: (_of_base(g, a, b), g * y * _log_or_zero(a)),
    wrong("log missing", "chain", lambda g, y, a, b: (_of_base(g, a, b), g * y),
          "(eᵇ)′ = eᵇ holds for the base e only"),
    wrong("exponent detached", "detached", lambda g, y, a, b: (_of_base(g, a, b), 0 * g),
          "only the base is thought variable"),
    wrong("log of the exponent", "formula", lambda g, y, a, b: (_of_base(g, a, b), g * y * np.log(np.abs(b))),
          "ln b for ln a"),
    wrong("base 2", "factor", lambda g, y, a, b: (_of_base(g, a, b), g * y * np.log2(a)), "log2 for log"),
)  # fmt: skip

WHERE = entry(
    "where", [labels(2, 2, 3), real(2, 3), real(2, 3)],
    lambda c, a, b: np.where(c, a, b),
    lambda g, y, c, a, b: (None, np.where(c, g, 0), np.where(c, 0, g)),
    wrong("inverted", "exchanged", lambda g, y, c, a, b: (None, np.where(c, 0, g), np.where(c, g, 0)),
          "the branches exchanged"),
    wrong("both branches", "region", lambda g, y, c, a, b: (None, g, g), "the branch not taken gets a gradient too"),
    wrong("by value", "ties", lambda g, y, c, a, b: (None, np.where(a == y, g, 0), np.where(b == y, g, 0)),
          "the branch is told by its value: both get the gradient where they are equal"),
)  # fmt: skip

LOGADDEXP = entry(
    "logaddexp", [real(2, 3), real(2, 3)],
    lambda a, b: np.logaddexp(a, b),
    lambda g, y, a, b: (g * sigmoid(a - b), g * sigmoid(b - a)),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (g * sigmoid(b - a), g * sigmoid(a - b)),
          "the sign of the difference"),
    wrong("NaN where large", "not finite", lambda g, y, a, b: (g * np.exp(a) / (np.exp(a) + np.exp(b)),
                                                 g * np.exp(b) / (np.exp(a) + np.exp(b))), "∞ / ∞ above 710"),
    wrong("not normalized", "chain", lambda g, y, a, b: (g * np.exp(a), g * np.exp(b)), "1/(eᵃ + eᵇ) forgotten"),
)  # fmt: skip

BLEND = entry(
    "blend", [real(2, 3), real(2, 3), interval(0.2, 0.8)],
    lambda a, b, t: a + t * (b - a),
    lambda g, y, a, b, t: (g * (1 - t), g * t, (g * (b - a)).sum()),
    wrong("weights exchanged", "exchanged", lambda g, y, a, b, t: (g * t, g * (1 - t), (g * (b - a)).sum()),
          "right at t = ½"),
    wrong("sign at t", "sign", lambda g, y, a, b, t: (g * (1 - t), g * t, (g * (a - b)).sum()), "a − b for b − a"),
    wrong("one use of a", "path", lambda g, y, a, b, t: (g, g * t, (g * (b - a)).sum()), "a stands in two places"),
    wrong("t averaged", "count", lambda g, y, a, b, t: (g * (1 - t), g * t, (g * (b - a)).mean()), "mean for sum"),
)  # fmt: skip

REMAINDER = entry(
    "remainder", [interval(3, 7, 2, 3), interval(1, 2, 2, 3)],
    lambda a, b: np.mod(a, b),
    lambda g, y, a, b: (g, -g * np.floor(a / b)),
    wrong("divisor detached", "detached", lambda g, y, a, b: (g, np.zeros_like(b)),
          "a mod b depends on b too, by −⌊a/b⌋"),
    wrong("floor forgotten", "formula", lambda g, y, a, b: (g, -g * a / b), "−a/b for −⌊a/b⌋"),
)  # fmt: skip
