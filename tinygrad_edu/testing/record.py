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
from tinygrad_edu.reporting.document import Tone, environment
from tinygrad_edu.verify.lecture import Lecture
from tinygrad_edu.verify.report import Report, Row, Verdict

Record = dict[str, Any]


def record(test: str, target: str, seed: int, allowed: Iterable[str], report: Report) -> Record:
    """One check, in nothing but numbers, words and tuples; `allowed` are the verdicts that are good enough."""
    rows = [{field.name: _plain(getattr(row, field.name)) for field in fields(row)} for row in report.rows]
    lecture = report.lecture and tuple(map(_plain, report.lecture))
    return {
        "test": test, "target": target, "seed": seed, "allowed": tuple(allowed), "rows": rows, "step": report.step,
        "lecture": lecture,
    }  # fmt: skip


def report_of(made: Record) -> Report:
    """The report that it was made of."""
    lecture = made["lecture"] and Lecture(*made["lecture"])
    return Report([Row(**row) for row in made["rows"]], made["step"], lecture)


def summary(records: Sequence[Record]) -> str:
    """How many checks have which verdict: '12 verified, 1 wrong'."""
    found = Counter(report_of(made).verdict for made in records)
    return (
        ", ".join(f"{found[verdict]:,} {verdict}" for verdict in get_args(Verdict) if found[verdict])
        or "none"
    )


def write(records: Sequence[Record], path: Path) -> None:
    """Write all of them; the suffix decides the format, as that of a single report does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save(document(sorted(records, key=lambda made: str(made["test"]))), path)  # workers report in any order


def document(records: Sequence[Record]) -> Document:
    """All checks as one document: a table for each."""
    reports = [report_of(made) for made in records]
    titles = [f"{made['test']}: {made['target']}, with seed={made['seed']}" for made in records]
    tables, entries, checks = [], [], []
    for made, title, report in zip(records, titles, reports, strict=True):
        part = gradient_check(report)
        tables.append(replace(part.tables[0], caption=title))
        for entry in part.entries:
            tone: Tone = "right" if entry.verdict in made["allowed"] else entry.tone
            name = f"{made['target']}, {entry.name}"
            entries.append(replace(entry, group=made["test"], name=name, tone=tone))
        checks.append({name: made[name] for name in ("test", "target", "seed")} | report.to_dict())
    order: tuple[Tone, ...] = ("wrong", "open", "right")
    tone = next((tone for tone in order if any(entry.tone == tone for entry in entries)), "open")
    verdict = (
        Report([row for report in reports for row in report.rows], None).verdict if records else "vacuous"
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


def _plain(x: Any) -> Any:
    if isinstance(x, tuple | list):
        return tuple(map(_plain, x))
    return x.item() if isinstance(x, np.generic) else x
