"""Losses of decisions, yes or no: what does a probability cost, or a logit, when the answer is known?

    a = σ(x)        loss = −(t log a + (1 − t) log(1 − a))        ∂loss/∂x = a − t

From logits this is exact for every x. From a probability it cannot be: an `a` that was rounded to 1 no longer says by
how much it was wrong. So take the logits where there is a choice.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import interval, real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.nn.cases import itself, labels, layer, verified
from tinygrad_edu.nn.functional.reduction import check_reduction, floating, matched, reduced, weights_for
from tinygrad_edu.nn.functional.regression import checked_signs, signs
from tinygrad_edu.types import Operand

# ---- cross-entropy of yes and no ----


@verified(
    layer(itself, real(5), labels(2, 5), reduction="sum"),
    layer(itself, real(5, 3), interval(0.1, 0.9, 5, 3), weight=[1.0, 2.0, 0.5], pos_weight=[3.0, 1.0, 0.2]),
)
def binary_cross_entropy_with_logits(
    logits: Operand, target: Operand, reduction: str = "mean", *, weight: Any = None, pos_weight: Any = None
) -> Operand:
    """−w (p t log a + (1 − t) log(1 − a)) with a = σ(x), of logits x and targets t in [0, 1].

    Since −log σ(x) = softplus(−x) and −log(1 − σ(x)) = softplus(x), the logarithm of a number that has been
    rounded to 0 never occurs, and the two terms, both positive, cancel no digits.

    Args:
        logits: of any shape.
        target: of the same.
        reduction: "mean" divides by the number of elements, whatever the weights; "sum", "none".
        weight: w, of each element; it may be broadcast to the logits.
        pos_weight: p, of the answer yes; larger than 1 where yes is rare and must not be overlooked.

    Raises:
        ShapeError: the shapes differ, or weights would enlarge them.
        ValueError: a target outside [0, 1], a weight below 0, or an unknown reduction.
    """
    t = _probabilities("binary_cross_entropy_with_logits", "targets", matched(
        "binary_cross_entropy_with_logits", logits, target))  # fmt: skip
    yes, no = ops.softplus(-logits), ops.softplus(logits)
    if pos_weight is not None:
        yes = weights_for("binary_cross_entropy_with_logits", "a pos_weight", pos_weight, logits) * yes
    losses = t * yes + (1 - t) * no
    if weight is not None:
        losses = weights_for("binary_cross_entropy_with_logits", "a weight", weight, logits) * losses
    return reduced(losses, reduction)


@verified(
    layer(itself, interval(0.1, 0.9, 5), labels(2, 5), reduction="sum"),
    layer(itself, interval(0.1, 0.9, 5, 3), interval(0.1, 0.9, 5, 3), weight=[1.0, 2.0, 0.5]),
)
def binary_cross_entropy(
    probability: Operand, target: Operand, reduction: str = "mean", *, weight: Any = None
) -> Operand:
    """−w (t log a + (1 − t) log(1 − a)), of probabilities a and targets t in [0, 1].

    Logarithms are cut off at −100, and their slopes at 1e12, as in PyTorch: the loss of a certain error is 100, and not
    infinite, and it pulls towards the right answer. Below a = 1e-12 that slope is not the derivative of what is
    returned, which is steeper, or constant: `binary_cross_entropy_with_logits` has no such end.

    Raises:
        ShapeError: the shapes differ, or weights would enlarge them.
        ValueError: a probability or a target outside [0, 1], a weight below 0, or an unknown reduction.
    """
    a = _probabilities("binary_cross_entropy", "probabilities", probability)
    t = _probabilities("binary_cross_entropy", "targets", matched("binary_cross_entropy", a, target))
    losses = -(t * _limited_log(a) + (1 - t) * _limited_log(1 - a))
    if weight is not None:
        losses = weights_for("binary_cross_entropy", "a weight", weight, a) * losses
    return reduced(losses, reduction)


@verified(
    layer(itself, real(5), labels(2, 5)),
    layer(itself, real(5, 3), labels(2, 5, 3), gamma=0.5, alpha=0.25, reduction="sum"),
)
def focal_loss(
    logits: Operand,
    target: Operand,
    reduction: str = "mean",
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
) -> Operand:
    """−α (1 − p)^γ log p, where p is the probability given to the right answer (Lin et al. 2017, eq. 5).

    What is recognized without doubt, p near 1, hardly counts any more, so that many easy samples do not drown a few
    difficult ones. With p = σ(x), 1 − p = exp(−softplus(x)): no power of a number that was rounded to 0.

    Args:
        logits: x, of any shape.
        target: of the same, in [0, 1]: 1 for yes, 0 for no.
        reduction: "mean" divides by the number of elements; "sum", "none".
        gamma: γ ≥ 0; 0 gives the cross-entropy.
        alpha: the weight of yes, in [0, 1], that of no being 1 − α; by default both weigh 1.

    Raises:
        ShapeError: the shapes differ.
        ValueError: a number outside its range, or an unknown reduction.
    """
    if not 0 <= gamma < math.inf or not (alpha is None or 0 <= alpha <= 1):
        raise ValueError(
            f"focal_loss: gamma ≥ 0 and alpha in [0, 1] or None were expected, {gamma} and {alpha} came"
        )
    t = _probabilities("focal_loss", "targets", matched("focal_loss", logits, target))
    of_yes, of_no = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    no, yes = ops.softplus(logits), ops.softplus(-logits)  # −log of the probability of no, and of yes
    losses = of_yes * t * ops.exp(-gamma * no) * yes + of_no * (1 - t) * ops.exp(-gamma * yes) * no
    return reduced(losses, reduction)


def _limited_log(a: Operand) -> Operand:
    """Log a where a ≥ 1e-12; below, max(log a, −100), as a point of a line with the slope 1e12."""
    values = value_of(a)
    below = np.asarray(values < 1e-12, floating(values))
    if not np.any(below):
        return ops.log(a)
    with np.errstate(divide="ignore"):
        height = np.maximum(np.log(np.where(below, values, 1)), -100)
    steep = min(1e12, float(np.finfo(below.dtype).max))
    b, h = (float(below), float(height)) if type(values) is float else (below, height)
    return b * (h + steep * (a - values)) + (1 - b) * ops.log(b + (1 - b) * a)


def _probabilities(name: str, what: str, x: Operand) -> Operand:
    values = np.asarray(value_of(x))
    if not np.all((values >= 0) & (values <= 1)):
        logits = ": of logits say binary_cross_entropy_with_logits" if what == "probabilities" else ""
        raise ValueError(
            f"{name}: {what} in [0, 1] were expected, {values.min():.4g} … {values.max():.4g} came{logits}"
        )
    return x


# ---- a margin ----


@verified(layer(itself, interval(-0.9, 0.9, 5), signs(5)))
def hinge_loss(score: Operand, target: Any, reduction: str = "mean") -> Operand:
    """max(0, 1 − t · score) of targets t = −1 and 1: right by a margin of 1 costs nothing (Cortes and Vapnik 1995).

    At the margin itself the slope is 0.

    Raises:
        ShapeError: the shapes differ.
        ValueError: another target, or an unknown reduction.
    """
    value = value_of(score)
    t = checked_signs("hinge_loss", target, np.shape(value), floating(value))
    return reduced(ops.relu(1 - t * score), reduction)


# ---- between distributions ----


@verified(
    layer(itself, real(5, 3), interval(0.1, 0.9, 5, 3)),
    layer(itself, real(5, 3), real(5, 3), log_target=True, reduction="batchmean"),
)
def kl_div(log_q: Operand, target: Operand, reduction: str = "mean", *, log_target: bool = False) -> Operand:
    """The terms p (log p − log q), whose sum is the divergence of p from q (Kullback and Leibler 1951).

    Args:
        log_q: the logarithms of the probabilities predicted, as of `log_softmax`.
        target: p, of the same shape; where p = 0 the loss is 0, and so is the slope by p that is passed on.
        reduction: "batchmean" divides the sum by the length of the first axis: for rows that are distributions this is
            the mean divergence. "mean" divides by all elements, and so is too small by the number of classes.
        log_target: whether the target is log p.

    Raises:
        ShapeError: the shapes differ, or "batchmean" of a single number.
        ValueError: p < 0, or an unknown reduction.
    """
    check_reduction(reduction, "batchmean")
    p = matched("kl_div", log_q, target)
    if log_target:
        losses = ops.exp(p) * (p - log_q)
    else:
        values = np.asarray(value_of(p))
        if not np.all(values >= 0):
            raise ValueError(f"kl_div: probabilities p ≥ 0 were expected, {values.min():.4g} came: of log p say "
                             f"log_target=True")  # fmt: skip
        some = values > 0
        losses = ops.where(some, p * (ops.log(ops.where(some, p, 1.0)) - log_q), 0.0)
    if reduction == "batchmean":
        return ops.sum(losses) / len(losses)
    return reduced(losses, reduction)
