"""What can be chosen of a drawing, whatever it is drawn from: said once, and checked in words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from numbers import Integral

from tinygrad_edu.render.folding.fold import Expand, Fold, Leaves
from tinygrad_edu.render.look.style import LIGHT, THEMES, Palette

ROWS = ("value", "grad")


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of `draw` that are about the picture, and not about the graph.

    Raises:
        ValueError: one of them is none that there is.
    """

    title: str | None = None
    subtitle: str | None = None
    depth: int | None = None
    local: bool = False
    leaves: Leaves = "auto"
    rankdir: str = "auto"
    theme: str = "auto"
    show: str = "value,grad"
    engine: str = "auto"
    max_cards: int = 300
    fold: Fold = "auto"
    expand: Expand = ()

    def __post_init__(self) -> None:
        for option, expected in (
            ("leaves", ("auto", "cards", "inset")), ("rankdir", ("auto", "LR", "TB")),
            ("theme", ("auto", *THEMES)), ("engine", ("auto", "embedded", "dot")), ("fold", ("auto", True, False)),
        ):  # fmt: skip
            if getattr(self, option) not in expected:
                raise ValueError(
                    f"draw: {option} is one of {', '.join(map(str, expected))}; {getattr(self, option)!r} came"
                )
        for option in ("title", "subtitle"):
            words = getattr(self, option)
            if words is not None and not isinstance(words, str):
                raise ValueError(f"draw: {option} is a text, {words!r} came")
        for option in ("depth", "max_cards"):
            count = getattr(self, option)
            if count is None and option == "depth":
                continue
            if type(count) is bool or not isinstance(count, Integral):
                raise ValueError(f"draw: {option} is a whole number, {count!r} came")
            if count < 1:
                raise ValueError(f"draw: {option} is counted from 1, {count!r} came")
        several = isinstance(self.expand, Collection) and all(isinstance(each, str) for each in self.expand)
        if not several and not callable(self.expand):
            raise ValueError(
                f"draw: expand is a pattern of names, a list of them, or a function of a node; {self.expand!r} came"
            )
        if not isinstance(self.show, str) or not self.rows or not set(self.rows) <= set(ROWS):
            raise ValueError(f"draw: show is value, grad, or both with a comma; {self.show!r} came")

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows that a card shows below its name."""
        return tuple(self.show.replace(",", " ").split())

    @property
    def palette(self) -> Palette:
        """The colours; a picture that follows its reader is a light one with a style sheet."""
        return THEMES.get(self.theme, LIGHT)
