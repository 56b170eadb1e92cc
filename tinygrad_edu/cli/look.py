"""What the commands about pictures have in common: the files that they write, and how those look."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinygrad_edu.cli.finding import count

FORMS = ("svg", "png", "pdf", "html", "dot", "mmd", "json", "txt")


def outputs(
    parser: argparse.ArgumentParser, suffixes: Sequence[str] = FORMS, *, required: bool = False
) -> None:
    """The files to write, whose suffixes must be among these."""

    def parse(text: str) -> Path:
        if Path(text).suffix[1:].lower() not in suffixes:
            raise argparse.ArgumentTypeError(
                f"a file that ends with .{', .'.join(suffixes)} was expected, {text!r} came"
            )
        return Path(text)

    parser.add_argument("-o", "--out", type=parse, action="append", default=[], metavar="FILE", required=required,
                        help="where to write; may be given several times")  # fmt: skip


def ensure_all(paths: Sequence[Path]) -> None:
    """Before a long run, raise what could not be written after it."""
    from tinygrad_edu.reporting import ensure_writable

    for path in paths:
        ensure_writable(path)


def look(parser: argparse.ArgumentParser) -> None:
    """The options of `draw` that are about the picture."""
    parser.add_argument("--title", metavar="TEXT", help="over the picture")
    parser.add_argument(
        "--depth", type=count, metavar="N", help="draw modules at this depth as one card each"
    )
    parser.add_argument("--local", action="store_true", help="put local derivatives on the arrows")
    parser.add_argument("--leaves", choices=("auto", "inset", "cards"), default="auto",
                        help="draw leaves inside their only user, or for themselves")  # fmt: skip
    parser.add_argument("--show", choices=("value", "grad", "value,grad"), default="value,grad", metavar="ROWS",
                        help="of a card: value, grad, or value,grad (default)")  # fmt: skip
    parser.add_argument("--rankdir", choices=("auto", "LR", "TB"), default="auto",
                        help="from left to right, or from top to bottom")  # fmt: skip
    parser.add_argument("--theme", choices=("auto", "light", "dark"), default="auto",
                        help="auto: SVG and HTML follow the reader (default)")  # fmt: skip
    parser.add_argument(
        "--engine", choices=("auto", "embedded", "dot"), default="auto", help="what lays it out"
    )
    parser.add_argument("--max-cards", type=count, default=300, metavar="N",
                        help="fold what would need more (default: 300)")  # fmt: skip


def chosen(args: argparse.Namespace) -> dict[str, Any]:
    """The options of `look`, but for a title that was not given."""
    names = ("depth", "local", "leaves", "show", "rankdir", "theme", "engine", "max_cards")
    title = {"title": args.title} if args.title is not None else {}
    return title | {name: getattr(args, name) for name in names}


def announce(path: Path, drawing: Any) -> None:
    """Say which drawing was written."""
    nodes, cards = len(drawing.graph.nodes), len(drawing.board.cards)
    said = f"{nodes} node{'s' * (nodes != 1)} on {cards} card{'s' * (cards != 1)}"
    say(path, said, drawing.warnings)


def say(path: Path, what: str, notes: Sequence[str]) -> None:
    """Say what was written, and on the standard error what is missing in it."""
    print(f"{path}   {what}")
    for words in notes:
        print(words, file=sys.stderr)
