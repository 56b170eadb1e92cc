"""`tinygrad-edu draw FILE.py:NAME -o net.svg`: the graph of the user's own loss, in any form."""

from __future__ import annotations

import argparse
from typing import Any

from tinygrad_edu.cli.graph import declare, graph_of
from tinygrad_edu.cli.look import announce, chosen, ensure_all, look, outputs

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
    outputs(parser)
    look(parser)


def run(args: argparse.Namespace) -> int:
    """Draw and write, or print; 0."""
    from tinygrad_edu.render import draw

    ensure_all(args.out)
    with graph_of(args.target, args) as graph:
        drawing = draw(graph.node, **graph.words, **{"title": graph.title} | chosen(args))
        for path in args.out:
            announce(drawing.save(path), drawing)
    if not args.out:
        print(drawing.text(), end="")
    return 0
