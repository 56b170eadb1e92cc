"""The lecture's exercise, with the figures that are published for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

# J = θ x at x = 2, θ = 4.
ONE_DIMENSION = 2.919335883291695e-10

# The exercise's backward pass as it is handed out, with two mistakes: dW2 is doubled, and db1 has 4/m for 1/m.
WITH_MISTAKES = 0.2850931567761624

# Without them, at ε = 1e-7. What is left is rounding on the numerical side, so it is not the same everywhere.
WITHOUT = 1.1890913024229996e-07


def test_one_dimension() -> None:
    report = tg.check(lambda theta, x: theta * x, 4.0, 2, step=1e-7)
    assert report.difference == pytest.approx(ONE_DIMENSION, abs=1e-12 * ONE_DIMENSION)
    assert report.rows[0].backward == 2
    assert report.band == "great"


class Network:
    """Relu, relu, sigmoid, in the exercise's layout: a sample is a column."""

    def __init__(self) -> None:
        draw = np.random.RandomState(1).randn  # the exercise's own generator and order
        self.x, self.y = draw(4, 3), np.array([1.0, 1.0, 0.0])
        shapes = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}
        self.leaves = {name: tg.tensor(draw(*shape), True, name=name) for name, shape in shapes.items()}

    def __call__(self) -> Any:
        W1, b1, W2, b2, W3, b3 = self.leaves.values()
        hidden = tg.relu(W2 @ tg.relu(W1 @ self.x + b1) + b2)
        a = 1 / (1 + tg.exp(-(W3 @ hidden + b3)))  # rounded as in the exercise; tg.sigmoid is more exact
        return (1 / 3) * tg.sum(-tg.log(a) * self.y + -tg.log(1 - a) * (1 - self.y))

    def gradients(self) -> dict[str, np.ndarray]:
        return dict(zip(self.leaves, tg.gradients(self(), list(self.leaves.values())), strict=True))

    def with_mistakes(self) -> dict[str, np.ndarray]:
        right = self.gradients()
        return right | {"W2": 2 * right["W2"], "b1": 4 * right["b1"]}


@pytest.fixture
def network() -> Network:
    return Network()


def test_the_right_gradients_at_the_lectures_step_differ_by_rounding(network: Network) -> None:
    report = tg.check(network, parameters=network.leaves, step=1e-7)
    assert report.difference == pytest.approx(WITHOUT, rel=0.02)
    assert report.band == "fine, have a look"  # the line is at 1e-7: the lecture's step is not kind to them
    assert {row.verdict for row in report.rows} <= {"verified", "inconclusive"}


def test_the_right_gradients_are_verified_at_the_step_that_is_found(network: Network) -> None:
    report = tg.check(network, parameters=network.leaves)
    assert report.difference <= 1e-9
    assert [row.verdict for row in report.rows] == ["verified"] * 6


def test_the_exercises_mistakes_give_the_published_difference(network: Network) -> None:
    report = tg.check(network, parameters=network.leaves, gradients=network.with_mistakes(), step=1e-7)
    assert report.difference == pytest.approx(WITH_MISTAKES, abs=1e-8)
    assert report.band == "a bug"


@pytest.mark.parametrize("step", [None, 1e-5, 1e-7])
def test_both_mistakes_are_named_with_their_factors(network: Network, step: float | None) -> None:
    report = tg.check(network, parameters=network.leaves, gradients=network.with_mistakes(), step=step)
    rows = {row.name: row for row in report.rows}
    assert {name for name, row in rows.items() if row.verdict == "wrong"} == {"W2", "b1"}
    assert "every entry is 2.00000" in rows["W2"].note
    assert "every entry is 4.00000" in rows["b1"].note
    # ‖n − 2n‖ / (‖n‖ + ‖2n‖) is 1/3, and ‖n − 4n‖ / (‖n‖ + ‖4n‖) is 3/5.
    assert rows["W2"].difference == pytest.approx(1 / 3, abs=1e-6)
    assert rows["b1"].difference == pytest.approx(3 / 5, abs=1e-6)


def test_a_hand_written_backward_pass_agrees_with_the_engine(network: Network) -> None:
    # The course's formulas, on plain arrays: independent of the engine and of the numerical side.
    W1, b1, W2, b2, W3, b3 = (leaf.numpy() for leaf in network.leaves.values())
    z1 = W1 @ network.x + b1
    a1 = np.maximum(z1, 0)
    z2 = W2 @ a1 + b2
    a2 = np.maximum(z2, 0)
    d3 = 1 / (1 + np.exp(-(W3 @ a2 + b3))) - network.y
    d2 = (W3.T @ d3) * (z2 > 0)
    d1 = (W2.T @ d2) * (z1 > 0)
    by_hand = {
        "W1": d1 @ network.x.T / 3, "b1": d1.mean(axis=1, keepdims=True),
        "W2": d2 @ a1.T / 3, "b2": d2.mean(axis=1, keepdims=True),
        "W3": d3 @ a2.T / 3, "b3": d3.mean(axis=1, keepdims=True),
    }  # fmt: skip
    for name, g in network.gradients().items():
        np.testing.assert_allclose(g, by_hand[name], rtol=1e-12, atol=1e-14)
    assert tg.check(network, parameters=network.leaves, gradients=by_hand)


def test_a_forgotten_regularization_is_found_and_the_biases_are_not_accused(network: Network) -> None:
    weights = [network.leaves[name] for name in ("W1", "W2", "W3")]

    def regularized() -> Any:
        return network() + tg.nn.l2(weights, 0.7 / 3)

    assert tg.check(regularized, parameters=network.leaves)
    report = tg.check(regularized, parameters=network.leaves, gradients=network.gradients())
    assert {row.name for row in report.rows if row.verdict == "wrong"} == {"W1", "W2", "W3"}


def test_an_error_that_near_zero_values_hide_is_found_after_training(registry: dict[str, object]) -> None:
    def forward(x: Any) -> Any:
        return np.tanh(x)

    # The input for the output: 1 − x² and 1 − y² are the same as long as tanh x is x.
    case = tg.case(tg.core.cases.real(3))
    wrong: Callable[[Any], Any] = tg.elementwise(
        partials=(lambda y, x: 1 - x * x,), cases=[case], name="tanh of the near-zero kind"
    )(forward)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    W = tg.tensor(1e-4 * rng.normal(size=(3, 4)), True, name="W")
    V = tg.tensor(1e-4 * rng.normal(size=(4, 1)), True, name="V")

    def loss() -> Any:
        return ((wrong(x @ W) @ V - y) ** 2).mean()

    assert tg.check(loss, parameters=[W, V])
    for _ in range(200):
        for leaf, g in zip((W, V), tg.gradients(loss(), [W, V]), strict=True):
            leaf.assign(leaf.numpy() - 0.5 * g)
    report = tg.check(loss, parameters=[W, V])
    assert [(row.name, row.verdict) for row in report.rows] == [("W", "wrong"), ("V", "verified")]
