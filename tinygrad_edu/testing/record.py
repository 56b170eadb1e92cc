"""Checks made in tests, as plain data, which travels from the workers of pytest-xdist, is counted, and written down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from tinygrad_edu.verify.report import Report, Row, Verdict

Record = dict[str, Any]


def record(test: str, target: str, seed: int, report: Report) -> Record:
    """One check, in nothing but numbers, words, lists and dictionaries."""
    rows = [{field.name: _plain(getattr(row, field.name)) for field in fields(row)} for row in report.rows]
    return {"test": test, "target": target, "seed": seed, "step": report.step, "rows": rows}


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
    """Write all of them; the suffix decides the kind: json, txt, or what `Report.save` knows beside those."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = sorted(records, key=lambda made: str(made["test"]))  # workers report in any order
    kind = path.suffix.lower()
    if kind == ".json":
        path.write_text(_json(records), encoding="utf-8")
    elif kind == ".txt":
        path.write_text(_text(records), encoding="utf-8")
    else:
        _together(records).save(path, title=f"Gradient checks: {summary(records)}")


def _json(records: Sequence[Record]) -> str:
    checks = [
        {"test": made["test"], "target": made["target"], "seed": made["seed"], **report_of(made).to_dict()}
        for made in records
    ]
    content = {"summary": summary(records), "checks": checks}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _text(records: Sequence[Record]) -> str:
    sections = [
        f"{made['test']}: {made['target']}, with seed={made['seed']}\n{report_of(made)}" for made in records
    ]
    return "\n\n".join([f"Gradient checks: {summary(records)}", *sections]) + "\n"


def _together(records: Sequence[Record]) -> Report:
    """One report with the rows of all, each under the name of its test."""
    rows = [
        replace(row, name=f"{made['test']}: {made['target']}, {row.name}")
        for made in records
        for row in report_of(made).rows
    ]
    steps = {made["step"] for made in records}
    return Report(rows, steps.pop() if len(steps) == 1 else None)


def _plain(x: Any) -> Any:
    if isinstance(x, tuple | list):
        return tuple(map(_plain, x))
    return x.item() if isinstance(x, np.generic) else x
