"""Normalization: subtract the mean, divide by the standard deviation, of whichever axes.

    μ  = mean(x)        σ² = mean((x − μ)²)        x̂ = (x − μ) · (σ² + ε)^(−1/2)

Over the batch this is a batch norm, over the features of a sample a layer norm, over a group of channels a group norm.
The layers differ in the axes, and in nothing else.

x reaches x̂ on three paths: by itself, through μ, and through σ². `standardize` is composed of primitives, and all three
are taken care of. `standardize_fused` is the same as one node, with the backward pass that one derives on paper, with
g the cotangent of x̂ and n how many elements were averaged:

    x̄ = (σ² + ε)^(−1/2) · (g − mean(g) − x̂ · mean(g x̂))
                           itself  through μ  through σ²
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import positive, real
from tinygrad_edu.core.node import Node
from tinygrad_edu.custom import custom_vjp
from tinygrad_edu.nn.cases import itself, layer, verified
from tinygrad_edu.types import Array, Axis, Operand


def moments(x: Operand, axis: Axis) -> tuple[Operand, Operand]:
    """μ and σ² over axes, which stay, with length 1; σ² is biased: divided by n, and not by n − 1."""
    mean, variance = ops.mean(x, axis, keepdims=True), ops.var(x, axis, keepdims=True)
    for node, name in ((mean, "μ"), (variance, "σ²")):
        if isinstance(node, Node):
            node.name = name
    return mean, variance


@verified(
    layer(itself, real(5, 3), real(1, 3), positive(1, 3), batch=None),
    layer(itself, real(5, 3), call=lambda f, x: f(x, *moments(x, 1))),
)
def standardize(x: Operand, mean: Operand, variance: Operand, eps: float = 1e-5) -> Operand:
    """x̂ = (x − μ) · (σ² + ε)^(−1/2), with statistics of x itself (`moments`) or of other samples."""
    x_hat = (x - mean) * (variance + eps) ** -0.5
    if isinstance(x_hat, Node):
        x_hat.name = "x̂"
    return x_hat


@verified(
    layer(itself, real(5, 3), axis=1, first_order=True),
    layer(itself, real(2, 3, 2), axis=(0, 2), first_order=True),
)
def standardize_fused(x: Operand, axis: Axis, eps: float = 1e-5) -> Operand:
    """`standardize(x, *moments(x, axis), eps)` as one node, whose backward pass is written by hand.

    It works on plain arrays, so it has no second derivative, and no forward mode: they are refused.
    """

    def forward(x: Array) -> Array:
        deviation = x - x.mean(axis, keepdims=True)
        return np.asarray(deviation / _deviation(x, axis, eps))

    def backward(g: Array, y: Array, x: Array) -> Array:
        through_mean = g.mean(axis, keepdims=True)
        through_variance = y * (g * y).mean(axis, keepdims=True)
        return np.asarray((g - through_mean - through_variance) / _deviation(x, axis, eps))

    return custom_vjp(forward, backward)(x)


def _deviation(x: Array, axis: Axis, eps: float) -> Array:
    return np.asarray(np.sqrt(x.var(axis, keepdims=True) + eps))


@verified(layer(itself, real(5, 3), axis=1))
def root_mean_square_norm(x: Operand, axis: Axis, eps: float = 1e-5) -> Operand:
    """Normalize the length, and leave the mean: x · (mean(x²) + ε)^(−1/2) (Zhang and Sennrich 2019, eq. 4)."""
    return x * (ops.mean(ops.square(x), axis, keepdims=True) + eps) ** -0.5
