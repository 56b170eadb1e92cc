"""Batch normalization: each feature gets mean 0 and variance 1 over the batch (Ioffe and Szegedy 2015).

    μ  = 1/m Σ x            over the m samples of the batch, for each feature
    σ² = 1/m Σ (x − μ)²
    x̂  = (x − μ) · (σ² + ε)^(−1/2)
    y  = γ x̂ + β

γ and β are learned. μ and σ² depend on x, so the gradient flows through them as well; being composed of
primitives, all this gets right by itself what is notoriously hard to get right by hand. In use there is no
batch to take statistics of: then μ and σ² are running means of what the training batches had.

Two variances: x̂ has that of this batch, Σ / m; stored is the estimate for all samples, Σ / (m − 1).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import counts
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.functional import moments, standardize
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Buffer, parameter
from tinygrad_edu.tensor import tensor
from tinygrad_edu.types import Operand, Shape


class RunningNorm(Module):
    """What the layers with running statistics have in common: they differ in the axes, and in the shapes they take.

    Args:
        num_features: the number of features or channels, ≥ 1: the length of axis 1.
        eps: ε > 0, which keeps a feature without variance from a division by 0.
        momentum: in [0, 1], the weight of the newest batch in the running statistics. (PyTorch's word; it is 1 minus
            what is called momentum elsewhere.) None: all batches since the first count the same.
        affine: whether there are γ (`weight`, starts at 1) and β (`bias`, starts at 0).
        track_running_stats: whether there are running statistics. Without them, in use as well it is the batch's that
            count, so that what becomes of a sample depends on its company.
        dtype: of γ, β and the running statistics.

    Attributes:
        num_batches_tracked: how many batches the running statistics have seen.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, *, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        if not counts(num_features) or not eps > 0 or not (momentum is None or 0 <= momentum <= 1):
            raise ValueError(
                f"{type(self).__name__}: num_features ≥ 1, eps > 0 and momentum in [0, 1] or None were expected, "
                f"{num_features}, {eps} and {momentum} came"
            )
        self.num_features, self.eps, self.momentum = num_features, float(eps), momentum
        self.weight = parameter(np.ones(num_features, dtype), "γ") if affine else None
        self.bias = parameter(np.zeros(num_features, dtype), "β") if affine else None
        tracks = track_running_stats
        self.running_mean: Any = Buffer(np.zeros(num_features, dtype)) if tracks else None
        self.running_var: Any = Buffer(np.ones(num_features, dtype)) if tracks else None
        self.num_batches_tracked: Any = Buffer(np.array(0)) if tracks else None

    @property
    def statistics(self) -> str:
        """Which μ and σ² a call uses: those of the "batch", or the "running" ones."""
        return "batch" if self.training or self.running_mean is None else "running"

    def forward(self, x: Operand) -> Operand:
        """The normalized features; in training, the running statistics move towards those of this batch.

        Raises:
            ShapeError: another number of features, or of axes.
            TypeError: an array was put in the place of a parameter.
            ValueError: statistics of a single number, which is its own mean: all that would be left is β.
        """
        self.require_nodes("weight", "bias")
        x = x if isinstance(x, Node) else tensor(x)
        self.check_shape(x.shape)
        beside = (self.num_features, *[1] * (len(x.shape) - 2))  # so that features stand beside axis 1
        if self.statistics == "batch":
            mean, variance = self._of_batch(x)
        else:
            mean = self.running_mean.value.reshape(beside)
            variance = self.running_var.value.reshape(beside)
        y = standardize(x, mean, variance, self.eps)
        if self.weight is None:
            return y
        if len(x.shape) == 2:
            return self.weight * y + self.bias
        return ops.reshape(self.weight, beside) * y + ops.reshape(self.bias, beside)

    def _of_batch(self, x: Operand) -> tuple[Operand, Operand]:
        axes = self.axes(len(x.shape))
        m = math.prod(x.shape[axis] for axis in axes)
        if m < 2:
            raise ValueError(
                f"{self.title()}: {self.needs} were expected in training, {m} came: it has no variance "
                f"to be normalized by. Call eval() on the network to use the running statistics"
            )
        mean, variance = moments(x, axes)
        if self.training and self.num_batches_tracked is not None:
            # These are values, not nodes: the running statistics are no part of the function that is differentiated.
            newest = self.counted()
            for buffer, found in (
                (self.running_mean, value_of(mean)),
                (self.running_var, value_of(variance) * (m / (m - 1))),
            ):
                each = (
                    np.moveaxis(found, 1, 0).reshape(self.num_features, -1).mean(1)
                )  # of instances, their mean
                buffer.value = (1 - newest) * buffer.value + newest * each
        return mean, variance

    # ---- in what they differ ----

    needs = "at least 2 samples"

    def counted(self) -> float:
        """Count the batch; the weight that it has in the running statistics."""
        self.num_batches_tracked.value = self.num_batches_tracked.value + 1
        return 1 / int(self.num_batches_tracked.value) if self.momentum is None else self.momentum

    def axes(self, n: int) -> tuple[int, ...]:
        """Over which of the n axes of x the statistics are taken."""
        return (0, *range(2, n))

    def check_shape(self, shape: Shape) -> None:
        """Refuse an x of another shape, by a ShapeError."""
        raise NotImplementedError(f"{type(self).__name__} says nothing of the shapes it takes")

    def expect(self, shape: Shape, wanted: str, *lengths: int) -> None:
        """Refuse another count of axes, or of features."""
        if len(shape) not in lengths or shape[1] != self.num_features:
            raise ShapeError(
                f"{self.title()}: x ({wanted.format(self.num_features)}) was expected, {shape} came"
            )

    def extra_repr(self) -> str:
        """The number of features, and whether it is the running statistics that count."""
        return f"{self.num_features}{', running statistics' if self.statistics == 'running' else ''}"


@verified(
    layer(lambda rng: BatchNorm1d(3), real(5, 3), least=2),
    layer(lambda rng: BatchNorm1d(2, affine=False), real(2, 2, 3)),
    layer(lambda rng: BatchNorm1d(2, track_running_stats=False), real(2, 2, 3)),
)
class BatchNorm1d(RunningNorm):
    """Normalize each feature over the batch: x (batch, features) or (batch, features, length).

    Every position along the length counts as a sample. For arguments and errors see `RunningNorm`.
    """

    def check_shape(self, shape: Shape) -> None:
        """(batch, features) or (batch, features, length)."""
        self.expect(shape, "batch, {}", 2, 3)


@verified(layer(lambda rng: BatchNorm2d(2), real(2, 2, 3, 2)))
class BatchNorm2d(RunningNorm):
    """Normalize each channel over the batch and the whole image: x (batch, channels, height, width).

    A convolution does the same everywhere in an image, so every pixel counts as a sample. For arguments and errors see
    `RunningNorm`.
    """

    def check_shape(self, shape: Shape) -> None:
        """(batch, channels, height, width)."""
        self.expect(shape, "batch, {}, height, width", 4)
