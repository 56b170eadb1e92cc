"""Convolution layers: every output is the same weighted sum, taken at another place of the image.

    y[b, o, p] = Σ_c Σ_k  x[b, c, p · stride + k · dilation − padding] · w[o, c, k]  +  b[o]

As a matrix, this is a linear layer most of whose weights are 0 and whose others are the same few: few weights see to it
that what is recognized in one place is recognized in all (LeCun et al. 1989). Weights have PyTorch's layout, (out, in /
groups, *kernel).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import counts, for_each_axis, refuse_smaller, shown
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.init import lecun_normal
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.types import Array, Operand, Shape


class Convolution(Module):
    """What convolutions and their transposes share: the sizes, the parameters, and the guard on x.

    Args:
        in_channels: ≥ 1.
        out_channels: ≥ 1.
        kernel_size: of the window, ≥ 1; like the next three one number, or one for each axis.
        stride: the distance of neighbouring windows, ≥ 1.
        padding: the number of zeros on both sides, ≥ 0.
        dilation: the distance of neighbouring elements of a window, ≥ 1.
        groups: ≥ 1, divides both numbers of channels: each part of the outputs sees only one part of the inputs.
        bias: whether b is added, one number for each output channel; it starts at 0.
        init: how w starts, a function (shape, *, rng, layout) of `nn.init`, which is asked for (out, in / groups,
            *kernel). The default, normal with variance 1 / (in / groups · kernel), passes the size of x on to y;
            before a ReLU use `kaiming_normal`.
        rng: where the initial weights come from.
        dtype: of w and b.

    Raises:
        ValueError: a number outside its range.
    """

    axes: ClassVar[int]  # of an image

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0, dilation: int | Sequence[int] = 1, groups: int = 1, *, bias: bool = True,
        init: Callable[..., Array] = lecun_normal, rng: np.random.Generator, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        if not counts(in_channels, out_channels, groups) or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: channels of at least 1, both of them multiples of groups, were expected, "
                f"{in_channels} → {out_channels} and groups={groups} came"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = for_each_axis(name, "kernel_size", kernel_size, self.axes, 1)
        self.stride = for_each_axis(name, "stride", stride, self.axes, 1)
        self.padding = for_each_axis(name, "padding", padding, self.axes, 0)
        self.dilation = for_each_axis(name, "dilation", dilation, self.axes, 1)
        drawn = init((out_channels, in_channels // groups, *self.kernel_size), rng=rng, layout="out_in")
        self.weight = parameter(self.arranged(np.asarray(drawn, dtype)), "weight")
        self.bias = parameter(np.zeros(out_channels, dtype), "bias") if bias else None

    def arranged(self, drawn: Array) -> Array:
        """The weights (out, in / groups, *kernel) as this layer keeps them."""
        return drawn

    def guarded(self, x: Operand) -> Shape:
        """The lengths of the images, if they are images of this layer, with as many channels as it has inputs.

        Raises:
            ShapeError: they are not.
            TypeError: an array was put in the place of a parameter.
        """
        self.require_nodes("weight", "bias")
        shape: Shape = np.shape(value_of(x))
        if len(shape) != 2 + self.axes or shape[1] != self.in_channels:
            names = "length" if self.axes == 1 else "height, width"
            raise ShapeError(
                f"{self.title()}: x (batch, {self.in_channels}, {names}) was expected, {shape} came"
            )
        return shape[2:]

    def with_bias(self, y: Operand) -> Operand:
        """One number of b for each channel."""
        return y if self.bias is None else y + ops.reshape(self.bias, (self.out_channels, *(1,) * self.axes))

    @property
    def sides(self) -> tuple[tuple[int, int], ...]:
        """(before, after): the zeros around each axis."""
        return tuple((n, n) for n in self.padding)

    def extra_repr(self) -> str:
        """The sizes, and what is not usual."""
        parts = [f"{self.in_channels} → {self.out_channels}", "×".join(map(str, self.kernel_size))]
        parts += [f"stride {shown(self.stride)}"] * (max(self.stride) > 1)
        parts += [f"padding {shown(self.padding)}"] * (max(self.padding) > 0)
        parts += [f"dilation {shown(self.dilation)}"] * (max(self.dilation) > 1)
        parts += [f"groups {self.groups}"] * (self.groups > 1)
        return ", ".join(parts + ["no bias"] * (self.bias is None))


class _Conv(Convolution):
    """A convolution, with PyTorch's words for two usual paddings."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | Literal["same", "valid"] = 0, dilation: int | Sequence[int] = 1,
        groups: int = 1, *, padding_mode: str = "zeros", **others: Any,
    ) -> None:  # fmt: skip
        if padding_mode != "zeros":
            raise ValueError(
                f"{type(self).__name__}: padding_mode 'zeros' was expected, {padding_mode!r} came: pad x before"
            )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(
                f"{type(self).__name__}: padding 'same' or 'valid' was expected, {padding!r} came"
            )
        self.same = padding == "same"
        zeros = 0 if isinstance(padding, str) else padding
        super().__init__(in_channels, out_channels, kernel_size, stride, zeros, dilation, groups, **others)
        if self.same and set(self.stride) != {1}:
            raise ValueError(
                f"{type(self).__name__}: stride 1 was expected with padding='same', {stride} came: "
                f"a larger one makes the image smaller"
            )

    @property
    def sides(self) -> tuple[tuple[int, int], ...]:
        """(before, after); for "same", an odd zero stands after."""
        if not self.same:
            return super().sides
        missing = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        return tuple((n // 2, n - n // 2) for n in missing)

    def forward(self, x: Operand) -> Operand:
        """From (batch, in, *lengths) to (batch, out, *positions), as many as `ops.convolve` says.

        Raises:
            ShapeError: images of another kind, or smaller than a window.
            TypeError: an array was put in the place of a parameter.
        """
        refuse_smaller(self.title(), self.guarded(x), self.kernel_size, self.dilation, self.sides)
        return self.with_bias(
            ops.convolve(x, self.weight, self.stride, self.sides, self.dilation, self.groups)
        )

    def extra_repr(self) -> str:
        """The sizes, and whether they stay the same."""
        return super().extra_repr() + ", same" * self.same


@verified(
    layer(lambda rng: Conv1d(2, 3, 2, rng=rng), real(2, 2, 4)),
    layer(lambda rng: Conv1d(2, 4, 2, 2, 1, 2, 2, bias=False, rng=rng), real(2, 2, 5)),
    layer(lambda rng: Conv1d(1, 2, 4, padding="same", rng=rng), real(2, 1, 3)),
)
class Conv1d(_Conv):
    """Convolution along one axis: x (batch, in, length). See `Convolution` for the arguments.

    `padding` may be "valid", none, or "same", which keeps the length, with stride 1.
    """

    axes = 1


@verified(
    layer(lambda rng: Conv2d(2, 2, 2, rng=rng), real(2, 2, 3, 3)),
    layer(lambda rng: Conv2d(2, 2, (2, 1), (1, 2), (1, 0), (2, 1), 2, bias=False, rng=rng), real(2, 2, 3, 4)),
    layer(lambda rng: Conv2d(1, 2, (2, 3), padding="same", rng=rng), real(2, 1, 2, 3)),
)
class Conv2d(_Conv):
    """Convolution of images: x (batch, in, height, width). See `Convolution` for the arguments.

    `padding` may be "valid", none, or "same", which keeps the lengths, with stride 1.
    """

    axes = 2
