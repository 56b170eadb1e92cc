"""`tinygrad-edu curve`: the error of a numerical derivative as a function of its step."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_edu import registry
from tinygrad_edu.cli.arguments import known, seed
from tinygrad_edu.cli.encoding import encodes

if TYPE_CHECKING:
    from rich.text import Text

DESCRIPTION = """\
Measure the error of one-sided, central and extrapolated differences and of the
complex step, at steps from the size of x down to its last digit, beside the
exact derivative of the backward pass: a plot, and a table beside theory.
"""
EXAMPLES = """\
examples:
  tinygrad-edu curve                     the lecture's g(θ) = θ³ at θ = 1
  tinygrad-edu curve tanh --svg v.svg    a primitive, at the points of its cases
  tinygrad-edu curve softmax --float32   in single precision
  tinygrad-edu curve relu --at 0         where it has a kink

exit codes: 0 the curve was drawn, 2 the command line was wrong, or a file cannot be written
"""
POINTS = 5
POWER, ORDINARY = re.compile("10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)"), str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
STYLES = {"1": "dark_orange", "2": "dodger_blue1", "6": "green", "i": "magenta"}


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "curve", help="draw the error of numerical derivatives against their step", description=DESCRIPTION,
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("name", nargs="?", metavar="NAME", help="of a primitive; by default θ³ at θ = 1")
    parser.add_argument(
        "--at",
        type=float,
        nargs="+",
        metavar="X",
        help="where, a number for each operand of NAME; else drawn",
    )
    parser.add_argument("--float32", action="store_true", help="compute in float32 instead of float64")
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of the point and the direction (default: 0)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the data")
    parser.add_argument("--svg", metavar="FILE", help="write a picture")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print and write; 0."""
    import numpy as np

    from tinygrad_edu.cli.console import terminal
    from tinygrad_edu.reporting import ensure_writable, write
    from tinygrad_edu.verify.curves import error_curve

    if args.json and args.json == args.svg:
        args.parser.error("--json and --svg need a file each")
    for path in filter(None, (args.json, args.svg)):
        ensure_writable(path)
    rng = np.random.default_rng(args.seed)
    f, xs, name = _function(args, rng)
    try:
        curve = error_curve(f, *xs, dtype=np.float32 if args.float32 else np.float64, rng=rng, name=name)
    except ValueError as error:  # of a point that was asked for, it has no finite value
        args.parser.error(str(error).removeprefix("error_curve: "))
    console = terminal()
    console.print(_coloured(curve.text(console.width)), soft_wrap=True)
    if args.json:
        write(json.dumps(curve.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n", args.json)
    if args.svg:
        curve.save(args.svg)
    return 0


def _function(args: argparse.Namespace, rng: Any) -> tuple[Callable[..., Any], list[Any], str]:
    """What is differentiated, and where: a primitive at a point of its first case, or the lecture's example."""
    if args.name is None:
        theta = args.at or [1.0]
        if len(theta) > 1:
            args.parser.error(f"--at: one number was expected as θ, {len(theta)} came")
        return lambda theta: theta * theta * theta, theta, f"θ³ at θ = {theta[0]:g}"
    known(args.parser, [args.name], "primitive", registry)
    op = registry[args.name]
    if not op.rules:
        args.parser.error(f"{args.name} has no derivative")
    each = op.cases[0]
    xs: list[Any] = each.draw(rng)
    name = args.name
    if args.at:
        if not op.elementwise or len(args.at) != len(xs):
            takes = (
                f"takes {len(xs)}" if op.elementwise else "is not elementwise, so a few numbers are no point"
            )
            args.parser.error(f"--at: {len(args.at)} came, but {args.name} {takes}")
        xs, name = args.at, f"{name} at {', '.join(f'{x:g}' for x in args.at)}"
    elif (
        op.elementwise
    ):  # one number says as much; of a few, the farthest from 0, which steps are measured by
        few = [domain.of_shape(POINTS).draw(rng) for domain in each.domains]
        k = max(range(POINTS), key=lambda k: sum(abs(float(x[k])) for x in few))
        xs = [x[k].item() for x in few]
        name += f" at {', '.join(str(x) if isinstance(x, bool) else f'{x:.3g}' for x in xs)}"
    return lambda *xs: op.call(*xs, **each.params), xs, name


def _coloured(said: str) -> Text:
    """The text, with the marks of each method in its colour, in the plot and in the legend."""
    from rich.text import Text

    from tinygrad_edu.verify.plot import MARGIN, MARKS

    lines = []
    if not encodes(sys.stdout, "⁻"):
        said = POWER.sub(lambda found: "1e" + found[1].translate(ORDINARY), said)  # as wide as 10⁻⁷
    for line in said.split("\n"):
        text = Text(line)
        if line[MARGIN - 1 : MARGIN] in {"│", "┤"}:
            for at, mark in enumerate(line[MARGIN:], MARGIN):
                if mark in STYLES:
                    text.stylize(STYLES[mark], at, at + 1)
        for name, mark in MARKS.items():
            at = line.find(f"{mark} {name}")
            if at >= 0:
                text.stylize(STYLES[mark], at, at + 2 + len(name))
        lines.append(text)
    return Text("\n").join(lines)
