"""Positions: where the cards, the boxes around modules and the arrows of a board are.

    board  --sizes-->  bare boxes in DOT  --engine-->  coordinates  -->  a drawing of our own

An engine is asked only for a layout. It is told the size of every card and draws none of them, which also takes it less
time than to set the type within. Without any engine the cards are arranged in layers, see `layers`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.render.folding import wording
from tinygrad_edu.render.folding.board import Board, Card, Link, grouped
from tinygrad_edu.render.layout import engine as engines
from tinygrad_edu.render.layout.cards import columns_of
from tinygrad_edu.render.layout.dot import boxes, effort, goes_down, ports, spacing
from tinygrad_edu.render.layout.measures import Measures, measure
from tinygrad_edu.render.look.metrics import text_width
from tinygrad_edu.render.look.style import clean, quoted

MARGIN = 12.0  # around everything
UNUSED = ("no path to the output", "")  # the box around parameters that lead nowhere
DETACH = "✂ detach"
Point = tuple[float, float]
Curve = tuple[tuple[Point, ...], tuple[Point, ...]]  # its points, and the middle of its label if it has one


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its left top corner; y grows downward."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Group:
    """The box around the cards of a module."""

    scope: tuple[str, ...]
    box: Box

    @property
    def level(self) -> int:
        """How many boxes are around it, at least."""
        return len(self.scope) - 1


@dataclass(frozen=True, slots=True)
class Arrow:
    """The arrow of a link: a Bézier curve, of 1 + 3 n points."""

    src: int
    dst: int
    points: tuple[Point, ...]
    label: str = ""  # ×(∂dst/∂src), or what happens on the way
    at: Point = (0.0, 0.0)  # the middle of the label
    flags: tuple[str, ...] = ()  # of the link, or "detached", or "omitted"


@dataclass(frozen=True, slots=True)
class Positions:
    """Where everything is; a pure function of the board and the engine."""

    width: float
    height: float
    down: bool  # the arrows go from top to bottom
    cards: dict[int, Box]
    measures: dict[int, Measures]
    groups: tuple[Group, ...]
    arrows: tuple[Arrow, ...]
    rest: Box | None = None  # the card that stands for what was left out
    notes: tuple[str, ...] = ()


def positions(board: Board, *, rankdir: str = "auto", local: bool = False, engine: str = "auto") -> Positions:
    """Lay out a board.

    Args:
        board: the cards.
        rankdir: "LR" from left to right, "TB" from top to bottom, "auto" by the proportions.
        local: leave room for the local derivatives on the arrows.
        engine: "auto", "embedded", "dot", or "layers" for the layout that needs no engine.
    """
    down = goes_down(board, rankdir)
    columns = columns_of(board, down)
    measures = {card.id: measure(card, board, columns) for card in (*board.cards, *board.unused)}
    notes: tuple[str, ...] = ()
    if engine != "layers":
        try:
            source = _skeleton(board, measures, down, local)
            answer, heard = engines.layout(source, "json0", cards=list(measures), engine=engine)
            return _read(json.loads(answer), board, measures, down, local, tuple(heard))
        except engines.EngineError as error:
            notes = (f"the cards are arranged in plain layers: {error}",)
    from tinygrad_edu.render.layout.layers import layered

    return layered(board, measures, down, notes)


def link_words(link: Link, local: bool) -> str:
    """What stands on an arrow."""
    return wording.factor(link.local) if local and link.local is not None else wording.arrow(link)


def rest_words(board: Board) -> str:
    """What the card says that stands for the nodes left out."""
    return f"… {grouped(board.omitted)} more nodes"


def group_words(scope: tuple[str, ...], board: Board) -> tuple[str, str]:
    """The name of a box, and the kind of module; the latter may be empty."""
    return clean(scope[-1]), clean(board.modules.get(".".join(scope), ""))


def _skeleton(board: Board, measures: dict[int, Measures], down: bool, local: bool) -> str:
    """The board as DOT without any content."""
    lines = [
        "digraph {",
        f"graph [rankdir={'TB' if down else 'LR'} {spacing(board, down)}{effort(board)}]",
        'node [shape=box fixedsize=true label=""]',
        f"edge [arrowhead=none fontsize=9 fontname=Helvetica {ports(down)}]",
    ]
    count = 0
    for item in boxes(board, down):
        if item is None:
            lines.append("}")
        elif isinstance(item, Card):
            lines.append(_size(item.id, measures))
        else:
            room = _room(*group_words(item, board))
            lines.append(f"subgraph cluster_{count} {{ graph [margin={10 if down else 9} {room}]")
            count += 1
    for link in board.links:
        words = link_words(link, local)
        lines.append(f"n{link.src}->n{link.dst}" + (f" [label={quoted(words)}]" if words else ""))
    if board.unused:
        lines.append(f"subgraph cluster_{count} {{ graph [margin=9 {_room(*UNUSED)}]")
        lines += [*(_size(card.id, measures) for card in board.unused), "}"]
    for link in board.detached:
        free = " constraint=false" if link.dst < link.src < board.cards[-1].id else ""
        lines.append(f'n{link.src}->n{link.dst} [label=" {DETACH} "{free}]')
    if board.stubs:
        lines.append(
            f"rest [width={(text_width(rest_words(board), 11, bold=True) + 24) / 72:.5f} height=0.45]"
        )
        lines += [f"rest->n{i}" for i in board.stubs]
    return "\n".join([*lines, "}", ""])


def _size(card: int, measures: dict[int, Measures]) -> str:
    size = measures[card]
    return f"n{card} [width={size.width / 72:.5f} height={size.height / 72:.5f}]"


def _room(name: str, kind: str) -> str:
    """Room for the label of a box, at its left top."""
    width = text_width(name, 11, bold=True) + text_width("  " + kind, 9) + 8
    return (
        'labelloc=t labeljust=l label=<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>'
        f'<TD FIXEDSIZE="TRUE" WIDTH="{width:.0f}" HEIGHT="14"></TD></TR></TABLE>>'
    )


def _read(
    answer: dict[str, Any], board: Board, measures: dict[int, Measures], down: bool, local: bool,
    notes: tuple[str, ...],
) -> Positions:  # fmt: skip
    """What Graphviz answers: boxes by their middle or by two corners, and y grows upward."""
    right, height = _numbers(answer["bb"])[2:]
    top = height + MARGIN
    places: dict[str, Box] = {}
    groups: list[tuple[int, Box]] = []
    names: dict[int, str] = {}
    for found in answer.get("objects", ()):
        names[found["_gvid"]] = found["name"]
        if "pos" in found:
            x, y = _numbers(found["pos"])
            width, tall = 72 * float(found["width"]), 72 * float(found["height"])
            places[found["name"]] = Box(MARGIN + x - width / 2, top - y - tall / 2, width, tall)
        else:
            low, bottom, high, upper = _numbers(found["bb"])
            place = int(found["name"].removeprefix("cluster_"))
            groups.append((place, Box(MARGIN + low, top - upper, high - low, upper - bottom)))
    missing = [f"n{i}" for i in measures if f"n{i}" not in places]
    if missing:
        raise engines.EngineError(
            f"{len(missing)} cards are missing in the layout, the first is {missing[0]}"
        )
    curves: dict[tuple[str, str], list[Curve]] = {}
    for line in answer.get("edges", ()):
        points, at = (
            tuple((MARGIN + x, top - y) for x, y in map(_numbers, line.get(key, "").split()))
            for key in ("pos", "lp")
        )
        curves.setdefault((names[line["tail"]], names[line["head"]]), []).append((points, at))
    arrows = []
    detached = ((link.src, link.dst, DETACH, ("detached",)) for link in board.detached)
    for src, dst, label, flags in (
        *((link.src, link.dst, link_words(link, local), link.flags) for link in board.links), *detached
    ):  # fmt: skip
        points, at = curves[f"n{src}", f"n{dst}"].pop(0)  # x·x has two, which come in their order
        arrows.append(Arrow(src, dst, points, label, at[0] if at else (0.0, 0.0), flags))
    arrows += [Arrow(-1, i, curves["rest", f"n{i}"].pop(0)[0], flags=("omitted",)) for i in board.stubs]
    opened = [item for item in boxes(board, down) if isinstance(item, tuple)]
    scopes = [*(scope[1:] if scope[0] == "" else scope for scope in opened), UNUSED[:1]]
    return Positions(
        right + 2 * MARGIN, height + 2 * MARGIN, down, {i: places[f"n{i}"] for i in measures}, measures,
        tuple(Group(scopes[place], box) for place, box in groups), tuple(arrows), places.get("rest"), notes,
    )  # fmt: skip


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]
