"""SVG of our own: the cards of a board, drawn where the positions say.

    Board, Positions  -->  <g id="n12" class="card intermediate"> … <text id="v12">−6</text> <text id="g12">0.5</text>

An engine's SVG is a heap of shapes; in this one every number has an address. A page can reach it to step through a
computation, and a style sheet colours it (see `sheet`). A `Moment` shows the same cards in the middle of a computation.
"""

from __future__ import annotations

from tinygrad_edu.render.folding.board import Board
from tinygrad_edu.render.layout.measures import headline
from tinygrad_edu.render.layout.positions import UNUSED, Arrow, Box, Group, Positions, group_words, rest_words
from tinygrad_edu.render.look.style import escape
from tinygrad_edu.render.look.themes import SCALES
from tinygrad_edu.render.vector import sheet, surroundings
from tinygrad_edu.render.vector.face import RADIUS, face
from tinygrad_edu.render.vector.moment import FINISHED, Moment
from tinygrad_edu.render.vector.shapes import at, points, rectangle, text


def svg(
    board: Board,
    places: Positions,
    *,
    moment: Moment = FINISHED,
    theme: str = "auto",
    title: str | None = None,
    heading: str | None = None,
    subtitle: str | None = None,
) -> str:
    """Draw a board as an SVG file.

    Args:
        board: the cards.
        places: where they are.
        moment: what is known of their numbers.
        theme: "light", "dark", or "auto" by the reader's system.
        title: what the picture shows, for those who cannot see it.
        heading: over the picture.
        subtitle: below the heading, smaller.
    """
    name = title or heading or f"computation graph of {headline(board.cards[-1])}"
    above, below = (
        surroundings.heading(heading, subtitle, board.caption, board.urgent),
        surroundings.legend(board),
    )
    width = points(max(places.width, above.width, below.width))
    height = points(above.height + places.height + below.height)
    cards = drawing(board, places, moment=moment)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" role="img" style="{SCALES}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"><title>{escape(name, 300)}</title>'
        f"<style>{sheet.themes(theme, '.graph')}{sheet.rules()}</style>"
        f'<rect width="100%" height="100%" style="fill: var(--paper)"/>{above.markup}'
        f'<g transform="translate(0 {points(above.height)})">{cards}</g>'
        f'<g transform="translate(0 {points(above.height + places.height)})">{below.markup}</g></svg>\n'
    )


def drawing(board: Board, places: Positions, *, moment: Moment = FINISHED, interactive: bool = False) -> str:
    """What is within the SVG: boxes of modules, arrows, cards; `interactive` ones take the focus of the keyboard."""
    parts = [_HEADS]
    parts += [_group(group, board, interactive) for group in places.groups]
    parts += [_link(arrow, moment) for arrow in places.arrows]
    for card in (*board.cards, *board.unused):
        parts.append(face(card, board, places, moment, interactive))
    if places.rest is not None:
        parts.append(_rest(places.rest, board))
    return "".join(parts)


_HEADS = "<defs>" + "".join(
    f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{size}" markerHeight="{size}" '
    f'orient="auto-start-reverse"><path d="M0 1L8 4L0 7z"/></marker>'
    for name, size in (("head", 7), ("active-head", 5), ("bad-head", 5))
) + "</defs>"  # fmt: skip


def _group(group: Group, board: Board, interactive: bool) -> str:
    box = group.box
    name, kind = group_words(group.scope, board)
    path = escape(".".join(group.scope), 300)
    act = (
        f' tabindex="0" role="button" aria-label="module {path}: fold"'
        if interactive and group.scope != UNUSED[:1]
        else ""
    )
    words = escape(name) + (f'<tspan class="kind" dx="6">{escape(kind)}</tspan>' if kind else "")
    return (
        f'<g class="group{" odd" if group.level % 2 else ""}" data-scope="{path}"><title>{path}</title>'
        f"{rectangle('frame', box.x, box.y, box.width, box.height, RADIUS)}"
        f'<g class="handle"{act}><text class="name" {at(box.x + 9, box.y + 15)}>{words}</text></g></g>'
    )


def _curve(arrow: Arrow) -> str:
    start, *rest = (f"{points(x)} {points(y)}" for x, y in arrow.points)
    return f"M{start}C{' '.join(rest)}"


def _link(arrow: Arrow, moment: Moment) -> str:
    flows = (arrow.src, arrow.dst) in moment.arrows
    kind = " ".join(("link", *arrow.flags)) + " active" * flows + " reversed" * (flows and moment.backward)
    ends = f'data-link="{arrow.src} {arrow.dst}"'
    label = text(f"along {kind}", arrow.at[0], arrow.at[1] + 3, arrow.label) if arrow.label else ""
    return f'<path class="{kind}" {ends} d="{_curve(arrow)}"/>{label}'


def _rest(box: Box, board: Board) -> str:
    middle = (box.x + box.width / 2, box.y + box.height / 2 + 4)
    words = f'<text class="name" text-anchor="middle" {at(*middle)}>{escape(rest_words(board))}</text>'
    return (
        f'<g class="rest omitted">{rectangle("box", box.x, box.y, box.width, box.height, RADIUS)}{words}</g>'
    )
