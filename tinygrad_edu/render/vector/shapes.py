"""The elements of our SVG: a rectangle, a line of text, and numbers to a tenth of a point.

User text enters by `text` only, which escapes it.
"""

from __future__ import annotations

from tinygrad_edu.render.look.style import CLIP, escape


def points(x: float) -> str:
    """A length or a place as it is written."""
    return f"{x:.1f}".removesuffix(".0")


def at(x: float, y: float) -> str:
    """Where something is, as attributes."""
    return f'x="{points(x)}" y="{points(y)}"'


def rectangle(kind: str, x: float, y: float, width: float, height: float, radius: float) -> str:
    """A rectangle of a class."""
    size = f'width="{points(width)}" height="{points(height)}"'
    return f'<rect class="{kind}" {at(x, y)} {size} rx="{points(radius)}"/>'


def text(kind: str, x: float, y: float, words: str, name: str = "", limit: int = CLIP) -> str:
    """A line of text of a class, with an address if a name is given; y is its base line."""
    address = f' id="{name}"' if name else ""
    return f'<text class="{kind}"{address} {at(x, y)}>{escape(words, limit)}</text>'
