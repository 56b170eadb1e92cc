"""Charts: lines, dots and contours in panels side by side, as SVG.

A prediction is a dashed line and a measurement a row of dots, so that theory and evidence are told apart without
colour. Every line is named where it ends. The colours are those of error curves (see `verify.picture`), and four more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from tinygrad_edu.diagnostics.axes import extent, number, ticks, wider
from tinygrad_edu.render.look.style import escape
from tinygrad_edu.types import Array
from tinygrad_edu.verify.picture import THEMES
from tinygrad_edu.verify.plot import power_of_ten

Kind = Literal["line", "dashed", "dots", "contour", "path"]

INKS = {
    name: [theme[each] for each in ("central", "one-sided", "extrapolated", "complex step")] + more
    for (name, theme), more in zip(
        THEMES.items(), (["#946300", "#B3124A", "#1F2933", "#5F6C7B"], ["#D9A520", "#FF8FB1", "#E6EAEE", "#A3AEBA"]),
        strict=True,
    )
}  # fmt: skip
WIDTH, HEIGHT = 440, 400  # of a panel with the title
ROW = 352  # from one row of panels to the next
LEFT, TOP, BOTTOM = 62, 92, 344  # of the field within
CHARACTER = 6.6  # the width of one in a name, about
GAP = 16  # from the end of a mark to its name
NAMES = 15  # the least distance from name to name
LONGEST = 150  # the most that names on the right may take
SHORTEST, FARTHEST = 1e-30, 1e30  # what a logarithmic axis shows, at most
STYLE = """\
text { font: 12px Helvetica, Arial, sans-serif }
.title { font-size: 17px; font-weight: bold } .head { font-size: 13.5px; font-weight: bold }
.end { text-anchor: end } .middle { text-anchor: middle }
.line, .dashed, .contour, .path, .lead, .grid, .axis { fill: none; stroke-linejoin: round }
.line { stroke-width: 2.2 } .dashed { stroke-width: 1.6; stroke-dasharray: 6 4 }
.lead { stroke-width: 1; opacity: .6 } .contour { stroke-width: 1; opacity: .5 } .path { stroke-width: 1.8 }
"""


@dataclass(frozen=True)
class Mark:
    """One thing that is drawn.

    Attributes:
        name: shown where it ends; "" for none.
        x: (n,), or several lines with NaN between them.
        y: (n,); what is not finite, or not positive on a logarithmic scale, is left out.
        colour: which of the eight.
        kind: a measured line, a dashed prediction, dots, thin contours, or a path with a dot at each step.
    """

    name: str
    x: Array
    y: Array
    colour: int = 0
    kind: Kind = "line"


@dataclass(frozen=True)
class Panel:
    """One field with its axes."""

    title: str
    x_label: str
    y_label: str
    marks: Sequence[Mark]
    log_y: bool = False
    note: str = ""
    ticks: dict[float, str] = field(default_factory=dict)  # of the x axis, where numbers would say nothing
    backward: bool = False  # the x axis runs from right to left, as a backward pass does


def draw(panels: Sequence[Panel], title: str, theme: str = "auto") -> str:
    """The panels side by side, two in a row if there are more than three.

    Raises:
        ValueError: another theme than `light`, `dark` or `auto`.
    """
    if theme not in {"auto", *THEMES}:
        raise ValueError(f"a theme was expected, light, dark or auto, {theme!r} came")
    colours = _rules("light" if theme == "auto" else theme)
    if theme == "auto":
        colours += f"@media (prefers-color-scheme: dark) {{\n{_rules('dark')}}}\n"
    across = len(panels) if len(panels) <= 3 else 2
    wide, high = WIDTH * across, HEIGHT + ROW * ((len(panels) - 1) // across)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img">',
        f"<title>{escape(title, 200)}</title>",
        f"<style>\n{STYLE}{colours}</style>",
        f'<rect class="paper" width="{wide}" height="{high}"/>',
        _text(LEFT, 30, title, "title ink"),
    ]
    for i, panel in enumerate(panels):
        place = f"translate({i % across * WIDTH} {i // across * ROW})"
        parts += [f'<g transform="{place}">', *_Field(panel).parts(), "</g>"]
    return "\n".join([*parts, "</svg>\n"])


def _rules(theme: str) -> str:
    paper, ink, dim, grid = (THEMES[theme][name] for name in ("paper", "ink", "dim", "grid"))
    lines = [
        f".paper {{ fill: {paper} }} .ink {{ fill: {ink} }} .dim {{ fill: {dim} }}",
        f".grid {{ stroke: {grid} }} .axis {{ stroke: {dim} }}",
    ]
    lines += [f".s{i} {{ stroke: {c} }} .f{i} {{ fill: {c} }}" for i, c in enumerate(INKS[theme])]
    return "\n".join(lines) + "\n"


def _text(x: float, y: float, text: str, classes: str) -> str:
    return f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}">{escape(text, 200)}</text>'


class _Field:
    """Where a number has its place."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        longest = max((len(mark.name) for mark in panel.marks), default=0)
        self.right = WIDTH - 18 - min(longest * CHARACTER + (GAP if longest else 6), LONGEST)
        self.marks = [(mark, *self._shown(mark)) for mark in panel.marks]
        xs = np.concatenate([x for _, x, _ in self.marks] or [np.empty(0)])
        ys = np.concatenate([y for _, _, y in self.marks] or [np.empty(0)])
        self.x_range, self.y_range = extent(xs), extent(ys)
        if panel.ticks or any(mark.kind == "dots" for mark in panel.marks):
            self.x_range = wider(*self.x_range)
        if not panel.log_y and not any(mark.kind == "contour" for mark in panel.marks):
            self.y_range = wider(*self.y_range)
        if panel.log_y:
            low, high = (math.log10(y) for y in self.y_range) if min(self.y_range) > 0 else (0.0, 0.0)
            low, high = math.floor(low + 1e-9), math.ceil(high - 1e-9)
            if any(mark.kind == "dashed" and np.any(y == 10.0**low) for mark, _, y in self.marks):
                low -= 1  # a guide should not lie on the axis
            self.y_range = (low, max(high, low + 1))

    def _shown(self, mark: Mark) -> tuple[Array, Array]:
        """What of a mark has a place; elsewhere NaN, which a line jumps over."""
        x, y = np.asarray(mark.x, float), np.asarray(mark.y, float)
        seen = np.isfinite(x) & np.isfinite(y)
        if self.panel.log_y:
            seen &= (y >= SHORTEST) & (y <= FARTHEST)
        return np.where(seen, x, np.nan), np.where(seen, y, np.nan)

    def x(self, value: Any) -> Any:
        start, end = reversed(self.x_range) if self.panel.backward else self.x_range
        return LEFT + (value - start) / (end - start) * (self.right - LEFT)

    def y(self, value: Any) -> Any:
        low, high = self.y_range
        value = np.log10(value) if self.panel.log_y else value
        return BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP)

    def parts(self) -> list[str]:
        """Axes, marks, and the names of the marks."""
        panel = self.panel
        parts = [_text(LEFT, 58, panel.title, "head ink"), _text(LEFT, 75, panel.note, "dim"), *self._axes()]
        for mark, x, y in self.marks:
            parts += self._mark(mark, self.x(x), self.y(y))
        return [*parts, *self._names()]

    def _axes(self) -> list[str]:
        parts = []
        xs = self.panel.ticks or {at: number(at) for at in ticks(*self.x_range)}
        for at, said in xs.items():
            place = self.x(at)
            parts.append(f'<path class="grid" d="M{place:.1f} {TOP}V{BOTTOM}"/>')
            parts.append(_text(place, BOTTOM + 17, said, "middle dim"))
        low, high = self.y_range
        if self.panel.log_y:
            every = max(1, math.ceil((high - low) / 8))
            ys = {10.0**k: power_of_ten(k) for k in range(round(low), round(high) + 1, every)}
        else:
            ys = {at: number(at) for at in ticks(low, high)}
        for at, said in ys.items():
            place = self.y(at)
            parts.append(f'<path class="grid" d="M{LEFT} {place:.1f}H{self.right:.1f}"/>')
            parts.append(_text(LEFT - 7, place + 4, said, "end dim"))
        parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{BOTTOM}H{self.right:.1f}"/>')
        parts.append(_text((LEFT + self.right) / 2, BOTTOM + 38, self.panel.x_label, "middle ink"))
        parts.append(f'<g transform="translate(15 {(TOP + BOTTOM) / 2}) rotate(-90)">')
        parts.append(_text(0, 0, self.panel.y_label, "middle ink") + "</g>")
        return parts

    def _mark(self, mark: Mark, x: Array, y: Array) -> list[str]:
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            return []
        colour, parts = mark.colour % len(INKS["light"]), []
        if mark.kind != "dots":
            starts = known & ~np.concatenate([[False], known[:-1]])
            words = [
                f"{'M' if s else 'L'}{a:.1f} {b:.1f}"
                for a, b, s in zip(x[known], y[known], starts[known], strict=True)
            ]
            parts.append(f'<path class="{mark.kind} s{colour}" d="{"".join(words)}"/>')
        if mark.kind in ("dots", "path") or known.sum() == 1:
            radius = 3.2 if mark.kind == "dots" else 2.4
            parts += [
                f'<circle class="f{colour}" cx="{a:.1f}" cy="{b:.1f}" r="{radius}"/>'
                for a, b in zip(x[known], y[known], strict=True)
            ]
        return parts

    def _ends(self) -> list[tuple[float, float, Mark]]:
        """Where each mark with a name ends, from top to bottom; what is 0 on a logarithmic axis ends at the ground."""
        ends = []
        for mark, x, y in self.marks:
            known = np.isfinite(y)
            last = 0 if self.panel.backward else -1
            ground = not known.any() or (self.panel.log_y and np.asarray(mark.y)[last] == 0)
            if mark.name and ground:
                ends.append((min(float(self.x(np.asarray(mark.x)[last])), self.right), float(BOTTOM), mark))
            elif mark.name:
                ends.append((float(self.x(x[known][last])), float(self.y(y[known][last])), mark))
        return sorted(ends, key=lambda end: end[1])

    def _names(self) -> list[str]:
        """Beside the end of each mark, pushed apart where they would overlap; then a thin line leads there."""
        ends = self._ends()
        places = [y for _, y, _ in ends]
        for i in range(1, len(ends)):
            places[i] = max(places[i], places[i - 1] + NAMES)
        limit = BOTTOM - 6.0
        for i in reversed(range(len(ends))):
            places[i] = min(places[i], limit)
            limit = places[i] - NAMES
        parts = []
        for place, (x, y, mark) in zip(places, ends, strict=True):
            colour = mark.colour % len(INKS["light"])
            if abs(place - y) > NAMES / 2:
                parts.append(
                    f'<path class="lead s{colour}" d="M{x + 4:.1f} {y:.1f}L{x + GAP - 2:.1f} {place:.1f}"/>'
                )
            parts.append(_text(x + GAP, place + 4, mark.name, f"f{colour}"))
        return parts
