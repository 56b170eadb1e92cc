"""Pooling that asks for the number of results instead of the size of the windows, so that images may have any size.

The n windows of an axis of length m reach from ⌊i m / n⌋ to ⌈(i + 1) m / n⌉: they cover the axis, and may overlap. An
image is pooled along one axis after the other, which gives the same; ties of a maximum share its gradient likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import distinct, real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import for_each_axis, shown
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.pool import Images
from tinygrad_edu.types import Operand


@verified(
    layer(lambda rng: GlobalAvgPool(), real(2, 2, 2, 2)), layer(lambda rng: GlobalAvgPool(), real(2, 2, 3))
)
class GlobalAvgPool(Module):
    """The mean of each channel: (batch, channels, *lengths) to (batch, channels) (Lin, Chen and Yan 2014)."""

    def forward(self, x: Operand) -> Operand:
        """The means.

        Raises:
            ShapeError: there are no axes but batch and channels.
        """
        shape = np.shape(value_of(x))
        if len(shape) < 3:
            raise ShapeError(f"{self.title()}: x (batch, channels, *lengths) was expected, {shape} came")
        return ops.mean(x, axis=tuple(range(2, len(shape))))


class _Adaptive(Images):
    def __init__(self, output_size: int | Sequence[int]) -> None:
        self.output_size = for_each_axis(type(self).__name__, "output_size", output_size, self.axes, 1)

    def forward(self, x: Operand) -> Operand:
        """From (batch, channels, *lengths) to (batch, channels, *output_size).

        Raises:
            ShapeError: images of another kind.
        """
        for i, (m, n) in enumerate(zip(self.lengths(x), self.output_size, strict=True), 2):
            bounds = [(k * m // n, -(-(k + 1) * m // n)) for k in range(n)]
            stretches = [ops.getitem(x, (*(slice(None),) * i, slice(start, end))) for start, end in bounds]
            x = ops.stack([self.one(stretch, i) for stretch in stretches], axis=i)
        return x

    def one(self, stretch: Operand, axis: int) -> Any:
        """What a stretch of an axis becomes: the axis is gone. One axis after the other gives what windows would."""
        raise NotImplementedError(f"{type(self).__name__} defines no one(self, stretch, axis)")

    def extra_repr(self) -> str:
        """The number of results."""
        return f"{shown(self.output_size)}"


class _AdaptiveAvg(_Adaptive):
    def one(self, stretch: Operand, axis: int) -> Any:
        """The mean."""
        return ops.mean(stretch, axis)


class _AdaptiveMax(_Adaptive):
    def one(self, stretch: Operand, axis: int) -> Any:
        """The largest."""
        return ops.max(stretch, axis)


@verified(layer(lambda rng: AdaptiveAvgPool1d(3), real(2, 1, 5)))
class AdaptiveAvgPool1d(_AdaptiveAvg):
    """Means of as many windows as are asked for: x (batch, channels, length)."""

    axes = 1


@verified(layer(lambda rng: AdaptiveAvgPool2d((2, 3)), real(2, 1, 3, 4)))
class AdaptiveAvgPool2d(_AdaptiveAvg):
    """Means of as many windows as are asked for: x (batch, channels, height, width)."""

    axes = 2


@verified(layer(lambda rng: AdaptiveMaxPool1d(3), distinct(2, 1, 5)))
class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest of as many windows as are asked for: x (batch, channels, length)."""

    axes = 1


@verified(layer(lambda rng: AdaptiveMaxPool2d((2, 3)), distinct(2, 1, 3, 4)))
class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest of as many windows as are asked for: x (batch, channels, height, width)."""

    axes = 2
