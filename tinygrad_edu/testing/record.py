"""Checks made in tests: as plain data they travel from the workers of pytest-xdist; together they are one document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from tinygrad_edu.reporting import Document, gradient_check, save
from tinygrad_edu.reporting.check import LEGEND
from tinygrad_edu.reporting.document import environment
from tinygrad_edu.verify.report import Report, Row, Verdict

Record = dict[str, Any]


def record(test: str, target: str, seed: int, allowed: Iterable[str], report: Report) -> Record:
    """One check, in nothing but numbers, words, tuples and dictionaries; `allowed` are verdicts that are good enough."""
    rows = [{field.name: _plain(getattr(row, field.name)) for field in fields(row)} for row in report.rows]
    return {
        "test": test, "target": target, "seed": seed, "allowed": tuple(allowed), "step": report.step, "rows": rows,
    }  # fmt: skip


def report_of(made: Record) -> Report:
    """The report that it was made of."""
    return Report([Row(**row) for row in made["rows"]], made["step"])


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
    whole = gradient_check(Report([row for report in reports for row in report.rows], None))
    titles = [f"{made['test']}: {made['target']}, with seed={made['seed']}" for made in records]
    parts = [gradient_check(report) for report in reports]
    checks = [
        {"test": made["test"], "target": made["target"], "seed": made["seed"], **report.to_dict()}
        for made, report in zip(records, reports, strict=True)
    ]
    entries = tuple(
        replace(
            entry, group=made["test"], name=f"{made['target']}, {entry.name}",
            tone="right" if entry.verdict in made["allowed"] else entry.tone,
        )
        for made, part in zip(records, parts, strict=True) for entry in part.entries
    )  # fmt: skip
    tones = {entry.tone for entry in entries} or {"open"}
    verdict, said, versions = whole.verdict if records else "vacuous", summary(records), environment()
    return Document(
        kind="gradient checks", title="Gradient checks of the tests", verdict=verdict,
        tone=next(tone for tone in ("wrong", "open", "right") if tone in tones), summary=said, facts=versions, legend=LEGEND, scale=whole.scale,
        tables=tuple(
            replace(part.tables[0], caption=title) for part, title in zip(parts, titles, strict=True)
        ),
        entries=entries,
        content={"schema": "tinygrad-edu/gradient-checks/1", **versions, "verdict": verdict, "checks": checks},
        text="\n\n".join([f"Gradient checks: {said}", *map("{}\n{}".format, titles, reports)]),
    )  # fmt: skip


def _plain(x: Any) -> Any:
    if isinstance(x, tuple | list):
        return tuple(map(_plain, x))
    return x.item() if isinstance(x, np.generic) else x
