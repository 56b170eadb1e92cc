"""Broadcasting and what undoes it: two linear maps, each the transpose of the other.

    broadcast_to   repeats x along new axes and along axes of length 1
    sum_to         adds up what was repeated

They stand before the sweeps, which apply them wherever an elementwise operation met unequal shapes. So this is
said once, and no rule mentions it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import multilinear
from tinygrad_edu.types import Operand, Shape


def shape_of(x: Any) -> Shape:
    """The shape of a node, an array or a number."""
    return getattr(x, "shape", ())


@multilinear(
    transposes=(lambda g, y, x, *, shape: sum_to(g, shape=shape_of(x)),),
    cases=[case(real(3), shape=(2, 3)), case(real(2, 1), shape=(5, 2, 3)), case(real(), shape=(2,))],
)
def broadcast_to(x: Operand, shape: Shape) -> Operand:
    """Repeat along new axes in front and along axes of length 1, up to `shape`."""
    return np.broadcast_to(x, shape)


@multilinear(
    transposes=(lambda g, y, x, *, shape: broadcast_to(g, shape=shape_of(x)),),
    cases=[case(real(2, 3), shape=(3,)), case(real(5, 2, 3), shape=(2, 1)), case(real(2, 3), shape=())],
    notation="Σ {0}",
)
def sum_to(x: Operand, shape: Shape) -> Operand:
    """Sum over the axes along which an array of `shape` would be repeated to have the shape of x."""
    given = np.shape(x)
    new = len(given) - len(shape)
    if new < 0 or any(n not in (1, given[new + i]) for i, n in enumerate(shape)):
        raise ValueError(
            f"sum_to: {shape} does not broadcast to {given}, so there is no sum from {given} to it"
        )
    repeated = tuple(new + i for i, n in enumerate(shape) if n != given[new + i])
    return np.add.reduce(x, tuple(range(new)) + repeated).reshape(shape)
