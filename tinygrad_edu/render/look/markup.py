"""Graphviz's HTML-like labels, and the two things that stand around the cards: the heading and the legend.

Graphviz draws a card without its label, and says nothing, if a single tag is not as it expects. So labels are
put together from these four functions only: user text enters by `text`, which escapes it and never leaves a
tag empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from tinygrad_edu.render.look.style import CLIP, GRADIENT_WORDS, Look, Palette, clean, escape, lines_of

BLANK = "&#160;"
HEADING = 200  # characters of a title
WIDE = 90  # and of a line of it


def text(words: str, size: int, colour: str, *, bold: bool = False, limit: int = CLIP) -> str:
    """Words in a size and a colour."""
    inside = escape(words, limit).replace("\\", "\\\\")  # since \N is a command
    inside = inside if inside.strip() else BLANK
    inside = f"<B>{inside}</B>" if bold else inside
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{inside}</FONT>'


def cell(inside: str = "", **attributes: str | int) -> str:
    """A cell of a row: text, or a table."""
    return f"<TD{_written(attributes)}>{inside}</TD>"


def row(*cells: str) -> str:
    """A row of a table."""
    return f"<TR>{''.join(cells)}</TR>"


def table(*rows: str, **attributes: str | int) -> str:
    """A table without lines, unless the attributes say otherwise."""
    plain: dict[str, str | int] = {"border": 0, "cellborder": 0, "cellspacing": 0, "cellpadding": 0}
    return f"<TABLE{_written(plain | attributes)}>{''.join(rows)}</TABLE>"


def _written(attributes: dict[str, str | int]) -> str:
    return "".join(f' {key.upper()}="{value}"' for key, value in attributes.items())


def heading(
    palette: Palette, title: str | None, subtitle: str | None, caption: str | None, urgent: str | None = None
) -> str:
    """The title over a picture, or nothing; the lines of the caption that are urgent stand out."""
    warning = set(lines_of(urgent))
    lines = [
        *((line, 20, palette.ink, True) for line in heading_lines(title)),
        *((line, 12, palette.dim, False) for line in heading_lines(subtitle)),
        *(
            (line, 12, palette.accent_text if line in warning else palette.dim, False)
            for line in lines_of(caption)
        ),
    ]
    rows = [
        row(cell(text(words, size, colour, bold=bold, limit=HEADING), align="LEFT", cellpadding=3))
        for words, size, colour, bold in lines
    ]
    return table(*rows, row(cell(height=8))) if rows else ""


def heading_lines(words: str | None) -> list[str]:
    """A title or a subtitle in lines that a page has room for."""
    return wrap(clean(words, HEADING), WIDE) if words else []


def legend(
    palette: Palette, roles: Iterable[str], *, chip: bool, value: bool, gradient: bool, scale: Sequence[int],
    broken: Iterable[str], tainted: bool = False, compared: Iterable[str] = (),
) -> str:  # fmt: skip
    """What the colours mean, but only those that occur."""
    cells: list[str] = []

    def entry(sample: str, words: str) -> None:
        cells.extend((sample, cell(text(words, 10, palette.dim), align="LEFT"), cell(width=14)))

    looks = [(role, palette.roles[role]) for role in roles]
    looks += [(words, Look(palette.bad_fill, palette.bad, palette.bad)) for words in broken]
    if tainted:
        looks.append(("not finite after it", Look(palette.pale, palette.bad, palette.bad)))
    compared_looks = {"added": ("+ only after", "output"), "removed": ("− only before", "omitted")}
    looks += [(words, palette.roles[role]) for words, role in map(compared_looks.__getitem__, compared)]
    for words, look in looks:
        style = "ROUNDED,DASHED" if look.dashed else "ROUNDED"
        sign = words[0] if words[0] in "+−" else ""  # an output and what was added have one colour
        inside = text(sign, 9, look.tag, bold=True) if sign else ""
        box = table(
            row(cell(inside, width=18, height=10)),
            border=1,
            style=style,
            bgcolor=look.fill,
            color=look.border,
        )
        entry(cell(box, cellpadding=4), words)
    if chip:
        box = table(
            row(cell(text("×", 9, palette.chip_text, bold=True), width=16)),
            style="ROUNDED",
            bgcolor=palette.chip,
        )
        entry(cell(box, cellpadding=4), "operation")
    if value:
        forward = text("value", 10, palette.value, bold=True) + text("  forward →", 10, palette.dim)
        cells.append(cell(forward, cellpadding=3))
    if gradient:
        backward = text("grad", 10, palette.gradient, bold=True) + text("  ← backward", 10, palette.dim)
        cells += [cell(width=8), cell(backward, style="ROUNDED", bgcolor=palette.pill, cellpadding=3)]
    lines = [row(cell(height=14)), row(cell(table(row(*cells))))]
    if scale:
        shades = [
            cell(
                text(GRADIENT_WORDS[i], 9, palette.scale_text),
                bgcolor=palette.scale[i],
                width=62,
                cellpadding=2,
            )
            for i in scale
        ]
        words = cell(text("gradient size  |∂L/∂·|  up to", 10, palette.dim), align="RIGHT")
        lines += [row(cell(height=6)), row(cell(table(row(words, cell(width=10), *shades))))]
    return table(*lines)
