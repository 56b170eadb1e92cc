"""`tinygrad-edu layers`: how signals and gradients grow or die from layer to layer."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from tinygrad_edu.cli.arguments import shape
from tinygrad_edu.cli.finding import check_files, count, declare, deliver

if TYPE_CHECKING:
    from tinygrad_edu.diagnostics import Finding

DESCRIPTION = """\
Without a file: linear layers with W = c · I, whose signals and gradients are
the powers of c, measured beside the closed form. With a file: every layer of
your own model, what goes through it, what comes back, how much is dead or
saturated, and a verdict with cause and remedy.
"""
EXAMPLES = """\
examples:
  tinygrad-edu layers                                   W = 1.5 · I and 0.5 · I, 30 layers
  tinygrad-edu layers --scale 0.9 --depth 100
  tinygrad-edu layers net.py:model --input 32,64        32 samples, standard normal
"""


def add(commands: Any) -> None:
    """Declare the command."""
    about = "show how signals and gradients vanish or explode, in closed form or in your model"
    parser = declare(commands, "layers", about, DESCRIPTION, EXAMPLES, run)
    parser.add_argument("target", nargs="?", metavar="FILE.py:MODEL", help="a module of yours, or its class")
    parser.add_argument("--input", type=shape, action="append", default=[], metavar="SHAPE",
                        help="of an input of the model, such as 32,64")  # fmt: skip
    parser.add_argument(
        "--rate", type=float, default=0.1, metavar="η", help="of the step whose size is shown (0.1)"
    )
    parser.add_argument(
        "--scale", type=float, action="append", metavar="c", help="of W = c · I (1.5 and 0.5)"
    )
    parser.add_argument("--depth", type=count, metavar="L", help="how many such layers (default: 30)")


def run(args: argparse.Namespace) -> int:
    """Measure, print and write; 0 if all claims held, else 1."""
    import numpy as np

    from tinygrad_edu.cli.user_file import Refusal
    from tinygrad_edu.diagnostics import powers

    if args.target and (args.scale or args.depth):
        args.parser.error("--scale and --depth are for layers of W = c · I, without a file")
    if args.input and not args.target:
        args.parser.error("--input is for a model of yours, FILE.py:MODEL")
    check_files(args)
    rng = np.random.default_rng(args.seed)
    if args.target:
        try:
            return deliver(args, _of_file(args, rng))
        except Refusal as refusal:
            print(f"tinygrad-edu layers: {refusal}", file=sys.stderr)
            return 2
    try:
        found = powers(args.scale or (1.5, 0.5), args.depth or 30, rng=rng)
    except ValueError as error:
        args.parser.error(str(error))
    return deliver(args, found)


def _of_file(args: argparse.Namespace, rng: Any) -> Finding:
    """The layers of a module in the user's file."""
    from tinygrad_edu.cli.target import target_of
    from tinygrad_edu.cli.user_file import Refusal, guarded, opened, split
    from tinygrad_edu.diagnostics import layers
    from tinygrad_edu.nn import Embedding, Module

    path, name = split(args.target)
    if not name:
        raise Refusal(f"say which module, {path}:NAME")
    with opened(path, name) as module:
        with guarded(path, f"{name} could not be made ready"):
            target = target_of(module, name, args.input, [], rng)
        if not isinstance(target.target, Module):
            raise Refusal(f"{name} is {target.said}: a module was expected, whose layers could be looked at")
        try:
            with guarded(path, f"{name} could not be run"):
                return layers(
                    target.target, *target.inputs, rate=args.rate, rng=rng, of=f"{path.name}:{name}"
                )
        except Refusal as refusal:
            if not args.input or not any(isinstance(m, Embedding) for _, m in target.target.named_modules()):
                raise
            raise Refusal(
                f"{refusal}\n--input has real numbers, and an Embedding wants integers: write "
                f"{name}_inputs = [array] into the file, or a function of an rng that returns them"
            ) from None
