"""Right gradients are never called wrong: networks of all kinds, in both precisions, and awkward functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn


class Net(nn.Module):
    """A layer whose bias is in vain where batch norm follows: it takes the mean away again."""

    def __init__(self, rng: np.random.Generator, dtype: Any, activation: str, normalized: bool) -> None:
        self.fc1 = nn.Linear(6, 5, rng=rng, dtype=dtype)
        self.bn = nn.BatchNorm1d(5, dtype=dtype) if normalized else nn.Identity()
        self.fc2 = nn.Linear(5, 3, rng=rng, dtype=dtype)
        self.activation = activation

    def forward(self, x: Any) -> Any:
        return self.fc2(getattr(self.bn(self.fc1(x)), self.activation)())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("normalized", [False, True])
def test_of_networks(dtype: Any, activation: str, normalized: bool) -> None:
    in_vain = {"fc1.bias"} if normalized else set()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        model = Net(rng, dtype, activation, normalized)
        x, labels = rng.normal(size=(7, 6)).astype(dtype), rng.integers(0, 3, 7)

        def loss(v: Any, model: Any = model, labels: Any = labels) -> Any:
            return nn.functional.cross_entropy(model(v), labels)

        report = tg.check(loss, x, parameters=model)
        verdicts = {row.name: row.verdict for row in report.rows}
        assert {name for name, verdict in verdicts.items() if verdict == "vacuous"} == in_vain, report
        assert {verdict for name, verdict in verdicts.items() if name not in in_vain} == {"verified"}, report


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_wrong_rule_of_a_network_is_found_in_both_precisions(dtype: Any) -> None:
    rng = np.random.default_rng(3)
    model = Net(rng, dtype, "tanh", False)
    x = tg.tensor(rng.normal(size=(7, 6)).astype(dtype))

    def loss() -> Any:
        return (model(x) ** 2).mean()

    leaves = dict(model.named_parameters())
    right = dict(zip(leaves, tg.gradients(loss(), list(leaves.values())), strict=True))
    assert all(g.dtype == dtype for g in right.values())
    assert tg.check(loss, parameters=model, gradients=right)
    for name in leaves:
        wrong = right | {name: (right[name] * np.float32(1.001)).astype(dtype)}
        report = tg.check(loss, parameters=model, gradients=wrong)
        assert [row.name for row in report.rows if row.verdict == "wrong"] == [name]


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e4])
def test_of_arguments_of_any_size(scale: float, rng: np.random.Generator) -> None:
    x = scale * rng.uniform(0.5, 2.0, (3, 2))
    functions: list[Callable[[Any], Any]] = [
        lambda v: (v / scale).exp(), lambda v: (v / scale).log(), lambda v: v * v, lambda v: 1 / v, lambda v: v.sqrt(),
    ]  # fmt: skip
    for f in functions:
        assert tg.check(f, x), scale


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.exp() * 1e-12 + 1000.0,  # almost nothing moves
        lambda x: (x * 200.0).sin(),  # fast
        lambda x: 1 - x.cos(),  # digits cancel
        lambda x: -(1 - x.sigmoid()).log(),
        lambda x: (1 + x * x).log() * 1e9,
        lambda x: x.tanh() ** 7,
    ],
)
def test_of_awkward_functions(f: Callable[[Any], Any], rng: np.random.Generator) -> None:
    for x in rng.uniform(0.05, 3.0, (12, 1)):
        assert tg.check(f, x).verdict in ("verified", "inconclusive", "vacuous")


def test_an_error_that_rounding_could_not_make_is_not_excused_by_it(registry: dict[str, Any]) -> None:
    # Of three times the cotangent this rule makes nine times the gradient, which looks like very coarse rounding.
    @tg.primitive(
        vjps=(lambda g, y, x: g * g,), cases=[tg.case(tg.core.cases.real())], name="squares its cotangent"
    )
    def careless(x: Any) -> Any:
        return x + 0

    report = tg.check(lambda x: careless(x) * np.array([0.5, 2.0]), np.array([1.0, 3.0]))
    assert report.verdict == "wrong"


def saturated(seed: int) -> tuple[Any, Any, Any]:
    """Scores so far apart that each softmax has one entry: its derivative is 0, and what comes out is rounding."""
    rng = np.random.default_rng(seed)
    return 40 * rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 2))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(8))
def test_a_gradient_of_which_rounding_is_left_is_linear_in_the_cotangent(seed: int) -> None:
    q, k, v = saturated(seed)

    def vjp(g: Any, y: Any, q: Any) -> Any:
        a, into_a = softmax(q @ k.T), g @ v.T
        return (a * (into_a - (a * into_a).sum(axis=1, keepdims=True))) @ k

    report = tg.check(tg.custom_vjp(lambda q: softmax(q @ k.T) @ v, vjp), q, hazards=True)
    assert report.verdict != "wrong", report
    report = tg.check(lambda q: (tg.softmax(q @ k.T) @ v).sum(), q)
    assert report.verdict != "wrong", report


def test_sums_of_cotangents_are_tried_as_well_as_multiples() -> None:
    # Any multiple of the cotangent gives that multiple: the rule sorts it, and so only a sum gives it away.
    medians = tg.custom_vjp(lambda x: 2 * x, lambda g, y, x: np.full(3, 2 * np.median(g)))
    report = tg.check(medians, np.array([1.0, 2.0, 3.0]), hazards=True)
    assert report.verdict == "wrong"
    assert "not linear" in str(report)


@pytest.mark.parametrize("size", [1e-150, 1e-160, 1e-170, 1e-200, 1e-300])
def test_what_is_lost_by_underflow_is_not_held_against_the_gradient(
    size: float, rng: np.random.Generator
) -> None:
    x = size * rng.uniform(1, 2, 3)
    for f in (lambda v: v * v, lambda v: v * v * 1e200):
        report = tg.check(f, x)
        assert report.verdict in ("verified", "inconclusive", "vacuous"), report
    assert tg.check(lambda v: v / size, x)
