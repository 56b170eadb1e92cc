"""Whose fault it is: the gradients of a backward pass that misbehaves, apart from those that do not."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.conduct import FACTORS, pulled
from tinygrad_edu.verify.pair import Pair
from tinygrad_edu.verify.report import Row


def culprits(
    pair: Pair, inputs: list[Array], y: Array, g: Array, found: list[Array], floats: list[int]
) -> dict[int, int]:
    """Which gradients misbehave, and in which element most; all of them if it is none of their numbers."""
    if not found:
        return dict.fromkeys(floats, 0)
    shapes = {i: 0 for i in floats if found[i].shape != inputs[i].shape}
    if shapes:
        return shapes
    at: dict[int, int] = {}
    for factor in (1.0, *FACTORS):
        again = pulled(pair, inputs, y, factor * g)
        for i in floats:
            apart = np.abs(again[i] - factor * found[i])
            apart = np.where(np.isfinite(apart), apart, 0.0)
            if i not in at and apart.size and apart.max() > 1e-9 * abs(factor) * np.abs(found[i]).max():
                at[i] = int(np.argmax(apart))
    return at or dict.fromkeys(floats, 0)


def refused(name: str, i: int, x: Array, found: list[Array], trouble: str, at: dict[int, int]) -> Row:
    """The row of an input of a backward pass that misbehaves; `at` has an element for each of those at fault."""
    where = tuple(map(int, np.unravel_index(at.get(i, 0), x.shape))) if x.size else ()
    fits = len(found) > i and found[i].shape == x.shape and x.size > 0
    said = float(found[i][where]) if fits else float("nan")
    if i not in at:
        return Row(name, x.shape, "inconclusive", 0.0, where, said, float("nan"), float("inf"), 0, x.size,
                   "not looked at, since another gradient is wrong in another way", (0.0, 0.0, 0.0))  # fmt: skip
    return Row(name, x.shape, "wrong", 1.0, where, said, float("nan"), float("inf"), x.size, 0, trouble,
               (0.0, 0.0, 0.0))  # fmt: skip
