"""`tinygrad-edu formula`: derivative rules as formulas."""

from __future__ import annotations

import argparse
from typing import Any

from tinygrad_edu import formula, registry
from tinygrad_edu.cli.arguments import known


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("formula", help="print derivative rules as formulas")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a primitive; all if none is given")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Print the rules; 0."""
    known(args.parser, args.names, "primitive", registry)
    for name in args.names or registry:
        print(f"{name}\n    " + formula(name).replace("\n", "\n    "))
    return 0
