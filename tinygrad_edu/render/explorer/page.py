"""The explorer: one page on which a learner walks through a computation, forward and backward.

    tg.explore(loss, "loss.html")

The page is one file that works without a network: the drawings, the steps and the numbers are in it. Python prepares
every number and every position; the script in the page only shows them, so nothing is computed in two languages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from html import escape as markup
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from tinygrad_edu.core.node import Node
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.render.explorer.facts import Facts
from tinygrad_edu.render.folding.board import Board, grouped
from tinygrad_edu.render.folding.fold import Expand, Fold
from tinygrad_edu.render.folding.fold import fold as arranged
from tinygrad_edu.render.graph.backward import watch
from tinygrad_edu.render.graph.model import GraphModel, describe
from tinygrad_edu.render.graph.naming import Choice, Names
from tinygrad_edu.render.graph.numbers import numbers
from tinygrad_edu.render.layout.dot import legend_entries
from tinygrad_edu.render.layout.measures import headline
from tinygrad_edu.render.layout.positions import Positions, positions
from tinygrad_edu.render.look.style import GRADIENT_WORDS, clean, escape, typeset
from tinygrad_edu.render.options import Options
from tinygrad_edu.render.vector import sheet
from tinygrad_edu.render.vector.shapes import points
from tinygrad_edu.render.vector.svg import drawing
from tinygrad_edu.reporting.files import write

CAP = 2_000_000  # characters of data in a page
STAGE = (1300, 720)  # pixels for the drawing, on a usual screen
FEW = 150  # cards; of so many, two layouts take no time that one would notice
SCRIPTS = ("graph.js", "steps.js", "panel.js", "page.js")


class Page:
    """A page that explores one graph; in a notebook it shows itself.

    Attributes:
        html: the page.
        notes: what it does not show, in words.
    """

    def __init__(self, html: str, notes: list[str]) -> None:
        self.html, self.notes = html, notes

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page to a file.

        Raises:
            ValueError: its name does not end with .html.
            OSError: the file cannot be written.
        """
        return write(self.html, _named_html(path))

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{markup(self.html, quote=True)}" title="computation graph" sandbox="allow-scripts" '
            f'style="width: 100%; height: 640px; border: 1px solid #7b8794; border-radius: 8px"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Page of {grouped(len(self.html))} characters>"


def explore(
    x: Node, path: str | PathLike[str] | None = None, *, title: str | None = None, subtitle: str | None = None,
    names: Names = None, parameters: Choice = None, highlight: Choice = None, report: Any = None,
    depth: int | None = None, fold: Fold = "auto", expand: Expand = (), engine: str = "auto", max_cards: int = 300,
) -> Path | Page:  # fmt: skip
    """Make a page on which a reader steps through the computation of a node, and back through its gradients.

    Args:
        x: the root, such as a loss; `backward` need not have run.
        path: where to write the page. Without one it is returned as a `Page`, which a notebook shows.
        title: of the page.
        subtitle: beside it.
        names: as in `draw`.
        parameters: as in `draw`.
        highlight: as in `draw`.
        report: as in `draw`.
        depth: draw modules at this depth as one card each from the beginning.
        fold: as in `draw`.
        expand: as in `draw`.
        engine: as in `draw`; "layers" for a plain layout that needs none. If there is no engine, it is used anyway.
        max_cards: of larger graphs a folded drawing is shown.

    Returns:
        The path, or the page.

    Raises:
        TypeError: `x` is not a node.
        ValueError: the path does not end with .html, or there is no such option.
    """
    if not isinstance(x, Node):
        raise TypeError(f"explore: a Scalar or a Tensor was expected, {type(x).__name__} came")
    if path is not None:
        _named_html(path)
    known = "auto" if engine == "layers" else engine
    try:
        Options(title, subtitle, depth=depth, fold=fold, expand=expand, engine=known, max_cards=max_cards)
    except ValueError as error:
        raise ValueError(str(error).replace("draw:", "explore:", 1)) from None
    watched = cache(partial(watch, always=True))
    graph = describe([x], watched, names=names, parameters=parameters, highlight=highlight, report=report)
    cotangents = watched(x).cotangents
    graph = _graded(graph, topological_order([x]), cotangents)
    boards = {"full": arranged(graph, depth=depth, max_cards=max_cards, folding=fold, expand=expand)}
    if depth is None and any(card.scope for card in boards["full"].cards):
        boards["modules"] = arranged(graph, depth=1, max_cards=max_cards)
    laid = {view: _fitting(board, engine) for view, board in boards.items()}
    facts = Facts(x, graph, boards, cotangents, names)
    root = graph.nodes[graph.root].name
    words = title or (
        "A computation, step by step" if root is None else f"Computation of {typeset(clean(root))}"
    )
    data, notes = _within(CAP, facts, words)
    notes += [note for places in laid.values() for note in places.notes]
    notes += [note for note in (boards["full"].caption, *boards["full"].folded) if note]
    page = Page(
        _page(words, subtitle, boards, laid, data, list(dict.fromkeys((*graph.warnings, *notes)))), notes
    )
    return page if path is None else page.save(path)


def _named_html(path: str | PathLike[str]) -> Path:
    """The path, if its suffix says what the page is."""
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise ValueError(f"explore: a file that ends with .html was expected, '{path.name}' came")
    return path


def _fitting(board: Board, engine: str) -> Positions:
    """The layout, from left to right or from top to bottom, that is larger where there is room for STAGE."""

    def scale(places: Positions) -> float:
        return min(STAGE[0] / places.width, STAGE[1] / places.height)

    if len(board.cards) > FEW:
        return positions(board, engine=engine)
    return max((positions(board, rankdir=way, engine=engine) for way in ("LR", "TB")), key=scale)


def _graded(graph: GraphModel, order: list[Node], cotangents: dict[Node, Any]) -> GraphModel:
    """The model with the gradients of one pass back from the root, whether or not `backward` has run, and how often."""
    nodes = [
        replace(model, gradient=numbers(cotangents[node])) if node in cotangents else model
        for model, node in zip(graph.nodes, order, strict=True)
    ]
    return replace(graph, nodes=tuple(nodes))


def _within(limit: int, facts: Facts, heading: str) -> tuple[str, list[str]]:
    """As much of the facts as fits into a page, as JSON that may stand within a script element."""
    for details, left_out in facts.levels(limit):
        text = json.dumps(
            details | {"heading": heading}, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
        for dangerous, harmless in _ESCAPES:
            text = text.replace(dangerous, harmless)
        notes = [*facts.notes, *left_out]
        if len(text) <= limit:
            break
    return text, notes


# Within a script element these could end it, or a line of it, or begin a comment.
_ESCAPES = (("</", "<\\/"), ("<!--", "<\\u0021--"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))


def _page(
    title: str, subtitle: str | None, boards: dict[str, Board], laid: dict[str, Positions], data: str, notes: list[str]
) -> str:  # fmt: skip
    parts = {
        "title": escape(title, 200),
        "subtitle": escape(subtitle or "", 300),
        "style": sheet.themes() + sheet.rules() + _file("page.css"),
        "legend": "".join(_legend(boards["full"])),
        "views": "".join(_view(name, board, laid[name]) for name, board in boards.items()),
        "notes": "".join(f'<p class="note">{escape(note, 1000)}</p>\n' for note in notes),
        "data": data,
        "script": '"use strict";\n' + "\n".join(map(_file, SCRIPTS)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], _file("page.html"))


def _file(name: str) -> str:
    """A template, without the comments and the indentation that are for its readers."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return re.sub(r"^(\s*//.*\n|[ \t]+)", "", text, flags=re.MULTILINE)


def _view(name: str, board: Board, places: Positions) -> str:
    label = escape(f"computation graph of {clean(headline(board.cards[-1]))}, {len(board.cards)} cards", 300)
    return (
        f'<template data-view="{name}"><svg class="graph" role="group" aria-label="{label}" '
        f'viewBox="0 0 {points(places.width)} {points(places.height)}">'
        f"<g>{drawing(board, places, interactive=True)}</g></svg></template>\n"
    )


def _legend(board: Board) -> Iterator[str]:
    """What the colours mean, but only those that occur."""
    entries = legend_entries(board)
    for role in entries["roles"]:
        dashes = " border-style: dashed;" if role == "frozen" else ""
        look = f"background: var(--{role}-fill); border-color: var(--{role}-border);{dashes}"
        yield f'<span><i style="{look}"></i>{role}</span>'
    for words in entries["broken"]:
        yield f'<span><i style="background: var(--bad-fill); border-color: var(--bad)"></i>{escape(words)}</span>'
    if entries["chip"]:
        yield '<span><i class="chip">×</i>operation</span>'
    yield '<span><b class="value">value</b> forward →</span>'
    yield '<span><b class="grad">grad</b> ← backward</span>'
    if entries["scale"]:
        shades = "".join(
            f'<span style="background: var(--scale-{i})">{words}</span>'
            for i, words in enumerate(GRADIENT_WORDS)
        )
        yield f'<span class="scale">|grad| up to&nbsp;{shades}</span>'
