from __future__ import annotations

import math
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import functional


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", ["mse", "bce", "cross entropy"])
def test_as_in_torch(torch, name, reduction):
    case = torch["losses"][f"{name} {reduction}"]
    kind = {"mse": nn.MSELoss, "bce": nn.BCEWithLogitsLoss, "cross entropy": nn.CrossEntropyLoss}[name]
    leaves = {key: tg.tensor(value, requires_grad=True) for key, value in case["inputs"].items()}
    other = [torch["losses"]["labels"]] if name == "cross entropy" else []
    loss = kind(reduction)(*leaves.values(), *other)
    assert loss.item() == pytest.approx(case["output"], rel=1e-10)
    loss.backward(np.array(case["cotangent"]))
    for key, leaf in leaves.items():
        np.testing.assert_allclose(leaf.grad.numpy(), case["gradients"][key], rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", ["mse", "bce", "cross entropy"])
def test_gradients_are_those_of_the_values(rng, numeric, name, reduction):
    x = tg.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    loss, target = {
        "mse": (functional.mse_loss, rng.normal(size=(4, 3))),
        "bce": (functional.binary_cross_entropy_with_logits, rng.uniform(size=(4, 3))),
        "cross entropy": (functional.cross_entropy, np.array([0, 2, 2, 1])),
    }[name]
    loss(x, target, reduction).backward()
    wanted = numeric(lambda: loss(x, target, reduction).item(), x)
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-8, atol=1e-10)


def test_known_values():
    assert functional.mse_loss(tg.tensor([1.0, 2.0]), [3.0, 2.0]).item() == 2
    assert functional.binary_cross_entropy_with_logits(tg.tensor([0.0]), [1.0]).item() == pytest.approx(
        math.log(2)
    )
    assert functional.cross_entropy(tg.tensor(np.zeros((3, 10))), [0, 5, 9]).item() == pytest.approx(
        math.log(10)
    )


@pytest.mark.parametrize("logit", [40.0, 800.0])
def test_a_confident_logit_keeps_its_digits(logit):
    """Both the loss and its derivative are exp(−x) there, which the textbook's log(1 − a) would lose."""
    x = tg.tensor([logit], requires_grad=True)
    right = functional.binary_cross_entropy_with_logits(x, [1.0])
    right.backward()
    assert right.item() == pytest.approx(math.exp(-logit), rel=1e-12)
    assert x.grad.numpy()[0] == pytest.approx(-math.exp(-logit), rel=1e-12)
    assert functional.binary_cross_entropy_with_logits(x, [0.0]).item() == logit


@pytest.mark.parametrize("loss", [functional.mse_loss, functional.binary_cross_entropy_with_logits])
def test_unequal_shapes_are_refused(loss):
    with pytest.raises(ShapeError, match=re.escape("shape (3,) was expected, (3, 1) came")):
        loss(tg.tensor(np.zeros(3)), np.zeros((3, 1)))
    with pytest.raises(ShapeError, match=re.escape("shape (3, 1) was expected, () came")):
        loss(tg.tensor(np.zeros((3, 1))), 0.0)


def test_labels_are_integers_one_for_each_row_and_classes():
    x = tg.tensor(np.zeros((3, 4)))
    for labels in ([0, 1], [[0], [1], [2]], [0.0, 1.0, 2.0]):
        with pytest.raises(ShapeError):
            functional.cross_entropy(x, labels)
    for labels in ([0, 1, 4], [0, -1, 1]):
        with pytest.raises(ValueError, match=re.escape("labels in [0, 4) were expected")):
            functional.cross_entropy(x, labels)


@pytest.mark.parametrize("target", [[0.5, 1.5], [-0.1, 0.5], [math.nan, 0.5]])
def test_targets_outside_of_zero_and_one_are_refused(target):
    with pytest.raises(ValueError, match=re.escape("targets in [0, 1] were expected")):
        functional.binary_cross_entropy_with_logits(tg.tensor([0.0, 0.0]), target)


def test_an_unknown_reduction_is_refused():
    words = "'mean', 'sum' or 'none' was expected, 'average' came"
    for loss in (nn.MSELoss, nn.BCEWithLogitsLoss, nn.CrossEntropyLoss):  # when made, not at the first call
        with pytest.raises(ValueError, match=words):
            loss("average")
    for function, target in ((functional.mse_loss, [[0.0]]), (functional.cross_entropy, [0])):
        with pytest.raises(ValueError, match=words):
            function(tg.tensor([[0.0]]), target, "average")


@pytest.mark.parametrize("target", [np.array([[0, 1]]), np.array([[False, True]]), [[0.0, 1.0]]])
@pytest.mark.parametrize("loss", [functional.mse_loss, functional.binary_cross_entropy_with_logits])
def test_float32_stays_float32_whatever_the_target(loss, target):
    for wrapped in (target, tg.tensor(target)):
        x = tg.tensor(np.ones((1, 2), np.float32), requires_grad=True)
        y = loss(x, wrapped)
        y.backward()
        assert y.dtype == x.grad.dtype == np.float32
        assert y.item() == pytest.approx(loss(tg.tensor([[1.0, 1.0]]), [[0.0, 1.0]]).item(), rel=1e-6)


def test_a_target_that_fits_stays_the_node_that_it_is():
    target = tg.tensor([1.0, 0.0], name="target")
    loss = functional.binary_cross_entropy_with_logits(tg.tensor([0.0, 0.0], requires_grad=True), target)
    assert target in tg.topological_order([loss])


def test_integers_are_no_reason_to_round_the_target():
    assert functional.mse_loss(np.array([1, 2]), [1.5, 2.0]) == 0.125


def test_on_scalars():
    x = tg.Scalar(3.0)
    loss = functional.mse_loss(x, 1.0)
    loss.backward()
    assert (loss.data, x.grad) == (4, 4)
    y = tg.Scalar(0.0)
    functional.binary_cross_entropy_with_logits(y, tg.Scalar(1.0), "sum").backward()
    assert y.grad == -0.5


def test_l2_pulls_towards_zero():
    w, v = tg.tensor([[1.0, 2.0]], requires_grad=True), tg.tensor(3.0, requires_grad=True)
    penalty = nn.l2([w, v], 0.1)
    penalty.backward()
    assert penalty.item() == pytest.approx(0.05 * (1 + 4 + 9))
    np.testing.assert_allclose(w.grad.numpy(), [[0.1, 0.2]])
    np.testing.assert_allclose(v.grad.numpy(), 0.3)
    s = tg.Scalar(2.0)
    nn.l2(iter([s]), 0.5).backward()
    assert s.grad == 1


def test_l2_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"parameters and a strength ≥ 0 were expected, 0 and 0\.1 came"):
        nn.l2([], 0.1)
    for strength in (-1, math.nan):
        with pytest.raises(ValueError, match="1 and"):
            nn.l2([tg.tensor([1.0])], strength)


def test_a_loss_shows_its_reduction():
    assert str(nn.MSELoss("sum")) == "MSELoss(sum)"
