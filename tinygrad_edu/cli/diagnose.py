"""`tinygrad-edu diagnose FILE.py:NAME`: what is wrong in the graph of the user's own loss, and where."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from tinygrad_edu.cli.graph import declare, graph_of
from tinygrad_edu.cli.look import announce, chosen, ensure_all, look, outputs

if TYPE_CHECKING:
    from tinygrad_edu.cli.graph import Graph

DESCRIPTION = """\
Say what is wrong in a graph: the first NaN or infinity and how it came to be,
gradients that vanish or explode from layer to layer, parameters that learn
nothing. Each -o writes a drawing in which that is marked; of a computation that
raises an error, what there is, up to the operation that failed.

  tinygrad-edu diagnose model.py:loss -o why.svg

exit codes: 0 all numbers are finite, 1 some are not, 2 the command line was wrong
"""
BROKEN = ("nonfinite", "gradient")  # kinds of findings


def add(commands: Any) -> None:
    """Declare the command."""
    parser = declare(
        commands, "diagnose", "say what is wrong in the graph of your own loss", DESCRIPTION, run
    )
    outputs(parser)
    look(parser)


def run(args: argparse.Namespace) -> int:
    """Print the findings, and draw them; 1 if something is not finite, else 0."""
    from tinygrad_edu.cli.user_file import Refusal

    ensure_all(args.out)
    try:
        with graph_of(args.target, args) as graph:
            return _diagnose(graph, args)
    except Refusal as refusal:
        if refusal.__context__ is not None:
            _draw_failure(refusal.__context__, args)
        raise


def _diagnose(graph: Graph, args: argparse.Namespace) -> int:
    from tinygrad_edu.render import diagnose
    from tinygrad_edu.render.diagnosing.findings import healthy

    drawing = diagnose(graph.node, subtitle=graph.title, **graph.words, **chosen(args))
    print("\n".join(finding.words for finding in drawing.findings) or healthy(drawing.graph))
    for path in args.out:
        announce(drawing.save(path), drawing)
    return int(any(finding.kind in BROKEN for finding in drawing.findings))


def _draw_failure(error: BaseException, args: argparse.Namespace) -> None:
    """Of a computation that raised what there is, up to the operation that did not come about."""
    from tinygrad_edu.render import failed

    try:
        drawing = failed(error, subtitle=args.target, **chosen(args))
    except ValueError:
        for path in args.out:
            print(f"{path} was not written: nothing had been computed with nodes", file=sys.stderr)
        return
    for path in args.out:
        announce(drawing.save(path), drawing)
