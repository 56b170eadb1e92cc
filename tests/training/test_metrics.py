"""Metrics beside scikit-learn's figures, and beside counts by hand."""

from __future__ import annotations

import itertools
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.training import metrics

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "optim.json").read_text(encoding="utf-8"))[
    "metrics"
]
TRUE, PREDICTED = np.array(REFERENCE["y_true"]), np.array(REFERENCE["y_pred"])


def test_accuracy_and_confusion_as_scikit_learn():
    assert metrics.accuracy(TRUE, PREDICTED) == pytest.approx(REFERENCE["accuracy"], rel=1e-15)
    np.testing.assert_array_equal(metrics.confusion_matrix(TRUE, PREDICTED), REFERENCE["confusion"])


@pytest.mark.parametrize("average", ["micro", "macro", "weighted", None])
def test_precision_recall_f1_as_scikit_learn(average):
    found = metrics.precision_recall_f1(TRUE, PREDICTED, average=average)
    np.testing.assert_allclose(np.array(found), REFERENCE["precision_recall_f1"][str(average)], rtol=1e-14)
    assert 3 not in PREDICTED  # so that a quotient of 0 / 0 is among them


def test_roc_auc_with_ties_as_scikit_learn():
    scores = np.array(REFERENCE["scores"])
    assert len(np.unique(scores)) < len(scores) / 4
    assert metrics.roc_auc(REFERENCE["labels"], scores) == pytest.approx(REFERENCE["roc_auc"], rel=1e-14)


def test_roc_auc_counts_all_pairs_exactly(rng):
    y, score = rng.integers(0, 2, 31), rng.integers(0, 5, 31)
    pairs = list(itertools.product(score[y == 1], score[y == 0]))
    wins = sum(Fraction((p > n) * 2 + (p == n) * 1, 2) for p, n in ((int(p), int(n)) for p, n in pairs))
    assert metrics.roc_auc(y, score) == float(wins / len(pairs))
    assert metrics.roc_auc(y, np.zeros(31)) == 0.5
    assert metrics.roc_auc(y, y) == 1
    assert metrics.roc_auc(y, -y) == 0


@pytest.mark.parametrize("i", [0, 1])
def test_r2_as_scikit_learn(i):
    target, predicted = np.array(REFERENCE["target"])[:, i], np.array(REFERENCE["predicted"])[:, i]
    assert metrics.r2(target, predicted) == pytest.approx(REFERENCE["r2"][i], rel=1e-13)
    assert metrics.r2(target, target) == 1
    assert metrics.r2(target, np.full(20, target.mean())) == pytest.approx(0, abs=1e-15)


def test_by_hand():
    """Two classes; 3 true positives, 1 false positive, 2 false negatives, 4 true negatives."""
    true = [1, 1, 1, 0, 1, 1, 0, 0, 0, 0]
    predicted = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(metrics.confusion_matrix(true, predicted), [[4, 1], [2, 3]])
    precision, recall, f1 = metrics.precision_recall_f1(true, predicted, average=None)
    assert (precision[1], recall[1]) == (3 / 4, 3 / 5)
    assert f1[1] == pytest.approx(2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5))
    assert metrics.accuracy(tg.tensor(true), predicted) == 0.7


def test_the_order_of_the_labels_can_be_said():
    found = metrics.confusion_matrix([5, 2, 2], [5, 5, 2], labels=[5, 2, 9])
    np.testing.assert_array_equal(found, [[1, 0, 0], [1, 1, 0], [0, 0, 0]])


def test_zero_by_zero_is_what_was_said():
    shown = metrics.precision_recall_f1([0, 0], [0, 1], average=None, zero_division=math.nan)
    np.testing.assert_array_equal(shown[1], [0.5, math.nan])
    assert metrics.precision_recall_f1([0, 0], [0, 1], average=None, zero_division=1.0)[1][1] == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: metrics.accuracy([1, 0], [[1], [0]]), tg.errors.ShapeError, r"\(2,\) and \(2, 1\) came: say logits"),
        (lambda: metrics.accuracy([1, 0], [1]), tg.errors.ShapeError, r"\(2,\) and \(1,\) came"),
        (lambda: metrics.accuracy([], []), ValueError, "at least one sample"),
        (lambda: metrics.accuracy([1, 0], [0.9, 0.1]), TypeError, "classes as integers were expected, float64"),
        (lambda: metrics.confusion_matrix([1, 0], [1, 0], labels=[1]), ValueError, r"\[0\] occur"),
        (lambda: metrics.confusion_matrix([1, 1], [1, 1], labels=[1, 1]), ValueError, "one came twice"),
        (lambda: metrics.precision_recall_f1([1], [1], average="all"), ValueError, "'all' came"),
        (lambda: metrics.roc_auc([1, 1], [0.2, 0.3]), ValueError, r"both classes 0 and 1 were expected, \[1\]"),
        (lambda: metrics.roc_auc([1, 2], [0.2, 0.3]), ValueError, r"\[1, 2\] came"),
        (lambda: metrics.roc_auc([1, 0], [math.nan, 0.3]), ValueError, "1 of 2 are NaN"),
        (lambda: metrics.roc_auc([1.0, 0.0], [0.1, 0.3]), TypeError, "integers"),
        (lambda: metrics.r2([0.1, 0.1, 0.1], [1, 2, 3]), ValueError, "two different true values"),
        (lambda: metrics.r2([2.0], [2.0]), ValueError, "two different"),
        (lambda: metrics.r2(np.ones((3, 1)), np.ones(3)), tg.errors.ShapeError, "compare|expected"),
    ],
)  # fmt: skip
def test_what_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_calibration_by_hand():
    """Three bins of ten: 0.25 and 0.3 of which none, 0.6 of which one, 0.9, 0.95 and 1 of which two are right."""
    y, p = np.array([0, 0, 1, 1, 0, 1]), np.array([0.25, 0.3, 0.6, 0.95, 0.91, 1.0])
    found = metrics.calibration(y, p)
    np.testing.assert_allclose(found.confidence, [0.275, 0.6, 2.86 / 3])
    np.testing.assert_allclose(found.accuracy, [0, 1, 2 / 3])
    assert found.count.tolist() == [2, 1, 3]
    assert found.error == pytest.approx((2 * 0.275 + 0.4 + 2.86 - 2) / 6)
    several = metrics.calibration([0, 2], [[0.7, 0.2, 0.1], [0.3, 0.6, 0.1]], bins=2)
    assert (several.confidence, several.accuracy, several.count) == (pytest.approx([0.65]), [0.5], [2])


def test_who_says_what_he_knows_is_calibrated(rng):
    p = rng.uniform(size=40_000)
    y = (rng.uniform(size=40_000) < p).astype(int)
    assert metrics.calibration(y, p).error < 0.015
    assert metrics.calibration(y, p**2).error == pytest.approx(1 / 2 - 1 / 3, abs=0.01)  # E[p − p²]
    assert metrics.calibration(y, p, bins=1).error == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: metrics.calibration([0, 1], [0.5, 1.5]), ValueError, "of logits take softmax or sigmoid"),
        (lambda: metrics.calibration([0, 1], [0.5, np.nan]), ValueError, "in .0, 1."),
        (lambda: metrics.calibration([0, 2], [0.5, 0.5]), ValueError, "y of 0 and 1 was expected"),
        (lambda: metrics.calibration([0.5, 1], [0.5, 0.5]), TypeError, "classes as integers"),
        (lambda: metrics.calibration([0], [0.5, 0.5]), ShapeError, "two arrays"),
        (lambda: metrics.calibration([], []), ValueError, "at least one sample"),
    ],
)  # fmt: skip
def test_what_cannot_be_calibrated(call, error, words):
    with pytest.raises(error, match=words):
        call()
