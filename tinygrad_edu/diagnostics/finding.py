"""What an instrument found: numbers, the claims that they bear out or do not, a table, and a picture.

A lecture states claims, such as "with 1/n a ReLU halves the mean square in every layer". An instrument measures, and
says of each claim whether it *held*. One that did not is reported like the others: it is the more interesting one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from textwrap import wrap
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.diagnostics.chart import Panel, draw
from tinygrad_edu.reporting import write
from tinygrad_edu.saving.atomic import require_folder

WIDTH = 100  # characters of a line of text, at most


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that can turn out to be wrong.

    Attributes:
        said: the sentence.
        held: whether the figures bear it out.
        figures: what was predicted and measured.
    """

    said: str
    held: bool
    figures: str

    def __str__(self) -> str:
        sign = "held    " if self.held else "NOT HELD"
        return "\n".join(wrap(f"{sign}  {self.said}: {self.figures}", WIDTH, subsequent_indent=" " * 10))


class Finding:
    """The base of all results: the same numbers as text, as JSON and as a picture.

    A finding says its `title`, its `claims`, its numbers in `content()`, its table in `lines()` and its `panels()`.
    """

    schema: ClassVar[str]

    @property
    def title(self) -> str:
        """What was looked at, on one line."""
        raise NotImplementedError

    @property
    def claims(self) -> list[Claim]:
        """What was claimed, and whether it held."""
        return []

    def content(self) -> dict[str, Any]:
        """The numbers."""
        raise NotImplementedError

    def lines(self) -> list[str]:
        """The table."""
        raise NotImplementedError

    def panels(self) -> list[Panel]:
        """The picture's panels, from left to right."""
        raise NotImplementedError

    @property
    def held(self) -> bool:
        """Whether all claims held."""
        return all(claim.held for claim in self.claims)

    def to_dict(self) -> dict[str, Any]:
        """The finding for JSON; a number that is not finite is None there."""
        claims = [{"said": c.said, "held": c.held, "figures": c.figures} for c in self.claims]
        stated = {
            "schema": f"tinygrad-edu/{self.schema}/1",
            "title": self.title,
            "held": self.held,
            "claims": claims,
        }
        plain: dict[str, Any] = _plain(stated | self.content())
        return plain

    def svg(self, theme: str = "auto") -> str:
        """A picture; `light`, `dark`, or `auto` for what the reader's screen prefers.

        Raises:
            ValueError: another theme.
        """
        return draw(self.panels(), self.title, theme)

    def save(self, path: str | PathLike[str], theme: str = "auto") -> Path:
        """Write a file; the suffix decides what: .txt, .json or .svg.

        Raises:
            FileNotFoundError: its folder does not exist.
            ValueError: another suffix, or another theme.
            OSError: the file cannot be written; it is then what it was.
        """
        kind = Path(path).suffix.lower()
        require_folder("save", path)
        if kind == ".svg":
            return write(self.svg(theme), path)
        if kind == ".json":
            return write(
                json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n", path
            )
        if kind == ".txt":
            return write(f"{self}\n", path)
        raise ValueError(
            f"save: one of the suffixes .txt, .json, .svg was expected, '{Path(path).name}' came"
        )

    def __str__(self) -> str:
        text = [self.title, "", *self.lines()]
        return "\n".join([*text, "", *map(str, self.claims)] if self.claims else text)


@dataclass(frozen=True)
class Findings(Finding):
    """Several findings as one."""

    schema: ClassVar[str] = "findings"
    name: str
    parts: list[Finding]

    @property
    def title(self) -> str:
        """Of all together."""
        return self.name

    @property
    def claims(self) -> list[Claim]:
        """Those of all parts."""
        return [claim for part in self.parts for claim in part.claims]

    def content(self) -> dict[str, Any]:
        """The parts, each with its schema."""
        return {"findings": [part.to_dict() for part in self.parts]}

    def lines(self) -> list[str]:
        """The tables one below the other."""
        return [line for part in self.parts for line in [part.title, "", *part.lines(), ""]][:-1]

    def panels(self) -> list[Panel]:
        """The panels of all parts."""
        return [panel for part in self.parts for panel in part.panels()]


def _plain(x: Any) -> Any:
    """Numbers, lists and dictionaries, as JSON has them."""
    if isinstance(x, Mapping):
        return {str(key): _plain(value) for key, value in x.items()}
    if isinstance(x, np.ndarray | np.generic):
        return _plain(x.tolist())
    if isinstance(x, list | tuple):
        return [_plain(value) for value in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x


def columns(rows: list[list[str]], left: int = 1) -> list[str]:
    """Rows of equal length as lines: the first `left` columns flush left, the others flush right."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{w}}" if i < left else f"{cell:>{w}}"
            for i, (cell, w) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in rows
    ]


def short(x: float) -> str:
    """A number in a table: three digits, `0`, `∞` or `NaN`."""
    if x != x:
        return "NaN"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x == 0:
        return "0"
    return f"{x:.3g}" if 1e-3 <= abs(x) < 1e5 else f"{x:.1e}"
