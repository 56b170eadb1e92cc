"""What the commands of the instruments have in common: where findings go, and the exit code."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tinygrad_edu.cli.arguments import seed

if TYPE_CHECKING:
    from rich.text import Text

    from tinygrad_edu.diagnostics import Finding

EXIT_CODES = "exit codes: 0 all claims held, 1 one did not, 2 the command line was wrong"
STYLES = {"held ": "green", "NOT HELD": "bold red"}


def declare(commands: Any, name: str, about: str, description: str, examples: str, run: Any) -> Any:
    """A command with --seed, --json and --svg."""
    parser = commands.add_parser(
        name, help=about, description=description, epilog=f"{examples}\n{EXIT_CODES}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of all that is random (default: 0)"
    )
    parser.add_argument("--json", metavar="FILE.json", help="write the numbers")
    parser.add_argument("--svg", metavar="FILE.svg", help="write a picture")
    parser.set_defaults(run=run, parser=parser)
    return parser


def check_files(args: argparse.Namespace) -> None:
    """Before a long run, refuse what could not be written after it; ends with exit code 2."""
    from tinygrad_edu.reporting import ensure_writable

    for kind in ("json", "svg"):
        path = getattr(args, kind)
        if path is not None:
            if not path.lower().endswith(f".{kind}"):
                args.parser.error(f"--{kind}: a file that ends with .{kind} was expected, {path!r} came")
            ensure_writable(path)


def deliver(args: argparse.Namespace, finding: Finding) -> int:
    """Print and write a finding; 0 if all its claims held, else 1."""
    from tinygrad_edu.cli.console import terminal

    terminal().print(_coloured(finding), soft_wrap=True)
    for path in filter(None, (args.json, args.svg)):
        finding.save(path)
    return 0 if finding.held else 1


def count(text: str) -> int:
    """An integer, 1 or larger."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"an integer, 1 or larger, was expected; {text!r} came")


def _coloured(finding: Finding) -> Text:
    """The text, with what held in green and what did not in red."""
    from rich.text import Text

    text = Text(str(finding))
    for word, style in STYLES.items():
        text.highlight_regex(rf"(?m)^{word}", style)
    return text
