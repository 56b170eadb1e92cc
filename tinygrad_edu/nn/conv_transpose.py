"""Transposed convolution: each number of x becomes a window of y, and where windows overlap they add up.

    y[b, c, p · stride + k · dilation − padding]  +=  x[b, o, p] · w[o, c, k]        y starts at the bias

This is the transposed matrix of a convolution, which leads from few positions back to many: what a gradient goes
through in its backward pass, as a layer of its own (Zeiler et al. 2010). It is no inverse. Weights have PyTorch's
layout, (in, out / groups, *kernel); the `in` of this layer is the `out` of the convolution that it transposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import real
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import for_each_axis
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.conv import Convolution
from tinygrad_edu.types import Array, Operand


class _ConvTranspose(Convolution):
    """The transpose of a convolution with the same sizes, and a bias of its own."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int | Sequence[int], stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0, output_padding: int | Sequence[int] = 0, groups: int = 1,
        *, dilation: int | Sequence[int] = 1, **others: Any,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, **others)
        name = type(self).__name__
        self.output_padding = for_each_axis(name, "output_padding", output_padding, self.axes, 0)
        if any(more >= step for more, step in zip(self.output_padding, self.stride, strict=True)):
            raise ValueError(
                f"{name}: an output_padding below the stride was expected, {output_padding} for {stride} came: it says "
                f"which of the lengths is meant that a convolution takes to the same number of positions"
            )

    def arranged(self, drawn: Array) -> Array:
        """(in, out / groups, *kernel)."""
        parts = drawn.reshape(self.groups, -1, *drawn.shape[1:]).swapaxes(1, 2)
        return parts.reshape(self.in_channels, -1, *self.kernel_size)

    def forward(self, x: Operand) -> Operand:
        """From (batch, in, *lengths) to (batch, out, *longer).

        longer = (length − 1) · stride − 2 · padding + dilation · (kernel − 1) + output_padding + 1

        Raises:
            ShapeError: images of another kind, or nothing would be left of them.
            TypeError: an array was put in the place of a parameter.
        """
        given = self.guarded(x)
        numbers = zip(
            given,
            self.stride,
            self.padding,
            self.dilation,
            self.kernel_size,
            self.output_padding,
            strict=True,
        )
        lengths = [(n - 1) * s - 2 * p + d * (k - 1) + more + 1 for n, s, p, d, k, more in numbers]
        if min(lengths) < 1:
            raise ShapeError(
                f"{self.title()}: of x {shape_of(x)}, the padding would leave the lengths {lengths}"
            )
        return self.with_bias(
            ops.convolve_transpose(
                x, self.weight, lengths, self.stride, self.sides, self.dilation, self.groups
            )
        )


@verified(
    layer(lambda rng: ConvTranspose1d(2, 3, 2, rng=rng), real(2, 2, 3)),
    layer(lambda rng: ConvTranspose1d(4, 2, 3, 2, 1, 1, 2, dilation=2, bias=False, rng=rng), real(2, 4, 3)),
)
class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution along one axis: x (batch, in, length). See `Convolution` for the arguments.

    `output_padding` makes the result longer, at its end: of the lengths that a convolution takes to the same number of
    positions, the default means the least.
    """

    axes = 1


@verified(
    layer(lambda rng: ConvTranspose2d(2, 2, 2, rng=rng), real(2, 2, 2, 2)),
    layer(lambda rng: ConvTranspose2d(2, 2, (2, 1), (1, 2), (1, 0), (0, 1), 2, dilation=(2, 1), bias=False, rng=rng),
          real(2, 2, 3, 2)),
)  # fmt: skip
class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of images: x (batch, in, height, width). See `Convolution` for the arguments.

    `output_padding` makes the result larger, at its end: of the lengths that a convolution takes to the same number of
    positions, the default means the least.
    """

    axes = 2
