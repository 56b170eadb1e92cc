"""Losses where it gets difficult: far away, with nothing to average, with shapes that only seem to fit."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import functional as F


def test_cross_entropy_of_one_node_is_its_composite_twin(rng):
    x, labels = tg.tensor(rng.normal(size=(5, 4)), requires_grad=True), rng.integers(4, size=5)
    for reduction in ("mean", "sum"):
        fused, x.grad = F.cross_entropy(x, labels, reduction), None
        fused.backward()
        by_one_node, x.grad = x.grad.numpy(), None
        twins = [
            F.cross_entropy(x, labels, reduction, weight=np.ones(4)), F.nll_loss(tg.log_softmax(x), labels, reduction),
            F.cross_entropy(x, np.eye(4)[labels], reduction),
        ]  # fmt: skip
        for composite in twins:
            assert composite.op is not fused.op
            assert composite.item() == pytest.approx(fused.item(), rel=1e-14)
            composite.backward()
            np.testing.assert_allclose(x.grad.numpy(), by_one_node, rtol=1e-12, atol=1e-15)
            x.grad = None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", [
    lambda x: F.cross_entropy(x, [0, 1], label_smoothing=0.1), lambda x: F.cross_entropy(x, [1, 0], weight=[1, 2, 3]),
    lambda x: F.cross_entropy(x, np.eye(3)[:2]), lambda x: F.nll_loss(tg.log_softmax(x), [0, 2]),
    lambda x: F.binary_cross_entropy_with_logits(x, np.eye(3)[:2], weight=[1, 2, 3], pos_weight=2),
    lambda x: F.kl_div(tg.log_softmax(x), np.eye(3)[:2], "batchmean"), lambda x: F.huber_loss(x, np.zeros((2, 3))),
    lambda x: F.smooth_l1_loss(x, np.zeros((2, 3)), beta=0.5), lambda x: F.l1_loss(x, np.zeros((2, 3))),
    lambda x: F.hinge_loss(x, np.ones((2, 3))), lambda x: F.cosine_embedding_loss(x, np.ones((2, 3)), [1, -1]),
])  # fmt: skip
def test_of_plus_and_minus_a_thousand_all_is_finite_and_of_the_dtype(loss, dtype):
    x = tg.tensor(np.array([[1000, -1000, 0], [-1000, 1000, 1000]], dtype), requires_grad=True)
    y = loss(x)
    y.backward()
    assert y.dtype == x.grad.dtype == dtype
    assert math.isfinite(y.item())
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_by_its_formula_and_its_limits(rng, gamma):
    """−αₜ (1 − pₜ)^γ log pₜ, and its slope in closed form: Lin et al. 2017, eq. 5 and appendix B."""
    x, t, alpha = rng.normal(size=9), rng.integers(2, size=9), 0.25
    sign, weight = 2.0 * t - 1, np.where(t == 1, alpha, 1 - alpha)
    p = 1 / (1 + np.exp(-sign * x))
    logits = tg.tensor(x, requires_grad=True)
    loss = F.focal_loss(logits, t, "none", gamma=gamma, alpha=alpha)
    np.testing.assert_allclose(loss.numpy(), -weight * (1 - p) ** gamma * np.log(p), rtol=1e-13)
    loss.sum().backward()
    slope = weight * sign * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)
    np.testing.assert_allclose(logits.grad.numpy(), slope, rtol=1e-12)
    plain = F.binary_cross_entropy_with_logits(x, t)
    assert F.focal_loss(x, t, gamma=0.0) == pytest.approx(plain, rel=1e-15)
    far = tg.tensor([1000.0, -1000.0, 1000.0, -1000.0], requires_grad=True)
    loss = F.focal_loss(far, [1, 0, 0, 1], "none", gamma=gamma)
    np.testing.assert_array_equal(loss.numpy(), [0, 0, 1000, 1000])
    loss.sum().backward()
    assert np.isfinite(far.grad.numpy()).all()


def test_known_values():
    ones = np.ones(3)
    assert F.l1_loss(tg.tensor([1.0, 4.0]), [3.0, 3.0]).item() == 1.5
    np.testing.assert_array_equal(
        F.huber_loss(tg.tensor([0.5, 3.0]), [0.0, 0.0], "none").numpy(), [0.125, 2.5]
    )
    np.testing.assert_array_equal(
        F.hinge_loss(tg.tensor([2.0, 0.5, -1.0]), ones, "none").numpy(), [0, 0.5, 2]
    )
    assert F.cosine_similarity(tg.tensor([[1.0, 0.0]]), [[1.0, 1.0]]).numpy()[0] == pytest.approx(
        math.sqrt(0.5)
    )
    # KL of (1, 0) from (½, ½): one bit.
    assert F.kl_div(tg.tensor(np.log([[0.5, 0.5]])), [[1.0, 0.0]], "sum").item() == pytest.approx(math.log(2))
    # A certain error costs 100, not infinity.
    assert F.binary_cross_entropy(tg.tensor([0.0]), [1.0]).item() == pytest.approx(100)


def test_smoothed_labels_want_a_finite_logit():
    """The loss is least where softmax(x) is the smoothed target, so there its slope is 0."""
    target = np.full(4, 0.1 / 4) + np.eye(4)[2] * 0.9
    x = tg.tensor(np.log(target)[None], requires_grad=True)
    F.cross_entropy(x, [2], label_smoothing=0.1).backward()
    np.testing.assert_allclose(x.grad.numpy(), 0, atol=1e-15)


def test_what_is_ignored_costs_nothing_and_learns_nothing(rng):
    x = tg.tensor(rng.normal(size=(3, 4)), requires_grad=True)
    loss = F.cross_entropy(x, [1, -100, 2])
    loss.backward()
    assert loss.item() == pytest.approx(F.cross_entropy(x.numpy()[[0, 2]], [1, 2]), rel=1e-14)
    np.testing.assert_array_equal(x.grad.numpy()[1], 0)
    with pytest.raises(ValueError, match="at least one label that counts"):
        F.cross_entropy(x, [-100] * 3)
    assert F.cross_entropy(x, [-100] * 3, "sum").item() == 0


def test_an_impossible_class_that_is_not_the_right_one_is_no_nan():
    log_p = tg.tensor([[0.0, -math.inf]], requires_grad=True)
    F.nll_loss(log_p, [0]).backward()
    np.testing.assert_array_equal(log_p.grad.numpy(), [[-1, 0]])


def test_at_kinks_the_slope_is_that_which_is_stated():
    for f, at, wanted in (
        (lambda x: F.l1_loss(x, [0.0]), 0, 0), (lambda x: F.huber_loss(x, [0.0]), 1, 1),
        (lambda x: F.hinge_loss(x, [1]), 1, 0), (lambda x: nn.l1([x], 0.5), 0, 0),
    ):  # fmt: skip
        x = tg.tensor([float(at)], requires_grad=True)
        f(x).backward()
        assert x.grad.numpy() == [wanted]


def test_a_forgotten_penalty_is_seen_by_the_check(rng):
    """With the penalty in the loss all is right; the gradient of a loss without it is found to be wrong."""
    w, x, y = (
        tg.tensor(rng.uniform(0.5, 1, 3), requires_grad=True, name="w"),
        rng.normal(size=(5, 3)),
        np.zeros(5),
    )
    F.mse_loss(tg.tensor(x) @ w, y).backward()
    forgotten = {"w": w.grad.numpy()}
    for penalty in (lambda: nn.l1([w], 0.1), lambda: nn.l2([w], 0.1), lambda: nn.elastic_net([w], 0.1, 0.2)):

        def loss(penalty=penalty):
            return F.mse_loss(tg.tensor(x) @ w, y) + penalty()

        assert tg.check(loss, parameters=[w])
        assert tg.check(loss, parameters=[w], gradients=forgotten).verdict == "wrong"


def test_penalties_add_up():
    w = tg.tensor([1.0, -2.0], requires_grad=True)
    penalty = nn.elastic_net(iter([w]), 0.5, 0.25)
    penalty.backward()
    assert penalty.item() == 0.5 * 3 + 0.125 * 5
    np.testing.assert_array_equal(w.grad.numpy(), [0.75, -1.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_saturated_probability_is_pulled_towards_the_answer(dtype):
    """The slopes are those that PyTorch gives, (a − t) / max(a (1 − a), 1e-12)."""
    a = tg.tensor(np.array([0, 1, 1, 0, 1e-20, 0.5], dtype), requires_grad=True)
    t = np.array([1, 0.3, 0, 0.5, 1, 1])
    losses = F.binary_cross_entropy(a, t, "none")
    wanted = [100, 70, 100, 50, -math.log(1e-20), math.log(2)]
    np.testing.assert_allclose(losses.numpy(), wanted, rtol=1e-6)
    losses.sum().backward()
    values = a.numpy().astype(float)
    slopes = (values - t) / np.maximum(values * (1 - values), 1e-12)
    np.testing.assert_allclose(a.grad.numpy(), slopes, rtol=1e-6)
    assert losses.dtype == a.grad.dtype == dtype
    number = tg.Scalar(0.0)
    F.binary_cross_entropy(number, 1.0).backward()
    assert number.grad == pytest.approx(-1e12)


X = np.zeros((3, 4))


@pytest.mark.parametrize(("f", "error", "words"), [
    *((lambda f=f: f(np.zeros(3), np.zeros((3, 1))), ShapeError, "shape (3,) was expected, (3, 1) came")
      for f in (F.l1_loss, F.huber_loss, F.smooth_l1_loss, F.binary_cross_entropy, F.kl_div)),
    (lambda: F.hinge_loss(np.zeros(3), np.ones((3, 1))), ShapeError, "targets of shape (3,) were expected"),
    (lambda: F.hinge_loss(np.zeros(2), [0, 1]), ValueError, "targets −1 and 1 were expected, 0 … 1 came"),
    (lambda: F.huber_loss(X, X, delta=0), ValueError, "delta > 0 was expected"),
    (lambda: F.smooth_l1_loss(X, X, beta=-1), ValueError, "beta ≥ 0 was expected"),
    (lambda: F.binary_cross_entropy(X - 1, X), ValueError, "of logits say binary_cross_entropy_with_logits"),
    (lambda: F.binary_cross_entropy(X, X, weight=np.ones((5, 3, 4))), ShapeError, "a weight that can be broadcast"),
    (lambda: F.binary_cross_entropy_with_logits(X, X, pos_weight=[1, 2]), ShapeError, "(2,) came"),
    (lambda: F.cross_entropy(X, [0, 1, 2], label_smoothing=1.5), ValueError, "label_smoothing in [0, 1]"),
    (lambda: F.cross_entropy(X, [0, 1, 2], weight=[1, 2]), ShapeError, "each of the 4 classes was expected, (2,) came"),
    (lambda: F.cross_entropy(X, [0, 1, 4], weight=np.ones(4)), ValueError, "labels in [0, 4) were expected"),
    (lambda: F.cross_entropy(X, [[0], [1], [2]]), ShapeError, "say target.ravel()"),
    (lambda: F.cross_entropy(X, np.eye(4, dtype=int)[:3]), ShapeError, "say target.argmax(axis=1), or of"),
    (lambda: F.cross_entropy(X[0], 1), ShapeError, "of one sample say logits.reshape(1, -1)"),
    (lambda: nn.CrossEntropyLoss(np.ones(4)), ValueError, "goes by its name, such as weight="),
    (lambda: F.focal_loss(np.zeros(3), np.ones((3, 1))), ShapeError, "shape (3,) was expected, (3, 1) came"),
    (lambda: F.focal_loss(X, X + 2), ValueError, "targets in [0, 1]"),
    (lambda: F.focal_loss(X, X, gamma=-1), ValueError, "gamma ≥ 0 and alpha in [0, 1]"),
    (lambda: F.focal_loss(X, X, alpha=2), ValueError, "gamma ≥ 0 and alpha in [0, 1]"),
    (lambda: F.nll_loss(X, [0.0, 1.0, 2.0]), ShapeError, "say labels.astype(int)"),
    (lambda: F.kl_div(X, X - 1), ValueError, "of log p say log_target=True"),
    (lambda: nn.KLDivLoss("average"), ValueError, "'none' or 'batchmean' was expected, 'average' came"),
    (lambda: F.cosine_embedding_loss(X[0], X[0], [1]), ShapeError, "pairs (batch, features) were expected"),
    (lambda: F.cosine_embedding_loss(X, X, [1, 1, 1], margin=2), ValueError, "a margin in [−1, 1]"),
    (lambda: F.binary_cross_entropy(X, X, weight=-1), ValueError, "a weight ≥ 0 was expected, -1 came"),
    (lambda: F.binary_cross_entropy_with_logits(X, X, pos_weight=-1.0), ValueError, "a pos_weight ≥ 0"),
    (lambda: F.cross_entropy(X, [0, 1, 2], weight=[-1, 2, 1, 1]), ValueError, "a weight ≥ 0 was expected, -1 came"),
    (lambda: F.nll_loss(X, [0, 1, 2], weight=[1, math.nan, 1, 1]), ValueError, "a weight ≥ 0 was expected, nan"),
    (lambda: F.cross_entropy(X, X - 5), ValueError, "cross_entropy: probabilities ≥ 0 were expected as a target, -5"),
    (lambda: F.cross_entropy(X, [0, 1, 4]), ValueError, "cross_entropy: labels in [0, 4) were expected, 0 … 4 came"),
    (lambda: nn.MSELoss()(X[:0], X[:0]), ValueError, "'mean' needs at least one element, none came"),
    (lambda: nn.CrossEntropyLoss(label_smoothing=1.5), ValueError, "CrossEntropyLoss: label_smoothing in [0, 1]"),
    (lambda: nn.CrossEntropyLoss(weight=[-1]), ValueError, "CrossEntropyLoss: a weight ≥ 0 was expected, -1"),
    (lambda: nn.BCELoss(weight=-1), ValueError, "BCELoss: a weight ≥ 0 was expected"),
    (lambda: nn.BCEWithLogitsLoss(pos_weight=-1), ValueError, "BCEWithLogitsLoss: a pos_weight ≥ 0"),
    (lambda: nn.HuberLoss(delta=0), ValueError, "HuberLoss: delta > 0 was expected, 0 came"),
    (lambda: nn.HuberLoss(delta="a"), TypeError, "HuberLoss: a number was expected, delta > 0, 'a' came"),
    (lambda: nn.SmoothL1Loss(beta=-1), ValueError, "SmoothL1Loss: beta ≥ 0"),
    (lambda: nn.FocalLoss(alpha=2), ValueError, "FocalLoss: alpha in [0, 1]"),
    (lambda: nn.ELU("a"), TypeError, "ELU: a number was expected, a finite alpha, 'a' came"),
    (lambda: nn.CELU(0), ValueError, "CELU: an alpha other than 0 was expected"),
    (lambda: nn.Softplus(beta=0), ValueError, "Softplus: beta > 0"),
    (lambda: nn.LeakyReLU(math.nan), ValueError, "LeakyReLU: a finite negative_slope"),
])  # fmt: skip
def test_what_cannot_be_is_refused(f, error, words):
    with pytest.raises(error, match=re.escape(words)):
        f()
