"""`tinygrad-edu compare FILE.py:NAME OTHER.py:NAME`: what has changed from one graph to another."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu.cli.graph import answered, declare_inputs, graph_of
from tinygrad_edu.cli.look import announce, chosen, ensure_all, look, outputs

if TYPE_CHECKING:
    from tinygrad_edu.render import GraphModel

DESCRIPTION = """\
Say what has changed from one graph to another: operations that were added or
removed, and numbers that differ. A graph is FILE.py:NAME, or a model that `draw`
or another program has written, FILE.json. Each -o writes a drawing of both.

  tinygrad-edu draw model.py:loss -o before.json
  tinygrad-edu compare before.json model.py:loss -o change.svg

exit codes: 0 they are the same, 1 they are not, 2 the command line was wrong
"""
MARKS = {"added", "removed", "changed"}


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "compare", help="say what has changed from one graph to another", description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "targets", nargs=2, metavar="FILE.py:NAME|FILE.json", help="the graphs, the older one first"
    )
    declare_inputs(parser)
    outputs(parser)
    look(parser)
    parser.set_defaults(run=answered(run), parser=parser)


def run(args: argparse.Namespace) -> int:
    """Print what has changed, and draw it; 1 if anything has, else 0."""
    from tinygrad_edu.render import diff

    ensure_all(args.out)
    first, second = (_model(target, args) for target in args.targets)
    drawing = diff(first, second, **chosen(args))
    for path in args.out:
        announce(drawing.save(path), drawing)
    print("\n".join(finding.words for finding in drawing.findings) if args.out else drawing.text().rstrip())
    return int(any(not MARKS.isdisjoint(node.flags) for node in drawing.graph.nodes))


def _model(target: str, args: argparse.Namespace) -> GraphModel:
    """The graph of a name in a file of Python, or the model in a file of JSON."""
    from tinygrad_edu.cli.user_file import Refusal
    from tinygrad_edu.render import ModelError, capture, load_model

    if target.endswith(".json"):
        try:
            return load_model(Path(target))
        except ModelError as error:
            raise Refusal(f"{target}: {error}") from None
    with graph_of(target, args) as graph:
        return capture(graph.node, **graph.words)
