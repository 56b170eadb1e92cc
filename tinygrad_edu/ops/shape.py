"""Shapes: the same numbers in another arrangement, all of them linear; their transposes arrange back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import multilinear, primitive
from tinygrad_edu.ops.indexing import getitem
from tinygrad_edu.types import Operand, Shape


@multilinear(transposes=(lambda g, y, x: g,), cases=[case(real(3))], notation="{0}", symbol="=")
def identity(x: Operand) -> Operand:
    """The same value as another node: the fresh input of a nested derivative."""
    return x


@multilinear(transposes=(lambda g, y, x, shape: reshape(g, shape_of(x)),), notation="{0}",
             cases=[case(real(2, 3), shape=(6,)), case(real(2, 3), shape=(3, -1, 1)),
                    case(real(1), shape=())])  # fmt: skip
def reshape(x: Operand, shape: Shape | int) -> Operand:
    """The same numbers, row by row, in another shape; one length may be −1, for what is left."""
    return np.reshape(x, shape)


def _transpose_back(g: Operand, y: Operand, x: Operand, axes: Sequence[int] | None = None) -> Operand:
    return transpose(g, None if axes is None else np.argsort([i % len(axes) for i in axes]).tolist())


@multilinear(transposes=(_transpose_back,), notation="{0}ᵀ", symbol="ᵀ",
             cases=[case(real(2, 3)), case(real(2, 3, 5), axes=(2, 0, 1)),
                    case(real(2, 3, 5), axes=(1, -1, 0))])  # fmt: skip
def transpose(x: Operand, axes: Sequence[int] | None = None) -> Operand:
    """The axes in another order; without `axes`, in reverse."""
    return np.transpose(x, axes)


@multilinear(transposes=(lambda g, y, x, axis=None: flip(g, axis),),
             cases=[case(real(2, 3)), case(real(2, 3), axis=1)])  # fmt: skip
def flip(x: Operand, axis: Any = None) -> Operand:
    """Reversed along an axis, several, or all."""
    return np.flip(x, axis)


def _unpad(g: Operand, y: Operand, x: Operand, widths: Sequence[tuple[int, int]]) -> Operand:
    return getitem(
        g, tuple(slice(before, before + n) for (before, _), n in zip(widths, shape_of(x), strict=True))
    )


@multilinear(transposes=(_unpad,), cases=[case(real(2, 3), widths=((1, 2), (0, 1)))])
def pad(x: Operand, widths: Sequence[tuple[int, int]]) -> Operand:
    """Zeros around x: (before, after) for every axis."""
    if len(widths) != np.ndim(x):
        raise ValueError(
            f"pad: a pair (before, after) for each of {np.ndim(x)} axes was expected, {widths} came"
        )
    return np.pad(x, widths)


# ---- several into one: any number of operands. Linear in all of them together, but not in each alone: with
# the others held, y = [a; b] moves by [t; 0] and not to [t; b], so these are declared by their vjps. ----


def _piece(i: int, g: Operand, y: Operand, *xs: Operand, axis: int = 0) -> Operand:
    axis %= len(shape_of(g))
    start = sum(shape_of(x)[axis] for x in xs[:i])
    return getitem(g, (slice(None),) * axis + (slice(start, start + shape_of(xs[i])[axis]),))


@primitive(vjps=_piece, name="concatenate", symbol="concat",
             cases=[case(real(2, 3), real(5, 3)), case(real(2, 3), real(2, 1), real(2, 2), axis=-1)])  # fmt: skip
def _concatenate(*xs: Operand, axis: int = 0) -> Operand:
    """The arrays one after the other along an axis that they have."""
    return np.concatenate(xs, axis)


def concatenate(xs: Sequence[Operand], axis: int = 0) -> Operand:
    """The arrays one after the other along an axis that they have."""
    return _concatenate(*xs, axis=axis)


@primitive(vjps=lambda i, g, y, *xs, axis=0: getitem(g, (slice(None),) * (axis % len(shape_of(g))) + (i,)),
           name="stack",
           cases=[case(real(3), real(3)), case(real(2, 3), real(2, 3), real(2, 3), axis=-1)])  # fmt: skip
def _stack(*xs: Operand, axis: int = 0) -> Operand:
    """The arrays side by side along a new axis."""
    return np.stack(xs, axis)


def stack(xs: Sequence[Operand], axis: int = 0) -> Operand:
    """The arrays side by side along a new axis."""
    return _stack(*xs, axis=axis)


# ---- other names for a reshape or a transpose ----


def squeeze(x: Operand, axis: int | tuple[int, ...] | None = None) -> Operand:
    """Without the axes of length 1, or without those that are named."""
    return reshape(x, np.squeeze(np.empty(shape_of(x), bool), axis).shape)


def expand_dims(x: Operand, axis: int | tuple[int, ...]) -> Operand:
    """With new axes of length 1."""
    return reshape(x, np.expand_dims(np.empty(shape_of(x), bool), axis).shape)


def moveaxis(x: Operand, source: int | Sequence[int], destination: int | Sequence[int]) -> Operand:
    """One axis, or several, in other places, the others in their order."""
    n = len(shape_of(x))
    places = dict(zip(normalize_axis_tuple(destination, n), normalize_axis_tuple(source, n), strict=True))
    axes = [axis for axis in range(n) if axis not in places.values()]
    for place in sorted(places):
        axes.insert(place, places[place])
    return transpose(x, axes)
