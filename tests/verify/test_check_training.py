from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn


def network(scale: float) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Linear(3, 4, rng=rng), nn.BatchNorm1d(4, affine=False), nn.Tanh(), nn.Linear(4, 2, rng=rng)
    )
    for p in net.parameters():
        p.assign(scale * p.numpy())
    x, y = rng.normal(size=(20, 3)), rng.integers(2, size=20)
    return net, lambda: tg.softmax_cross_entropy(net(tg.tensor(x)), y)


def by_hand(w: Any, x: Any, y: Any, wrong: bool) -> dict[str, Any]:
    """Of Σ (tanh(x w) − y)² / 2, with 1 for tanh′ if it is to be wrong."""
    a = np.tanh(x @ w.numpy())
    return {"w": x.T @ ((a - y) * (1 if wrong else 1 - a * a))}


@pytest.mark.parametrize("wrong", [True, False])
def test_what_an_initialization_near_0_hides_is_found_later(wrong: bool, rng: np.random.Generator) -> None:
    x = rng.normal(size=(20, 3))
    y = np.sign(x @ np.array([1.0, -2.0, 0.5]))
    w = tg.tensor(1e-10 * rng.normal(size=3), requires_grad=True, name="w")
    report = tg.check_training(
        lambda: ((tg.tanh(tg.tensor(x) @ w) - y) ** 2).sum() / 2, [w],
        gradients=lambda: by_hand(w, x, y, wrong), at=(0, 5, 20), lr=0.01,
    )  # fmt: skip
    assert list(report.reports) == [0, 5, 20]
    assert [bool(each) for each in report.reports.values()] == [True, not wrong, not wrong]
    assert bool(report) is not wrong
    assert report.hidden == (["w"] if wrong else [])
    assert ("near 0 had hidden what is wrong in w" in str(report)) is wrong
    assert np.abs(w.numpy()).max() < 1e-9
    if wrong:
        with pytest.raises(tg.errors.GradientMismatch, match="after 5 steps: WRONG"):
            report.raise_if_failed()


def test_a_right_network_before_and_after_and_nothing_is_left_changed() -> None:
    net, loss = network(1.0)
    before = {name: np.array(value) for name, value in net.state_dict().items()}
    report = tg.check_training(loss, net, at=(0, 3))
    assert all(row.verdict != "wrong" for each in report.reports.values() for row in each.rows)
    for name, value in net.state_dict().items():
        assert np.array_equal(value, before[name]), name
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize("also", [{"at": ()}, {"at": (3, 1)}, {"at": (-1,)}, {"at": (1, 1)}, {"lr": 0.0}])
def test_what_is_refused(also: dict[str, Any]) -> None:
    net, loss = network(1.0)
    with pytest.raises(ValueError, match="ascending numbers of steps"):
        tg.check_training(loss, net, **also)


def test_a_descent_that_diverges_says_so() -> None:
    w = tg.tensor([1.0], requires_grad=True, name="w")
    with pytest.raises(FloatingPointError, match="lower lr=1e\\+200"), np.errstate(all="ignore"):
        tg.check_training(lambda: (w**2).sum(), [w], at=(0, 5), lr=1e200)
