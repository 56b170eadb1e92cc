"""`tinygrad-edu verify`: every rule before every witness, as a table, with an exit code that says it in one number.

0 right    1 wrong    2 the command line was    3 undecided, skipped or empty    4 a planted error went unnoticed
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tinygrad_edu import registry
from tinygrad_edu.cli.arguments import known, seed

if TYPE_CHECKING:
    from rich.console import Console

    from tinygrad_edu.suite import SuiteReport

# What stands first cannot be combined with what follows.
CONFLICTS = {
    "NAME": ("--layers", "--all"),
    "--layers": ("--all",),
    "--mutants": ("--layers", "--all", "--order", "--shard", "--merge", "--junit", "--html"),
    "--merge": ("NAME", "--layers", "--all", "--order", "--seed", "--jobs", "--shard"),
}
LAYERS = "tinygrad_edu.nn.cases:layers"
DESCRIPTION = """\
Bring derivative rules before witnesses: numerical derivatives with error bars,
the other mode of differentiation, second derivatives, and more. In the same
run some planted errors must be found, or the suite itself is broken.
"""
EXAMPLES = """\
examples:
  tinygrad-edu verify                    all primitives, the engine's operations
  tinygrad-edu verify tanh Linear        one primitive, one layer
  tinygrad-edu verify --all --jobs 4     primitives and layers, four processes
  tinygrad-edu verify --all --html page.html --junit tests.xml

on several machines, the second of eight, and then the whole:
  tinygrad-edu verify --all --shard 2/8 --json part2.json
  tinygrad-edu verify --merge part*.json --html page.html

exit codes:
  0  right: every witness has seen every case, and found nothing
  1  wrong: a witness saw an error; what and where is printed
  2  the command line is wrong, or a file cannot be read or written
  3  undecided: a witness could not tell, or a subject was skipped, or nothing
     was verified, as in a shard without subjects
  4  blind: a planted error went unnoticed, so the suite itself is broken
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "verify", help="verify derivatives, of primitives and of layers", description=DESCRIPTION, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a primitive or a layer; all primitives if none is given"
    )
    what = parser.add_argument_group("what is verified")
    what.add_argument("--layers", action="store_true", help="all layers, and no primitives")
    what.add_argument("--all", action="store_true", help="all primitives and all layers")
    what.add_argument(
        "--order",
        type=int,
        choices=(1, 2),
        help="2: second derivatives of layers, too (of primitives always)",
    )
    what.add_argument("--seed", type=seed, metavar="N", help="of the test points (default: 0)")
    what.add_argument(
        "--mutants",
        action="store_true",
        help="verify the suite instead: break each rule, see whether it is found",
    )
    how = parser.add_argument_group("on how many processors and machines")
    how.add_argument("--jobs", type=_jobs, metavar="N", help="processes (default: 1)")
    how.add_argument(
        "--shard", type=_shard, metavar="K/N", help="only the K-th of N parts; save it by --json"
    )
    how.add_argument(
        "--merge",
        nargs="+",
        metavar="FILE",
        help="run nothing: put together what --shard and --json have saved",
    )
    files = parser.add_argument_group("files to write, besides the table")
    files.add_argument("--json", metavar="FILE", help="for programs, and for --merge")
    files.add_argument("--junit", metavar="FILE", help="JUnit XML, for continuous integration")
    files.add_argument("--html", metavar="FILE", help="a page for people")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Verify, print tables, write files, and return the exit code."""
    from tinygrad_edu.reporting import ensure_writable

    _refuse_conflicts(args)
    for path in filter(None, (args.json, args.junit, args.html)):
        ensure_writable(path)
    if args.mutants:
        return _mutants(args)
    from tinygrad_edu.cli.console import terminal

    console = terminal()
    started = time.perf_counter()
    report = _merged(args) if args.merge else _verified(args, console)
    seconds = time.perf_counter() - started
    _write(report, args)  # first, for nobody may be reading what is printed
    _show(report, console, seconds)
    return report.exit_code


def _verified(args: argparse.Namespace, console: Console) -> SuiteReport:
    from tinygrad_edu.suite import verify

    strangers = set(args.names) - registry.keys()
    layers: Any = {}
    if args.all or args.layers or strangers:  # layers are loaded only if they are asked for
        layers = pkgutil.resolve_name(LAYERS)
    known(args.parser, strangers, "primitive or layer", [*registry, *layers])
    names = args.names or (list(layers) if args.layers else None)
    with _progress(console) as watch:
        return verify(
            names, layers=LAYERS if layers else None, order=args.order or 1, seed=args.seed or 0, jobs=args.jobs or 1,
            shard=args.shard, watch=watch,
        )  # fmt: skip


def _merged(args: argparse.Namespace) -> SuiteReport:
    from tinygrad_edu.suite import CertificateError, merge

    parser: argparse.ArgumentParser = args.parser
    try:
        return merge(args.merge)
    except CertificateError as error:
        parser.error(str(error))


def _mutants(args: argparse.Namespace) -> int:
    from tinygrad_edu.reporting import write
    from tinygrad_edu.suite.mutation import score

    known(args.parser, args.names, "primitive", registry)
    report = score(args.names or None, seed=args.seed or 0, jobs=args.jobs or 1)
    print(report)
    if args.json:
        write(json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n", args.json)
    code: int = report.exit_code
    return code


def _refuse_conflicts(args: argparse.Namespace) -> None:
    """End with exit code 2 if two options cannot both be meant."""
    given = {
        "NAME": args.names, "--layers": args.layers, "--all": args.all, "--order": args.order,
        "--seed": args.seed is not None, "--mutants": args.mutants, "--jobs": args.jobs, "--shard": args.shard,
        "--merge": args.merge, "--junit": args.junit, "--html": args.html,
    }  # fmt: skip
    for option, others in CONFLICTS.items():
        conflicting = [other for other in others if given[other]]
        if given[option] and conflicting:
            args.parser.error(f"{option} cannot be combined with {', '.join(conflicting)}")
    files = [path for path in (args.json, args.junit, args.html) if path]
    if len(set(files)) < len(files):
        args.parser.error("--json, --junit and --html need a file each")


def _jobs(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"a number of processes, 1 or larger, was expected; {text!r} came")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch("([0-9]{1,9})/([0-9]{1,9})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"K/N with 1 ≤ K ≤ N was expected, such as 2/8; {text!r} came")
    return int(found[1]), int(found[2])


# ---- what it prints and writes ----


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str, int, int], object] | None]:
    """Who is told of every subject: on a terminal, a line that says how far the run has come."""
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:24.24}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        line = bar.add_task("", total=None)

        def watch(name: str, done: int, total: int) -> None:
            bar.update(line, description=name, completed=done, total=total)

        yield watch


def _show(report: SuiteReport, console: Console, seconds: float) -> None:
    """The tables, what was seen to be wrong, and the whole in one line, which is last so that it is in sight."""
    from rich.text import Text

    from tinygrad_edu.reporting.document import clean
    from tinygrad_edu.reporting.terminal import STYLES, rich_table

    document = report.document()
    for table in document.tables:
        console.print(rich_table(table, console.width))
        console.print()
    for entry in document.entries:
        if entry.tone != "right":
            sign = ("?" if entry.tone == "open" else "✗", STYLES[entry.tone])
            said = clean(f" {entry.group}, {entry.name}: {entry.said}")
            console.print(Text.assemble(sign, said), soft_wrap=True)
    verdict = (document.verdict, STYLES[document.tone])
    console.print(Text.assemble(verdict, clean(f": {document.summary}; {seconds:.1f} s")), soft_wrap=True)
    if report.without_derivative:
        without = f"recorded, but without derivative: {', '.join(report.without_derivative)}"
        console.print(Text(clean(without)), soft_wrap=True)


def _write(report: SuiteReport, args: argparse.Namespace) -> None:
    from tinygrad_edu.reporting import FORMATS, write

    document = report.document()
    for path, kind in ((args.json, "json"), (args.junit, "xml"), (args.html, "html")):
        if path:
            write(FORMATS[kind](document), path)
