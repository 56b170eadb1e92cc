"""One operation under test: what an operand receives, compared with a numerical derivative of that operation alone.

    ⟨x̄, d⟩   against   ⟨ȳ, (f(x + h d) − f(x − h d)) / 2h⟩

for one direction d that has something in every element of x; for a single number d is 1. The difference is taken at h
and at h/2, and the two are extrapolated (Richardson 1911), which leaves an error of O(h⁴). How far they differ tells
the better of two sizes of steps: one measured by 1, and one measured by x itself, which never crosses 0.

At a kink the slopes on the right and on the left differ, and keep doing so as h shrinks; elsewhere what they differ by
shrinks with it. There the rule gives one of them, or one between them, and differences cannot tell whether it is right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.types import Array

# (h → ⟨ȳ, f(x + h d)⟩, ⟨x̄, d⟩, the length of d if x is a single number)
Along: TypeAlias = tuple[Callable[[float], float], float, float]

H = float(np.finfo(float).eps) ** 0.2  # where truncation, h⁴, and rounding, ε / h, balance
LEAST = 1e-4  # of ⟨|ȳ|, |y|⟩: a share below that is lost in the rounding of y at 1e-6 of it
TINY = 1e-290  # beyond it numbers have fewer digits
AT_A_KINK = "at a kink, differences cannot tell"
STAYS = 0.75  # of a difference between two slopes if h is halved; of a smooth function one half stays
SEED = 5  # of the direction: the same in every run


@dataclass(frozen=True, slots=True)
class Check:
    """A share in one direction, by the rule and by differences.

    Attributes:
        analytic: the share, or its component in the direction.
        numeric: the same by central differences.
        error: how far they differ, relative to the larger one; of two that are nearly 0, to what rounding allows.
        tolerance: how large that may be: 1e−6, or more in lower precision.
        kink: the slopes on both sides differ, so the numerical one, their mean, cannot tell.
    """

    analytic: float
    numeric: float
    error: float
    tolerance: float = 1e-6
    kink: bool = False

    @property
    def agrees(self) -> bool:
        """Whether the rule is as right as can be told."""
        return self.error <= self.tolerance


def compare(node: Node, i: int, cotangent: Any, share: Any) -> Check | None:
    """Check what operand i of a node was sent; None if the operation cannot be evaluated beside its operands."""
    if type(node.value) is float:
        return _of_floats(node, i, float(cotangent), float(share))
    return _of_arrays(node, i, np.asarray(cotangent, np.float64), np.asarray(share, np.float64))


def _of_floats(node: Node, i: int, cotangent: float, share: float) -> Check | None:
    values = [a.value for a in node.args]
    f, x = _forward(node), values[i]

    def along(unit: float) -> Along:
        def moved(h: float) -> float:
            values[i] = x + h * unit
            return float(cotangent * f(*values))

        return moved, share * unit, unit

    return _best([along(unit) for unit in (1.0, abs(x)) if unit], abs(cotangent * node.value), 1e-6)


def _of_arrays(node: Node, i: int, cotangent: Array, share: Array) -> Check | None:
    values = [np.asarray(a.value, np.float64) if _is_real(a.value) else a.value for a in node.args]
    f, x, random = _forward(node), values[i], np.random.default_rng(SEED)
    d = random.uniform(0.5, 1.0, x.shape) * random.choice([-1.0, 1.0], x.shape)

    def along(direction: Array) -> Along:
        def moved(h: float) -> float:
            values[i] = x + h * direction
            return float(np.sum(cotangent * f(*values)))

        return moved, float(np.sum(share * direction)), 1.0

    precisions = [
        float(np.finfo(v.dtype).eps) for v in (node.value, *(a.value for a in node.args)) if _is_typed(v)
    ]
    tolerance = max(1e-6, min(1e4 * max(precisions, default=0.0), 0.1))
    size = float(np.sum(np.abs(cotangent * np.asarray(node.value, np.float64))))
    return _best([along(direction) for direction in (d, d * np.abs(x)) if np.any(direction)], size, tolerance)


def _forward(node: Node) -> Callable[..., Any]:
    """The operation of a node, without what it keeps for its rule."""
    op: Any = node.op
    params = {key: value for key, value in node.params.items() if key != "saved"}
    return partial(op.call, **params)


def _best(directions: list[Along], size: float, tolerance: float) -> Check | None:
    """The check in that direction in which the differences at h and at h/2 agree best; if possible off any kink."""
    found: list[tuple[bool, float, Check]] = []
    for moved, analytic, unit in directions:
        try:
            middle = moved(0.0)
            (wide, jump), (narrow, rest) = (_slope(moved, middle, h) for h in (H, H / 2))
        except (ArithmeticError, ValueError, TypeError):  # beside its operand it is not defined
            continue
        numeric = (4 * narrow - wide) / 3
        scale = max(abs(numeric), abs(analytic), LEAST * unit * size)
        if not math.isfinite(scale):
            continue
        scale = scale if scale > TINY else 1.0
        kink = abs(rest) > max(STAYS * abs(jump), tolerance * scale)
        check = Check(analytic / unit, numeric / unit, abs(numeric - analytic) / scale, tolerance, kink)
        found.append((kink, abs(wide - narrow) / scale, check))
    return min(found, key=lambda each: each[:2])[2] if found else None


def _slope(f: Callable[[float], float], middle: float, h: float) -> tuple[float, float]:
    """The central difference, and how far the slopes on the right and on the left differ, of which it is the mean."""
    left, right = f(-h), f(h)
    return (right - left) / (2 * h), (right - 2 * middle + left) / h


def _is_real(value: Any) -> bool:
    return np.asarray(value).dtype.kind == "f"


def _is_typed(value: Any) -> bool:
    """Whether a value has a precision: a Python number beside arrays has none."""
    return isinstance(value, np.ndarray | np.floating) and _is_real(value)
