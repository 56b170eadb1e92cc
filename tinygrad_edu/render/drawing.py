"""Draw: the whole way from a node to a picture.

    tg.draw(loss, title="A single neuron", parameters="w* b").save("neuron.svg")

A `Drawing` is made at once, but laid out only when a picture is asked for; DOT, text and JSON need no engine.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from tinygrad_edu.core.node import Node
from tinygrad_edu.render import engine as engines_chapter
from tinygrad_edu.render.dot import dot
from tinygrad_edu.render.fold import Board, Leaves, fold
from tinygrad_edu.render.model import GraphModel, capture
from tinygrad_edu.render.naming import Choice, Names
from tinygrad_edu.render.style import THEMES, clean, escape
from tinygrad_edu.render.text import outline
from tinygrad_edu.render.wording import headline

PIXELS = 100e6  # of a PNG at most; 1000 cards would take 0.6 GB
SIDE = 32_000  # pixels: cairo can't paint more
SUFFIXES = ("svg", "png", "pdf", "dot", "txt", "json")


class Drawing:
    """A picture of a graph, in every form.

    Attributes:
        graph: the model, as `capture` made it.
        source: the picture as DOT text.
        warnings: what did not go as it should; more may come with the layout.
        folded: what the picture leaves out or draws as one card, in words.
    """

    def __init__(
        self,
        graph: GraphModel,
        board: Board,
        source: str,
        *,
        title: str | None,
        subtitle: str | None,
        engine: str,
    ) -> None:
        self.graph, self.board, self.source = graph, board, source
        self.title, self.subtitle, self.engine = title, subtitle, engine
        self.folded = list(board.folded)
        self.warnings = list(graph.warnings)

    @cached_property
    def model(self) -> dict[str, Any]:
        """The graph as plain dictionaries and lists, with a version: `"schema": 1`."""
        plain: dict[str, Any] = _plain(asdict(self.graph))
        return plain

    def json(self) -> str:
        """The model as JSON; NaN and infinities as strings, which JSON has no numbers for."""
        return json.dumps(self.model, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def text(self) -> str:
        """The graph as an indented table."""
        return outline(self.board, title=self.title, subtitle=self.subtitle)

    @cached_property
    def _svg(self) -> str:
        names = [clean(headline(card)) for card in self.board.cards]
        picture = self._layout("svg", self.source, names).decode()
        label = escape(self.title or f"computation graph of {headline(self.board.cards[-1])}", 300)
        return picture.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)

    def svg(self) -> str:
        """The picture as SVG.

        Raises:
            EngineError: no engine could draw it.
        """
        return self._svg

    def png(self, dpi: float = 144) -> bytes:
        """The picture as PNG, at `dpi` dots per inch; less if it would have more than 100 million pixels."""
        if not dpi > 0:
            raise ValueError(f"png: a positive number of dots per inch was expected, {dpi!r} came")
        size = re.search(r'width="(\d+)pt" height="(\d+)pt"', self._svg)
        if size is not None:
            width, height = int(size[1]) / 72, int(size[2]) / 72
            most = min(math.sqrt(PIXELS / (width * height)), SIDE / max(width, height))
            if dpi > most:
                self._warn(f"png: {dpi:g} dots per inch would be too many pixels, {most:.0f} were taken")
                dpi = math.floor(most)
        return self._layout("png", self.source.replace("graph [", f"graph [dpi={dpi:g} ", 1))

    def pdf(self) -> bytes:
        """The picture as PDF."""
        return self._layout("pdf", self.source)

    def graphviz(self) -> Any:
        """The picture as a `graphviz.Source`, for programs built on that package; it lays out with `dot` on PATH."""
        from graphviz import Source

        return Source(self.source)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write a file; the suffix decides its kind: svg, png, pdf, dot, txt, json."""
        path = Path(path)
        kind = path.suffix[1:].lower()
        if kind not in SUFFIXES:
            raise ValueError(
                f"save: one of the suffixes {', '.join(SUFFIXES)} was expected, '{path.name}' came"
            )
        content = self.source if kind == "dot" else getattr(self, {"txt": "text"}.get(kind, kind))()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def _layout(self, kind: str, source: str, required: tuple[str, ...] | list[str] = ()) -> bytes:
        picture, notes = engines_chapter.layout(
            source, kind, cards=[card.id for card in self.board.cards], required=required, engine=self.engine
        )
        for note in notes:
            self._warn(note)
        return picture

    def _warn(self, words: str) -> None:
        if words not in self.warnings:
            self.warnings.append(words)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For notebooks: the picture, and the text for those who cannot see it. Never raises."""
        bundle = {}
        for kind, make in (("image/svg+xml", self.svg), ("text/plain", self.text)):
            try:
                bundle[kind] = make()
            except Exception as error:
                self._warn(f"{kind}: {error}")
        bundle.setdefault("text/plain", "\n".join(self.warnings))
        return bundle

    def __repr__(self) -> str:
        return f"<Drawing of {len(self.graph.nodes)} nodes on {len(self.board.cards)} cards>"


def _plain(x: Any) -> Any:
    """Without what JSON does not know; floats to 12 digits, since the last ones differ between processors."""
    if isinstance(x, dict):
        return {key: _plain(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(value) for value in x]
    if isinstance(x, float):
        return float(f"{x:.12g}") if math.isfinite(x) else str(x)
    return clean(x, 1000) if isinstance(x, str) else x


def draw(
    x: Node, *, title: str | None = None, subtitle: str | None = None, names: Names = None,
    parameters: Choice = None,
    depth: int | None = None, local: bool = False, leaves: Leaves = "auto",
    rankdir: Literal["auto", "LR", "TB"] = "auto", theme: Literal["light", "dark"] = "light",
    highlight: Choice = None, report: Any = None, engine: Literal["auto", "embedded", "dot"] = "auto",
    max_cards: int = 300,
) -> Drawing:  # fmt: skip
    """Draw the graph that a node was computed by.

        o.backward()
        tg.draw(o, names=locals(), parameters="w* b").save("neuron.svg")

    If a leaf was assigned after it had been used, the picture mixes old values and new ones, and a caption says so.

    Args:
        x: the root, such as a loss. After `x.backward()` every card shows its gradient; before, `—`.
        title: over the picture.
        subtitle: below the title, smaller.
        names: names for nodes that have none: `locals()`, a module (paths such as `fc1.weight`), or a list of
            such.
        parameters: which leaves are parameters: a module, nodes, or patterns of names such as `"w* b"`.
            Default: those of the modules in `names`; if there are none, tensors that require a gradient, and
                no scalars.
        depth: draw modules at this depth, counted from 1, as one card each.
        local: put the local derivative ∂head/∂tail on the arrows, where it is one number.
        leaves: "inset" draws a leaf as a row in its only user, "cards" draws it for itself; "auto" insets
            above 12 cards, and never with `local`, since a row has no arrow.
        rankdir: "LR" from left to right, "TB" from top to bottom, "auto" by the proportions.
        theme: "light" or "dark".
        highlight: nodes to emphasise: nodes, or patterns of names.
        report: of a gradient check, `tg.check(…)` or `tg.check_graph(…)`: what it calls wrong becomes red, and says so.
        engine: "auto", "embedded" or "dot"; see `engines()`.
        max_cards: of more cards than this, the nearest to the root are drawn, and a caption says how many are
            not.

    Raises:
        TypeError: `x` is not a node.
        ValueError: an option is none of those above.
    """
    for option, came, expected in (
        ("leaves", leaves, ("auto", "cards", "inset")), ("rankdir", rankdir, ("auto", "LR", "TB")),
        ("theme", theme, tuple(THEMES)),
    ):  # fmt: skip
        if came not in expected:
            raise ValueError(f"draw: {option} is one of {', '.join(expected)}; {came!r} came")
    for option, count in (("depth", 1 if depth is None else depth), ("max_cards", max_cards)):
        if count < 1:
            raise ValueError(f"draw: {option} is counted from 1, {count!r} came")
    if not isinstance(x, Node):
        raise TypeError(f"draw: a Scalar or a Tensor was expected, {type(x).__name__} came")
    graph = capture(x, names=names, parameters=parameters, highlight=highlight, report=report)
    board = fold(graph, depth=depth, leaves=leaves, arrows=local, max_cards=max_cards)
    source = dot(board, THEMES[theme], title=title, subtitle=subtitle, rankdir=rankdir, local=local)
    return Drawing(graph, board, source, title=title, subtitle=subtitle, engine=engine)
