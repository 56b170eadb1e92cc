"""The suite over the registry: nothing fails, nothing is skipped, and a suite that has gone blind says so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.cases import boolean, case, interval, positive, real
from tinygrad_edu.suite import Finding, SuiteReport, examine, primitives, verify, witnesses

WITNESSES = {"value", "vjp", "jvp", "adjoint", "complex step", "second order", "unmodified", "dtype"}


@pytest.fixture(scope="module")
def whole() -> SuiteReport:
    return verify()


def test_every_primitive_is_right(whole: SuiteReport) -> None:
    assert whole.failures == []
    assert whole.survivors == ()
    assert whole
    assert whole.exit_code == 0


def test_there_are_fifty_and_none_is_skipped(whole: SuiteReport) -> None:
    assert len(whole.primitives) >= 50
    assert {*whole.primitives, *whole.without_derivative} == set(tg.registry)
    # Every witness has seen every case of every primitive.
    seen = {(finding.subject, finding.case, finding.witness) for finding in whole.findings}
    for name in whole.primitives:
        for each in tg.registry[name].cases:
            assert {witness for op, at, witness in seen if (op, at) == (name, str(each))} >= WITNESSES
    for name in whole.primitives:
        assert (name, "symbols", "formula") in seen


def test_what_has_no_derivative_is_what_cannot_have_one(whole: SuiteReport) -> None:
    assert set(whole.without_derivative) == {
        "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "logical_not", "sign", "above",
    }  # fmt: skip


def test_elementwise_operations_are_broadcast_both_ways(whole: SuiteReport) -> None:
    at = {finding.case for finding in whole.findings if finding.subject == "mul"}
    assert {"real(2, 1), real(3,)", "real(3,), real(2, 1)", "real(), real(2, 3)", "real(2, 3), real()"} <= at


def test_a_seed_decides_everything() -> None:
    chosen = ["tanh", "linear"]
    assert verify(chosen, seed=5) == verify(chosen, seed=5)


def test_some_by_name() -> None:
    report = verify(["tanh", "greater"])
    assert report.primitives == ("tanh",)
    assert report.without_derivative == ("greater",)
    with pytest.raises(KeyError, match="tahn"):
        verify(["tahn"])


def test_the_canaries_are_not_registered(whole: SuiteReport) -> None:
    assert not [name for name in tg.registry if "canary" in name]


def test_a_failure_gives_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tg.registry["tanh"], "rules", (lambda y, x: 1 - x * x,))
    monkeypatch.setattr(tg.registry["tanh"], "rule", lambda i: lambda y, x: 1 - x * x)
    report = verify(["tanh", "sin"])
    assert not report
    assert report.exit_code == 1
    assert {finding.subject for finding in report.failures} == {"tanh"}
    assert {"vjp", "jvp"} <= {finding.witness for finding in report.failures}


def test_a_suite_that_finds_nothing_any_more_gives_exit_code_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "WITNESSES", {name: lambda trial: None for name in WITNESSES})
    monkeypatch.setattr(primitives, "_on_scalars", lambda op, rng: None)
    report = verify(["add"])
    assert report.failures == []
    assert len(report.survivors) >= 4
    assert not report
    assert report.exit_code == 4


@pytest.mark.parametrize("blind", sorted(WITNESSES))
def test_every_witness_is_missed_by_a_canary(blind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(witnesses.WITNESSES, blind, lambda trial: None)
    if blind == "value":
        monkeypatch.setattr(primitives, "_on_scalars", lambda op, rng: None)
    report = verify(["add"])
    assert report.failures == []
    assert any(f"'{blind}'" in name for name in report.survivors)
    assert report.exit_code == 4


def test_what_cannot_be_judged_is_not_passed(registry: dict[str, object]) -> None:
    # At 0 the root ends: there is no numerical derivative, and so nothing to compare with.
    @tg.elementwise(
        partials=(lambda y, x: 0.5 / (y + 1e-3),), cases=[case(interval(0, 0, 3))], on_floats=math.sqrt
    )
    def planted(x: Any) -> Any:
        return np.sqrt(x)

    report = verify(["planted"])
    assert not report
    assert any(finding.undecided and finding.witness == "vjp" for finding in report.failures)


def test_a_case_without_anything_to_differentiate_is_not_passed(registry: dict[str, object]) -> None:
    @tg.primitive(vjps=(None,), cases=[case(boolean(3))])
    def planted(x: Any) -> Any:
        return x

    report = verify(["planted"])
    assert not report
    assert {finding.undecided for finding in report.failures} >= {True}


def test_exit_codes() -> None:
    right, wrong = Finding("f", "real()", "vjp", ""), Finding("f", "real()", "vjp", "2, numerically 1")
    vague = Finding("f", "real()", "vjp", "undecided", undecided=True)
    codes = {
        0: [[right]],
        1: [[wrong], [right, wrong], [wrong, vague]],
        3: [[vague], [right, vague]],
    }
    for code, runs in codes.items():
        for findings in runs:
            report = SuiteReport(tuple(findings), ("f",), (), ())
            assert report.exit_code == code
            assert bool(report) == (code == 0)


def test_failures_and_survivors_together_are_a_broken_suite() -> None:
    wrong = Finding("f", "real()", "vjp", "2, numerically 1")
    assert SuiteReport((wrong,), ("f",), (), ("canary",)).exit_code == 4


# ---- what goes wrong becomes a finding, and does not end the run ----


def wrong_of(op: Any) -> dict[str, str]:
    return {finding.witness: finding.wrong for finding in examine(op) if finding.wrong}


def test_a_forward_that_raises(registry: dict[str, object]) -> None:
    @tg.primitive(vjps=(lambda g, y, x: g,), cases=[case(real(3))])
    def planted(x: Any) -> Any:
        raise RuntimeError("out of order")

    found = wrong_of(planted.op)  # type: ignore[attr-defined]
    assert "RuntimeError: out of order" in found["value"]


def test_a_rule_that_cannot_be_printed(registry: dict[str, object]) -> None:
    # It computes outside of the graph, so on symbols there is nothing to be seen.
    @tg.primitive(vjps=(lambda g, y, x: np.asarray(tg.core.node.value_of(g)) * 2,), cases=[case(real(3))])
    def planted(x: Any) -> Any:
        return 2 * x

    assert "formula" in wrong_of(planted.op)  # type: ignore[attr-defined]


def test_a_forward_on_floats_that_raises(registry: dict[str, object]) -> None:
    def refuse(x: float) -> float:
        raise OverflowError("not on floats")

    @tg.elementwise(partials=(lambda y, x: y,), cases=[case(positive(3))], on_floats=refuse)
    def planted(x: Any) -> Any:
        return np.exp(x)

    assert "not on floats" in wrong_of(planted.op)["value"]  # type: ignore[attr-defined]
