"""Group normalization: each sample gets mean 0 and variance 1 in each group of its channels (Wu and He 2018).

    one group                 all channels and positions together
    some groups               what is alike is normalized together
    a group for each channel  instance normalization: only positions are averaged over (Ulyanov et al. 2016)

Like a layer norm it needs no batch, so it works where only one image at a time fits into the memory. An instance norm
takes away how bright and how contrasty each channel of an image is. It may keep running statistics, but rarely does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import counts
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.functional import moments, standardize
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.norm import RunningNorm
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.types import Operand, Shape


@verified(
    layer(lambda rng: GroupNorm(2, 4), real(2, 4, 3)),
    layer(lambda rng: GroupNorm(1, 3, affine=False), real(3, 3)),
)
class GroupNorm(Module):
    """Normalize the groups of channels of each sample: x (batch, channels, …).

    Args:
        num_groups: ≥ 1.
        num_channels: a multiple of it. Neighbours are in the same group.
        eps: ε > 0, which keeps a group without variance from a division by 0.
        affine: whether there are γ (`weight`, starts at 1) and β (`bias`, starts at 0), for each channel.
        dtype: of γ and β.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: Any = np.float64,
    ) -> None:
        if not counts(num_groups, num_channels) or num_channels % num_groups or not eps > 0:
            raise ValueError(
                f"GroupNorm: num_groups ≥ 1, a multiple of it as num_channels, and eps > 0 were expected, "
                f"{num_groups}, {num_channels} and {eps} came"
            )
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, float(eps)
        self.weight = parameter(np.ones(num_channels, dtype), "γ") if affine else None
        self.bias = parameter(np.zeros(num_channels, dtype), "β") if affine else None

    def forward(self, x: Operand) -> Operand:
        """The normalized channels, of the shape of x.

        Raises:
            ShapeError: another number of channels.
            TypeError: an array was put in the place of a parameter.
            ValueError: a group of a single number, which is its own mean: all that would be left is β.
        """
        self.require_nodes("weight", "bias")
        shape = np.shape(value_of(x))
        if len(shape) < 2 or shape[1] != self.num_channels:
            raise ShapeError(f"{self.title()}: x (batch, {self.num_channels}, …) was expected, {shape} came")
        if math.prod(shape[1:]) == self.num_groups:
            raise ValueError(
                f"{self.title()}: groups of at least 2 numbers were expected, 1 came: take fewer groups"
            )
        grouped = ops.reshape(x, (shape[0], self.num_groups, math.prod(shape[1:]) // self.num_groups))
        y = ops.reshape(standardize(grouped, *moments(grouped, -1), self.eps), shape)
        if self.weight is None:
            return y
        beside = (self.num_channels, *[1] * (len(shape) - 2))
        return ops.reshape(self.weight, beside) * y + ops.reshape(self.bias, beside)

    def extra_repr(self) -> str:
        """The channels and the groups."""
        return f"{self.num_channels} in {self.num_groups}"


class InstanceNorm(RunningNorm):
    """Normalize each channel of each sample over its positions. For arguments see `RunningNorm`: the defaults differ.

    Running statistics are the means over the batch of what each sample has. As in PyTorch, batches are not counted:
    `num_batches_tracked` stays 0, and with momentum None the statistics stay as they start.
    """

    needs = "at least 2 positions"

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = False,
        track_running_stats: bool = False, *, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype=dtype)

    def counted(self) -> float:
        """The weight of the batch: it is not counted."""
        return 0.0 if self.momentum is None else self.momentum

    def axes(self, n: int) -> tuple[int, ...]:
        """All but those of samples and channels."""
        return tuple(range(2, n))


@verified(
    layer(lambda rng: InstanceNorm1d(2), real(2, 2, 3)),
    layer(lambda rng: InstanceNorm1d(2, affine=True, track_running_stats=True), real(2, 2, 3)),
)
class InstanceNorm1d(InstanceNorm):
    """Normalize each channel of each sample over its length: x (batch, channels, length). See `InstanceNorm`."""

    def check_shape(self, shape: Shape) -> None:
        """(batch, channels, length)."""
        self.expect(shape, "batch, {}, length", 3)


@verified(layer(lambda rng: InstanceNorm2d(2, affine=True), real(2, 2, 3, 2)))
class InstanceNorm2d(InstanceNorm):
    """Normalize each channel of each image: x (batch, channels, height, width). For arguments see `InstanceNorm`."""

    def check_shape(self, shape: Shape) -> None:
        """(batch, channels, height, width)."""
        self.expect(shape, "batch, {}, height, width", 4)
