"""Convolution: the same small weights at every place, and the two maps that its derivatives are.

    y[b, o, p] = Σ_c Σ_k  x[b, c, p · stride + k · dilation − padding] · w[o, c, k]

p and k have as many axes as the image has, and x counts as 0 outside of it. With a third array a of the shape of y,

    T(x, w, a) = Σ_{b, o, p}  y[b, o, p] · a[b, o, p]

is linear in each of the three. It has three derivatives, each an operation on the two arrays that are left:

    ∂T/∂a   convolve(x, w)               where the pattern w is found in x
    ∂T/∂x   convolve_transpose(a, w)     the pattern w put down wherever a says
    ∂T/∂w   convolve_weight(x, a)        what x looks like where a says, added up

So the derivatives of each of the three are the two others, and nothing else is needed for any order of derivatives.

All are one product of matrices. The windows of x become the columns of a matrix, and w its rows ("im2col", Chellapilla,
Puri and Simard 2006). The batch is the innermost axis in memory, so that whatever is copied lies in long runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import multilinear
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.windows import PerAxis, add_up, places, windows
from tinygrad_edu.types import Array, Operand, Shape

Padding: TypeAlias = (
    int | Sequence[tuple[int, int]]
)  # the same on all sides, or (before, after) for each axis

# ---- the three operations ----


@multilinear(
    transposes=(
        lambda g, y, x, w, **how: convolve_transpose(g, w, lengths=shape_of(x)[2:], **how),
        lambda g, y, x, w, **how: convolve_weight(x, g, size=shape_of(w)[2:], **how),
    ),
    symbol="conv", notation="{0} ⋆ {1}",
    cases=[
        case(real(2, 3, 5), real(2, 3, 3)), case(real(2, 2, 4, 5), real(3, 2, 3, 2), padding=1, stride=2),
        case(real(2, 4, 6), real(6, 2, 2), groups=2, dilation=2, stride=3, padding=((0, 3),)),
        case(real(2, 2, 5, 4), real(2, 1, 2, 3), groups=2, stride=(2, 1), dilation=(1, 2), padding=((1, 0), (2, 1))),
    ],
)  # fmt: skip
def convolve(
    x: Operand, w: Operand, stride: PerAxis = 1, padding: Padding = 0, dilation: PerAxis = 1, groups: int = 1
) -> Operand:
    """Every window of x times the weights: x (batch, in, *lengths), w (out, in / groups, *size).

    In the field's usage this is called a convolution, though w is not reversed: mathematics says cross-correlation.

    Args:
        x: the images, of any number of axes.
        w: the weights.
        stride: the distance of neighbouring windows, ≥ 1; one number, or one for each axis.
        padding: how many zeros stand around x, ≥ 0; one number, or (before, after) for each axis.
        dilation: the distance of neighbouring elements of a window, ≥ 1; one number, or one for each axis.
        groups: into how many parts the channels are divided; each part of the outputs sees one part of the inputs.

    Returns:
        (batch, out, *positions), positions = (length + before + after − dilation · (size − 1) − 1) // stride + 1.

    Raises:
        ShapeError: the channels do not fit, or a window is longer than its axis with the padding.
    """
    _require_channels("convolve", x.shape, w.shape, groups)
    columns, positions = _columns(x, w.shape[2:], stride, padding, dilation, groups)
    rows = w.reshape(groups, len(w) // groups, -1)
    return _batch_first((rows @ columns).reshape(len(w), *positions, len(x)))


@multilinear(
    transposes=(
        lambda g, y, a, w, lengths, **how: convolve(g, w, **how),
        lambda g, y, a, w, lengths, **how: convolve_weight(g, a, size=shape_of(w)[2:], **how),
    ),
    symbol="convᵀ", notation="{0} ⋆ᵀ {1}",
    cases=[
        case(real(2, 2, 3), real(2, 3, 3), lengths=(5,)),
        case(real(2, 3, 2, 3), real(3, 2, 3, 2), lengths=(4, 5), padding=1, stride=2),
        case(real(2, 6, 3), real(6, 2, 2), lengths=(6,), groups=2, dilation=2, stride=3, padding=((0, 3),)),
    ],
)  # fmt: skip
def convolve_transpose(
    a: Operand, w: Operand, lengths: Shape, stride: PerAxis = 1, padding: Padding = 0, dilation: PerAxis = 1,
    groups: int = 1,
) -> Operand:  # fmt: skip
    """The weights put down at every place, a times as strong: what `convolve` with these weights is transposed to.

    Args:
        a: (batch, out, *positions), the shape of what `convolve` gives.
        w: (out, in / groups, *size).
        lengths: those of the result: several have the same number of positions.
        stride: as in `convolve`, and so are the others; the padding is cut off.
        padding: likewise.
        dilation: likewise.
        groups: likewise.

    Returns:
        (batch, in, *lengths).

    Raises:
        ShapeError: `convolve` does not give the shape of a for these lengths.
    """
    sides, size = _sides(padding, len(lengths)), w.shape[2:]
    padded = tuple(n + before + after for n, (before, after) in zip(lengths, sides, strict=True))
    inputs, positions = groups * w.shape[1], places(padded, size, stride, dilation)
    if a.shape[1:] != (len(w), *positions) or len(w) % groups:
        raise ShapeError(
            f"convolve_transpose: a (batch, {len(w)}, {', '.join(map(str, positions))}) was expected for weights "
            f"{w.shape} and lengths {tuple(lengths)}, {a.shape} came"
        )
    rows = w.reshape(groups, len(w) // groups, -1)
    columns = rows.transpose(0, 2, 1) @ _as_rows(a, groups)
    found = columns.reshape(inputs, *size, *positions, len(a))
    out = np.zeros((inputs, *padded, len(a)), found.dtype)
    n = len(size)
    add_up(
        np.moveaxis(out, -1, 1),
        np.moveaxis(found, [-1, *range(1, n + 1)], [1, *range(-n, 0)]),
        n,
        stride,
        dilation,
    )
    inside: Any = [slice(before, before + m) for m, (before, _) in zip(lengths, sides, strict=True)]
    return _batch_first(out[(slice(None), *inside)])


@multilinear(
    transposes=(
        lambda g, y, x, a, size, **how: convolve_transpose(a, g, lengths=shape_of(x)[2:], **how),
        lambda g, y, x, a, size, **how: convolve(x, g, **how),
    ),
    symbol="conv\nweight", notation="conv_w({0}, {1})",
    cases=[
        case(real(2, 3, 5), real(2, 2, 3), size=(3,)),
        case(real(2, 2, 4, 5), real(2, 3, 2, 3), size=(3, 2), padding=1, stride=2),
        case(real(2, 4, 6), real(2, 6, 3), size=(2,), groups=2, dilation=2, stride=3, padding=((0, 3),)),
    ],
)  # fmt: skip
def convolve_weight(
    x: Operand, a: Operand, size: Shape, stride: PerAxis = 1, padding: Padding = 0, dilation: PerAxis = 1,
    groups: int = 1,
) -> Operand:  # fmt: skip
    """The windows of x, each a times, added up: x (batch, in, *lengths), a (batch, out, *positions).

    Args:
        x: the images.
        a: a weight for each window and each output, of the shape of what `convolve` gives.
        size: of the windows.
        stride: as in `convolve`, and so are the others.
        padding: likewise.
        dilation: likewise.
        groups: likewise.

    Returns:
        (out, in / groups, *size).

    Raises:
        ShapeError: `convolve` does not give the shape of a with windows of this size.
    """
    columns, positions = _columns(x, size, stride, padding, dilation, groups)
    if (a.shape[0], *a.shape[2:]) != (len(x), *positions) or a.shape[1] % groups:
        raise ShapeError(
            f"convolve_weight: a ({len(x)}, out, {', '.join(map(str, positions))}) was expected for x {x.shape} and "
            f"windows of {tuple(size)}, {a.shape} came"
        )
    found: Array = _as_rows(a, groups) @ columns.transpose(0, 2, 1)
    return found.reshape(a.shape[1], x.shape[1] // groups, *size)


# ---- images as matrices ----


def _columns(
    x: Array, size: Shape, stride: PerAxis, padding: Padding, dilation: PerAxis, groups: int
) -> tuple[Array, Shape]:
    """The windows of x, each a column: (groups, in / groups · size, positions · batch); and the positions."""
    sides, n = _sides(padding, len(size)), len(size)
    by_channel = x.swapaxes(0, 1)
    if any(map(any, sides)):
        batch, channels, *lengths = x.shape
        longer = (m + before + after for m, (before, after) in zip(lengths, sides, strict=True))
        padded = np.moveaxis(np.zeros((channels, *longer, batch), x.dtype), -1, 1)
        inside: Any = [slice(before, before + m) for m, (before, _) in zip(lengths, sides, strict=True)]
        padded[(..., *inside)] = by_channel
        by_channel = padded
    found = windows(by_channel, size, stride, dilation)  # (in, batch, *positions, *size), not copied yet
    positions = found.shape[2 : 2 + n]
    found = found.transpose(0, *range(2 + n, 2 + 2 * n), *range(2, 2 + n), 1)
    rows = x.shape[1] // groups * math.prod(size)  # said, for −1 says nothing of a batch without images
    return found.reshape(groups, rows, len(x) * math.prod(positions)), positions


def _as_rows(a: Array, groups: int) -> Array:
    """(batch, out, *positions) as (groups, out / groups, positions · batch)."""
    return np.moveaxis(a, 0, -1).reshape(groups, a.shape[1] // groups, len(a) * math.prod(a.shape[2:]))


def _batch_first(y: Array) -> Array:
    """(channels, *lengths, batch) as (batch, channels, *lengths), where it lies."""
    return np.moveaxis(y, -1, 0)


def _sides(padding: Padding, n: int) -> Sequence[tuple[int, int]]:
    return ((padding, padding),) * n if isinstance(padding, int) else padding


def _require_channels(name: str, x: Shape, w: Shape, groups: int) -> None:
    if len(x) != len(w) or len(w) < 3 or x[1] != groups * w[1] or w[0] % groups:
        raise ShapeError(
            f"{name}: x (batch, in, *lengths) and w (out, in / groups, *size) of as many axes, and groups that divide "
            f"in and out, were expected, {tuple(x)}, {tuple(w)} and groups={groups} came"
        )
