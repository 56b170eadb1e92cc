"""Losses of classes: minus the logarithm of the probability that the right class got.

    loss = −Σ_c w_c q_c log p_c        p = softmax(logits), q the target, w the weights of the classes

A label y is the target q with a 1 at y. Smoothed by ε, it is (1 − ε) q + ε / classes, so that no logit has to go to
infinity. All of it is one formula, which is composed of primitives; the usual case, labels and nothing else, has one
node, `tg.softmax_cross_entropy`, instead of nine. A test proves both equal.

"mean" is a weighted mean: of labels, Σ loss / Σ w_y; of targets that are distributions, Σ loss / n, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import interval, real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import itself, layer, verified
from tinygrad_edu.nn.cases import labels as labels_below
from tinygrad_edu.nn.functional.reduction import (
    check_reduction,
    floating,
    matched,
    not_negative,
    reduced,
    refuse_lists,
)
from tinygrad_edu.nn.options import require
from tinygrad_edu.types import Array, Operand, Shape


@verified(
    layer(itself, real(5, 3), labels_below(3, 5), reduction="sum"),
    layer(itself, real(2, 3, 4), labels_below(3, 2, 4), weight=[1.0, 2.0, 0.5], label_smoothing=0.1),
    layer(itself, real(5, 3), interval(0.1, 0.9, 5, 3), label_smoothing=0.2),
)
def cross_entropy(
    logits: Operand, target: Any, reduction: str = "mean", *, weight: Any = None, ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Operand:  # fmt: skip
    """The cross-entropy of classes, −Σ w q log softmax(logits).

    Args:
        logits: (batch, classes, …).
        target: labels (batch, …), integers in [0, classes); or distributions, of the shape of the logits. Whether
            those sum to 1 is not looked at.
        reduction: "mean", "sum" or "none".
        weight: (classes), how much each class counts.
        ignore_index: a label that stands for none: it costs nothing, and does not count.
        label_smoothing: ε in [0, 1] (Szegedy et al. 2016, sec. 7).

    Raises:
        ShapeError: other shapes, or labels that are no integers.
        ValueError: a label that is no class, a number outside its range, nothing but ignored labels where the mean is
            asked for, or an unknown reduction.
    """
    check_reduction(reduction)
    refuse_lists("cross_entropy", logits)
    check_smoothing("cross_entropy", label_smoothing)
    shape, found = np.shape(value_of(logits)), np.asarray(value_of(target))
    if found.dtype.kind == "f" and found.shape == shape and len(shape) >= 2:
        return _of_distributions(logits, target, reduction, weight, label_smoothing)
    _refuse_rows("cross_entropy", shape, found)
    ignored = bool(np.any(found == ignore_index))
    usual = weight is None and not label_smoothing and not ignored and reduction != "none"
    if usual and len(shape) == 2 and found.shape == shape[:1] and found.dtype.kind in "iu" and found.size:
        _refuse_no_class("cross_entropy", found, shape[1])
        loss = ops.softmax_cross_entropy(logits, labels=found)
        return loss if reduction == "mean" else loss * len(found)
    log_p = ops.log_softmax(logits, axis=1)
    w, y, counts = _labelled("cross_entropy", log_p, found, weight, ignore_index)
    q = (1 - label_smoothing) * _one_hot(y, log_p) + label_smoothing / shape[1]
    return _mean_of_labels(-ops.sum((w * q * counts[:, None]) * log_p, axis=1), reduction, w, y, counts)


@verified(
    layer(itself, real(5, 3), labels_below(3, 5)),
    layer(itself, real(5, 3), labels_below(3, 5), weight=[1.0, 2.0, 0.5], ignore_index=1, reduction="sum"),
)
def nll_loss(
    log_p: Operand, labels: Any, reduction: str = "mean", *, weight: Any = None, ignore_index: int = -100
) -> Operand:
    """−log p at the labels, of log-probabilities such as `log_softmax` gives: the second half of `cross_entropy`.

    Args:
        log_p: (batch, classes, …).
        labels: (batch, …), integers in [0, classes).
        reduction: "mean", "sum" or "none".
        weight: (classes), how much each class counts.
        ignore_index: a label that stands for none.

    Raises:
        ShapeError: other shapes, or labels that are no integers.
        ValueError: as for `cross_entropy`.
    """
    check_reduction(reduction)
    refuse_lists("nll_loss", log_p)
    w, y, counts = _labelled("nll_loss", log_p, np.asarray(value_of(labels)), weight, ignore_index)
    at = (_one_hot(y, log_p) * counts[:, None]).astype(bool)
    # Chosen and not multiplied: 0 times the −∞ of an impossible class would be NaN.
    return _mean_of_labels(-ops.sum(w * ops.where(at, log_p, 0.0), axis=1), reduction, w, y, counts)


def check_smoothing(name: str, label_smoothing: float) -> None:
    """Refuse an ε outside [0, 1], by a ValueError, and what is no number, by a TypeError."""
    require(name, "label_smoothing in [0, 1]", label_smoothing, lambda given: 0 <= given <= 1)


# ---- distributions, and labels ----


def _refuse_rows(name: str, shape: Shape, target: Array) -> None:
    """Refuse, with the way out, what is often taken for labels: a column of them, or one-hot rows of integers."""
    if len(shape) < 2:
        hint = ": of one sample say logits.reshape(1, -1) and [label]"
    elif target.dtype.kind in "iub" and target.shape == shape and target.shape != (shape[0], *shape[2:]):
        hint = ": say target.argmax(axis=1), or of distributions target.astype(float)"
    elif target.shape == (shape[0], 1) and len(shape) == 2:
        hint = ": say target.ravel()"
    else:
        return
    raise ShapeError(
        f"{name}: logits (batch, classes, …) and labels (batch, …), integers, were expected, {shape} and "
        f"{target.dtype} {target.shape} came{hint}"
    )


def _of_distributions(
    logits: Operand, target: Operand, reduction: str, weight: Any, smoothing: float
) -> Operand:
    classes = np.shape(value_of(logits))[1]
    q = matched("cross_entropy", logits, target)
    values = np.asarray(value_of(q))
    if not np.all(values >= 0):
        raise ValueError(
            f"cross_entropy: probabilities ≥ 0 were expected as a target, {values.min():.4g} came"
        )
    if smoothing:
        q = (1 - smoothing) * q + smoothing / classes
    if weight is not None:
        q = _class_weights("cross_entropy", logits, weight) * q
    return reduced(-ops.sum(q * ops.log_softmax(logits, axis=1), axis=1), reduction)


def _labelled(name: str, x: Operand, y: Array, weight: Any, ignore_index: int) -> tuple[Array, Array, Array]:
    """The weights (classes, 1, …), labels that are all classes, and 1 where they count, else 0."""
    shape = np.shape(value_of(x))
    if len(shape) < 2 or y.shape != (shape[0], *shape[2:]) or y.dtype.kind not in "iu":
        raise ShapeError(
            f"{name}: (batch, classes, …) and labels (batch, …), integers, were expected, {shape} and {y.dtype} "
            f"{y.shape} came" + (": say labels.astype(int)" if y.dtype.kind == "f" else "")
        )
    counts = y != ignore_index
    y = np.where(counts, y, 0)
    _refuse_no_class(name, y, shape[1])
    return _class_weights(name, x, weight), y, counts.astype(floating(value_of(x)))


def _refuse_no_class(name: str, y: Array, classes: int) -> None:
    if y.size and not 0 <= y.min() <= y.max() < classes:
        raise ValueError(f"{name}: labels in [0, {classes}) were expected, {y.min()} … {y.max()} came")


def _class_weights(name: str, x: Operand, weight: Any) -> Array:
    value, shape = value_of(x), np.shape(value_of(x))
    w = np.ones(shape[1]) if weight is None else np.asarray(value_of(weight))
    if w.shape != shape[1:2]:
        raise ShapeError(f"{name}: a weight for each of the {shape[1]} classes was expected, {w.shape} came")
    return not_negative(name, "a weight", w).astype(floating(value)).reshape(-1, *[1] * (len(shape) - 2))


def _one_hot(y: Array, x: Operand) -> Array:
    """Labels (batch, …) as (batch, classes, …) with a 1 at each, in the dtype of x."""
    value = value_of(x)
    return np.moveaxis(np.eye(np.shape(value)[1], dtype=floating(value))[y], -1, 1)


def _mean_of_labels(losses: Operand, reduction: str, w: Array, y: Array, counts: Array) -> Operand:
    total = np.sum(w.ravel()[y] * counts)
    if reduction == "mean" and total == 0:
        raise ValueError("reduction: 'mean' needs at least one label that counts, all are ignored or weigh 0")
    return reduced(losses, reduction, total)
