"""Sliding windows, and the fold that puts them back: the whole of convolution and pooling.

    windows   (…, length)  →  (…, positions, size)     every stretch of `size` elements, as a view
    fold      (…, positions, size)  →  (…, length)     adds overlapping stretches up where they came from

Each is the transpose of the other. The last axes are meant, one for each entry of `size`.
"""

from __future__ import annotations

from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import multilinear
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Array, Operand, Shape

PerAxis: TypeAlias = int | Shape  # one number for all axes, or one for each


@multilinear(
    transposes=(lambda g, y, x, size, stride=1, dilation=1: fold(g, shape_of(x), size, stride, dilation),),
    cases=[
        case(real(7), size=(3,)),
        case(real(2, 5, 7), size=(3, 2), stride=2),
        case(real(2, 7), size=(2,), dilation=3),
        case(real(2, 5, 7), size=(2, 2), stride=(1, 2), dilation=(2, 1)),
    ],
)
def windows(x: Operand, size: Shape, stride: PerAxis = 1, dilation: PerAxis = 1) -> Operand:
    """All windows of `size` over the last axes.

    Args:
        x: (…, *lengths), one length for each entry of `size`.
        size: the number of elements of a window along each axis.
        stride: the distance of neighbouring windows, ≥ 1; one number, or one for each axis.
        dilation: the distance of neighbouring elements in a window, ≥ 1; likewise.

    Returns:
        (…, *positions, *size), where positions = (length − dilation · (size − 1) − 1) // stride + 1.

    Raises:
        ShapeError: a window is longer than its axis.
    """
    reach = _reach(x.shape, size, dilation)
    axes = tuple(range(-len(size), 0))
    every = sliding_window_view(x, reach, axis=axes)
    steps: Any = [slice(None, None, n) for each in (stride, dilation) for n in per_axis(each, len(size))]
    found: Array = every[(..., *steps)]
    return found


@multilinear(
    transposes=(lambda g, y, x, shape, size, stride=1, dilation=1: windows(g, size, stride, dilation),),
    cases=[
        case(real(5, 3), shape=(7,), size=(3,)),
        case(real(2, 2, 3, 3, 2), shape=(2, 5, 7), size=(3, 2), stride=2),
        case(real(3, 2, 2, 2), shape=(5, 7), size=(2, 2), stride=(1, 2), dilation=(2, 3)),
    ],
)
def fold(x: Operand, shape: Shape, size: Shape, stride: PerAxis = 1, dilation: PerAxis = 1) -> Operand:
    """Add windows up where they came from: x (…, *positions, *size) gives an array of `shape`."""
    n = len(size)
    positions = places(shape[-n:], size, stride, dilation)
    if x.shape != (*shape[:-n], *positions, *size):
        raise ShapeError(
            f"fold: of {tuple(shape)}, windows of {tuple(size)} have the shape {(*shape[:-n], *positions, *size)}, "
            f"{x.shape} came"
        )
    first = x[
        (..., *(0,) * n)
    ]  # of every window: its axes lie in memory as those of the result had better do
    out = np.zeros_like(first, shape=shape)
    add_up(out, x, n, stride, dilation)
    return out


# ---- what both go by, and convolution as well ----


def per_axis(given: PerAxis, n: int) -> Shape:
    """One number for each of n axes: the same for all, or as they came."""
    return (given,) * n if isinstance(given, int) else tuple(given)


def places(lengths: Shape, size: Shape, stride: PerAxis, dilation: PerAxis) -> Shape:
    """How many windows there are along each axis.

    Raises:
        ShapeError: a window is longer than its axis.
    """
    reach = _reach(lengths, size, dilation)
    return tuple(
        (m - r) // s + 1 for m, r, s in zip(lengths, reach, per_axis(stride, len(size)), strict=True)
    )


def add_up(out: Array, x: Array, n: int, stride: PerAxis, dilation: PerAxis) -> None:
    """Add windows x (…, *positions, *size), over n axes, into `out` (…, *lengths), in place."""
    positions, size = x.shape[-2 * n : -n], x.shape[-n:]
    steps = per_axis(stride, n), per_axis(dilation, n)
    for offset in product(*map(range, size)):  # one strided addition for each element of a window
        place: Any = [
            slice(o * d, o * d + p * s, s) for o, p, s, d in zip(offset, positions, *steps, strict=True)
        ]
        element: Any = (..., *offset)
        out[(..., *place)] += x[element]


def _reach(shape: Shape, size: Shape, dilation: PerAxis) -> Shape:
    reach = tuple(d * (k - 1) + 1 for k, d in zip(size, per_axis(dilation, len(size)), strict=True))
    if len(size) > len(shape) or any(r > n for r, n in zip(reach, shape[-len(size) :], strict=True)):
        raise ShapeError(
            f"windows: a window of {size} with dilation {dilation} reaches over {reach}, more than {shape} has"
        )
    return reach
