"""How a parameter is judged by its two gradients: what excuses a difference between them, and what does not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.verify import Report
from tinygrad_edu.verify.report import judge
from tinygrad_edu.verify.steps import Gradient


def numerically(value: Any, error: Any = 1e-12, jump: Any = 0.0) -> Gradient:
    value = np.asarray(value, dtype=float)
    return Gradient(value, np.broadcast_to(error, value.shape), np.broadcast_to(jump, value.shape))


UNKNOWN = numerically([1.0, math.nan], [1e-12, math.inf])


@pytest.mark.parametrize(
    ("backward", "numeric", "verdict"),
    [
        ([1.0, 2.0 + 3e-12], numerically([1.0, 2.0]), "verified"),
        ([1.0, 2.0 + 1e-8], numerically([1.0, 2.0]), "wrong"),
        ([1.0, 2.0 + 1e-8], numerically([1.0, 2.0], [1e-12, 1e-8]), "verified"),
        ([1e6, 1.1e-6], numerically([1e6, 1e-6]), "wrong"),
        ([1.0, 2.0], numerically([1.0, 2.0], [1e-12, 0.1]), "inconclusive"),
        ([1.0, 2.0], UNKNOWN, "inconclusive"),
        ([1.0, math.inf], UNKNOWN, "inconclusive"),
        ([1.0, math.nan], UNKNOWN, "wrong"),
        ([7.0, 2.0], UNKNOWN, "wrong"),
        ([0.0, 1e-9], numerically([0.0, 0.0]), "wrong"),
        ([0.0, 2.0], numerically([1e-14, 2.0]), "verified"),
        ([], numerically([]), "vacuous"),
    ],
)
def test_the_verdict(backward: Any, numeric: Gradient, verdict: str) -> None:
    row = judge("x", np.array(backward, dtype=float), numeric)
    assert row.verdict == verdict
    assert bool(Report([row], None)) == (verdict == "verified")


def test_what_is_unknown_neither_hides_nor_spoils_what_is_known() -> None:
    row = judge("x", np.array([1.0, 5.0]), numerically([math.nan, 2.0], [math.inf, 1e-12]))
    assert (row.worst, row.backward, row.numeric) == ((1,), 5.0, 2.0)
    assert row.difference == pytest.approx(3 / 7)
    unknown = judge("x", np.array([1.0, 2.0]), UNKNOWN)
    assert unknown.difference == 0
    assert "1 of 2 components is without a numerical value" in unknown.note
    assert Report([unknown], None).to_dict()["parameters"][0]["error"] is None


def test_rounding_excuses_only_what_is_as_small_as_it() -> None:
    numeric = numerically([0.0, 1.0], 1e-20)
    assert judge("x", np.array([1e-17, 1.0]), numeric).verdict == "wrong"
    assert judge("x", np.array([1e-17, 1.0]), numeric, rounding=1e-16).verdict == "verified"
    assert judge("x", np.array([1e-15, 1.0]), numeric, rounding=1e-16).verdict == "wrong"


def test_float32_is_judged_by_its_own_digits() -> None:
    a, numeric = np.array([1.0, 2.0]) * (1 + 1e-6), numerically([1.0, 2.0])
    assert judge("x", a, numeric).verdict == "wrong"
    assert judge("x", a.astype(np.float32), numeric).verdict == "verified"
    assert judge("x", (a * 1.001).astype(np.float32), numeric).verdict == "wrong"


def test_a_factor_near_1_is_written_with_more_digits(rng: np.random.Generator) -> None:
    n = rng.normal(size=7)
    assert "1.000001000000 ×" in judge("W", n * (1 + 1e-6), numerically(n, 1e-14)).note


def test_a_factor_must_hold_where_the_numeric_side_is_0_too(rng: np.random.Generator) -> None:
    n = rng.uniform(1, 2, 7)
    n[3] = 0
    a = 2 * n
    assert "every entry" in judge("W", a, numerically(n)).note
    a[3] = 0.5
    assert judge("W", a, numerically(n)).note == "7 of 7 components differ"


def test_one_number_has_no_factor_in_common_with_others() -> None:
    assert judge("b", np.array([2.0]), numerically([1.0])).note == "1 of 1 components differ"


# ---- the same through `check` ----


def test_a_small_kink_is_one_too() -> None:
    assert tg.check(lambda t: t.sin() + 1e-6 * (t - 1).relu(), 1.0).verdict == "not differentiable here"


@pytest.mark.parametrize("step", [0.1, 1e-2, 1e-3])
def test_a_step_too_wide_is_no_reason_to_accuse(step: float) -> None:
    assert tg.check(lambda x: x.exp().sum(), np.array([0.3, 1.0]), step=step).verdict in (
        "verified",
        "inconclusive",
    )


def test_a_function_that_turns_too_fast_is_not_judged() -> None:
    # Between neighbouring steps lie millions of periods; the slopes there say nothing, and must not be believed.
    report = tg.check(lambda x: x.sin(), 1e9)
    assert report.verdict == "inconclusive"
    assert report.rows[0].error == math.inf


def test_an_error_that_rounding_could_not_make_is_not_excused_by_it(registry: dict[str, Any]) -> None:
    # Of three times the cotangent this rule makes nine times the gradient, which looks like very coarse rounding.
    case = tg.case(tg.core.cases.real(2))
    careless: Any = tg.primitive(vjps=(lambda g, y, x: g * g,), cases=[case], name="squares")(lambda x: x + 0)
    assert tg.check(lambda x: careless(x) * np.array([0.5, 2.0]), np.array([1.0, 3.0])).verdict == "wrong"
