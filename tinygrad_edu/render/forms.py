"""A drawing in every form: SVG, PNG, PDF, a page, DOT, Mermaid, JSON, text.

    model  --fold-->  board  --dot-->  DOT  --engine-->  picture

A `Drawing` is made at once, but laid out only when a picture is asked for; DOT, Mermaid, text and JSON need no engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

from tinygrad_edu.render.folding.fold import Board, fold, grouped, unmatched
from tinygrad_edu.render.folding.wording import headline
from tinygrad_edu.render.graph.model import Finding, GraphModel
from tinygrad_edu.render.layout import engine as engines_chapter
from tinygrad_edu.render.layout.dot import dot
from tinygrad_edu.render.look.style import clean
from tinygrad_edu.render.options import Options
from tinygrad_edu.render.text import outline

FEW = 60  # cards, which every engine lays out in a second
FORMS = {  # the suffix of a file, and what makes it
    "svg": "svg", "png": "png", "pdf": "pdf", "html": "html", "dot": "dot", "mmd": "mermaid", "json": "json",
    "txt": "text",
}  # fmt: skip


class Drawing:
    """A picture of a graph, in every form.

    Attributes:
        graph: the model, as `capture` made it.
        board: what is drawn of it, as cards.
        source: the picture as DOT text.
        warnings: what did not go as it should; more may come with the layout.
        folded: what the picture leaves out or draws as one card, in words.
    """

    def __init__(
        self, graph: GraphModel, board: Board, source: str, *,
        smaller: Callable[[str], Drawing] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        self.graph, self.board, self.source = graph, board, source
        self.options = Options(**options)
        self.folded = list(board.folded)
        self.warnings = [*graph.warnings, *unmatched(graph, self.options.expand)]
        self._smaller = smaller  # draws the same graph on few cards, with a caption that tells why
        self._stand_in: Drawing | None = None

    @classmethod
    def from_model(cls, graph: GraphModel, *, caption: str | None = None, **options: Any) -> Drawing:
        """Draw a model: what `capture` made of a graph, or `load_model` of a file.

        Args:
            graph: the model.
            caption: a sentence below the title.
            **options: those of `draw` that are about the picture, such as `title` or `depth`.

        Raises:
            ValueError: an option is none of those.
        """
        o = Options(**options)
        board = fold(
            graph, depth=o.depth, leaves=o.leaves, arrows=o.local, max_cards=o.max_cards, folding=o.fold,
            expand=o.expand,
        )  # fmt: skip
        said = "\n".join(filter(None, (board.caption, caption)))
        board = replace(board, rows=o.rows, caption=said or None)
        source = dot(board, o.palette, title=o.title, subtitle=o.subtitle, rankdir=o.rankdir, local=o.local)

        def smaller(why: str) -> Drawing:
            fewer = {"depth": None, "fold": "auto", "max_cards": min(FEW, len(board.cards) // 2)}
            return cls.from_model(graph, caption=why, **options | fewer)

        return cls(graph, board, source, smaller=smaller if len(board.cards) > 1 else None, **options)

    @property
    def title(self) -> str:
        """What the picture is called."""
        return self.options.title or f"computation graph of {headline(self.board.cards[-1])}"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a diagnosis has found, the worst first; none if there was none."""
        return self.graph.findings

    @cached_property
    def model(self) -> dict[str, Any]:
        """The graph as plain dictionaries and lists, with a version: `"schema": 1`."""
        from tinygrad_edu.render.plain import as_plain

        return as_plain(self.graph)

    def json(self) -> str:
        """The model as JSON, which `load_model` reads again."""
        from tinygrad_edu.render.plain import as_json

        return as_json(self.graph)

    def text(self) -> str:
        """The graph as an indented table."""
        return outline(self.board, title=self.options.title, subtitle=self.options.subtitle)

    def describe(self) -> str:
        """The graph in a few sentences, as for the `alt` of an image."""
        from tinygrad_edu.render.description import describe

        return describe(self.graph, self.board)

    def dot(self) -> str:
        """The picture as DOT text: `source`."""
        return self.source

    def mermaid(self) -> str:
        """The graph as a flowchart in Mermaid, which forges draw inside their pages."""
        from tinygrad_edu.render.mermaid import mermaid

        o = self.options
        return mermaid(self.board, o.palette, title=o.title, rankdir=o.rankdir, local=o.local)

    @cached_property
    def _svg(self) -> str:
        try:
            picture = self._layout("svg").decode()
        except engines_chapter.EngineError as error:
            if self.options.engine != "auto":
                raise
            return self._in_layers(error)
        from tinygrad_edu.render.look.themes import dressed

        return dressed(picture, title=self.title, description=self.describe(), theme=self.options.theme)

    def _in_layers(self, why: Exception) -> str:
        """Where there is no Graphviz, the cards as we can arrange and draw them ourselves."""
        from tinygrad_edu.render.layout.positions import positions
        from tinygrad_edu.render.vector.svg import svg

        self._warn(f"drawn in plain layers, without the boxes of modules: {why}")
        o = self.options
        places = positions(self.board, rankdir=o.rankdir, local=o.local, engine="layers")
        return svg(self.board, places, theme=o.theme, title=self.title, heading=o.title, subtitle=o.subtitle)

    def svg(self) -> str:
        """The picture as SVG; without Graphviz a plainer one, and `warnings` say so.

        Raises:
            EngineError: the engine that was asked for could not draw it.
        """
        return self._svg

    def png(self, dpi: float = 144) -> bytes:
        """The picture as PNG, at `dpi` dots per inch; less if it would have more than 100 million pixels.

        Raises:
            EngineError: there is no engine, or none could draw it.
            ValueError: `dpi` is not positive.
        """
        asked: Any = dpi
        if not isinstance(asked, Real) or not dpi > 0:
            raise ValueError(f"png: a positive number of dots per inch was expected, {dpi!r} came")
        if dpi > (most := engines_chapter.finest(self._svg)):
            self._warn(f"png: {dpi:g} dots per inch would be too many pixels, {most} were taken")
            dpi = most
        return self._layout("png", dpi)

    def pdf(self) -> bytes:
        """The picture as PDF.

        Raises:
            EngineError: there is no engine, or none could draw it.
        """
        return self._layout("pdf")

    def html(self) -> str:
        """The picture as a page that needs nothing else, with its description and the graph as text."""
        from tinygrad_edu.render.webpage import webpage

        return webpage(
            self.svg(), title=self.title, description=self.describe(), notes=self.warnings, text=self.text(),
            theme=self.options.theme,
        )  # fmt: skip

    def graphviz(self) -> Any:
        """The picture as a `graphviz.Source`, for programs built on that package; it lays out with `dot` on PATH."""
        from graphviz import Source  # which only this needs

        return Source(self.source)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write a file, at once or not at all; the suffix decides its kind.

        Raises:
            ValueError: the suffix is none of svg, png, pdf, html, dot, mmd (Mermaid), json, txt.
            EngineError: no engine could draw it.
            OSError: the file cannot be written.
        """
        from tinygrad_edu.reporting.files import write

        path = Path(path)
        kind = path.suffix[1:].lower()
        if kind not in FORMS:
            raise ValueError(f"save: one of the suffixes {', '.join(FORMS)} was expected, '{path.name}' came")
        return write(getattr(self, FORMS[kind])(), path)

    def _layout(self, kind: str, dpi: float | None = None) -> bytes:
        """The picture; of a graph that takes an engine too long, the picture of a smaller one."""
        if self._stand_in is not None:
            return self._stand_in._layout(kind, dpi)
        source = self.source if dpi is None else self.source.replace("graph [", f"graph [dpi={dpi:g} ", 1)
        cards = self.board.cards
        names = [clean(headline(card)) for card in cards] if kind == "svg" else []
        engine, ids = self.options.engine, [card.id for card in cards]
        try:
            picture, notes = engines_chapter.layout(source, kind, cards=ids, required=names, engine=engine)
        except engines_chapter.LayoutTimeout as error:
            whole = "Save as .dot for the whole graph"
            if self._smaller is None:
                raise engines_chapter.EngineError(
                    f"{error}: draw less of it, by depth or max_cards. {whole}"
                ) from None
            self._stand_in = self._smaller(f"{error}; folded. {whole}")
            self._warn(f"{error}; folded to {grouped(len(self._stand_in.board.cards))}. {whole}")
            return self._stand_in._layout(kind, dpi)
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
