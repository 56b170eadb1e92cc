"""Indexing: `getitem` reads elements, `scatter_add` puts them back; each is the transpose of the other.

An element that is read twice receives two cotangents, which must add up: `out[index] += g` would keep only the
last of them, so repeated indices go through `np.add.at`.
"""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import numpy as np

from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import multilinear
from tinygrad_edu.types import Operand, Shape

_REPEATED = np.array([0, 2, 0])
_MASK = np.array([True, False, True])


@multilinear(
    transposes=(lambda g, y, x, index: scatter_add(g, index, shape_of(x)),), symbol="[ ]", notation="{0}[…]",
    cases=[case(real(3, 5), index=1), case(real(3, 5), index=(slice(None, None, -2), 4)),
           case(real(3, 5), index=(Ellipsis, None, slice(1, 3))), case(real(3, 5), index=_REPEATED),
           case(real(3, 5), index=(_REPEATED, _REPEATED)), case(real(3, 5), index=_MASK),
           case(real(3, 5), index=(slice(None), _REPEATED[:, None]))],
)  # fmt: skip
def getitem(x: Operand, index: Any) -> Operand:
    """The elements x[index], by any of NumPy's ways: integers, slices, arrays of integers, masks."""
    return x[index]


@multilinear(
    transposes=(lambda g, y, x, index, shape: getitem(g, index),),
    cases=[case(real(5), index=1, shape=(3, 5)), case(real(3), index=_REPEATED, shape=(5,)),
           case(real(2, 5), index=_MASK, shape=(3, 5))],
)  # fmt: skip
def scatter_add(x: Operand, index: Any, shape: Shape) -> Operand:
    """Zeros of `shape` to which x is added at `index`; at repeated indices it adds up."""
    out = np.zeros(shape, x.dtype)
    if all(map(_reads_once, index if isinstance(index, tuple) else (index,))):
        out[index] = x
    else:
        np.add.at(out, index, x)
    return out


def _reads_once(part: Any) -> bool:
    """Whether a part of an index surely names no element twice."""
    return (
        part is None
        or isinstance(part, int | np.integer | slice | EllipsisType)
        or np.asarray(part).dtype == bool
    )
