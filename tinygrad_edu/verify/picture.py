"""An error curve as a picture: SVG, both scales logarithmic, every line named where it runs.

The dots are single errors, the lines the size of neighbouring ones. A ring is the best step as it was measured, a
diamond the best step of theory. The colours are those of Okabe and Ito (2008), which survive the common deficiencies.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.plot import LECTURE, bounds, power_of_ten, title

if TYPE_CHECKING:
    from tinygrad_edu.verify.branches import Method
    from tinygrad_edu.verify.curves import Curve

WIDTH, HEIGHT = 840, 540
LEFT, RIGHT, TOP, BOTTOM = 74, 812, 70, 452  # of the field within
THEMES = {
    "light": {"paper": "#FFFFFF", "ink": "#1F2933", "dim": "#5F6C7B", "grid": "#E4E9EE",
              "one-sided": "#C24E00", "central": "#0072B2", "extrapolated": "#007A57", "complex step": "#A0408A"},
    "dark": {"paper": "#14181D", "ink": "#E6EAEE", "dim": "#A3AEBA", "grid": "#2A323A",
             "one-sided": "#FF9F4A", "central": "#56B4E9", "extrapolated": "#7FF0C8", "complex step": "#F0A6D6"},
}  # fmt: skip
LABEL = 180  # the width of a name and what stands below it, about
EVERY = 12  # of how many single errors one is drawn
STYLE = """\
text { font: 13px Helvetica, Arial, sans-serif }
.title { font-size: 17px; font-weight: bold } .name { font-weight: bold } .small { font-size: 11.5px }
.end { text-anchor: end } .middle { text-anchor: middle }
.halo { paint-order: stroke; stroke-width: 4px; stroke-linejoin: round }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round } .dots { fill: none; stroke-width: 2.2; opacity: .3; \
stroke-linecap: round }
.line.complex-step { stroke-width: 6; opacity: .45 }
.ring { stroke-width: 2.2 } .lecture { stroke-dasharray: 5 4; stroke-width: 1.4 }
"""


def picture(curve: Curve, theme: str = "auto") -> str:
    """The SVG.

    Raises:
        ValueError: another theme than `light`, `dark` or `auto`.
    """
    if theme not in {"auto", *THEMES}:
        raise ValueError(f"a theme was expected, light, dark or auto, {theme!r} came")
    if theme == "auto":
        colours = f"{_rules('light')}@media (prefers-color-scheme: dark) {{\n{_rules('dark')}}}\n"
    else:
        colours = _rules(theme)
    field = _Field(curve)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title(curve))}</title>",
        f"<style>\n{STYLE}{colours}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(LEFT, 32, title(curve)[0].upper() + title(curve)[1:], "title ink"),
        _text(
            LEFT,
            52,
            "rounding grows to the left, truncation to the right; in between there is a best ε",
            "small dim",
        ),
        *field.axes(),
        *(part for name, method in reversed(curve.methods.items()) for part in field.lines(name, method)),
        *(part for name, method in curve.methods.items() for part in field.marks(name, method)),
        *(part for name, method in curve.methods.items() for part in field.label(name, method)),
        *_legend(),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _rules(theme: str) -> str:
    """What every colour is used for."""
    colours = THEMES[theme]
    paper, ink, dim, grid = (colours[name] for name in ("paper", "ink", "dim", "grid"))
    lines = [
        f".paper {{ fill: {paper} }} .ink {{ fill: {ink} }} .dim {{ fill: {dim} }} .halo {{ stroke: {paper} }}",
        f".grid {{ stroke: {grid} }} .axis {{ stroke: {dim}; fill: none }} .lecture {{ stroke: {ink} }}",
    ]
    for name in MARKED:
        kind = _class(name)
        lines.append(
            f".line.{kind}, .dots.{kind}, .ring.{kind} {{ stroke: {colours[name]} }} .ring {{ fill: {paper} }} "
            f"text.{kind} {{ fill: {colours[name]} }}"
        )
    return "\n".join(lines) + "\n"


MARKED = ("one-sided", "central", "extrapolated", "complex step")


def _class(name: str) -> str:
    return name.replace(" ", "-")


def _text(x: float, y: float, text: str, classes: str) -> str:
    return f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _number(x: float) -> str:
    """1.5·10⁻⁸."""
    mantissa, exponent = f"{x:.1e}".split("e")
    return f"{mantissa}·{power_of_ten(int(exponent))}"


class _Field:
    """The field of the picture, in which a step and an error have a place."""

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        self.left, self.right, self.bottom, self.top = bounds(curve)

    def x(self, step: Array | float) -> Array:
        return np.asarray(LEFT + (np.log10(step) - self.left) / (self.right - self.left) * (RIGHT - LEFT))

    def y(self, size: Array | float) -> Array:
        lowest = np.maximum(size, 10.0**self.bottom)  # an error of 0 lies on the ground
        return np.asarray(
            BOTTOM - (np.log10(lowest) - self.bottom) / (self.top - self.bottom) * (BOTTOM - TOP)
        )

    def axes(self) -> list[str]:
        """Powers of ten, a grid, and the lecture's ε."""
        parts = []
        for k in range(self.left, self.right + 1, 2):
            x = float(self.x(10.0**k))
            parts += [
                f'<path class="grid" d="M{x:.1f} {TOP}V{BOTTOM}"/>',
                _text(x, BOTTOM + 20, power_of_ten(k), "middle dim"),
            ]
        for k in range(self.bottom, self.top + 1, 2):
            y = float(self.y(10.0**k))
            parts += [
                f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>',
                _text(LEFT - 8, y + 4, power_of_ten(k), "end dim"),
            ]
        parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"/>')
        parts.append(_text((LEFT + RIGHT) / 2, BOTTOM + 42, "step ε", "middle ink"))
        if self.left <= np.log10(LECTURE) <= self.right:
            x = float(self.x(LECTURE))
            parts.append(f'<path class="lecture" d="M{x:.1f} {TOP}V{BOTTOM}"/>')
            parts.append(_text(x + 7, TOP + 14, "the lecture's ε = 10⁻⁷", "small ink halo"))
        return parts

    def lines(self, name: str, method: Method) -> list[str]:
        """Single errors as dots, and the size of neighbouring ones as a line."""
        single = method.errors[::EVERY]
        seen = np.isfinite(single) & (single >= 10.0**self.bottom)
        dots = zip(self.x(self.curve.steps[::EVERY][seen]), self.y(single[seen]), strict=True)
        known = np.isfinite(method.sizes)
        path = zip(self.x(self.curve.centres[known]), self.y(method.sizes[known]), strict=True)
        kind = _class(name)
        return [
            f'<path class="dots {kind}" d="{"".join(f"M{x:.1f} {y:.1f}h0" for x, y in dots)}"/>',
            f'<path class="line {kind}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in path)}"/>',
        ]

    def marks(self, name: str, method: Method) -> list[str]:
        """A ring at the best step, and a diamond at that of theory."""
        kind, theory, parts = _class(name), method.theory, []
        if theory.step and theory.error:
            x, y = float(self.x(theory.step)), float(self.y(theory.error))
            parts.append(f'<path class="ring {kind}" d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"/>')
        x, y = float(self.x(method.step)), float(self.y(method.error))
        return [*parts, f'<circle class="ring {kind}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>']

    def label(self, name: str, method: Method) -> list[str]:
        """The name of a line, where it runs alone: beside its truncation, or at its bottom."""
        kind = _class(name)
        said = f"{'up to ε =' if name == 'complex step' else 'best'} {_number(method.step)}"
        slope = method.truncation
        if name == "complex step":
            x, y, place = LEFT + 12.0, float(self.y(method.error)) - 26, ""
        elif slope is None or name == "extrapolated":
            x, y, place = float(self.x(method.step)), float(self.y(method.error)) + 24, "middle"
            x, y = min(max(x, LEFT + 80), RIGHT - 80), y if y + 24 < BOTTOM else y - 84
        else:
            share = 0.4 if name == "one-sided" else 0.12  # of the way up
            aim = (1 - share) * np.log(max(method.error, 10.0**self.bottom)) + share * np.log(10.0**self.top)
            rising = np.flatnonzero(np.isfinite(method.sizes) & (self.curve.centres >= method.step))
            at = rising[np.abs(np.log(np.maximum(method.sizes[rising], 1e-300)) - aim).argmin()]
            x, y = float(self.x(self.curve.centres[at])), float(self.y(method.sizes[at]))
            # The lines to the left of one-sided differences are far away; those to the right of central ones, too.
            right = name != "one-sided" and x + 12 + LABEL < RIGHT
            x, y, place = (x + 12, y, "") if right else (x - 10, y - 22, "end")
        if slope is not None and name != "complex step":
            said = f"slope {slope:.2f}, {said}"
        return [
            _text(x, y, name, f"name halo {place} {kind}"), _text(x, y + 15, said, f"small halo {place} {kind}"),
        ]  # fmt: skip


def _legend() -> list[str]:
    y, x = HEIGHT - 22, LEFT
    return [
        f'<circle class="ring axis" cx="{x + 5}" cy="{y - 4}" r="4.5"/>',
        _text(x + 16, y, "the best ε as measured", "small dim"),
        f'<path class="ring axis" d="M{x + 175} {y - 10}l6 6l-6 6l-6 -6z"/>',
        _text(x + 187, y, "in theory", "small dim"),
        f'<path class="dots axis" d="M{x + 270} {y - 4}h0m5 -3h0m5 4h0"/>',
        _text(x + 290, y, "single errors; the lines are the root of the mean of their squares", "small dim"),
    ]
