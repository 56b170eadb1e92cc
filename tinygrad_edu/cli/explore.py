"""`tinygrad-edu explore FILE.py:NAME -o page.html`: a page to walk through the computation of the user's own loss."""

from __future__ import annotations

import argparse
from typing import Any

from tinygrad_edu.cli.finding import count
from tinygrad_edu.cli.graph import declare, graph_of
from tinygrad_edu.cli.look import ensure_all, outputs, say

DESCRIPTION = """\
Make a page on which a reader walks through a computation step by step, and
back through its gradients. It is one file, which loads nothing.

  tinygrad-edu explore model.py:loss -o page.html

exit codes: 0 it was written, 2 the command line was wrong
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = declare(
        commands, "explore", "make a page to walk through the graph of your own loss", DESCRIPTION, run
    )
    outputs(parser, ("html",), required=True)
    parser.add_argument("--title", metavar="TEXT", help="of the page (default: FILE.py:NAME)")
    parser.add_argument(
        "--depth", type=count, metavar="N", help="draw modules at this depth as one card each"
    )
    parser.add_argument("--max-cards", type=count, default=300, metavar="N",
                        help="fold what would need more (default: 300)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Write the page; 0."""
    from tinygrad_edu.render import explore

    ensure_all(args.out)
    with graph_of(args.target, args) as graph:
        title = args.title or graph.title
        page: Any = explore(
            graph.node, title=title, depth=args.depth, max_cards=args.max_cards, **graph.words
        )
        for path in args.out:
            say(page.save(path), f"{len(page.html) / 1000:.0f} kB", page.notes)
    return 0
