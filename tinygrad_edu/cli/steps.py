"""`tinygrad-edu steps FILE.py:NAME`: the user's own computation one operation at a time, and back."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu.cli.graph import declare, graph_of
from tinygrad_edu.cli.look import say

if TYPE_CHECKING:
    from tinygrad_edu.cli.graph import Graph

DESCRIPTION = """\
Take a computation apart into its operations, forward, and back through its
gradients, each share compared with a numerical derivative. Without -o that is
printed; -o writes it as an animation, .svg, .gif or .html, or each step as a
picture of its own: a folder, or a name with {k} in it for the number.

  tinygrad-edu steps model.py:loss
  tinygrad-edu steps model.py:loss -o steps.svg -o steps.gif -o frame-{k}.png

exit codes: 0 done, 2 the command line was wrong, or there are no such steps
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = declare(commands, "steps", "step through your own computation, and back", DESCRIPTION, run)
    parser.add_argument("-o", "--out", type=Path, action="append", default=[], metavar="FILE|FOLDER",
                        help="where to write; may be given several times")  # fmt: skip
    parser.add_argument(
        "--phase", choices=("forward", "backward", "both"), default="both", help="(default: both)"
    )
    parser.add_argument("--fps", type=float, default=1, metavar="N", help="steps in a second (default: 1)")
    parser.add_argument("--title", metavar="TEXT", help="over the pictures (default: FILE.py:NAME)")
    parser.add_argument("--theme", choices=("auto", "light", "dark"), default="auto", help="(default: auto)")


def run(args: argparse.Namespace) -> int:
    """Print the steps, or write them; 0."""
    from tinygrad_edu.cli.user_file import Refusal
    from tinygrad_edu.errors import TinygradEduError

    with graph_of(args.target, args) as graph:
        try:
            if not args.out:
                print("\n".join(_lines(graph, args.phase)))
            for path in args.out:
                _animate(graph, path, args)
        except (TinygradEduError, ValueError, ImportError) as error:
            raise Refusal(str(error)) from None
    return 0


def _lines(graph: Graph, phase: Any) -> Iterator[str]:
    """What a teacher would write on the board."""
    from tinygrad_edu.render import capture, trace_steps
    from tinygrad_edu.render.stepwise.blackboard import blackboard

    model = capture(graph.node, **graph.words)
    steps = trace_steps(graph.node, phase, names=graph.names)
    if not steps:
        raise ValueError("there are no steps, for nothing was computed")
    for step in steps:
        board = blackboard(step, model, None)
        for indent, rows in (("", board.lines), ("    ", board.formulas)):
            yield from (indent + " ".join(piece.words for piece in row if piece.words) for row in rows)


def _animate(graph: Graph, path: Path, args: argparse.Namespace) -> None:
    from tinygrad_edu.render import animate

    title = args.title or graph.title
    written = animate(graph.node, path, args.fps, args.phase, title=title, theme=args.theme, **graph.words)
    files = written if isinstance(written, list) else [written]
    say(
        files[0],
        f"and {len(files) - 1} more" if len(files) > 1 else f"{files[0].stat().st_size / 1000:.0f} kB",
        [],
    )
