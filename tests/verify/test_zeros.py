"""Derivatives that are 0: why, and how to let them be so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn


def normalized(rng: np.random.Generator) -> tuple[Any, Callable[[], Any], tuple[Any, Any]]:
    """A net whose first bias is in vain, its loss, and the batch."""
    net = nn.Sequential(
        nn.Linear(4, 3, rng=rng), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 2, rng=rng)
    )  # fmt: skip
    x, labels = rng.normal(size=(7, 4)), rng.integers(2, size=7)
    return net, lambda: nn.functional.cross_entropy(net(tg.tensor(x)), labels), (x, labels)


def test_a_bias_in_front_of_a_normalization(rng: np.random.Generator) -> None:
    net, loss, batch = normalized(rng)
    report = tg.check(loss, parameters=net)
    (row,) = (row for row in report.rows if row.verdict == "vacuous")
    assert row.name == "0.bias"
    assert "adds up to 0, as for a bias whose effect a normalization takes away" in row.note
    assert 'allow_zero=["0.bias"]' in row.note
    assert tg.check(loss, parameters=net, allow_zero=["0.bias"])
    assert tg.check_training(net, nn.CrossEntropyLoss(), batch, at=(0, 3), allow_zero="0.bias")


def test_what_may_be_0_and_is_not_is_checked_all_the_same(rng: np.random.Generator) -> None:
    net, loss, _ = normalized(rng)
    loss().backward()
    right = {name: p.grad.numpy() for name, p in net.named_parameters()}
    for name in right:
        wrong = right | {name: right[name] + 0.01}
        report = tg.check(loss, parameters=net, gradients=wrong, allow_zero=list(right))
        assert [row.name for row in report.rows if row.verdict == "wrong"] == [name]


@pytest.mark.parametrize(("f", "reason"), [
    (lambda x, y: y.sum(), "the function does not depend on it"),
    (lambda x, y: (tg.tanh(x) * 0 + y).sum(), "no gradient arrives where it is used, at tanh"),
    (lambda x, y: (tg.relu(-x) + y).sum(), "no gradient arrives where it is used, at neg"),
    (lambda x, y: (tg.relu(x - 9) + y).sum(), "no gradient arrives where it is used, at sub"),
    (lambda x, y: (tg.clip(x, -0.1, 0.1) + y).sum(), "what arrives where it is used, at clip, is multiplied by 0"),
    (lambda x, y: (x - tg.mean(x) + y).sum(), "what arrives where it is used, at mean, sub, adds up to 0"),
    (lambda x, y: (1e-30 * x + y).sum(), "too small beside the function's own value"),
])  # fmt: skip
def test_the_reason(f: Callable[..., Any], reason: str) -> None:
    x, y = np.array([0.5, 1.0, 2.0]), np.array([3.0, 4.0, 5.0])
    first, second = tg.check(f, x, y).rows
    assert (first.verdict, second.verdict) == ("vacuous", "verified")
    assert reason in first.note


def test_a_name_that_no_parameter_has(rng: np.random.Generator) -> None:
    net, loss, _ = normalized(rng)
    with pytest.raises(KeyError, match=r"'fc1.bias' came in allow_zero, but the parameters are 0\.weight"):
        tg.check(loss, parameters=net, allow_zero=["fc1.bias"])
