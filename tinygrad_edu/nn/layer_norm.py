"""Layer normalization: each sample gets mean 0 and variance 1 over its own features (Ba, Kiros and Hinton 2016).

    y = γ (x − μ) · (σ² + ε)^(−1/2) + β        μ, σ²: of the last axes, for each sample by itself

Other than a batch norm it needs no batch and keeps no statistics: training and use are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.types import Operand


@verified(
    layer(lambda rng: LayerNorm(3), real(4, 3)),
    layer(lambda rng: LayerNorm((2, 3), bias=False), real(2, 2, 3)),
    layer(lambda rng: LayerNorm(4, elementwise_affine=False), real(3, 4)),
)
class LayerNorm(Module):
    """Normalize the last axes: x (…, *normalized_shape).

    Args:
        normalized_shape: the lengths of the axes to normalize over, each ≥ 1; a number for the last one.
        eps: ε > 0, which keeps features without variance from a division by 0.
        elementwise_affine: whether there are γ (`weight`, starts at 1) and β (`bias`, starts at 0).
        bias: whether there is β.
        dtype: of γ and β.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True, *,
        bias: bool = True, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        if not shape or min(shape) < 1 or not eps > 0:
            raise ValueError(
                f"LayerNorm: a normalized_shape of lengths of at least 1, and eps > 0, were expected, "
                f"{normalized_shape} and {eps} came"
            )
        self.normalized_shape, self.eps = shape, float(eps)
        self.weight = parameter(np.ones(shape, dtype), "γ") if elementwise_affine else None
        self.bias = parameter(np.zeros(shape, dtype), "β") if elementwise_affine and bias else None

    def forward(self, x: Operand) -> Operand:
        """The normalized features, of the shape of x.

        Raises:
            ShapeError: the last axes have other lengths.
            TypeError: an array was put in the place of a parameter.
        """
        self.require_nodes("weight", "bias")
        shape, n = np.shape(value_of(x)), len(self.normalized_shape)
        if shape[-n:] != self.normalized_shape:
            wanted = ", ".join(map(str, self.normalized_shape))
            raise ShapeError(f"{self.title()}: x (…, {wanted}) was expected, {shape} came")
        axes = tuple(range(-n, 0))
        mean, variance = ops.mean(x, axes, keepdims=True), ops.var(x, axes, keepdims=True)
        y = (x - mean) * (variance + self.eps) ** -0.5
        if self.weight is not None:
            y = self.weight * y
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        """The shape."""
        return "×".join(map(str, self.normalized_shape))
