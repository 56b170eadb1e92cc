"""The visual grammar: what every colour, number and name of a picture looks like.

Colour never carries a meaning alone. A value stands in the first row and is blue, a gradient stands in the
second row and is orange in a tinted pill; an operation is a dark chip, a role is written as a tag. The
colours of the roles come from the palette of Okabe and Ito (2008), which survives the common colour
deficiencies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape as escape_markup
from textwrap import wrap

FONT = "Helvetica,Arial,sans-serif"
CLIP = 80  # characters of a user's text that are drawn; the tooltip has the rest
LINE = 130  # characters of a line of a caption
NOT_COMPUTED = "—"  # a zero would be a claim
BARS = "▁▂▃▄▅▆▇█"
GRADIENT_BOUNDS = (1e-6, 1e-3, 0.1, 1.0, 1e3)  # ‖gradient‖ up to the bound has the shade of the same place
GRADIENT_WORDS = ("vanishing", "1e−3", "0.1", "1", "1e3", "exploding")


@dataclass(frozen=True, slots=True)
class Look:
    """The fill and the border of a role."""

    fill: str
    border: str
    tag: str  # the colour of the word in the corner
    dashed: bool = False
    width: float = 1.2


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme."""

    paper: str
    ink: str
    dim: str
    value: str
    gradient: str
    pill: str
    line: str
    chip: str
    chip_text: str
    accent: str
    accent_text: str
    bad: str
    bad_fill: str
    pale: str  # what came of something bad
    group_border: str
    groups: tuple[str, str]  # fills of the boxes around modules, alternating with depth
    scale: tuple[str, ...]  # fills of the gradient scale, from vanishing to exploding
    scale_text: str
    roles: Mapping[str, Look] = field(default_factory=dict)


LIGHT = Palette(
    paper="#FFFFFF", ink="#1F2933", dim="#5F6C7B", value="#005A94", gradient="#A63D00", pill="#FFF3EA",
    line="#7B8794", chip="#1F2933", chip_text="#FFFFFF", accent="#D55E00", accent_text="#A63D00",
    bad="#B3124A", bad_fill="#FBE4EA", pale="#FDF4F7",
    group_border="#C3CCD6", groups=("#F7F9FB", "#EEF1F5"),
    scale=("#E4E9EE", "#FFF3EA", "#FFE3CB", "#FFCFA6", "#FFB983", "#F7A8A8"), scale_text="#7A2C00",
    roles={
        "input": Look("#E3F1FA", "#0072B2", "#005A94"),
        "parameter": Look("#FFF1CF", "#946300", "#7A5200"),
        "frozen": Look("#FFF1CF", "#946300", "#7A5200", dashed=True),
        "constant": Look("#F1F3F5", "#5F6C7B", "#5F6C7B"),
        "intermediate": Look("#FFFFFF", "#7B8794", "#5F6C7B"),
        "output": Look("#DDF3EA", "#00543C", "#00543C", width=2.2),
        "omitted": Look("#FFFFFF", "#5F6C7B", "#5F6C7B", dashed=True),
    },
)  # fmt: skip

DARK = Palette(
    paper="#14181D", ink="#E6EAEE", dim="#A3AEBA", value="#7CC7F2", gradient="#FFB07C", pill="#3A2518",
    line="#8A96A3", chip="#E6EAEE", chip_text="#14181D", accent="#FF9F4A", accent_text="#FFB07C",
    bad="#FF6A80", bad_fill="#43172A", pale="#261620",
    group_border="#3A444F", groups=("#1A2027", "#20272F"),
    scale=("#2A323A", "#35261C", "#472C19", "#5C3617", "#744216", "#7A2B36"), scale_text="#FFD9BF",
    roles={
        "input": Look("#10303F", "#56B4E9", "#8FD0F5"),
        "parameter": Look("#362B0C", "#D9A520", "#EBC667"),
        "frozen": Look("#362B0C", "#D9A520", "#EBC667", dashed=True),
        "constant": Look("#262D35", "#A3AEBA", "#A3AEBA"),
        "intermediate": Look("#171C22", "#8A96A3", "#A3AEBA"),
        "output": Look("#0F3529", "#7FF0C8", "#7FF0C8", width=2.2),
        "omitted": Look("#14181D", "#A3AEBA", "#A3AEBA", dashed=True),
    },
)  # fmt: skip

THEMES = {"light": LIGHT, "dark": DARK}


def shade(norm: float) -> int:
    """The place of a gradient of this Euclidean norm on the logarithmic scale of the legend."""
    return sum(not norm <= bound for bound in GRADIENT_BOUNDS)  # NaN is above every bound


def gradient_fill(palette: Palette, norm: float) -> str:
    """The shade of a gradient of this norm as a colour."""
    return palette.scale[shade(norm)]


def number(x: float | None) -> str:
    """A number for reading: at most 5 digits, 4 decimals, a real minus sign.

    `0.7071`, `−1.5`, `5.58e−5`, `0` only for zero itself, `—` for what was not computed, `NaN`, `−∞`.
    """
    if x is None:
        return NOT_COMPUTED
    if math.isnan(x):
        return "NaN"
    size = abs(x)
    if math.isinf(x):
        text = "∞"
    elif size == 0:
        return "0"
    elif 1e-4 <= size < 999999.5:
        whole = len(str(int(size)))
        decimals = max(0, min(4, 5 - whole)) if size >= 0.1 else 2 - math.floor(math.log10(size))
        text = f"{size:.{decimals}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    else:
        mantissa, exponent = f"{size:.2e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        text = f"{mantissa}e{int(exponent)}".replace("-", "−")
    return f"−{text}" if x < 0 else text


def shape(dimensions: tuple[int, ...]) -> str:
    """`8×4`; a single number is a `scalar`."""
    return "×".join(map(str, dimensions)) if dimensions else "scalar"


def bars(counts: tuple[int, ...]) -> str:
    """A histogram as text, which every engine can draw: `▁▃▆█▆▃▁▁`."""
    top = max(counts)
    return "".join(BARS[math.ceil(count * (len(BARS) - 1) / top)] for count in counts) if top else ""


_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]")
_BREAK = re.compile(r"[\t-\r\x85\u2028\u2029]+")  # of lines; a label has one
_INDEXED = re.compile(r"([A-Za-zα-ωΑ-Ω])(\d{1,3})")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def clean(text: object, limit: int = CLIP) -> str:
    """A user's text without what could break a file: control characters and half surrogates, clipped."""
    text = _UNSAFE.sub("\ufffd", _BREAK.sub(" ", str(text)))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def escape(text: object, limit: int = CLIP) -> str:
    """A user's text as XML, for a label or an SVG attribute: the only way from a name to a picture."""
    return escape_markup(clean(text, limit), quote=True)


def quoted(text: object, limit: int = 1000) -> str:
    """A user's text as a quoted DOT string; there Graphviz obeys backslashes, even doubled ones."""
    return f'"{escape(text, limit)}"'.replace("\\", "∖")


def listed(names: Sequence[str]) -> str:
    """`x, y and z`; `x, y and 5 more`."""
    *most, last = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"]
    return f"{', '.join(most)} and {last}" if most else last


def lines_of(caption: str | None) -> list[str]:
    """A caption in lines: where it says so, and where one would be too long."""
    return [part for line in (caption or "").splitlines() for part in wrap(line, LINE)]


def typeset(name: str) -> str:
    """A name as a book prints it: `w12` becomes `w₁₂`; only one letter followed by digits is read so."""
    match = _INDEXED.fullmatch(name)
    return match[1] + match[2].translate(_SUBSCRIPTS) if match else name
