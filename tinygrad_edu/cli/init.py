"""`tinygrad-edu init`: every way to start a network side by side, predicted, measured, and trained."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tinygrad_edu.cli.finding import check_files, count, declare, deliver

if TYPE_CHECKING:
    import numpy as np

    from tinygrad_edu.diagnostics import Architecture, Finding

DESCRIPTION = """\
Start a network in eight ways, and compare the mean square of signals and
gradients at every layer with theory. With --train, let it learn digits from
five of them, and see which of the lecture's claims hold.
"""
EXAMPLES = """\
a network is written as 64-relu-100x8-10: 64 inputs, eight hidden layers of 100
units with a ReLU after each, and 10 outputs

examples:
  tinygrad-edu init                            64-relu-64x8-10
  tinygrad-edu init 64-tanh-128x30-10 --svg tanh.svg
  tinygrad-edu init --train                    below a minute; --quick: fewer seeds
  tinygrad-edu init --sanity                   three questions before a training
"""
DEFAULT = "64-relu-64x8-10"


def add(commands: Any) -> None:
    """Declare the command."""
    about = "compare ways to start a network: predicted, measured, trained"
    parser = declare(commands, "init", about, DESCRIPTION, EXAMPLES, run)
    parser.add_argument("network", nargs="?", default=DEFAULT, metavar="ARCH", help=f"(default: {DEFAULT})")
    parser.add_argument("--train", action="store_true", help="also learn digits, from five of the ways")
    parser.add_argument(
        "--sanity", action="store_true", help="also ask three questions of the network on digits"
    )
    parser.add_argument(
        "--seeds", type=count, metavar="N", help="networks of each way (default: 3, and 5 are trained)"
    )
    parser.add_argument("--epochs", type=count, default=20, metavar="N", help="of a training (default: 20)")
    parser.add_argument("--quick", action="store_true", help="two of each")


def run(args: argparse.Namespace) -> int:
    """Measure, print and write; 0 if all claims held, else 1."""
    import numpy as np

    from tinygrad_edu.diagnostics import Findings, architecture, depth, initialization

    try:
        network = architecture(args.network)
    except ValueError as error:
        args.parser.error(str(error))
    if (args.train or args.sanity) and (network.widths[0], network.widths[-1]) != (64, 10):
        args.parser.error(f"--train and --sanity need a network for digits, 64-…-10; {args.network} came")
    check_files(args)
    rng = np.random.default_rng(args.seed)
    draws, trained = (2, 2) if args.quick else (args.seeds or 3, args.seeds or 5)
    parts: list[Finding] = [initialization(args.network, draws=draws, rng=rng)]
    if args.train:
        seeds = range(args.seed, args.seed + trained)
        parts.append(depth(args.network, seeds=seeds, epochs=args.epochs))
    if args.sanity:
        parts.append(_sane(network, rng))
    return deliver(args, parts[0] if len(parts) == 1 else Findings(f"The start of {args.network}", parts))


def _sane(network: Architecture, rng: np.random.Generator) -> Finding:
    """The three questions, of the network as it starts with √(1/n)."""
    from tinygrad_edu.data import Standardizer, load_digits, split
    from tinygrad_edu.diagnostics import sanity

    digits = load_digits()
    x_train, x_test, y_train, y_test = split(digits.x, digits.y, rng=rng)
    scaler = Standardizer()
    x_train, x_test = scaler.fit_transform(x_train), scaler.transform(x_test)
    return sanity(
        lambda rng: network.model(rng=rng), x_train, y_train, x_test, y_test, rng=rng, of=network.text
    )
