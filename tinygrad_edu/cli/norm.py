"""`tinygrad-edu norm`: the cost before and after inputs are normalized, and a test set with statistics of its own."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from tinygrad_edu.cli.finding import check_files, count, declare, deliver

DESCRIPTION = """\
Fit a linear or logistic model by gradient descent, to inputs as they are,
standardized, and whitened: the eigenvalues of the Hessian, the largest stable
step 2/λmax as predicted and as run, and the steps that it takes. Then scale a
test set of digits with its own mean and deviation, and count the errors.
"""
EXAMPLES = """\
examples:
  tinygrad-edu norm                      two pixels of the digits 0 and 1
  tinygrad-edu norm --data all           all 64 pixels
  tinygrad-edu norm --data elongated --model logistic --svg contours.svg
"""


def add(commands: Any) -> None:
    """Declare the command."""
    about = "show what normalizing inputs does to the cost and to gradient descent"
    parser = declare(commands, "norm", about, DESCRIPTION, EXAMPLES, run)
    parser.add_argument(
        "--data", choices=("pixels", "all", "elongated"), default="pixels",
        help="two pixels (default), all 64, or made data with one feature ten times as large",
    )  # fmt: skip
    parser.add_argument("--model", choices=("linear", "logistic"), default="linear", help="(default: linear)")
    parser.add_argument(
        "--steps", type=count, default=1000, metavar="N", help="of gradient descent at most (default: 1000)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the experiments; 0 if all claims held, else 1."""
    import numpy as np

    from tinygrad_edu.diagnostics import Findings, all_pixels, elongated, leak, normalization, two_pixels

    check_files(args)
    rng = np.random.default_rng(args.seed)
    x, y, of = {"pixels": two_pixels, "all": all_pixels}.get(args.data, partial(elongated, rng))()
    parts = [normalization(x, y, model=args.model, of=of, most=args.steps), leak(rng)]
    return deliver(args, Findings("X := (X − μ) / σ, before and after", parts))
