"""Flatten: what a convolution sees as an image, a linear layer sees as a row of numbers."""

from __future__ import annotations

import math

from tinygrad_edu import ops
from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.types import Operand


@verified(
    layer(lambda rng: Flatten(), real(5, 2, 3)),
    layer(lambda rng: Flatten(2, 3), real(2, 2, 3, 1)),
)
class Flatten(Module):
    """(batch, …) to (batch, features): several axes become one, by default all but the first.

    Args:
        start_dim: the first of them.
        end_dim: the last of them.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Operand) -> Operand:
        """The same numbers, row by row.

        Raises:
            ShapeError: x has no such axes.
        """
        shape = shape_of(x)
        first, last = (n + len(shape) if n < 0 else n for n in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < len(shape):
            raise ShapeError(
                f"{self.title()}: axes {self.start_dim} … {self.end_dim} were expected, an array of shape {shape} came"
            )
        return ops.reshape(x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))

    def extra_repr(self) -> str:
        """The axes, if not the usual ones."""
        usual = (self.start_dim, self.end_dim) == (1, -1)
        return "" if usual else f"dim {self.start_dim} … {self.end_dim}"
