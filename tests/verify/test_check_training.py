from __future__ import annotations

from pathlib import Path
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
        [w], lambda: ((tg.tanh(tg.tensor(x) @ w) - y) ** 2).sum() / 2,
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
    report = tg.check_training(net, loss, at=(0, 3))
    assert all(row.verdict != "wrong" for each in report.reports.values() for row in each.rows)
    for name, value in net.state_dict().items():
        assert np.array_equal(value, before[name]), name
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize("also", [{"at": ()}, {"at": (3, 1)}, {"at": (-1,)}, {"at": (1, 1)}, {"lr": 0.0}])
def test_what_is_refused(also: dict[str, Any]) -> None:
    net, loss = network(1.0)
    with pytest.raises(ValueError, match=r"ascending numbers of steps|a learning rate lr > 0"):
        tg.check_training(net, loss, **also)


def test_a_descent_that_diverges_says_so() -> None:
    w = tg.tensor([1.0], requires_grad=True, name="w")
    with pytest.raises(FloatingPointError, match="lower lr=1e\\+200"), np.errstate(all="ignore"):
        tg.check_training([w], lambda: (w**2).sum(), at=(0, 5), lr=1e200)


def test_a_model_a_loss_and_batches() -> None:
    rng = np.random.default_rng(3)
    net, _ = network(0.5)
    seen: list[int] = []

    def loss(logits: Any, labels: Any) -> Any:
        seen.append(int(labels[0]))
        return nn.functional.cross_entropy(logits, labels)

    batches = [(rng.normal(size=(6, 3)), np.full(6, label)) for label in (0, 1)]
    before = {name: np.array(value) for name, value in net.state_dict().items()}
    report = tg.check_training(net, loss, iter(batches), at=(0, 1, 4))
    assert set(seen) == {0, 1}
    assert all(row.verdict != "wrong" for each in report.reports.values() for row in each.rows)
    for name, value in net.state_dict().items():
        assert np.array_equal(value, before[name]), name
    one = tg.check_training(
        net, nn.CrossEntropyLoss(), (rng.normal(size=(6, 3)), rng.integers(2, size=6)), at=(2,)
    )
    assert list(one.reports) == [2]


def test_a_backward_pass_by_hand_gets_the_batch(rng: np.random.Generator) -> None:
    net = nn.Sequential(nn.Linear(3, 1, bias=False, rng=rng))
    batches = [(rng.normal(size=(4, 3)), rng.normal(size=(4, 1))) for _ in range(2)]

    def by_hand(x: Any, y: Any) -> dict[str, Any]:
        apart = x @ net[0].weight.numpy().T - y
        return {"0.weight": 2 / apart.size * apart.T @ x}

    assert tg.check_training(net, nn.MSELoss(), batches, gradients=by_hand, at=(0, 3))
    assert not tg.check_training(
        net,
        nn.MSELoss(),
        batches,
        gradients=lambda x, y: {"0.weight": 2 * by_hand(x, y)["0.weight"]},
        at=(0,),
    )


def test_no_batches_are_refused() -> None:
    net, _ = network(1.0)
    for data in ([], (), [()]):
        with pytest.raises(ValueError, match="a batch such as"):
            tg.check_training(net, nn.CrossEntropyLoss(), data)


def test_the_report_of_a_training_is_saved(tmp_path: Path) -> None:
    net, loss = network(1.0)
    report = tg.check_training(net, loss, at=(0, 2))
    assert "after 2 steps" in report.save(tmp_path / "training.txt").read_text(encoding="utf-8")
    assert "<html" in report.save(tmp_path / "training.html", title="A net").read_text(encoding="utf-8")
