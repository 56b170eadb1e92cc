"""What stands around the cards in an SVG of our own: the heading above, and below what the colours mean.

Both are pieces of SVG with a size, so that a picture can be put together from top to bottom.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tinygrad_edu.render.folding.board import Board
from tinygrad_edu.render.layout.dot import legend_entries
from tinygrad_edu.render.layout.positions import MARGIN
from tinygrad_edu.render.look.markup import HEADING, heading_lines
from tinygrad_edu.render.look.metrics import text_width
from tinygrad_edu.render.look.style import GRADIENT_WORDS, clean, lines_of
from tinygrad_edu.render.vector.shapes import rectangle, text

SWATCH, GAP, LINE = 20.0, 16.0, 24.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a picture; its left top corner is at 0, 0."""

    width: float
    height: float
    markup: str


def heading(title: str | None, subtitle: str | None, caption: str | None, urgent: str | None = None) -> Piece:
    """The title, a line below it, and what the picture leaves out; nothing of what there is not."""
    warning = set(lines_of(urgent))
    lines = [
        *((line, "title", 20, 34.0 if i == 0 else 24.0) for i, line in enumerate(heading_lines(title))),
        *((line, "subtitle", 12, 18.0) for line in heading_lines(subtitle)),
        *((line, "caption" if line in warning else "subtitle", 12, 18.0) for line in lines_of(caption)),
    ]
    y, width, parts = 0.0, 0.0, []
    for words, kind, size, height in lines:
        y += height
        words = clean(words, HEADING)
        width = max(width, 2 * MARGIN + text_width(words, size, bold=kind == "title"))
        parts.append(text(kind, MARGIN, y - 6, words, limit=HEADING))
    return Piece(width, y, "".join(parts))


def legend(board: Board) -> Piece:
    """What the colours mean, but only those that occur."""
    entries = legend_entries(board)
    x, parts = MARGIN, list[str]()

    def put(sample: str, room: float, words: str) -> None:
        nonlocal x
        parts.append(f'<g transform="translate({x:.1f} 0)">{sample}{text("entry", room, 15, words)}</g>')
        x += room + text_width(words, 10) + GAP

    for role in entries["roles"]:
        put(f'<g class="{role}">{rectangle("box", 0, 5, SWATCH, 12, 4)}</g>', SWATCH + 5, role)
    for words in entries["broken"]:
        put(f'<g class="card bad">{rectangle("box", 1, 6, SWATCH - 2, 10, 4)}</g>', SWATCH + 5, words)
    if entries["chip"]:
        put(
            rectangle("chip", 0, 4, SWATCH, 14, 4) + text("symbol", SWATCH / 2, 15, "×"),
            SWATCH + 5,
            "operation",
        )
    if entries["value"]:
        put(text("sample value", 0, 15, "value"), 34, "forward →")
    if entries["gradient"]:
        put(rectangle("pill", 0, 3, 32, 17, 6) + text("sample grad", 4, 15, "grad"), 38, "← backward")
    rows = 1
    if entries["scale"]:
        parts += _scale(entries["scale"])
        rows = 2
    return Piece(max(x, 560.0 if rows == 2 else 0.0), LINE * rows + 4, "".join(parts))


def _scale(shades: Iterable[int]) -> Iterator[str]:
    words = "gradient size |∂L/∂·| up to"
    yield text("entry", MARGIN, LINE + 15, words)
    start = MARGIN + text_width(words, 10) + 12
    for k, i in enumerate(shades):
        place = rectangle("pill", start + 64 * k, LINE + 3, 64, 17, 0)
        yield f'<g class="s{i}">{place}{text("grad bound", start + 64 * k + 32, LINE + 15, GRADIENT_WORDS[i])}</g>'
