"""`tinygrad-edu demo`: the main job, of `cli/digits.py`."""

from __future__ import annotations

import argparse
from typing import Any

from tinygrad_edu.cli.arguments import seed


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "demo", help="train a net on real digits, check every gradient, draw the graphs"
    )
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of all that is random (default: 0)"
    )
    parser.add_argument(
        "--out", default="demo-output", metavar="FOLDER", help="where to write (default: demo-output)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a smaller net and a shorter training, for a first look"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do the job; 0 if every claim holds, else 1."""
    from tinygrad_edu.cli.digits import demo

    return demo(seed=args.seed, out=args.out, quick=args.quick)
