"""`tinygrad-edu draw FILE.py:NAME -o net.svg`: the graph of the user's own loss, in any form."""

from __future__ import annotations

import argparse
from typing import Any

from tinygrad_edu.cli.finding import count
from tinygrad_edu.cli.graph import announce, declare, graph_of, output

FORMS = ("svg", "png", "pdf", "html", "dot", "mmd", "json", "txt")
DESCRIPTION = """\
Draw the graph that a node was computed by, with every value and gradient. Each
-o writes a file, whose suffix decides its form: svg, png, pdf, html (a page), dot,
mmd (Mermaid), json (the model), txt. Without -o the graph is printed as text.

  tinygrad-edu draw model.py:loss -o net.svg -o net.png
  tinygrad-edu draw model.py:net --input 32,3 --depth 1 -o net.pdf

exit codes: 0 it was drawn, 2 the command line was wrong, or nothing could draw it
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = declare(commands, "draw", "draw the graph of your own loss or module", DESCRIPTION, run)
    parser.add_argument("-o", "--out", type=output(FORMS), action="append", default=[], metavar="FILE",
                        help="where to write; may be given several times")  # fmt: skip
    parser.add_argument("--title", metavar="TEXT", help="over the picture (default: FILE.py:NAME)")
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


def run(args: argparse.Namespace) -> int:
    """Draw and write, or print; 0."""
    from tinygrad_edu.render import draw
    from tinygrad_edu.reporting import ensure_writable

    for path in args.out:
        ensure_writable(path)
    with graph_of(args.target, args) as graph:
        chosen = ("depth", "local", "leaves", "show", "rankdir", "theme", "engine", "max_cards")
        options = {option: getattr(args, option) for option in chosen}
        drawing = draw(graph.node, title=args.title or graph.title, **graph.words, **options)
        for path in args.out:
            announce(drawing.save(path), repr(drawing), drawing.warnings)
    if not args.out:
        print(drawing.text(), end="")
    return 0
