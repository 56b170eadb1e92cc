"""The command line: `tinygrad-edu COMMAND`, also as `python -m tinygrad_edu`. A command is a module beside this one.

Exit codes: 0 all is right, 1 something is wrong, 2 the command line was, 3 something could not be decided,
4 a planted error went unnoticed.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

from tinygrad_edu import __version__
from tinygrad_edu.cli.encoding import never_fail

# Each has `add(commands)`, which declares its arguments, and does nothing else yet: what a command needs is loaded
# when it runs.
COMMANDS = (
    "demo", "check", "verify", "formula", "curve", "norm", "layers", "init", "draw", "explore", "steps",
    "diagnose", "compare",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    never_fail(sys.stdout, sys.stderr)
    args = _parser().parse_args(argv)
    with _one_thread():
        try:
            code: int = args.run(args)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KeyboardInterrupt:  # the user has, and knows why
            print(f"tinygrad-edu {args.command}: interrupted", file=sys.stderr)
            return 130
        except OSError as error:  # a folder that cannot be written to, a full disk
            print(f"tinygrad-edu {args.command}: {error}", file=sys.stderr)
            return 2
        except Exception:  # exit code 1, which Python would give it, means that a gradient is wrong
            traceback.print_exc()
            print(
                f"tinygrad-edu {args.command}: this is an error of the program, and decides nothing",
                file=sys.stderr,
            )
            return 3
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tinygrad-edu", description="Automatic differentiation to read and to trust."
    )
    parser.add_argument("--version", action="version", version=f"tinygrad-edu {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        import_module(f"tinygrad_edu.cli.{name}").add(commands)
    return parser


def _one_thread() -> AbstractContextManager[Any]:
    """Small matrix products are many times slower on several threads, so one it is, unless the user has chosen."""
    if any(name in os.environ for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")):
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits
