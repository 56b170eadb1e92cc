"""One operation under test: what an operand receives, compared with a numerical derivative of that operation alone.

    ⟨x̄, d⟩   against   ⟨ȳ, (f(x + h d) − f(x − h d)) / 2h⟩

for one direction d that has something in every element of x; for a single number d is 1. The difference is taken at h
and at h/2, and the two are extrapolated (Richardson 1911), which leaves an error of O(h⁴). How far they differ tells
the better of two sizes of steps: one measured by 1, and one measured by x itself, which never crosses 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node

H = float(np.finfo(float).eps) ** 0.2  # where truncation, h⁴, and rounding, ε / h, balance
SEED = 5  # of the direction: the same in every run


@dataclass(frozen=True, slots=True)
class Check:
    """A share in one direction, by the rule and by differences.

    Attributes:
        analytic: the share, or its component in the direction.
        numeric: the same by central differences.
        error: how far they differ, relative to the larger one.
    """

    analytic: float
    numeric: float
    error: float


def compare(node: Node, i: int, cotangent: Any, share: Any) -> Check | None:
    """Check what operand i of a node was sent; None if the operation cannot be evaluated beside its operands."""
    op: Any = node.op
    values = [np.asarray(a.value, np.float64) if _is_real(a.value) else a.value for a in node.args]
    params = {key: value for key, value in node.params.items() if key != "saved"}
    x, single = values[i], type(node.value) is float

    def f(moved: Any) -> Any:
        at = [*values[:i], moved, *values[i + 1 :]]
        y = op.call(*([float(v) for v in at] if single else at), **params)
        return np.asarray(y, np.float64)

    upstream, received = np.asarray(cotangent, np.float64), np.asarray(share, np.float64)
    random = np.random.default_rng(SEED)
    shape = np.shape(x)
    d = random.uniform(0.5, 1.0, shape) * random.choice([-1.0, 1.0], shape) if shape else np.float64(1)
    found: list[tuple[float, Check]] = []
    for direction in (d, d * np.abs(x)):
        if not np.any(direction):
            continue
        try:
            wide, narrow = (
                float(np.sum(upstream * (f(x + h * direction) - f(x - h * direction)))) / (2 * h)
                for h in (H, H / 2)
            )
        except (ArithmeticError, ValueError, TypeError):
            continue
        unit = 1.0 if shape else float(direction)
        numeric, analytic = (4 * narrow - wide) / 3 / unit, float(np.sum(received * direction)) / unit
        size = max(abs(numeric), abs(analytic))
        if np.isfinite(size):
            scale = size or 1.0
            doubt = abs(wide - narrow) / unit / scale
            found.append((doubt, Check(analytic, numeric, abs(numeric - analytic) / scale)))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _is_real(value: Any) -> bool:
    return np.asarray(value).dtype.kind == "f"
