"""A document on a terminal: a headline, its tables, the notes below them. rich is loaded when it is printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinygrad_edu.reporting.document import Align, Document, Tone, clean, notes
from tinygrad_edu.reporting.document import Table as PlainTable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, Group, RenderableType

SIDES: dict[Align, str] = {"left": "<", "center": "^", "right": ">"}
STYLES: dict[Tone, str] = {"right": "green", "wrong": "bold red", "open": "bold yellow"}


@dataclass(frozen=True, slots=True)
class Printed:
    """What `rich.print` shows of a document: the headline, the tables, and the notes of their rows."""

    document: Document

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The parts, for a terminal of a certain width."""
        from rich.padding import Padding
        from rich.text import Text

        document = self.document
        word = (document.verdict.upper(), STYLES[document.tone])
        yield Text.assemble(word, f"   {clean(document.summary)}")
        for table in document.tables:
            yield rich_table(table, options.max_width)
            yield from (Padding(Text(clean(note)), (0, 0, 0, 2)) for note in notes(table))
        facts = ", ".join(f"{name} {value}" for name, value in document.facts.items())
        yield Text(clean(facts), style="dim")


def rich_table(table: PlainTable, width: int) -> Group:
    """One table, coloured by its verdicts. Where it is too wide, columns of signs get numbers for heads, and a key."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    heads, key = [column.name for column in table.columns], [clean(table.caption)]
    cells = list(zip(*([clean(cell.text) for cell in row.cells] for row in table.rows), strict=True))
    needed = sum(1 + max(map(len, (head, *column))) for head, column in zip(heads, cells, strict=False))
    signs = [i for i in range(len(heads)) if any(row.cells[i].spoken for row in table.rows)]
    if needed > width:
        key += beside([f"{k} {heads[i]}" for k, i in enumerate(signs, 1)], width)
        heads = [str(signs.index(i) + 1) if i in signs else head for i, head in enumerate(heads)]
    made = Table(box=None, padding=(0, 1, 0, 0))
    for i, column in enumerate(table.columns):
        words = [word for row in table.rows if row.cells[i].tone for word in clean(row.cells[i].text).split()]
        made.add_column(
            heads[i], justify=column.align, overflow="fold", no_wrap=column.align == "right",
            min_width=max(map(len, words), default=1),
        )  # fmt: skip
    for row in table.rows:
        made.add_row(*(Text(clean(cell.text), STYLES[cell.tone] if cell.tone else "") for cell in row.cells))
    first, *others = key
    return Group(Text(first, "bold"), *map(Text, others), made)


def beside(items: list[str], width: int) -> list[str]:
    """Lines of items, as many in each as there is room for."""
    lines = [""]
    for item in items:
        joined = f"{lines[-1]}  {item}" if lines[-1] else item
        lines[-1:] = [joined] if len(joined) <= width or not lines[-1] else [lines[-1], item]
    return lines


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
