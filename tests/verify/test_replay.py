from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.verify import sides
from tinygrad_edu.verify.noise import each
from tinygrad_edu.verify.replay import beside, faithful, replay


def network() -> tuple[Any, Callable[..., Any]]:
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(3, 5, rng=rng), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4, rng=rng))
    x, labels = rng.normal(size=(7, 3)), rng.integers(4, size=7)
    return net, lambda: tg.softmax_cross_entropy(net(x), labels)


def test_a_replay_computes_what_the_function_does_at_other_values() -> None:
    x, y = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([3.0, 5.0], requires_grad=True)
    z = (tg.exp(x) * y + y[0] * 2.0).sum()
    assert replay(z, [x])(np.array([0.0, 1.0])) == pytest.approx(3 + 5 * math.e + 12)
    assert replay(z, [y])(np.array([1.0, 0.0])) == pytest.approx(math.e + 4)
    assert replay(z, [y, x])(np.array([1.0, 0.0]), np.array([0.0, 0.0])) == pytest.approx(5)
    assert z.item() == pytest.approx(3 * math.e + 5 * math.e**2 + 12)


def test_of_scalars_it_computes_floats() -> None:
    x = tg.Scalar(2.0)
    assert type(replay(x * x + 1, [x])(3.0)) is float
    assert replay(x * x + 1, [x])(3.0) == 10.0


def test_an_output_that_does_not_depend_on_a_leaf_stands_still() -> None:
    x, y = tg.Scalar(2.0), tg.Scalar(3.0)
    assert replay(x * x, [y])(100.0) == 4.0


@pytest.mark.parametrize("planted", [False, True])
def test_checks_find_the_same_with_and_without_it(planted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    net, loss = network()
    gradients = None
    if planted:
        loss().backward()
        gradients = {name: p.grad.numpy() * (1 + (name == "3.bias")) for name, p in net.named_parameters()}
    believed = []

    def recorded(*args: Any) -> bool:
        believed.append(faithful(*args))
        return believed[-1]

    monkeypatch.setattr(sides, "faithful", recorded)
    by_replay = tg.check(loss, parameters=net, gradients=gradients)
    monkeypatch.setattr(sides, "faithful", lambda *args: False)
    by_calls = tg.check(loss, parameters=net, gradients=gradients)
    assert believed == [True]
    assert by_replay.to_dict() == by_calls.to_dict()


def hidden(x: Any) -> Any:
    return x * math.exp(x.item())


def hidden_at_one_side(x: Any) -> Any:
    return 2 * (x - 1) if x.item() >= 1 else 3 * (x - 1)


def through_a_table(x: Any) -> Any:
    return x * float(np.interp(x.item(), [0, 2], [0, 1]))


@pytest.mark.parametrize(
    ("f", "verdict"),
    [(hidden, "wrong"), (through_a_table, "wrong"), (hidden_at_one_side, "not differentiable here")],
)
def test_what_the_graph_does_not_show_is_still_found(f: Callable[[Any], Any], verdict: str) -> None:
    assert tg.check(f, 1.0).verdict == verdict


def test_a_function_that_ends_nearby_is_called_itself() -> None:
    points = beside([np.array(0.0), np.ones(2)])
    assert faithful(lambda xs: float(xs[0]), points, np.array([float(xs[0]) for xs in points]))
    ends = each(lambda xs: math.sqrt(xs[0]), points)
    assert np.isnan(ends).sum() == 2
    assert not faithful(lambda xs: math.sqrt(xs[0]), points, ends)
