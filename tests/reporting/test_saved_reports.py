"""Files are written whole or not at all; text and tables show what the report says, and steer no terminal."""

from __future__ import annotations

import io
import math
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tinygrad_edu.reporting import Printed, ensure_writable, save, suite_run, write
from tinygrad_edu.reporting.document import number
from tinygrad_edu.reporting.terminal import plain
from tinygrad_edu.suite import Finding, SuiteReport
from tinygrad_edu.verify.report import Report


def printed(report: Any, width: int = 80) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system="standard", highlight=False
    )
    console.print(report)
    return console.file.getvalue()


def shown(report: Any, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(report)
    return console.file.getvalue()


def test_numbers() -> None:
    found = [number(x, ".2e") for x in (-0.5, math.nan, math.inf, -math.inf, None)]
    assert found == ["−5.00e−01", "NaN", "∞", "−∞", "not finite"]


# ---- which format ----


def test_text(reports: dict[str, Report], tmp_path: Path) -> None:
    for report in reports.values():
        path = report.save(str(tmp_path / "check.TXT"))
        assert path == tmp_path / "check.TXT"
        assert path.read_text(encoding="utf-8") == f"{report}\n"


@pytest.mark.parametrize("name", ["check.pdf", "check", ".json", "check.json.gz"])
def test_another_suffix(name: str, reports: dict[str, Report], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of the suffixes \.txt, \.json, \.xml, \.html was expected"):
        reports["verified"].save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["txt", "json", "xml", "html"])
def test_hostile_names_in_every_format(suffix: str, hostile: Report, tmp_path: Path) -> None:
    hostile.save(tmp_path / f"check.{suffix}").read_bytes().decode("utf-8")


# ---- whole or not at all ----


def test_what_was_there_stays_if_writing_fails(
    monkeypatch: pytest.MonkeyPatch, reports: dict[str, Report], tmp_path: Path
) -> None:
    path = reports["verified"].save(tmp_path / "check.json")
    before = path.read_bytes()

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*check\.json'"):
        reports["wrong"].save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target.txt", tmp_path / "link.txt"
    target.write_text("before")
    link.symlink_to(target)
    write("after", link)
    assert link.is_symlink()
    assert target.read_text() == "after"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/null")
def test_what_is_no_plain_file_is_written_to(tmp_path: Path) -> None:
    ensure_writable(os.devnull)
    write("nothing", os.devnull)
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("name", ["nowhere/check.json", "file/check.json", "folder"])
def test_what_cannot_be_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("in the way")
    for attempt in (ensure_writable, lambda path: write("", path)):
        with pytest.raises(OSError, match=name.rpartition("/")[2]):
            attempt(tmp_path / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_a_file_that_could_be_written_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "check.json"
    ensure_writable(path)
    assert list(tmp_path.iterdir()) == []
    path.write_text("before")
    ensure_writable(path)
    assert path.read_text() == "before"


# ---- tables ----


def test_a_table_in_80_columns(reports: dict[str, Report]) -> None:
    for report in reports.values():
        lines = shown(report).splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[0].startswith(report.verdict.upper())
    wrong = shown(reports["wrong"])
    assert "2.000000 ×" in wrong
    assert "1e−12" in wrong
    assert next(line for line in wrong.splitlines() if line.startswith("w ")).split()[:3] == [
        "w",
        "(2,)",
        "wrong",
    ]


def test_colours_follow_the_verdict(reports: dict[str, Report]) -> None:
    colours = {
        "verified": "\x1b[32m",
        "wrong": "\x1b[1;31m",
        "inconclusive": "\x1b[1;33m",
        "vacuous": "\x1b[1;33m",
    }
    for verdict, colour in colours.items():
        assert f"{colour}{verdict}" in printed(reports[verdict], 120)


def test_names_steer_no_terminal(hostile: Report) -> None:
    for text in (shown(hostile, 120), plain(_document(hostile))):
        assert text.replace("\n", "").isprintable()
        assert "[bold red]markup[/]" in text


def _document(report: Report) -> Any:
    from tinygrad_edu.reporting import gradient_check

    return gradient_check(report)


FINDINGS = (
    Finding("exp", "real(3,)", "vjp", "2 at [0], numerically 1"), Finding("exp", "real(3,)", "jvp", ""),
    Finding("Linear", "real(7, 3)", "numeric", ""),
)  # fmt: skip


def test_a_run_as_text_and_as_a_table(tmp_path: Path) -> None:
    report = SuiteReport(FINDINGS, ("exp",), ("sign",), ("canary: sign, by the witness 'vjp'",), ("Linear",))
    text = report.save(tmp_path / "run.txt").read_text(encoding="utf-8")
    for form in (text, shown(report, 200)):
        assert form.startswith(
            "BLIND   1 primitive and 1 layer, 3 findings: 1 failure, 0 undecided, 0 skips; 1 planted error"
        )
        rows = [line.split() for line in form.splitlines()]
        assert ["exp", "1", "1", "✗", "✓"] in rows
        assert ["Linear", "1", "✓"] in rows
        assert "exp: vjp, at real(3,): 2 at [0], numerically 1" in form
        assert "without derivative sign" in form


def test_a_run_of_nothing() -> None:
    document = suite_run(SuiteReport((), (), (), ()))
    assert (document.verdict, document.summary) == (
        "nothing verified",
        "no subject came before the witnesses",
    )
    assert "no subject" in shown(Printed(document))


def test_the_title_of_a_run(tmp_path: Path) -> None:
    report = SuiteReport(FINDINGS, ("exp",), (), (), ("Linear",))
    assert "<h1>Night</h1>" in save(suite_run(report, title="Night"), tmp_path / "run.html").read_text(
        encoding="utf-8"
    )
