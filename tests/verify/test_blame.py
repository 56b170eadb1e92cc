"""Of a whole graph whose gradients are wrong: which operation is to blame, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.primitive import registry

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 2))


class Net:
    """Two layers with an activation between them, and the mean square of what is left."""

    def __init__(self, activation: Callable[[Any], Any]) -> None:
        shapes = {"W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
        self.leaves = {
            name: tg.tensor(RNG.normal(size=shape), requires_grad=True, name=name)
            for name, shape in shapes.items()
        }
        self.activation = activation

    def loss(self, x: Any = X) -> Any:
        w1, b1, w2, b2 = self.leaves.values()
        return ((self.activation(x @ w1 + b1) @ w2 + b2 - T) ** 2).mean()

    def by_hand(self, slope: Callable[[Any], Any]) -> dict[str, Any]:
        """The backward pass, where h = tanh z has a derivative `slope(h)`."""
        w1, b1, w2, b2 = (leaf.numpy() for leaf in self.leaves.values())
        h = np.tanh(X @ w1 + b1)
        e = 2 * (h @ w2 + b2 - T) / T.size
        into_z = e @ w2.T * slope(h)
        return {"W1": X.T @ into_z, "b1": into_z.sum(0), "W2": h.T @ e, "b2": e.sum(0)}


def notes(report: Any) -> dict[str, str]:
    return {row.name: row.note for row in report.rows if row.verdict == "wrong"}


@pytest.fixture
def registered() -> Iterator[None]:
    before = dict(registry)
    yield
    for name in registry.keys() - before.keys():
        del registry[name]


@pytest.mark.parametrize(("f", "vjp", "cause"), [
    (np.tanh, lambda g, y, x: g * (1 - y), "1 − y for 1 − y²"),
    (np.exp, lambda g, y, x: g * x * np.exp(x - 1), "x eˣ⁻¹, as if the exponent were a constant"),
    (np.sin, lambda g, y, x: -g * np.cos(x), "the sign is wrong"),
    (np.cosh, lambda g, y, x: np.sinh(x), "not multiplied by the upstream g"),
])  # fmt: skip
@pytest.mark.parametrize("hazards", [False, True])
def test_a_custom_function_inside_of_a_graph(
    f: Callable[..., Any], vjp: Callable[..., Any], cause: str, hazards: bool
) -> None:
    net = Net(tg.custom_vjp(f, vjp))
    inputs = [X] if hazards else []
    report = tg.check(net.loss, *inputs, parameters=net.leaves, hazards=hazards)
    said = notes(report)
    assert set(said) == {"W1", "b1"} | ({"input 0"} if hazards else set())
    for note in said.values():
        assert f"{f.__name__}, operation 3 of the graph, is wrong by itself" in note
        assert cause in note


def test_a_primitive_of_the_user_inside_of_a_graph(registered: None) -> None:
    @tg.primitive(vjps=(lambda g, y, x: g * (1 - y),), cases=[tg.case(tg.core.cases.real(3))])
    def squashed(x: Any) -> Any:
        return np.tanh(x)

    net = Net(squashed)
    for note in notes(tg.check(net.loss, parameters=net.leaves)).values():
        assert "squashed, operation 3 of the graph, is wrong by itself" in note
        assert "1 − y for 1 − y²" in note


@pytest.mark.parametrize(("slope", "cause"), [
    (lambda h: 1 - h, "square forgotten (1 − y for 1 − y²)"),
    (lambda h: h * (1 - h), "sigmoid's rule"),
    (lambda h: 1.0, "the upstream is passed on as it is"),
])  # fmt: skip
def test_gradients_by_hand_that_come_of_one_wrong_rule(slope: Callable[[Any], Any], cause: str) -> None:
    net = Net(tg.tanh)
    assert tg.check(net.loss, parameters=net.leaves, gradients=net.by_hand(lambda h: 1 - h * h))
    said = notes(tg.check(net.loss, parameters=net.leaves, gradients=net.by_hand(slope)))
    assert set(said) == {"W1", "b1"}
    for note in said.values():
        assert "just this comes out if tanh, operation 3 of the graph, has a wrong rule" in note
        assert cause in note


def test_the_same_wrong_rule_in_two_layers() -> None:
    w = tg.tensor(RNG.normal(size=(3, 3)), requires_grad=True, name="w")
    h1 = np.tanh(X @ w.numpy())
    h2 = np.tanh(h1 @ w.numpy())
    into_2 = 1 - h2
    wrong = h1.T @ into_2 + X.T @ (into_2 @ w.numpy().T * (1 - h1))
    report = tg.check(lambda: tg.tanh(tg.tanh(X @ w) @ w).sum(), parameters=[w], gradients={"w": wrong})
    assert "if tanh, everywhere in the graph, has a wrong rule: square forgotten" in notes(report)["w"]


def test_nobody_is_blamed_for_what_is_no_ones_rule() -> None:
    net = Net(tg.tanh)
    right = net.by_hand(lambda h: 1 - h * h)
    said = notes(tg.check(net.loss, parameters=net.leaves, gradients=right | {"W2": 2 * right["W2"]}))
    assert said == {"W2": said["W2"]}
    assert "every entry is 2.000000 ×" in said["W2"]
    assert "rule" not in said["W2"]
