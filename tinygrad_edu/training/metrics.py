"""Metrics: how good predictions are, in numbers that people can read; functions of arrays, outside any graph.

Arguments are in the order of scikit-learn: what is true first, what was predicted second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Array

AVERAGES = ("micro", "macro", "weighted", None)


def accuracy(y_true: Any, y_pred: Any) -> float:
    """The share of right predictions, in [0, 1].

    Args:
        y_true: (n,) classes, n ≥ 1, integers.
        y_pred: (n,) predicted classes: `logits.argmax(axis=1)`.

    Raises:
        ShapeError: not (n,) both.
        TypeError: something else than integers.
        ValueError: no samples.
    """
    true, predicted = _classes("accuracy", y_true, y_pred)
    return float(np.mean(true == predicted))


def confusion_matrix(y_true: Any, y_pred: Any, *, labels: Sequence[int] | None = None) -> Array:
    """How often each class was taken for each: C[i, j] samples of the i-th label were predicted as the j-th.

    Args:
        y_true: (n,) classes.
        y_pred: (n,) predicted classes.
        labels: the classes in the order of rows and columns, which must be all that occur; by default those that
            occur, ascending.

    Returns:
        (classes, classes) counts.

    Raises:
        ShapeError, TypeError, ValueError: as for `accuracy`; or a class that is not among the labels.
    """
    true, predicted = _classes("confusion_matrix", y_true, y_pred)
    order = np.union1d(true, predicted) if labels is None else np.asarray(labels)
    place = {int(label): i for i, label in enumerate(order)}
    strange = sorted(set(np.union1d(true, predicted).tolist()) - place.keys())
    if strange or len(place) < len(order):
        raise ValueError(
            f"confusion_matrix: each class once was expected among the labels {list(place)}, "
            f"{f'{strange} occur' if strange else 'one came twice'}"
        )
    counts = np.zeros((len(order), len(order)), np.int64)
    np.add.at(counts, ([place[int(c)] for c in true], [place[int(c)] for c in predicted]), 1)
    return counts


def precision_recall_f1(
    y_true: Any, y_pred: Any, *, average: str | None = "macro", labels: Sequence[int] | None = None,
    zero_division: float = 0.0,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Precision TP / (TP + FP), recall TP / (TP + FN), and F₁ = 2 TP / (2 TP + FP + FN), the harmonic mean of both.

    Args:
        y_true: (n,) classes.
        y_pred: (n,) predicted classes.
        average: "micro" adds up the counts of all classes, "macro" takes the mean over the classes, "weighted" the mean
            over the samples; None for all the classes by themselves.
        labels: as for `confusion_matrix`.
        zero_division: what stands for 0 / 0, as in the precision of a class that is never predicted. With NaN it shows.

    Returns:
        Precision, recall, F₁: numbers in [0, 1], or (classes,) each.

    Raises:
        ShapeError, TypeError, ValueError: as for `confusion_matrix`, or an unknown average.
    """
    if average not in AVERAGES:
        raise ValueError(f"precision_recall_f1: an average among {AVERAGES} was expected, {average!r} came")
    counts = confusion_matrix(y_true, y_pred, labels=labels)
    right, predicted, true = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    if average == "micro":
        right, predicted, true = right.sum(), predicted.sum(), true.sum()
    found: list[Any] = []
    for above, below in ((right, predicted), (right, true), (2 * right, predicted + true)):
        quotient = np.where(below == 0, zero_division, above / np.where(below == 0, 1, below))
        if average is None:
            found.append(quotient)
        else:
            weights = true if average == "weighted" else None
            found.append(float(np.average(quotient, weights=weights)))
    return found[0], found[1], found[2]


def roc_auc(y_true: Any, y_score: Any) -> float:
    """The probability that a positive sample has a higher score than a negative one (Hanley and McNeil 1982).

    A tie counts one half. Pairs are counted in whole numbers, so that only the last division rounds.

    Args:
        y_true: (n,) 0 or 1, both of which occur.
        y_score: (n,) real numbers, the higher the more positive.

    Raises:
        ShapeError: not (n,) both.
        TypeError: classes that are no integers.
        ValueError: other classes, or only one of them; a score that is NaN.
    """
    true, score = _pair("roc_auc", y_true, y_score)
    _refuse_fractions("roc_auc", true)
    positive, negative = score[true == 1], score[true == 0]
    if len(positive) + len(negative) < len(true) or not len(positive) or not len(negative):
        raise ValueError(
            f"roc_auc: samples of both classes 0 and 1 were expected, {np.unique(true).tolist()} came"
        )
    if np.isnan(score).any():
        raise ValueError(f"roc_auc: scores were expected, {np.isnan(score).sum()} of {len(score)} are NaN")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")  # for each positive, the negatives with a lower score
    not_above = np.searchsorted(ordered, positive, "right")
    return int(below.sum() + not_above.sum()) / (2 * len(positive) * len(negative))


@dataclass(frozen=True)
class Calibration:
    """How far a model may be believed; a row for each bin of confidence that is not empty.

    Attributes:
        confidence: (bins,) the mean of the probabilities in a bin.
        accuracy: (bins,) the share that was right; of a calibrated model the same.
        count: (bins,) the number of samples.
    """

    confidence: Array
    accuracy: Array
    count: Array

    @property
    def error(self) -> float:
        """Σ count · |accuracy − confidence| / n, the expected calibration error, in [0, 1]."""
        return float(np.average(np.abs(self.accuracy - self.confidence), weights=self.count))


def calibration(y_true: Any, probability: Any, *, bins: int = 10) -> Calibration:
    """Of all that is said with 80 %, are 80 % right? (Guo et al. 2017, eq. 2 and 3).

    Args:
        y_true: (n,) classes.
        probability: (n, classes), such as `ops.softmax(logits)`: the confidence is the largest of a row, and right is a
            row whose largest is at the class. Or (n,) the probabilities of y = 1, for y of 0 and 1: right is y = 1.
        bins: of equal width in [0, 1], ≥ 1; an edge belongs to the bin below it.

    Raises:
        ShapeError: other shapes.
        TypeError: classes that are no integers.
        ValueError: no samples, bins < 1, probabilities outside [0, 1], or classes that there are not.
    """
    p = np.asarray(value_of(probability), float)
    if not np.all((p >= 0) & (p <= 1)) or bins < 1:
        raise ValueError(
            f"calibration: probabilities in [0, 1] and bins ≥ 1 were expected, {p.min(initial=1):.4g} … "
            f"{p.max(initial=0):.4g} and {bins} came: of logits take softmax or sigmoid"
        )
    if p.ndim == 2:
        true, predicted = _classes("calibration", y_true, p.argmax(axis=1))
        p, right = p.max(axis=1), true == predicted
    else:
        true, p = _pair("calibration", y_true, p)
        _refuse_fractions("calibration", true)
        right = true == 1
        if not np.isin(true, (0, 1)).all():
            raise ValueError(f"calibration: y of 0 and 1 was expected, {np.unique(true).tolist()} came")
    bin_of = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)
    used, bin_of, count = np.unique(bin_of, return_inverse=True, return_counts=True)
    sums = [np.bincount(bin_of, weights=x, minlength=len(used)) for x in (p, right)]
    return Calibration(sums[0] / count, sums[1] / count, count)


def r2(y_true: Any, y_pred: Any) -> float:
    """The coefficient of determination 1 − Σ (y − ŷ)² / Σ (y − ȳ)²: 1 is perfect, 0 is what the mean would reach.

    Args:
        y_true: (n,) numbers, n ≥ 2, that are not all equal.
        y_pred: (n,) predictions.

    Raises:
        ShapeError: not (n,) both.
        ValueError: fewer than two different numbers: there is no variance to be explained.
    """
    true, predicted = (x.astype(float) for x in _pair("r2", y_true, y_pred))
    variation = float(((true - true.mean()) ** 2).sum())
    if len(true) < 2 or (true == true[0]).all():
        raise ValueError(f"r2: at least two different true values were expected, {len(true)} equal came")
    return 1 - float(((true - predicted) ** 2).sum()) / variation


def _pair(name: str, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
    """Two arrays of one axis: where shapes differ, NumPy would compare all with all."""
    true, predicted = np.asarray(value_of(y_true)), np.asarray(value_of(y_pred))
    if true.ndim != 1 or true.shape != predicted.shape:
        hint = ": say logits.argmax(axis=1)" if predicted.ndim == 2 and name == "accuracy" else ""
        raise ShapeError(
            f"{name}: two arrays of shape (n,) were expected, {true.shape} and {predicted.shape} came{hint}"
        )
    if not len(true):
        raise ValueError(f"{name}: at least one sample was expected, none came")
    return true, predicted


def _classes(name: str, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
    true, predicted = _pair(name, y_true, y_pred)
    for y in (true, predicted):
        _refuse_fractions(name, y)
    return true, predicted


def _refuse_fractions(name: str, y: Array) -> None:
    if y.dtype.kind not in "iub":
        raise TypeError(f"{name}: classes as integers were expected, {y.dtype} came")
