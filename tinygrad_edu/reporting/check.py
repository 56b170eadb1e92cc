"""Gradient checks as documents: a table of parameters, each with its worst component and what was noticed.

Besides the verdict there is the lecture's relative difference, ‖approx − dθ‖ / (‖approx‖ + ‖dθ‖). It spans sixteen
orders of magnitude, so it is also shown on a scale, on which the lecture's four bands are equally wide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tinygrad_edu.reporting.document import (
    Cell,
    Column,
    Document,
    Entry,
    Picture,
    Row,
    Table,
    Tone,
    environment,
    number,
)

LEGEND = {
    "verified": "every component agrees with its numerical derivative, within the error bar",
    "wrong": "a component differs from its numerical derivative by more than the error bar explains",
    "inconclusive": "the error bar is too large to tell right from wrong; check at other values",
    "not differentiable here": "nothing is wrong, but a component is on a kink, where its two sides have two slopes",
    "vacuous": "nothing was shown: all components are 0 here, or there are none; check at other values",
}
BANDS = {
    "great": 1e-7,
    "fine, have a look": 1e-5,
    "be wary": 1e-3,
    "a bug": 1.0,
}  # what the lecture says, up to where
SCALE = tuple(
    f"{words} ≤ 1e−{-math.log10(limit):.0f}" if limit < 1 else words for words, limit in BANDS.items()
)
LEAST = 1e-16  # where the scale begins
COLUMNS = (
    Column("parameter"), Column("shape"), Column("verdict"), Column("difference", "right"), Column("worst at"),
    Column("backward", "right"), Column("numeric", "right"), Column("± error", "right"),
)  # fmt: skip


class Check(Protocol):
    """The report of a gradient check: its rows have the attributes that `_row` reads."""

    @property
    def verdict(self) -> str:
        """One of the words of LEGEND."""

    @property
    def rows(self) -> Sequence[Any]:
        """One for each parameter."""

    @property
    def difference(self) -> float:
        """The lecture's, over all parameters."""

    @property
    def step(self) -> float | None:
        """The fixed step, if it was not chosen for each component."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON."""


class Checks(Protocol):
    """The reports of a check at several steps of a training."""

    @property
    def reports(self) -> Mapping[int, Check]:
        """{steps so far: report}."""

    @property
    def hidden(self) -> Sequence[str]:
        """The parameters that only a later check found to be wrong."""


def gradient_check(report: Check, *, graph: Picture | None = None, title: str | None = None) -> Document:
    """The document of a gradient check."""
    versions, content = environment(), report.to_dict()
    right = sum(row.verdict == "verified" for row in report.rows)
    facts = {"global difference": number(report.difference, ".2e")}
    facts["step"] = "chosen for each component" if report.step is None else f"{report.step:g}"
    if lecture := content["lecture"]:
        facts[f"difference at ε = {lecture['step']:g}"] = number(lecture["difference"], ".2e")
    note = content["note"]
    return Document(
        kind="gradient check", title=title or "Gradient check", verdict=report.verdict, tone=_tone(report.verdict),
        summary=f"{right} of {len(report.rows)} parameters verified" + (f"; {note}" if note else ""),
        facts=facts | versions, tables=(_table(report, "Parameters"),), legend=LEGEND, scale=SCALE,
        entries=tuple(_entries(report, "parameters")), text=str(report), graph=graph,
        content={"schema": "tinygrad-edu/gradient-check/1"} | versions | content,
    )  # fmt: skip


def when(step: int) -> str:
    """When a check was made."""
    return f"after {step} step{'s' * (step > 1)}" if step else "at the start"


def training_check(reports: Checks, *, graph: Picture | None = None, title: str | None = None) -> Document:
    """The document of checks during a training: the gravest verdict of all, and a table for each."""
    versions = environment()
    verdicts = [report.verdict for report in reports.reports.values()]
    gravest = ("wrong", "inconclusive", "not differentiable here", "vacuous")
    verdict = next((word for word in gravest if word in verdicts), "verified")
    said = f"{sum(word == 'verified' for word in verdicts)} of {len(verdicts)} checks verified"
    hidden = ", ".join(reports.hidden)
    after = {steps: when(steps) for steps in reports.reports}
    checks = [{"steps": steps, **report.to_dict()} for steps, report in reports.reports.items()]
    return Document(
        kind="training check", title=title or "Gradient check during training", verdict=verdict, tone=_tone(verdict),
        summary=said + (f"; the initialization had hidden what is wrong in {hidden}" if hidden else ""),
        facts={
            f"difference {after[steps]}": number(report.difference, ".2e")
            for steps, report in reports.reports.items()
        } | versions,
        tables=tuple(
            _table(report, f"Parameters {after[steps]}: {report.verdict}")
            for steps, report in reports.reports.items()
        ),
        entries=tuple(
            entry for steps, report in reports.reports.items() for entry in _entries(report, after[steps])
        ),
        legend=LEGEND, text=str(reports), graph=graph, scale=SCALE,
        content={"schema": "tinygrad-edu/training-check/1", **versions, "verdict": verdict, "hidden": [*reports.hidden],
                 "checks": checks},
    )  # fmt: skip


def position(difference: float) -> float:
    """Where a relative difference lies on the scale of the four bands: in [0, 1]."""
    if math.isnan(difference):
        return 1.0
    logs = [math.log10(limit) for limit in (LEAST, *BANDS.values())]
    at = math.log10(min(max(difference, LEAST), 1.0))
    band = next(i for i, high in enumerate(logs[1:]) if at <= high)
    return (band + (at - logs[band]) / (logs[band + 1] - logs[band])) / len(BANDS)


def _tone(verdict: str) -> Tone:
    return "right" if verdict == "verified" else "wrong" if verdict == "wrong" else "open"


def _table(report: Check, caption: str) -> Table:
    return Table(caption, COLUMNS, tuple(map(_row, report.rows)))


def _row(row: Any) -> Row:
    known = math.isfinite(row.error)
    texts = [
        _index(row.worst), number(row.backward, ".7g"), number(row.numeric, ".7g") if known else "unknown",
        number(row.error, ".0e") if known else "–",
    ]  # fmt: skip
    judged = row.verdict in ("verified", "wrong")  # elsewhere a difference is large or small by chance
    difference = (
        Cell(number(row.difference, ".1e"), position=position(row.difference)) if judged else Cell("–")
    )
    cells = (
        Cell(row.name), Cell(str(row.shape)), Cell(row.verdict, _tone(row.verdict)),
        difference, *map(Cell, texts),
    )  # fmt: skip
    return Row(cells, tuple(row.remarks))


def _entries(report: Check, group: str) -> list[Entry]:
    each = report.seconds / max(len(report.rows), 1)  # they were examined together
    return [Entry(group, row.name, row.verdict, _tone(row.verdict), _said(row), each) for row in report.rows]


def _said(row: Any) -> str:
    known = math.isfinite(row.error)
    numeric = f"{number(row.numeric, '.9g')} ± {number(row.error, '.0e')}" if known else "unknown"
    said = f"{row.name}{_index(row.worst)}: backward {number(row.backward, '.9g')}, numeric {numeric}"
    return "\n".join([said, *row.remarks])


def _index(worst: Sequence[int]) -> str:
    return f"[{', '.join(map(str, worst))}]" if worst else ""
