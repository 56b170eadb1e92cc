"""Checks made in tests: as plain data they travel from the workers of pytest-xdist; together they are one document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from tinygrad_edu.reporting import Document, gradient_check, save
from tinygrad_edu.reporting.check import LEGEND, SCALE
from tinygrad_edu.reporting.document import Cell, Tone, environment
from tinygrad_edu.verify.lecture import Lecture
from tinygrad_edu.verify.report import Report, Row, Verdict

Record = dict[str, Any]
AS_EXPECTED = "failed as expected"


def record(test: str, target: str, seed: int, allowed: Iterable[str], report: Report) -> Record:
    """One check, in nothing but numbers, words and tuples; `allowed` are the verdicts that are good enough.

    Whether its failure is `expected`, as that of a test marked xfail, is known once the test has ended.
    """
    rows = [{field.name: _plain(getattr(row, field.name)) for field in fields(row)} for row in report.rows]
    lecture = report.lecture and tuple(map(_plain, report.lecture))
    return {
        "test": test, "target": target, "seed": seed, "allowed": tuple(allowed), "rows": rows, "step": report.step,
        "lecture": lecture, "seconds": report.seconds, "expected": False,
    }  # fmt: skip


def report_of(made: Record) -> Report:
    """The report that it was made of."""
    lecture = made["lecture"] and Lecture(*made["lecture"])
    return Report([Row(**row) for row in made["rows"]], made["step"], lecture, seconds=made["seconds"])


def summary(records: Sequence[Record]) -> str:
    """How many checks have which verdict: '12 verified, 1 wrong, 1 failed as expected'."""
    found = Counter(AS_EXPECTED if _as_expected(made) else report_of(made).verdict for made in records)
    words = (*get_args(Verdict), AS_EXPECTED)
    return ", ".join(f"{found[word]:,} {word}" for word in words if found[word]) or "none"


def _as_expected(made: Record) -> bool:
    """Whether the check failed, and the test did not: it is marked xfail, or awaits the failure by pytest.raises."""
    return made["expected"] and any(row["verdict"] not in made["allowed"] for row in made["rows"])


def write(records: Sequence[Record], path: Path) -> None:
    """Write all of them; the suffix decides the format, as that of a single report does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save(document(sorted(records, key=lambda made: str(made["test"]))), path)  # workers report in any order


def document(records: Sequence[Record]) -> Document:
    """All checks as one document: a table for each."""
    reports = [report_of(made) for made in records]
    titles = [
        f"{made['test']}: {made['target']}, with seed={made['seed']}"
        + f", {AS_EXPECTED}" * _as_expected(made)
        for made in records
    ]
    tables, entries, checks = [], [], []
    for made, title, report in zip(records, titles, reports, strict=True):
        part = gradient_check(report)
        table, good = replace(part.tables[0], caption=title), made["allowed"]
        if _as_expected(made):
            good = get_args(Verdict)
            rows = [replace(row, cells=tuple(map(_muted, row.cells))) for row in table.rows]
            table = replace(table, rows=tuple(rows))
        tables.append(table)
        for entry in part.entries:
            tone: Tone = "right" if entry.verdict in good else entry.tone
            name = f"{made['target']}, {entry.name}"
            entries.append(replace(entry, group=made["test"], name=name, tone=tone))
        checks.append(
            {name: made[name] for name in ("test", "target", "seed", "expected")} | report.to_dict()
        )
    order: tuple[Tone, ...] = ("wrong", "open", "right")
    counted = [report for made, report in zip(records, reports, strict=True) if not _as_expected(made)]
    tones = {entry.tone for entry in entries} if counted else set()
    tone = next((tone for tone in order if tone in tones), "open")
    verdict = (
        Report([row for report in counted for row in report.rows], None).verdict if counted else "vacuous"
    )
    content = {
        "schema": "tinygrad-edu/gradient-checks/1",
        **environment(),
        "verdict": verdict,
        "checks": checks,
    }
    text = "\n\n".join([f"Gradient checks: {summary(records)}", *map("{}\n{}".format, titles, reports)])
    return Document(
        kind="gradient checks", title="Gradient checks of the tests", verdict=verdict, tone=tone,
        summary=summary(records), facts=environment(), tables=tuple(tables), entries=tuple(entries), legend=LEGEND,
        scale=SCALE, content=content, text=text,
    )  # fmt: skip


def _muted(cell: Cell) -> Cell:
    """A cell of a check that was to fail: what is wrong is not red."""
    return replace(cell, tone="open") if cell.tone == "wrong" else cell


def _plain(x: Any) -> Any:
    if isinstance(x, tuple | list):
        return tuple(map(_plain, x))
    return x.item() if isinstance(x, np.generic) else x
