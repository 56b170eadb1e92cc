"""A report as a document: what every format shows, whatever it was that was judged.

    a gradient check, checks during a training, a run of the suite  →  Document  →  text, table, JSON, JUnit, page

A document knows tables, words and verdicts, and nothing of gradients. So each format is written once, for all reports.
A verdict is always a word. Its tone says how it is to be taken: "right", "wrong", or "open" if nothing was decided.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, Protocol

Tone = Literal["right", "wrong", "open"]
Align = Literal["left", "center", "right"]


class Picture(Protocol):
    """Whatever draws itself as SVG, as a drawing of a graph does."""

    def svg(self) -> str:
        """The picture as SVG."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a table.

    Attributes:
        text: what it says.
        tone: of a verdict; None for anything else.
        spoken: the verdict as a word, where `text` is only a sign.
        position: in [0, 1], where `text` is a number that is also shown on a scale.
    """

    text: str
    tone: Tone | None = None
    spoken: str = ""
    position: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table, and the notes that stand below it."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column, and how what is below it is aligned."""

    name: str
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below heads; the first cell of a row is what the row is about."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was judged: a test case, for programs that read reports of tests."""

    group: str
    name: str
    verdict: str
    tone: Tone
    said: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """All that a format may ask for.

    Attributes:
        kind: what sort of report it is, such as "gradient check".
        title: the headline.
        verdict: of the whole, a word.
        tone: how that word is to be taken.
        summary: one sentence.
        facts: {name: value}, of the whole.
        tables: in order.
        entries: everything that was judged, by itself.
        legend: {verdict: what it means}.
        text: the report as plain text.
        content: the report as plain dictionaries and lists, for JSON.
        graph: a picture of what was judged, if there is one.
    """

    kind: str
    title: str
    verdict: str
    tone: Tone
    summary: str
    facts: Mapping[str, str]
    tables: tuple[Table, ...]
    entries: tuple[Entry, ...]
    legend: Mapping[str, str]
    text: str
    content: Mapping[str, Any]
    graph: Picture | None = field(default=None, compare=False)


def clean(text: str) -> str:
    r"""The text with what cannot be printed as an escape like \x1b, so that no name can steer a terminal or a parser.

    Line breaks stay. Controls, lone surrogates and marks that turn the direction of reading are among what goes.
    """
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def number(x: Any, form: str) -> str:
    """A number in words of a table; None is what a JSON document says of a number that is not finite."""
    if x is None:
        return "not finite"
    if isinstance(x, float) and not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else "−∞"
    return format(x, form).replace("-", "−")


# ---- the scale that the lecture judges a difference by ----

BANDS = (1e-16, 1e-7, 1e-5, 1e-3, 1.0)
BAND_WORDS = ("great", "fine, have a look", "be wary", "a bug")


def position(difference: float) -> float:
    """Where a relative difference lies between 1e-16 and 1, each band as wide as the next: in [0, 1]."""
    logs = [math.log10(limit) for limit in BANDS]
    at = math.log10(min(max(difference, BANDS[0]), BANDS[-1])) if difference == difference else logs[-1]
    for i, (low, high) in enumerate(pairwise(logs)):
        if at <= high:
            return (i + (at - low) / (high - low)) / len(BAND_WORDS)
    return 1.0


def lines(table: Table) -> Iterator[str]:
    """The notes of a table, each with what it is about before it."""
    for row in table.rows:
        yield from (f"{row.cells[0].text}: {note}" for note in row.notes)
