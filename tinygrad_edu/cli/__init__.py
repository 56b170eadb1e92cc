"""The command line: `tinygrad-edu demo`, `verify`, `formula`; also as `python -m tinygrad_edu`.

Exit codes: 0 all is right, 1 something is wrong, 2 the command line was, 3 something could not be decided,
4 a planted error went unnoticed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tinygrad_edu import __version__, formula, registry


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser, commands = _parser()
    args = parser.parse_args(argv)
    unknown = sorted(set(getattr(args, "names", ())) - set(registry))
    if unknown:
        commands[args.command].error(
            f"no primitive {', '.join(unknown)}; there are {', '.join(sorted(registry))}"
        )
    with _one_thread():
        try:
            code: int = args.run(args)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:  # a folder that cannot be written to, a full disk
            print(f"tinygrad-edu {args.command}: {error}", file=sys.stderr)
            return 2
    return code


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(
        prog="tinygrad-edu", description="Automatic differentiation to read and to trust."
    )
    parser.add_argument("--version", action="version", version=f"tinygrad-edu {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo", help="train a net on real digits, check every gradient, draw the graphs"
    )
    demo.add_argument("--seed", type=_seed, default=0, metavar="N", help="of all that is random (default: 0)")
    demo.add_argument(
        "--out", default="demo-output", metavar="FOLDER", help="where to write (default: demo-output)"
    )
    demo.add_argument(
        "--quick", action="store_true", help="a smaller net and a shorter training, for a first look"
    )
    demo.set_defaults(run=_demo)

    verify = commands.add_parser("verify", help="verify the derivatives of the primitives")
    verify.add_argument("names", nargs="*", metavar="NAME", help="of a primitive; all if none is given")
    verify.add_argument("--seed", type=_seed, default=0, metavar="N", help="of the test points (default: 0)")
    verify.add_argument("--json", metavar="FILE", help="write the results there, too")
    verify.set_defaults(run=_verify)

    formulas = commands.add_parser("formula", help="print derivative rules as formulas")
    formulas.add_argument("names", nargs="*", metavar="NAME", help="of a primitive; all if none is given")
    formulas.set_defaults(run=_formula)
    return parser, commands.choices


def _seed(text: str) -> int:
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if seed < 0:
        raise argparse.ArgumentTypeError(f"a seed is an integer, 0 or larger; {text!r} came")
    return seed


def _one_thread() -> AbstractContextManager[Any]:
    """Small matrix products are many times slower on several threads, so one it is, unless the user has chosen."""
    if any(name in os.environ for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")):
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


def _demo(args: argparse.Namespace) -> int:
    from tinygrad_edu.cli.demo import demo

    return demo(seed=args.seed, out=args.out, quick=args.quick)


def _verify(args: argparse.Namespace) -> int:
    from tinygrad_edu.cli.verify import run

    return run(args.names or None, seed=args.seed, json_file=args.json)


def _formula(args: argparse.Namespace) -> int:
    for name in args.names or registry:
        print(f"{name}\n    " + formula(name).replace("\n", "\n    "))
    return 0
