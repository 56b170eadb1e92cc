"""The cause of a wrong gradient, in words; and silence where none is certain."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.verify.diagnosis import diagnose

X = np.random.default_rng(0).normal(size=(3, 3))
V = np.random.default_rng(1).normal(size=7)


def note(f: Callable[..., Any], vjp: Callable[..., Any], *xs: Any) -> str:
    return tg.check(tg.custom_vjp(f, vjp), *xs).rows[0].note


@pytest.mark.parametrize(("vjp", "said"), [
    (lambda g, y, x: (-g * np.cos(x),), "every entry is -1.000000 × the numeric value"),
    (lambda g, y, x: (-g * np.cos(x),), "the sign is wrong"),
    (lambda g, y, x: (2 * g * np.cos(x),), "every entry is 2.000000 ×"),
    (lambda g, y, x: ((g * np.cos(x)).T,), "the gradient is transposed"),
    (lambda g, y, x: (0 * x,), "gives 0 everywhere"),
    (lambda g, y, x: (g * np.cos(x) / 0.0,), "not finite"),
    (lambda g, y, x: (g * np.cos(x)[::-1] * 0 + (g * np.cos(x))[::-1],), "reversed along axis 0"),
    (lambda g, y, x: (np.roll(g * np.cos(x), 1, 1),), "shifted by 1 along axis 1"),
    (lambda g, y, x: (g * np.cos(x) - 0.01 * x,), "what is missing is λ·θ with λ = 0.01:"),
    (lambda g, y, x: (g * np.cos(x) + 0.5 * x,), "what is too much is λ·θ with λ = 0.5:"),
    (lambda g, y, x: (g * np.cos(x) * np.where(x < 0, 3, 1),), "wrong where the value is negative"),
])  # fmt: skip
def test_the_cause_is_named(vjp: Callable[..., Any], said: str) -> None:
    with np.errstate(all="ignore"):
        assert said in note(np.sin, vjp, X)


@pytest.mark.parametrize("vjp", [
    lambda g, y, x: (g * np.sin(1.3 * x + 0.2),),
    lambda g, y, x: (g * np.cos(x) * (1 + 0.01 * np.arange(7)),),
])  # fmt: skip
def test_where_nothing_is_certain_nothing_is_said(vjp: Callable[..., Any]) -> None:
    assert re.fullmatch(r"[67] of 7 components differ", note(np.sin, vjp, V))


def test_what_is_added_without_the_upstream_is_not_linear_in_it() -> None:
    assert "not linear in the upstream" in note(np.sin, lambda g, y, x: (g * np.cos(x) + 1e-3 * x**2,), V)


def test_a_forgotten_regularization_term_of_a_network(rng: np.random.Generator) -> None:
    net, x, y = tg.nn.Linear(3, 2, rng=rng), rng.normal(size=(5, 3)), rng.integers(2, size=5)

    def data_loss() -> Any:
        return tg.softmax_cross_entropy(net(tg.tensor(x)), y)

    data_loss().backward()
    forgotten = {"weight": net.weight.grad.numpy(), "bias": net.bias.grad.numpy()}
    report = tg.check(lambda: data_loss() + 0.05 * (net.weight**2).sum(), parameters=net, gradients=forgotten)
    rows = {row.name: row for row in report.rows}
    assert "λ·θ with λ = 0.1: the loss has a regularization term" in rows["weight"].note
    assert rows["bias"].verdict == "verified"


def test_too_few_numbers_are_not_explained() -> None:
    a, n, error = np.array([1.0, 5.0]), np.array([5.0, 1.0]), np.array([1e-12, 1e-12])
    assert diagnose(a, n, error, np.array([1.0, 2.0])) == ""


def test_a_staircase_accuses_nobody() -> None:
    x = np.array([[0.12573022, -0.13210486, 0.64042265], [0.10490012, -0.53566937, 0.36159505]])
    report = tg.check(tg.custom_vjp(np.round, lambda g, y, x: (0 * x,)), x, hazards=True)
    assert report.verdict == "vacuous"
