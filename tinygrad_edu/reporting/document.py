"""A report as a document: what every format shows, whatever it was that was judged.

    a gradient check, checks during a training, a run of the suite  →  Document  →  text, table, JSON, JUnit, page

A document knows tables, words and verdicts, and nothing of gradients. So each format is written once, for all reports.
A verdict is always a word. Its tone says how it is to be taken: "right", "wrong", or "open" if nothing was decided.
"""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

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
    """One thing that was judged, and how long that took: a test case, for programs that read reports of tests."""

    group: str
    name: str
    verdict: str
    tone: Tone
    said: str = ""
    seconds: float = 0.0


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
        content: the report as plain dictionaries and lists, for JSON.
        text: the report as plain text, if it has one of its own.
        graph: a picture of what was judged, if there is one.
        scale: the words of a scale, if a table has numbers on one; its parts are equally wide.
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
    content: Mapping[str, Any]
    text: str = ""
    graph: Picture | None = field(default=None, compare=False)
    scale: tuple[str, ...] = ()


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


def environment() -> dict[str, str]:
    """The versions that a report depends on."""
    version = sys.modules[
        "tinygrad_edu"
    ].__version__  # of the package, which stands above all that it consists of
    return {"version": version, "numpy": np.__version__, "python": platform.python_version()}


def notes(table: Table) -> Iterator[str]:
    """The notes of a table, each with what it is about before it."""
    for row in table.rows:
        yield from (f"{row.cells[0].text}: {note}" for note in row.notes)
