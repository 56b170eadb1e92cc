"""Functions of networks that are composed of primitives: activations, losses, and the penalty on weights.

None of them has a derivative of its own: it follows from the parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import nonzero, real
from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import itself, labels, layer, verified
from tinygrad_edu.types import Operand

# ---- activations ----


@verified(layer(itself, nonzero(5, 3)))
def leaky_relu(x: Operand, negative_slope: float = 0.01) -> Operand:
    """The leaky ReLU: x where x > 0, elsewhere negative_slope · x, and so at 0 (Maas et al. 2013)."""
    return ops.where(x > 0, x, negative_slope * x)


@verified(layer(itself, real(5, 3)))
def gelu(x: Operand) -> Operand:
    """The GELU, x · Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016, without tanh)."""
    return 0.5 * x * (1 + ops.erf(x / math.sqrt(2)))


# ---- losses: reduction "mean" divides by the number of elements, "sum" does not ----


@verified(layer(itself, real(5, 3), labels(2, 5, 3), reduction="sum"))
def mse_loss(prediction: Operand, target: Operand, reduction: str = "mean") -> Operand:
    """Squared error, (prediction − target)².

    Raises:
        ShapeError: the shapes differ; (n,) against (n, 1) would compare everything with everything.
        ValueError: an unknown reduction.
    """
    return _reduce(ops.square(prediction - _matched("mse_loss", prediction, target)), reduction)


@verified(layer(itself, real(5), labels(2, 5), reduction="sum"))
def binary_cross_entropy_with_logits(logits: Operand, target: Operand, reduction: str = "mean") -> Operand:
    """−(t log a + (1 − t) log(1 − a)) with a = σ(x), of logits x and targets t in [0, 1].

    Since −log σ(x) = softplus(−x) and −log(1 − σ(x)) = softplus(x), the logarithm of a number that has been
    rounded to 0 never occurs, and the two terms, both positive, cancel no digits.

    Raises:
        ShapeError: the shapes differ.
        ValueError: a target outside [0, 1], or an unknown reduction.
    """
    t = _matched("binary_cross_entropy_with_logits", logits, target)
    values = np.asarray(value_of(t))
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError(
            f"binary_cross_entropy_with_logits: targets in [0, 1] were expected, "
            f"{values.min():.4g} … {values.max():.4g} came"
        )
    return _reduce(t * ops.softplus(-logits) + (1 - t) * ops.softplus(logits), reduction)


@verified(layer(itself, real(5, 3), labels(3, 5), reduction="sum"))
def cross_entropy(logits: Operand, labels: Any, reduction: str = "mean") -> Operand:
    """−log softmax(logits) at the labels: logits (batch, classes), labels (batch), integers in [0, classes).

    Raises:
        ShapeError: not one integer for each row of the logits.
        ValueError: a label that is no class, or an unknown reduction.
    """
    check_reduction(reduction)
    labels = np.asarray(value_of(labels))
    loss = ops.softmax_cross_entropy(logits, labels=labels)
    return loss if reduction == "mean" else loss * len(labels)


@verified(layer(itself, real(5, 3), real(3), call=lambda f, *w: f(w, 0.1), batch=None))
def l2(parameters: Iterable[Operand], strength: float) -> Operand:
    """The penalty on large weights, strength / 2 · Σ w², to add to a loss; its derivative is strength · w.

    Args:
        parameters: what to keep small; as a rule the weights, without biases.
        strength: λ ≥ 0.

    Raises:
        ValueError: there are no parameters, or the strength is negative.
    """
    squares = [ops.sum(w * w) if np.shape(value_of(w)) else w * w for w in parameters]
    if not squares or not strength >= 0:
        raise ValueError(
            f"l2: parameters and a strength ≥ 0 were expected, {len(squares)} and {strength} came"
        )
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return strength / 2 * total


def _matched(name: str, prediction: Operand, target: Operand) -> Operand:
    """The target, if it has the prediction's shape; plain numbers in its dtype: float32 stays float32."""
    x, t = value_of(prediction), value_of(target)
    if np.shape(x) != np.shape(t):
        raise ShapeError(
            f"{name}: a target of the prediction's shape {np.shape(x)} was expected, {np.shape(t)} came: "
            f"reshape one of them, they would be broadcast against each other"
        )
    dtype = np.result_type(x) if np.result_type(x).kind == "f" else np.dtype(float)
    if isinstance(target, Node) and (target.requires_grad or np.result_type(t) == dtype):
        return target  # which may have a name, for drawings
    return t if type(x) is float else np.asarray(t, dtype)


def _reduce(losses: Operand, reduction: str) -> Operand:
    check_reduction(reduction)
    if np.shape(value_of(losses)) == ():
        return losses
    return ops.mean(losses) if reduction == "mean" else ops.sum(losses)


def check_reduction(reduction: str) -> None:
    """Refuse a reduction other than "mean" and "sum", by a ValueError."""
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction: 'mean' or 'sum' was expected, {reduction!r} came")
