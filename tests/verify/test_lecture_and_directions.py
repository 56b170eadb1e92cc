"""The lecture's line beside the judgement; random directions with their power; and a warning of the cost."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.verify import CostWarning, sides

# ---- the lecture's formula, and where it misjudges ----


def test_it_is_the_formula_of_the_lecture() -> None:
    x = np.array([0.3, -1.2, 2.0])
    report = tg.check(lambda x: tg.sum(tg.exp(x)), x)
    approx = [(np.sum(np.exp(x + e)) - np.sum(np.exp(x - e))) / 2e-7 for e in 1e-7 * np.eye(3)]
    apart = np.linalg.norm(approx - np.exp(x)) / (np.linalg.norm(approx) + np.linalg.norm(np.exp(x)))
    assert report.lecture is not None
    assert report.lecture.difference == pytest.approx(apart, rel=1e-3)
    assert report.note == ""


def test_rounding_that_the_line_would_take_for_an_error_is_named() -> None:
    report = tg.check(lambda x: tg.sum(x * x) + 1e6, np.array([0.5, -1.5]))
    assert report
    assert report.lecture is not None
    assert report.lecture.difference > 1e-6
    assert "though all is right: rounding of the value" in report.note
    assert f"note: {report.note}" in str(report)


def test_bending_within_the_step_is_named() -> None:
    report = tg.check(lambda x: tg.sum(tg.sin(x * 1e6)), np.array([1e-6, 3e-6]))
    assert report
    assert "bends too much within ε" in report.note


def test_a_small_error_beside_large_gradients_that_the_line_would_pass() -> None:
    W, b = (
        tg.tensor([1e4, -2e4], requires_grad=True, name="W"),
        tg.tensor([0.5], requires_grad=True, name="b"),
    )
    x = np.array([1e3, 2e3])

    def loss() -> Any:
        return tg.sum(W * x) + tg.sum(b * 0.001)

    report = tg.check(loss, parameters=[W, b], gradients={"W": x, "b": np.array([0.002])})
    assert report.verdict == "wrong"
    assert report.lecture is not None
    assert report.lecture.difference < 1e-5
    assert "small beside all gradients together" in report.note


def test_it_stands_in_the_json() -> None:
    found = json.loads(json.dumps(tg.check(lambda x: x * x, 3.0).to_dict()))
    assert found["lecture"]["step"] == 1e-7
    assert 0 <= found["lecture"]["difference"] < 1e-7
    assert found["note"] == ""


def test_with_a_fixed_step_there_is_nothing_beside_it() -> None:
    assert tg.check(lambda x: x * x, 3.0, step=1e-5).lecture is None


# ---- directions ----


def quartic(x: Any) -> Any:
    return tg.sum(x * x * x * x)


def test_a_right_gradient_passes_along_directions() -> None:
    report = tg.check(quartic, np.linspace(-1, 2, 40), directions=3)
    assert report
    (row,) = report.rows
    assert row.shape == (40,)
    assert "along 3 random directions, which would show an error of" in row.note


@pytest.mark.parametrize("place", [0, 17, 39])
def test_one_wrong_component_among_many_is_seen(place: int) -> None:
    x = np.linspace(-1, 2, 40)
    wrong = 4 * x**3
    wrong[place] += 1e-6
    report = tg.check(quartic, x, directions=1, gradients={"input 0": wrong})
    assert report.verdict == "wrong"
    assert "1 of 1 slopes differ" in report.rows[0].note


def test_the_power_that_is_stated_is_the_power_that_it_has(rng: np.random.Generator) -> None:
    x = rng.normal(size=60)
    stated = float(tg.check(quartic, x, directions=5).rows[0].note.split("error of ")[1].split()[0])
    assert stated < 1e-6
    for _ in range(20):
        wrong = 4 * x**3
        wrong[rng.integers(60)] += stated * rng.choice([-1.0, 1.0])
        assert tg.check(quartic, x, directions=5, gradients={"input 0": wrong}).verdict == "wrong"


def test_a_factor_is_still_named() -> None:
    x = np.linspace(-1, 2, 40)
    report = tg.check(quartic, x, directions=8, gradients={"input 0": 8 * x**3})
    assert "2.000000" in report.rows[0].note


def test_several_parameters_are_judged_by_name() -> None:
    a = tg.tensor([1.0, 2.0], requires_grad=True, name="a")
    b = tg.tensor([3.0, 4.0], requires_grad=True, name="b")
    report = tg.check(
        lambda: tg.sum(a * a * b), parameters=[a, b], directions=4,
        gradients={"a": 2 * a.numpy() * b.numpy(), "b": 2 * a.numpy()},
    )  # fmt: skip
    assert {row.name: row.verdict for row in report.rows} == {"a": "verified", "b": "wrong"}


def test_a_million_components_take_no_longer_than_a_few(rng: np.random.Generator) -> None:
    report = tg.check(lambda x: tg.mean(x * x), rng.normal(size=1_000_000), directions=2)
    assert report


@pytest.mark.parametrize("more", [{"step": 1e-5}, {"hazards": True}])
def test_directions_go_with_neither_a_step_nor_hazards(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="directions go neither with a fixed step nor with hazards"):
        tg.check(quartic, np.ones(3), directions=2, **more)


@pytest.mark.parametrize("directions", [0, -1, 1.5, True, "5"])
def test_directions_are_counted(directions: Any) -> None:
    with pytest.raises(
        ValueError, match=f"a number of directions, 1 or more, was expected, {directions!r} came"
    ):
        tg.check(quartic, np.ones(3), directions=directions)


# ---- the cost ----


def test_a_check_that_will_take_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "PATIENCE", 0.0)
    with pytest.warns(CostWarning, match=r"about 4,000 values .* directions=20"):
        assert tg.check(quartic, np.linspace(1, 2, 500))


def test_a_small_one_and_directions_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "PATIENCE", 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tg.check(quartic, np.linspace(1, 2, 50))
        tg.check(quartic, np.linspace(1, 2, 500), directions=2)
