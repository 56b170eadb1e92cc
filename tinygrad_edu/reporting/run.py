"""A run of the suite as a document: a row for each subject, a column for each witness, and what was seen to be wrong.

Primitives and layers stand in two tables, since they come before different witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from tinygrad_edu.reporting.document import Cell, Column, Document, Entry, Row, Table, Tone

VERDICTS: dict[int, tuple[str, Tone]] = {
    0: ("right", "right"), 1: ("wrong", "wrong"), 3: ("undecided", "open"), 4: ("blind", "wrong"),
}  # fmt: skip
LEGEND = {
    "right": "every witness has seen every case, and found nothing",
    "wrong": "a witness saw an error",
    "undecided": "a witness could not tell, or a subject had no case to be seen in",
    "nothing verified": "no subject came before a witness, so nothing was shown; such a shard may be part of a whole",
    "blind": "a planted error went unnoticed: the suite itself is broken, and what it passes is worth nothing",
}


class SuiteRun(Protocol):
    """The report of a run. Its findings have a subject, a case, a witness, `wrong` in words, `undecided`, `seconds`."""

    @property
    def findings(self) -> Sequence[Any]:
        """All of them, in order."""

    @property
    def subjects(self) -> Mapping[str, Sequence[str]]:
        """{kind: names}, of what came before the witnesses."""

    @property
    def skipped(self) -> Sequence[str]:
        """The subjects without a finding."""

    @property
    def without_derivative(self) -> Sequence[str]:
        """What has none, so that there is nothing to verify."""

    @property
    def survivors(self) -> Sequence[str]:
        """The planted errors that went unnoticed."""

    @property
    def exit_code(self) -> int:
        """One of VERDICTS."""

    @property
    def facts(self) -> Mapping[str, str]:
        """What the run was, such as its seed."""

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON."""


def suite_run(report: SuiteRun, *, title: str | None = None) -> Document:
    """The document of a run of the suite."""
    verdict, tone = VERDICTS[report.exit_code]
    if report.exit_code == 3 and not (report.findings or report.skipped):
        verdict = "nothing verified"
    wrong = sum(bool(finding.wrong) and not finding.undecided for finding in report.findings)
    undecided = sum(finding.undecided for finding in report.findings)
    kinds = [counted(len(names), kind) for kind, names in report.subjects.items() if names]
    said = (
        f"{' and '.join(kinds) or 'no subject'}, {counted(len(report.findings), 'finding')}: "
        f"{counted(wrong, 'failure')}, {undecided} undecided, {counted(len(report.skipped), 'skip')}"
    )
    if verdict == "nothing verified":
        said = "no subject came before the witnesses"
        if report.without_derivative:
            said = f"there is no derivative of {', '.join(report.without_derivative)}"
        elif "shard" in report.facts:
            said = f"there are fewer subjects than shards, and none is left for {report.facts['shard']}"
    if report.survivors:
        said += (
            f"; {counted(len(report.survivors), 'planted error')} went unnoticed: the suite itself is broken"
        )
    without = (
        {"without derivative": ", ".join(report.without_derivative)} if report.without_derivative else {}
    )
    return Document(
        kind="suite run", title=title or "Verification of every rule", verdict=verdict, tone=tone,
        summary=said, facts={**report.facts, **without},
        tables=tuple(_table(report, kind, names) for kind, names in report.subjects.items() if names),
        entries=tuple(_entries(report)), legend=LEGEND, content=report.to_dict(),
    )  # fmt: skip


def counted(n: int, what: str) -> str:
    """A number and what it counts: "1 layer", "1,853 findings"."""
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def _table(report: SuiteRun, kind: str, names: Sequence[str]) -> Table:
    found: dict[str, list[Any]] = {name: [] for name in names}
    for finding in report.findings:
        if finding.subject in found:
            found[finding.subject].append(finding)
    witnesses = list(dict.fromkeys(finding.witness for mine in found.values() for finding in mine))
    columns = [Column(kind), Column("cases", "right"), *(Column(name, "center") for name in witnesses)]
    rows = [_row(name, mine, witnesses) for name, mine in found.items()]
    return Table(f"{kind.capitalize()}s", tuple(columns), tuple(sorted(rows, key=_gravity)))


def _gravity(row: Row) -> int:
    """By which what is wrong stands first, and what is right last, each in alphabetical order."""
    tones = {cell.tone for cell in row.cells}
    return 0 if "wrong" in tones else 1 if row.notes else 2


def _row(name: str, mine: Sequence[Any], witnesses: Sequence[str]) -> Row:
    cells = [Cell(name), Cell(str(len({finding.case for finding in mine})))]
    cells += [_cell([finding for finding in mine if finding.witness == witness]) for witness in witnesses]
    notes = [f"{finding.witness}, at {finding.case}: {finding.wrong}" for finding in mine if finding.wrong]
    return Row(tuple(cells), tuple(notes if mine else ["skipped: no witness has seen it"]))


def _cell(asked: Sequence[Any]) -> Cell:
    """✓, or how many of its cases are wrong, or could not be decided; "·" if the witness was not asked."""
    wrong = sum(bool(finding.wrong) and not finding.undecided for finding in asked)
    undecided = sum(finding.undecided for finding in asked)
    if wrong:
        return Cell(f"{wrong} ✗", "wrong", f"{wrong} wrong")
    if undecided:
        return Cell(f"{undecided} ?", "open", f"{undecided} undecided")
    return Cell("✓", "right", "right") if asked else Cell("·")


def _entries(report: SuiteRun) -> Iterator[Entry]:
    kinds = {name: kind for kind, names in report.subjects.items() for name in names}
    for finding in report.findings:
        tone: Tone = "open" if finding.undecided else "wrong" if finding.wrong else "right"
        verdict = {"open": "undecided", "wrong": "wrong", "right": "right"}[tone]
        group = f"{kinds.get(finding.subject, 'subject')} {finding.subject}"
        name = f"{finding.witness}, at {finding.case}"
        yield Entry(group, name, verdict, tone, finding.wrong, finding.seconds)
    yield from (
        Entry("skipped", name, "undecided", "open", "no witness has seen it") for name in report.skipped
    )
    for name in report.survivors:
        yield Entry("planted errors", name, "blind", "wrong", "the planted error was not found")
