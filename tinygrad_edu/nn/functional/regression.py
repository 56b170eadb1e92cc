"""Losses of numbers: how far is a prediction from its target?

    d = prediction − target        ½ d²: the mean is best        |d|: the median is best, however far the others are

Huber's loss is the first near 0 and the second far away, so that an outlier pulls no harder than others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import Domain, interval, real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import itself, labels, layer, verified
from tinygrad_edu.nn.functional.reduction import floating, matched, reduced
from tinygrad_edu.nn.options import require
from tinygrad_edu.types import Array, Operand, Shape

# ---- of a difference ----


@verified(layer(itself, real(5, 3), labels(2, 5, 3), reduction="sum"))
def mse_loss(prediction: Operand, target: Operand, reduction: str = "mean") -> Operand:
    """Squared error, (prediction − target)².

    Raises:
        ShapeError: the shapes differ; (n,) against (n, 1) would compare everything with everything.
        ValueError: an unknown reduction.
    """
    return reduced(ops.square(prediction - matched("mse_loss", prediction, target)), reduction)


@verified(layer(itself, interval(2, 3, 5, 3), interval(-1, 1, 5, 3)))
def l1_loss(prediction: Operand, target: Operand, reduction: str = "mean") -> Operand:
    """Absolute error, |prediction − target|; where they are equal the slope is 0.

    Raises:
        ShapeError: the shapes differ.
        ValueError: an unknown reduction.
    """
    return reduced(ops.absolute(prediction - matched("l1_loss", prediction, target)), reduction)


@verified(
    layer(itself, interval(0.1, 0.8, 5, 3), interval(-0.1, 0, 5, 3)),
    layer(itself, interval(2, 3, 5), real(5), delta=0.1),
)
def huber_loss(prediction: Operand, target: Operand, reduction: str = "mean", delta: float = 1.0) -> Operand:
    """½ d² where |d| ≤ δ, elsewhere δ (|d| − ½ δ): the slope is d, limited to [−δ, δ] (Huber 1964).

    Raises:
        ShapeError: the shapes differ.
        ValueError: an unknown reduction, or δ is not positive.
    """
    require("huber_loss", "delta > 0", delta, lambda given: given > 0)
    distance = ops.absolute(prediction - matched("huber_loss", prediction, target))
    near = ops.clip(distance, high=delta)
    return reduced(near * (distance - 0.5 * near), reduction)  # one formula for both, and no large square


@verified(layer(itself, interval(0.1, 0.4, 5, 3), interval(-0.1, 0, 5, 3), beta=0.5))
def smooth_l1_loss(
    prediction: Operand, target: Operand, reduction: str = "mean", beta: float = 1.0
) -> Operand:
    """Huber's loss divided by its δ, here β: |d| − ½ β far away, with the slope ±1 (Girshick 2015).

    Args:
        prediction: of any shape.
        target: of the same.
        reduction: "mean", "sum" or "none".
        beta: where the parabola ends, ≥ 0; 0 is `l1_loss`.

    Raises:
        ShapeError: the shapes differ.
        ValueError: an unknown reduction, or β < 0.
    """
    require("smooth_l1_loss", "beta ≥ 0", beta, lambda given: given >= 0)
    if beta == 0:
        return l1_loss(prediction, target, reduction)
    return huber_loss(prediction, target, reduction, beta) / beta


# ---- of an angle ----


@verified(layer(itself, real(5, 3), real(5, 3)), layer(itself, real(3, 2), real(3, 2), axis=0, batch=1))
def cosine_similarity(a: Operand, b: Operand, axis: int = 1, eps: float = 1e-8) -> Operand:
    """The cosine of the angle between a and b along an axis, a · b / (‖a‖ ‖b‖), in [−1, 1].

    A length below eps counts as eps, so that a vector of zeros has the cosine 0 with everything, and no infinite slope.

    Raises:
        ShapeError: the shapes differ.
    """
    b = matched("cosine_similarity", a, b)
    squared = [ops.clip(ops.sum(x * x, axis), low=eps * eps) for x in (a, b)]
    return ops.sum(a * b, axis) / (ops.sqrt(squared[0]) * ops.sqrt(squared[1]))


def signs(*shape: int) -> Domain:
    """−1 and 1, which nothing is differentiated by."""

    def sample(rng: np.random.Generator, shape: Shape) -> Array:
        return rng.choice([-1, 1], shape)

    return Domain("±1", sample, shape, differentiable=False)


def checked_signs(name: str, target: Any, shape: Shape, dtype: Any) -> Array:
    """Targets −1 and 1, one for each loss.

    Raises:
        ShapeError: another shape.
        ValueError: another value.
    """
    t = np.asarray(value_of(target))
    if t.shape != tuple(shape):
        raise ShapeError(f"{name}: targets of shape {tuple(shape)} were expected, {t.shape} came")
    if not np.all((t == 1) | (t == -1)):
        raise ValueError(
            f"{name}: targets −1 and 1 were expected, {t.min()} … {t.max()} came: of 0 and 1 say 2 * target − 1"
        )
    return t.astype(dtype)


@verified(layer(itself, interval(-1, -0.5, 5, 3), interval(-1, -0.5, 5, 3), signs(5), margin=0.3))
def cosine_embedding_loss(
    a: Operand, b: Operand, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Operand:
    """1 − cos(a, b) of pairs that belong together, max(0, cos(a, b) − margin) of those that do not.

    Args:
        a: (batch, features).
        b: (batch, features).
        target: (batch), 1 or −1: whether a and b belong together.
        margin: in [−1, 1], the cosine up to which a strange pair costs nothing; there the slope is 0.
        reduction: "mean", "sum" or "none".

    Raises:
        ShapeError: other shapes.
        ValueError: a number outside its range, or an unknown reduction.
    """
    shape = np.shape(value_of(a))
    if len(shape) != 2:
        raise ShapeError(f"cosine_embedding_loss: pairs (batch, features) were expected, {shape} came")
    require("cosine_embedding_loss", "a margin in [−1, 1]", margin, lambda given: -1 <= given <= 1)
    t = checked_signs("cosine_embedding_loss", target, shape[:1], floating(value_of(a)))
    cosine = cosine_similarity(a, b)
    return reduced(ops.where(t > 0, 1 - cosine, ops.relu(cosine - margin)), reduction)
