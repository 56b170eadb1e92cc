"""Layer normalization: each sample gets mean 0 and variance 1 over its own features (Ba, Kiros and Hinton 2016).

    y = γ (x − μ) · (σ² + ε)^(−1/2) + β        μ, σ²: of the last axes, for each sample by itself

Other than a batch norm it needs no batch and keeps no statistics: training and use are the same. The RMS norm does
without the mean, too: what helps is that the size is fixed, and less is to be computed (Zhang and Sennrich 2019).

    y = γ x · (mean(x²) + ε)^(−1/2)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import counts
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.functional import moments, root_mean_square_norm, standardize
from tinygrad_edu.nn.functional.reduction import floating
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.types import Operand, Shape


def _lengths(name: str, normalized_shape: int | Sequence[int], eps: float | None) -> tuple[int, ...]:
    shape = tuple(normalized_shape) if isinstance(normalized_shape, Sequence) else (normalized_shape,)
    if not shape or not counts(*shape) or not (eps is None or eps > 0):
        raise ValueError(
            f"{name}: a normalized_shape of lengths of at least 1, and eps > 0, were expected, "
            f"{normalized_shape} and {eps} came"
        )
    return shape


def _axes(layer: Module, normalized_shape: Shape, x: Operand) -> tuple[int, ...]:
    """The last axes of x, if they have these lengths."""
    shape, n = np.shape(value_of(x)), len(normalized_shape)
    if shape[-n:] != normalized_shape:
        wanted = ", ".join(map(str, normalized_shape))
        raise ShapeError(f"{layer.title()}: x (…, {wanted}) was expected, {shape} came")
    return tuple(range(-n, 0))


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
        shape = _lengths("LayerNorm", normalized_shape, eps)
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
        y = standardize(x, *moments(x, _axes(self, self.normalized_shape, x)), self.eps)
        if self.weight is not None:
            y = self.weight * y
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        """The shape."""
        return "×".join(map(str, self.normalized_shape))


@verified(
    layer(lambda rng: RMSNorm(3, eps=1e-5), real(4, 3)),
    layer(lambda rng: RMSNorm((2, 3), eps=1e-3, elementwise_affine=False), real(2, 2, 3)),
)
class RMSNorm(Module):
    """Divide by the root of the mean square of the last axes: x (…, *normalized_shape).

    Args:
        normalized_shape: the lengths of the axes to normalize over, each ≥ 1; a number for the last one.
        eps: ε > 0; None for the distance from 1 to the next number, 2.2e-16 of float64.
        elementwise_affine: whether there is γ (`weight`, starts at 1).
        dtype: of γ.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True, *,
        dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        self.normalized_shape, self.eps = _lengths("RMSNorm", normalized_shape, eps), eps
        self.weight = parameter(np.ones(self.normalized_shape, dtype), "γ") if elementwise_affine else None

    def forward(self, x: Operand) -> Operand:
        """The normalized features, of the shape of x.

        Raises:
            ShapeError: the last axes have other lengths.
            TypeError: an array was put in the place of a parameter.
        """
        self.require_nodes("weight")
        eps = float(np.finfo(floating(value_of(x))).eps) if self.eps is None else self.eps
        y = root_mean_square_norm(x, _axes(self, self.normalized_shape, x), eps)
        return y if self.weight is None else self.weight * y

    def extra_repr(self) -> str:
        """The shape."""
        return "×".join(map(str, self.normalized_shape))
