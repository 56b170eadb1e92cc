"""The runner: shards and processes change who looks at a subject, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.suite import Finding, SuiteReport, merge, run, verify
from tinygrad_edu.suite.run import _selection

LAYERS = {"Halve": ["a", "b"], "Linear2": ["a"], "Empty": []}  # not what the package has


def examine(name: str, cases: Sequence[Any], *, order: int, seed: int) -> Iterator[Finding]:
    """A stand-in for the witnesses of layers: one finding for each case and order; `Halve` is wrong in second order."""
    for each in cases:
        for k in range(1, order + 1):
            wrong = f"seed {seed}" if (name, k) == ("Halve", 2) or "canary" in name else ""
            yield Finding(name, each, f"order {k}", wrong)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "examine_layer", examine)
    monkeypatch.setattr(run, "layer_canaries", lambda: [("canary: sum", ["a"], ("order 1", "order 2"))])


# ---- the subjects ----


def test_primitives_and_layers(stand_in: None) -> None:
    report = verify(["tanh", "greater", "Linear2", "Halve"], layers=LAYERS)
    assert (report.primitives, report.without_derivative, report.layers) == (
        ("tanh",),
        ("greater",),
        ("Halve", "Linear2"),
    )
    assert [finding.subject for finding in report.findings if finding.subject in LAYERS] == [
        "Halve",
        "Halve",
        "Linear2",
    ]
    assert (report.exit_code, report.order, report.seed, report.shard, report.survivors) == (
        0,
        1,
        0,
        None,
        (),
    )


def test_second_order_of_layers(stand_in: None) -> None:
    report = verify(["Halve"], layers=LAYERS, order=2, seed=7)
    assert [(finding.witness, finding.wrong) for finding in report.findings] == [
        ("order 1", ""), ("order 2", "seed 7"), ("order 1", ""), ("order 2", "seed 7"),
    ]  # fmt: skip
    assert (report.exit_code, report.order, report.seed) == (1, 2, 7)


def test_by_default_all_that_there_are(stand_in: None) -> None:
    assert set(_selection(None, LAYERS)) == {*tg.registry, *LAYERS}
    assert _selection(None, {}) == tuple(sorted(tg.registry))
    assert _selection([], LAYERS) == ()
    assert _selection(["tanh", "exp", "tanh"], LAYERS) == ("exp", "tanh")


def test_a_layer_without_cases_is_skipped_and_that_is_no_success(stand_in: None) -> None:
    report = verify(["Linear2", "Empty"], layers=LAYERS)
    assert report.skipped == ["Empty"]
    assert report.failures == []
    assert not report
    assert report.exit_code == 3


def test_layers_that_are_found_by_name(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "somewhere", LAYERS, raising=False)
    assert verify(["Linear2"], layers="tinygrad_edu.suite.run:somewhere") == verify(
        ["Linear2"], layers=LAYERS
    )


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"names": ["tahn"]}, KeyError, "there is no tahn"),
        ({"names": ["Linear2"]}, KeyError, "there is no Linear2"),
        ({"layers": {"tanh": []}}, ValueError, "other names for layers were expected, tanh are primitives"),
        ({"order": 3}, ValueError, "order 1 or 2"),
        ({"seed": -1}, ValueError, "seed=-1"),
        ({"jobs": 0}, ValueError, "jobs=0"),
        ({"shard": (0, 2)}, ValueError, re.escape("shard=(0, 2)")),
        ({"shard": (3, 2)}, ValueError, re.escape("shard=(3, 2)")),
    ],
)
def test_what_is_refused(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        verify(**options)


def test_whoever_watches_is_told(stand_in: None) -> None:
    told: list[tuple[str, int, int]] = []
    verify(["tanh", "greater", "exp", "Linear2"], layers=LAYERS, watch=lambda *what: told.append(what))
    assert told == [
        ("exp", 1, 5), ("tanh", 2, 5), ("Linear2", 3, 5), ("planted errors", 4, 5), ("planted errors", 5, 5),
    ]  # fmt: skip


# ---- shards ----


@given(st.integers(1, 12), st.booleans())
def test_every_subject_is_in_exactly_one_shard(n: int, layers: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "examine", lambda op, seed: [Finding(op.name, "a", "vjp", "")])
        patch.setattr(run, "examine_layer", examine)
        patch.setattr(run, "canaries", list)
        patch.setattr(run, "layer_canaries", list)
        patch.setattr(run, "origin", lambda files: None)
        there = LAYERS if layers else None
        whole = verify(layers=there)
        parts = [verify(layers=there, shard=(k, n)) for k in range(1, n + 1)]
    for names in ("primitives", "without_derivative", "layers", "findings"):
        found = [each for part in parts for each in getattr(part, names)]
        assert sorted(found, key=str) == sorted(getattr(whole, names), key=str)
    sizes = [len(part.primitives) + len(part.without_derivative) + len(part.layers) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert {part.selection for part in parts} == {whole.selection}


def test_shards_that_really_ran_merge_to_the_whole_run(stand_in: None, tmp_path: Path) -> None:
    names = ["tanh", "exp", "sign", "Halve", "Linear2"]
    options: dict[str, Any] = {"layers": LAYERS, "order": 2, "seed": 3}
    parts = [verify(names, shard=(k, 2), **options).save(tmp_path / f"{k}.json") for k in (1, 2)]
    whole = verify(names, **options)
    assert whole.exit_code == 1
    assert merge(parts) == whole


def test_canaries_are_in_every_shard(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        run, "examine", lambda op, seed: [Finding(op.name, "a", "vjp", "")]
    )  # sees nothing any more
    monkeypatch.setattr(
        run, "examine_layer", lambda name, cases, **options: [Finding(name, "a", "order 1", "")]
    )
    for shard in ((1, 3), (2, 3), (3, 3)):  # the last is empty
        report = verify(["tanh", "Linear2"], layers=LAYERS, shard=shard)
        assert "canary: sign, by the witness 'vjp'" in report.survivors
        assert "canary: sum, by the witness 'order 1'" in report.survivors
        assert report.exit_code == 4
    assert not any("sum" in name for name in verify(["tanh"], layers=LAYERS).survivors)
    assert not any("sign" in name for name in verify(["Linear2"], layers=LAYERS).survivors)


# ---- processes ----


def test_two_processes_find_what_one_finds(registry: dict[str, object]) -> None:
    # A primitive of the user's own is unknown to other processes; this one examines it.
    @tg.elementwise(
        partials=(lambda y, x: 3 * x,), cases=[case(real(3))], name="mine", on_floats=lambda x: x * x
    )
    def mine(x: Any) -> Any:
        return np.square(x)

    names = ["exp", "mine", "neg", "sign"]
    one, two = verify(names, seed=5), verify(names, seed=5, jobs=2)
    assert one == two
    assert two.exit_code == 1
    assert {finding.subject for finding in two.failures} == {"mine"}


def test_a_rule_that_was_exchanged_is_not_looked_for_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another process has the right rule of neg, and would find nothing wrong.
    monkeypatch.setattr(tg.registry["neg"], "rules", (lambda y, x: 1 + 0 * x,))
    monkeypatch.setattr(tg.registry["neg"], "rule", lambda i: lambda y, x: 1 + 0 * x)
    assert verify(["neg"], jobs=2).exit_code == 1


PROGRAM = """\
import sys
from tinygrad_edu.suite import verify
{guard}print(verify(["neg", "exp"], jobs=2).exit_code)
"""


@pytest.mark.parametrize("guard", ["if __name__ == '__main__': ", ""])
def test_a_program_that_every_process_reads(guard: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(guard=guard))
    environment = os.environ | {"PYTHONPATH": str(Path(tg.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    if guard:
        assert (done.stdout, done.stderr) == ("0\n", "")
    else:
        assert done.stdout == ""
        assert "calls with jobs > 1 belong below `if __name__ == '__main__':`" in done.stderr


def test_a_report_in_words() -> None:
    findings = (Finding("f", "real()", "vjp", ""), Finding("f", "real()", "jvp", "2, numerically 1"))
    report = SuiteReport(findings, ("f", "g"), (), ())
    assert str(report) == (
        "WRONG   2 primitives, 2 findings: 1 failure, 0 undecided, 1 skip\n"
        "  primitive f, jvp, at real(): 2, numerically 1\n"
        "  skipped, g: no witness has seen it"
    )
    assert repr(report) == str(report)


@pytest.mark.parametrize(("more", "why"), [
    ({"shard": (9, 9), "selection": ("f",)}, "there are fewer subjects than shards, and none is left for 9 of 9"),
    ({"without_derivative": ("sign",)}, "there is no derivative of sign"),
])  # fmt: skip
def test_of_nothing_nothing_is_said_to_be_right(more: dict[str, Any], why: str) -> None:
    report = SuiteReport(
        **{"findings": (), "primitives": (), "without_derivative": (), "survivors": ()} | more
    )
    assert report.exit_code == 3
    assert str(report) == f"NOTHING VERIFIED   {why}"


def test_every_witness_says_how_long_it_took(tmp_path: Path) -> None:
    report = verify(["neg"])
    assert all(finding.seconds > 0 for finding in report.findings)
    suite = ElementTree.parse(report.save(tmp_path / "run.xml")).getroot()[0]
    times = [float(each.get("time", "")) for each in suite.iter("testcase")]
    assert times == pytest.approx([finding.seconds for finding in report.findings], abs=1e-6)


def test_reports_are_compared_by_all_that_they_say() -> None:
    finding = Finding("f", "real()", "vjp", "")
    assert SuiteReport((finding,), ("f",), (), ()) == SuiteReport((finding,), ("f",), (), ())
    assert SuiteReport((finding,), ("f",), (), (), seed=1) != SuiteReport((finding,), ("f",), (), ())
