"""How wide a text is, without asking an engine: the advance widths of Helvetica, in thousandths of the size.

    width = size · Σ advance(letter) / 1000

Arial and Liberation Sans have the same widths by design, and the fonts that stand in for them elsewhere come close. The
numbers are those of Adobe's font metrics (Adobe Core 14, 1997).
"""

from __future__ import annotations

from unicodedata import combining, east_asian_width

_LETTERS = {
    191: "'", 222: "ijl‘’", 260: "|¦", 278: " !,./:;I[]\\ft·\u00a0", 333: "()-`r°",
    334: "{}", 355: '"', 389: "*", 400: "₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻", 469: "^", 500: "Jcksvxyz",
    556: "#$0123456789?L_abdeghnopqu", 584: "+<=>~−×÷±≤≥≠≈", 611: "FTZ", 667: "&ABEKPSVXY", 722: "CDHNRUw",
    778: "GOQ", 833: "Mm", 889: "%", 944: "W", 1000: "—…→←▁▂▃▄▅▆▇█", 1015: "@",
}  # fmt: skip
_ADVANCE = {letter: width for width, letters in _LETTERS.items() for letter in letters}
BOLD = 1.07  # letters; figures are as wide as the regular ones
OTHER = 640  # Greek, Cyrillic and accented letters are no wider on average


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a line of text in points."""
    return size * sum(_advance(letter, bold) for letter in text) / 1000


def _advance(letter: str, bold: bool) -> float:
    known = _ADVANCE.get(letter)
    if known is None:
        if combining(letter):
            return 0
        known = 1000 if east_asian_width(letter) in "WF" or letter > "\U0001f000" else OTHER
    return known if letter.isdecimal() or not bold else known * BOLD


def clipped(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """As much of a text as there is room for, with an ellipsis where something is missing."""
    if text_width(text, size, bold=bold) <= room:
        return text
    while text and text_width(text + "…", size, bold=bold) > room:
        text = text[:-1]
    return text.rstrip() + "…"
