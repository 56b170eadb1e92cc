"""Matching with the catalogue: a mistake is recognized by what it does, and by nothing less."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.verify.matching import Match, matched
from tinygrad_edu.verify.pair import Pair

X = np.random.default_rng(5).normal(size=(4, 3))


def match(f: Any, vjp: Any, *xs: Any) -> Match | None:
    pair = Pair(f, lambda g, y, *xs: list(vjp(g, y, *xs)), [f"input {i}" for i in range(len(xs))])
    return matched(pair, [np.array(x) for x in xs], np.random.default_rng(0))


def test_a_mistake_is_named_in_another_shape_and_another_notation() -> None:
    found = match(lambda x: np.sinh(x) / np.cosh(x), lambda g, y, x: (g - g * x**2,), X)
    assert found is not None
    assert found.mistake is not None
    assert (found.entry.name, found.mistake.name) == ("tanh", "input for output")


def test_a_new_mistake_of_a_known_operation() -> None:
    found = match(np.tanh, lambda g, y, x: (g * (1 - y**3),), X)
    assert found is not None
    assert found.entry.name == "tanh"
    assert found.mistake is None
    assert "does not have such a mistake" in str(found)


def test_an_unknown_operation() -> None:
    assert match(lambda x: np.sin(x) * x, lambda g, y, x: (g * np.sin(x),), X) is None


def test_an_agreement_at_one_point_is_none() -> None:
    # At 0 … 1 this is the square at the example alone: elsewhere it is the cube.
    def f(x: Any) -> Any:
        return x * x if np.array_equal(x, X) else x**3

    assert match(f, lambda g, y, x: (g * x,), X) is None


def test_the_inputs_have_to_be_as_many() -> None:
    assert (
        match(lambda x, i: np.tanh(x), lambda g, y, x, i: (g * (1 - x * x), None), X, np.array([1, 2]))
        is None
    )


def test_it_never_raises() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        if len(calls) > 1:
            raise RuntimeError("once and never again")
        return x

    assert match(f, lambda g, y, x: (g,), X) is None
    assert match(lambda x: "no number", lambda g, y, x: (g,), X) is None
    assert match(np.tanh, lambda g, y, x: 1 / 0, X) is None


def test_a_report_tells_the_mistake_and_why_people_make_it() -> None:
    report = tg.check(tg.custom_vjp(np.tanh, lambda g, y, x: (g * (1 - x * x),)), X, hazards=True)
    note = report.rows[0].note
    assert note.startswith("the input is used where the output belongs; ")
    assert "“input for output” of “tanh” in the catalogue of mistakes (agrees near 0 only" in note


@pytest.mark.parametrize("hazards", [False, True])
def test_a_right_rule_is_not_compared(hazards: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> Any:
        raise AssertionError("the catalogue was opened for a right rule")

    monkeypatch.setattr("tinygrad_edu.verify.matching.catalogue", never)
    rule = tg.custom_vjp(np.tanh, lambda g, y, x: (g * (1 - y * y),))
    assert tg.check(rule, X, hazards=hazards).verdict == "verified"
