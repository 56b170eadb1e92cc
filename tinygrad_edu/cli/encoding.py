"""Any terminal: what its encoding has no sign for is written with those that it has, and never ends a command.

    ✓ 10⁻⁷ ± 2, x ≤ ∞     →     v 10^-7 +/- 2, x <= inf

Python would raise an error instead. In the year 2026 that still happens where a program of Windows reads the output,
or a job has no locale.
"""

from __future__ import annotations

import codecs
import io
import unicodedata
from typing import TextIO

NAME = "tinygrad_edu.nearest"
# Frames and signs of tables get one character, so that columns stay where they are.
NEAREST = {
    **dict.fromkeys("─━┬┴┼", "-"), **dict.fromkeys("│┃┊┤├┌┐└┘", "|"), "✓": "v", "✗": "x", "█": "#", "•": "*", "▏": "|",
    **dict.fromkeys("−–—", "-"), **dict.fromkeys("“”", '"'), **dict.fromkeys("‘’", "'"),
    "±": "+/-", "·": "*", "×": "x", "≤": "<=", "≥": ">=", "≈": "~", "≠": "!=", "→": "->", "∞": "inf", "√": "sqrt",
    "∂": "d", "Σ": "sum", "‖": "||", "∈": "in", "ε": "eps", "θ": "theta", "λ": "lambda", "σ": "sigma", "μ": "mu",
    "α": "alpha", "β": "beta", "γ": "gamma",
}  # fmt: skip
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))


def nearest(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that cannot be encoded, and where to go on: a handler of errors for a stream."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    said, raised = "", False
    for character in error.object[error.start : error.end]:
        if character in SUPERSCRIPTS:
            said += "^" * (not raised) + SUPERSCRIPTS[character]
        else:
            said += NEAREST.get(character) or _plain(character)
        raised = character in SUPERSCRIPTS
    return said, error.end


def _plain(character: str) -> str:
    """A letter without its accent, a subscript as a letter, and anything else as its number."""
    without = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return without or character.encode("ascii", "backslashreplace").decode()


def never_fail(*streams: TextIO) -> None:
    """Let streams write what they cannot encode as the nearest that they can."""
    codecs.register_error(NAME, nearest)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and not (stream.encoding or "").lower().startswith("utf"):
            stream.reconfigure(errors=NAME)


def encodes(stream: TextIO, text: str) -> bool:
    """Whether a stream has all characters of a text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
