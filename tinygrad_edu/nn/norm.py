"""Batch normalization: each feature gets mean 0 and variance 1 over the batch (Ioffe and Szegedy 2015).

    μ  = 1/m Σ x            over the m samples of the batch, for each feature
    σ² = 1/m Σ (x − μ)²
    x̂  = (x − μ) · (σ² + ε)^(−1/2)
    y  = γ x̂ + β

γ and β are learned. μ and σ² depend on x, so the gradient flows through them as well; being composed of
primitives, all this gets right by itself what is notoriously hard to get right by hand. In use there is no
batch to take statistics of: then μ and σ² are running means of what the training batches had.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Buffer, parameter
from tinygrad_edu.tensor import tensor
from tinygrad_edu.types import Operand


@verified(
    layer(lambda rng: BatchNorm1d(3), real(5, 3), least=2),
    layer(lambda rng: BatchNorm1d(2, affine=False), real(2, 2, 3)),
)
class BatchNorm1d(Module):
    """Normalize each feature over the batch: x (batch, features) or (batch, features, length).

    Args:
        num_features: the number of features, ≥ 1.
        eps: ε > 0, which keeps a feature without variance from a division by 0.
        momentum: in [0, 1], the weight of the newest batch in the running statistics.
        affine: whether there are γ (`weight`, starts at 1) and β (`bias`, starts at 0).
        dtype: of γ, β and the running statistics.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True, *,
        dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        if num_features < 1 or not eps > 0 or not 0 <= momentum <= 1:
            raise ValueError(
                f"BatchNorm1d: num_features ≥ 1, eps > 0 and momentum in [0, 1] were expected, "
                f"{num_features}, {eps} and {momentum} came"
            )
        self.num_features, self.eps, self.momentum = num_features, float(eps), float(momentum)
        self.weight = parameter(np.ones(num_features, dtype), "γ") if affine else None
        self.bias = parameter(np.zeros(num_features, dtype), "β") if affine else None
        self.running_mean = Buffer(np.zeros(num_features, dtype))
        self.running_var = Buffer(np.ones(num_features, dtype))

    def forward(self, x: Operand) -> Operand:
        """The normalized features; in training, the running statistics move towards those of this batch.

        Raises:
            ShapeError: another number of features.
            TypeError: an array was put in the place of a parameter.
            ValueError: a single sample in training: it is its own mean, and all that would be left is β.
        """
        self.require_nodes("weight", "bias")
        x = x if isinstance(x, Node) else tensor(x)
        shape = x.shape
        if len(shape) not in (2, 3) or shape[1] != self.num_features:
            raise ShapeError(f"{self.title()}: x (batch, {self.num_features}) was expected, {shape} came")
        if len(shape) == 3:  # every position along the length counts as a sample
            rows = ops.transpose(x, (0, 2, 1))
            y = self.forward(ops.reshape(rows, (shape[0] * shape[2], shape[1])))
            return ops.transpose(ops.reshape(y, shape_of(rows)), (0, 2, 1))
        mean, variance = (
            self._batch_statistics(x) if self.training else (self.running_mean.value, self.running_var.value)
        )
        x_hat = (x - mean) * (variance + self.eps) ** -0.5
        x_hat.name = "x̂"
        return x_hat if self.weight is None else self.weight * x_hat + self.bias

    def _batch_statistics(self, x: Operand) -> tuple[Operand, Operand]:
        m = len(x)
        if m < 2:
            raise ValueError(
                f"{self.title()}: at least 2 samples were expected in training, {m} came: it has no variance "
                f"to be normalized by. Call eval() on the network to use the running statistics"
            )
        mean, variance = ops.mean(x, axis=0), ops.var(x, axis=0)
        mean.name, variance.name = "μ", "σ²"
        # What is stored estimates the variance of all samples, so there the sum is divided by m − 1. These
        # are values, not nodes: the running statistics are no part of the function that is differentiated.
        for buffer, newest in (
            (self.running_mean, value_of(mean)),
            (self.running_var, value_of(variance) * (m / (m - 1))),
        ):
            buffer.value = (1 - self.momentum) * buffer.value + self.momentum * newest
        return mean, variance

    def extra_repr(self) -> str:
        """The number of features."""
        return f"{self.num_features}"
