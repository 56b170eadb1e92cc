"""Sliding windows, and the fold that puts them back: the whole of convolution and pooling.

    windows   (…, length)  →  (…, positions, size)     every stretch of `size` elements, as a view
    fold      (…, positions, size)  →  (…, length)     adds overlapping stretches up where they came from

Each is the transpose of the other. The last axes are meant, one for each entry of `size`.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import multilinear
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Operand, Shape


@multilinear(
    transposes=(lambda g, y, x, size, stride=1, dilation=1: fold(g, shape_of(x), size, stride, dilation),),
    cases=[
        case(real(7), size=(3,)),
        case(real(2, 5, 7), size=(3, 2), stride=2),
        case(real(2, 7), size=(2,), dilation=3),
    ],
)
def windows(x: Operand, size: Shape, stride: int = 1, dilation: int = 1) -> Operand:
    """All windows of `size` over the last axes.

    Args:
        x: (…, *lengths), one length for each entry of `size`.
        size: the number of elements of a window along each axis.
        stride: the distance of neighbouring windows, ≥ 1.
        dilation: the distance of neighbouring elements in a window, ≥ 1.

    Returns:
        (…, *positions, *size), where positions = (length − dilation · (size − 1) − 1) // stride + 1.

    Raises:
        ShapeError: a window is longer than its axis.
    """
    reach = _reach(x.shape, size, dilation)
    axes = tuple(range(-len(size), 0))
    every = sliding_window_view(x, reach, axis=axes)
    steps: Any = (*(slice(None, None, stride),) * len(size), *(slice(None, None, dilation),) * len(size))
    return every[(..., *steps)]


@multilinear(
    transposes=(lambda g, y, x, shape, size, stride=1, dilation=1: windows(g, size, stride, dilation),),
    cases=[
        case(real(5, 3), shape=(7,), size=(3,)),
        case(real(2, 2, 3, 3, 2), shape=(2, 5, 7), size=(3, 2), stride=2),
    ],
)
def fold(x: Operand, shape: Shape, size: Shape, stride: int = 1, dilation: int = 1) -> Operand:
    """Add windows up where they came from: x (…, *positions, *size) gives an array of `shape`."""
    reach, n = _reach(shape, size, dilation), len(size)
    positions = tuple((m - r) // stride + 1 for m, r in zip(shape[-n:], reach, strict=True))
    if x.shape != (*shape[:-n], *positions, *size):
        raise ShapeError(
            f"fold: of {tuple(shape)}, windows of {tuple(size)} have the shape {(*shape[:-n], *positions, *size)}, "
            f"{x.shape} came"
        )
    out = np.zeros(shape, x.dtype)
    for offset in product(*map(range, size)):  # one strided addition for each element of a window
        place: Any = [
            slice(o * dilation, o * dilation + p * stride, stride)
            for o, p in zip(offset, positions, strict=True)
        ]
        out[(..., *place)] += x[(..., *offset)]
    return out


def _reach(shape: Shape, size: Shape, dilation: int) -> Shape:
    reach = tuple(dilation * (k - 1) + 1 for k in size)
    if len(size) > len(shape) or any(r > n for r, n in zip(reach, shape[-len(size) :], strict=True)):
        raise ShapeError(
            f"windows: a window of {size} with dilation {dilation} reaches over {reach}, more than {shape} has"
        )
    return reach
