"""Pooling: a window of an image becomes one number, its largest or its mean, for each channel by itself.

    max     y = max over the window       the gradient goes to the largest element; a tie shares it
    avg     y = 1/n Σ over the window     each element gets 1/n of it

The image becomes smaller, and what is found in it less tied to its place (LeCun et al. 1998; Ranzato et al. 2007 for
the maximum).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import ClassVar

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import distinct, real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import for_each_axis, refuse_smaller, shown
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.types import Array, Operand, Shape


class Images(Module):
    """A layer of images (batch, channels, *lengths), which has no parameters."""

    axes: ClassVar[int]  # of an image

    def lengths(self, x: Operand) -> Shape:
        """The lengths of the images; a ShapeError if they are none."""
        shape: Shape = np.shape(value_of(x))
        if len(shape) != 2 + self.axes:
            names = "length" if self.axes == 1 else "height, width"
            raise ShapeError(f"{self.title()}: x (batch, channels, {names}) was expected, {shape} came")
        return shape[2:]


class Pool(Images):
    """Windows of a size and a stride.

    Args:
        kernel_size: of a window, ≥ 1; like the others one number, or one for each axis.
        stride: the distance of neighbouring windows, ≥ 1; by default the size, so that they do not overlap.
        padding: how far windows may reach beyond the image, at most half of their size.
        dilation: the distance of neighbouring elements of a window, ≥ 1.
        ceil_mode: whether a last window that is not full counts, too.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0, *, dilation: int | Sequence[int] = 1, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        self.kernel_size = for_each_axis(name, "kernel_size", kernel_size, self.axes, 1)
        self.stride = (
            self.kernel_size if stride is None else for_each_axis(name, "stride", stride, self.axes, 1)
        )
        self.padding = for_each_axis(name, "padding", padding, self.axes, 0)
        self.dilation = for_each_axis(name, "dilation", dilation, self.axes, 1)
        self.ceil_mode = ceil_mode
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"{name}: a padding of at most half of the kernel was expected, {padding} for {kernel_size} came: "
                f"a window would lie outside the image"
            )

    def sides(self, lengths: Shape) -> list[tuple[int, int]]:
        """(before, after): how far windows reach beyond each axis; in `ceil_mode` the last ones need more room."""
        found = []
        for n, k, s, p, d in zip(
            lengths, self.kernel_size, self.stride, self.padding, self.dilation, strict=True
        ):
            left = n + 2 * p - d * (k - 1) - 1  # how far the first window can move
            more = -left % s if self.ceil_mode and left >= 0 else 0
            if more and left + more >= n + p:  # that window would begin beyond the image
                more = 0
            found.append((p, p + more))
        return found

    def windows(self, x: Operand, outside: float) -> Operand:
        """(batch, channels, *positions, *kernel): the windows; beyond the image every element is `outside`."""
        lengths = self.lengths(x)
        sides = self.sides(lengths)
        refuse_smaller(self.title(), lengths, self.kernel_size, self.dilation, sides)
        if any(map(any, sides)):
            widths = [(0, 0), (0, 0), *sides]
            x = ops.pad(x, widths)
            if outside:
                x = ops.where(np.pad(np.ones(lengths, bool), sides), x, outside)
        return ops.windows(x, self.kernel_size, self.stride, self.dilation)

    def extra_repr(self) -> str:
        """The sizes, and what is not usual."""
        parts = [f"kernel {shown(self.kernel_size)}"]
        given = {"stride": (self.stride, self.kernel_size), "padding": (self.padding, (0,) * self.axes),
                 "dilation": (self.dilation, (1,) * self.axes)}  # fmt: skip
        parts += [f"{name} {shown(numbers)}" for name, (numbers, usual) in given.items() if numbers != usual]
        return ", ".join(parts + ["ceil"] * self.ceil_mode)


# ---- the largest ----


class _MaxPool(Pool):
    def forward(self, x: Operand) -> Operand:
        """From (batch, channels, *lengths) to (batch, channels, *positions).

        Raises:
            ShapeError: images of another kind, or smaller than a window.
        """
        return ops.max(self.windows(x, -np.inf), axis=tuple(range(-self.axes, 0)))


@verified(
    layer(lambda rng: MaxPool1d(2), distinct(2, 2, 4)),
    layer(lambda rng: MaxPool1d(2, 1, 1, dilation=2, ceil_mode=True), distinct(2, 1, 4)),
)
class MaxPool1d(_MaxPool):
    """The largest element of every window: x (batch, channels, length). See `MaxPool2d`."""

    axes = 1


@verified(
    layer(lambda rng: MaxPool2d(2), distinct(2, 1, 2, 4)),
    layer(lambda rng: MaxPool2d((1, 2), (1, 2), (0, 1), ceil_mode=True), distinct(2, 1, 2, 3)),
)
class MaxPool2d(_MaxPool):
    """The largest element of every window: x (batch, channels, height, width).

    Elements that are equally large share the gradient; in PyTorch the first of them gets all of it. Beyond the image
    every element is −∞.

    See `Pool` for the arguments.
    """

    axes = 2


# ---- the mean ----


class _AvgPool(Pool):
    def __init__(
        self, kernel_size: int | Sequence[int], stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0, *, ceil_mode: bool = False, count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size, stride, padding, ceil_mode=ceil_mode)
        self.count_include_pad = count_include_pad

    def forward(self, x: Operand) -> Operand:
        """From (batch, channels, *lengths) to (batch, channels, *positions).

        Raises:
            ShapeError: images of another kind, or smaller than a window.
        """
        total = ops.sum(self.windows(x, 0.0), axis=tuple(range(-self.axes, 0)))
        return total * (1 / self.counts(shape_of(x)[2:])).astype(np.asarray(value_of(x)).dtype)

    def counts(self, lengths: Shape) -> Array:
        """(*positions): how many elements of each window count."""
        along: list[Array] = []
        for n, k, s, p, (before, after) in zip(
            lengths, self.kernel_size, self.stride, self.padding, self.sides(lengths), strict=True
        ):
            counted = np.zeros(before + n + after)
            counted[: before + n + p] = 1  # the padding counts; what `ceil_mode` adds to it never does
            if not self.count_include_pad:
                counted[:before] = counted[before + n :] = 0
            along.append(ops.windows(counted, (k,), s).sum(axis=-1))
        return reduce(np.multiply.outer, along)


@verified(
    layer(lambda rng: AvgPool1d(2), real(2, 1, 5)),
    layer(lambda rng: AvgPool1d(3, 2, 1, ceil_mode=True, count_include_pad=False), real(2, 1, 6)),
)
class AvgPool1d(_AvgPool):
    """The mean of every window: x (batch, channels, length). See `AvgPool2d`."""

    axes = 1


@verified(
    layer(lambda rng: AvgPool2d(2), real(2, 1, 4, 3)),
    layer(lambda rng: AvgPool2d((2, 3), (1, 2), 1, ceil_mode=True), real(2, 1, 2, 4)),
)
class AvgPool2d(_AvgPool):
    """The mean of every window: x (batch, channels, height, width).

    Beyond the image every element is 0, and counts among those that the mean is taken of, if `count_include_pad`. See
    `Pool` for the other arguments; there is no dilation.
    """

    axes = 2
