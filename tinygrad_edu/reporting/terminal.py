"""A document on a terminal: a headline, its tables, the notes below them. rich is loaded when it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.reporting.document import Align, Document, Tone, clean, notes
from tinygrad_edu.reporting.document import Table as PlainTable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

SIDES: dict[Align, str] = {"left": "<", "center": "^", "right": ">"}
STYLES: dict[Tone, str] = {"right": "green", "wrong": "bold red", "open": "bold yellow"}


def rich(document: Document) -> Group:
    """What `rich.print` shows of a document: the headline, the tables, and the notes of their rows."""
    from rich.console import Group
    from rich.text import Text

    headline = Text.assemble(
        (document.verdict.upper(), STYLES[document.tone]), f"   {clean(document.summary)}"
    )
    parts: list[Text | Table] = [headline]
    for each in document.tables:
        parts += [rich_table(each), *(Text(f"  {clean(note)}") for note in notes(each))]
    facts = ", ".join(f"{name} {value}" for name, value in document.facts.items())
    return Group(*parts, Text(clean(facts), style="dim"))


def rich_table(table: PlainTable) -> Table:
    """One table, coloured by its verdicts."""
    from rich.table import Table
    from rich.text import Text

    made = Table(
        title=clean(table.caption), title_justify="left", title_style="bold", box=None, padding=(0, 1, 0, 0)
    )
    for i, column in enumerate(table.columns):
        verdicts = [
            word for row in table.rows if row.cells[i].tone for word in clean(row.cells[i].text).split()
        ]
        made.add_column(
            column.name, justify=column.align, overflow="fold", no_wrap=column.align == "right",
            min_width=max(map(len, verdicts), default=1),
        )  # fmt: skip
    for row in table.rows:
        made.add_row(*(Text(clean(cell.text), STYLES[cell.tone] if cell.tone else "") for cell in row.cells))
    return made


def plain(document: Document) -> str:
    """The same without colours and without rich."""
    lines = [f"{document.verdict.upper()}   {document.summary}"]
    for table in document.tables:
        grid = [
            [column.name for column in table.columns],
            *([c.text for c in row.cells] for row in table.rows),
        ]
        widths = [max(map(len, column)) for column in zip(*map(_cleaned, grid), strict=True)]
        lines += ["", table.caption]
        lines += [
            "  ".join(
                f"{text:{SIDES[column.align]}{width}}"
                for text, column, width in zip(row, table.columns, widths, strict=True)
            ).rstrip()
            for row in map(_cleaned, grid)
        ]
        lines += [f"  {note}" for note in notes(table)]
    facts = ", ".join(f"{name} {value}" for name, value in document.facts.items())
    return clean("\n".join([*lines, "", facts]))


def _cleaned(row: list[str]) -> list[str]:
    return [clean(text).replace("\n", " ") for text in row]
