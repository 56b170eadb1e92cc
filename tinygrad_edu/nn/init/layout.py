"""The axes of a weight: which holds the units, which their inputs, and how many meet at one number.

n is the *fan*: n_in the number of inputs of a unit, n_out the number of units that an input feeds. Which axis
of a matrix is which cannot be seen from its shape, so `layout` says it and is never guessed:

    "out_in"    (out, in) or (out, in, *kernel), as the layers of `nn` and PyTorch keep weights
    "in_out"    its transpose, (in, out) or (*kernel, in, out), as Keras and many a course keep them

A weight that is neither is given its scale: `normal(shape, rng=rng, std=1 / √n)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from tinygrad_edu.types import Array

Layout = Literal["out_in", "in_out"]


def fans(shape: Sequence[int], layout: Layout | None, groups: int = 1) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight: how many inputs a unit has, and how many units an input feeds.

    Args:
        shape: of a linear layer's weight, two axes, or of a convolution's, with the kernel's axes; each of
            those multiplies both fans, since a unit sees the whole kernel.
        layout: "out_in": (out, in, *kernel), as the layers of `nn` keep it; "in_out": (*kernel, in, out).
        groups: of a convolution, ≥ 1. Its weight has the inputs of one group, in / groups, and an input feeds the
            units of one group, out / groups. (PyTorch leaves the groups out of fan_out.)

    Raises:
        ValueError: fewer than two axes; no layout, or another; groups that do not divide the units.
    """
    units, inputs, kernel = axes("fans", shape, layout)
    check_groups("fans", units, groups)
    size = math.prod(kernel)
    return inputs * size, units // groups * size


def axes(name: str, shape: Sequence[int], layout: Layout | None) -> tuple[int, int, tuple[int, ...]]:
    """The units, the inputs, and the lengths of the kernel, of a weight of this shape.

    Args:
        name: of the initialization that asks, for its errors.
        shape: of the weight.
        layout: which axis is which.

    Raises:
        TypeError: no shape.
        ValueError: fewer than two axes, or no layout, or another.
    """
    if not isinstance(shape, Sequence):
        raise TypeError(f"{name}: a shape such as (out, in) was expected, {shape!r:.40} came")
    if layout is None:
        raise ValueError(
            f"{name}: the shape {tuple(shape)} does not say which axis holds the inputs: say layout='out_in' "
            f"for (out, in), as nn.Linear keeps its weight, or layout='in_out' for (in, out)"
        )
    if len(shape) < 2:
        raise ValueError(
            f"{name}: a weight with at least two axes was expected, {tuple(shape)} came: the fans of a vector "
            f"are not defined; for a bias use zeros"
        )
    if layout == "out_in":
        units, inputs, *kernel = shape
    elif layout == "in_out":
        *kernel, inputs, units = shape
    else:
        raise ValueError(f"{name}: layout 'out_in' or 'in_out' was expected, {layout!r} came")
    return units, inputs, tuple(kernel)


def check_groups(name: str, units: int, groups: int) -> None:
    """Refuse groups of unequal size, by a ValueError."""
    if groups < 1 or units % groups:
        raise ValueError(f"{name}: groups that divide the {units} units were expected, {groups} came")


def arranged(weight: Array, layout: Layout | None) -> Array:
    """A weight (out, in, *kernel) in the order of a layout, contiguous in memory."""
    if layout == "in_out":
        weight = np.moveaxis(weight, (0, 1), (-1, -2))
    return np.ascontiguousarray(weight)
