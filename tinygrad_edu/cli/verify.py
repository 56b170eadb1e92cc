"""`tinygrad-edu verify`: every primitive at its cases, as a table, with an exit code that says it in one number."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu import __version__, registry
from tinygrad_edu.cli.arguments import known, seed

if TYPE_CHECKING:
    from rich.table import Table

    from tinygrad_edu.suite import SuiteReport


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("verify", help="verify the derivatives of the primitives")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a primitive; all if none is given")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the test points (default: 0)")
    parser.add_argument("--json", metavar="FILE", help="write the results there, too")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Verify, print a table, and return the exit code: 0 right, 1 wrong, 3 undecided, 4 a planted error unnoticed."""
    from tinygrad_edu.cli.console import terminal
    from tinygrad_edu.suite import verify

    known(args.parser, args.names, "primitive", registry)
    started = time.perf_counter()
    report = verify(args.names or None, seed=args.seed)
    seconds = time.perf_counter() - started
    undecided = sum(finding.undecided for finding in report.findings)
    console = terminal()
    console.print(_table(report))
    for finding in report.failures:
        mark = "[bold yellow]?[/]" if finding.undecided else "[bold red]✗[/]"
        console.print(f"{mark} {finding.subject}, {finding.witness}, at ", end="")
        console.print(f"{finding.case}: {finding.wrong}", markup=False, soft_wrap=True)
    for name in report.survivors:
        console.print(f"[bold red]✗[/] the planted error '{name}' was not found: the suite itself is broken")
    console.print(
        f"{len(report.primitives)} primitives verified in value, vjp, jvp and second order: "
        f"{len(report.findings):,} findings, {len(report.failures) - undecided} failures, {undecided} undecided, "
        f"0 skips; {seconds:.1f} s",
        soft_wrap=True,
    )
    if report.without_derivative:
        console.print(
            f"recorded, but without derivative: {', '.join(report.without_derivative)}", soft_wrap=True
        )
    if args.json:
        content = {
            "version": __version__, "seed": args.seed, "exit_code": report.exit_code, "primitives": report.primitives,
            "without_derivative": report.without_derivative, "survivors": report.survivors,
            "failures": len(report.failures), "findings": [asdict(finding) for finding in report.findings],
        }  # fmt: skip
        Path(args.json).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return report.exit_code


def _table(report: SuiteReport) -> Table:
    """A row for each primitive, a column for each witness: ✓, or how many of its cases are wrong."""
    from rich.table import Table

    witnesses = list(dict.fromkeys(finding.witness for finding in report.findings))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("primitive", no_wrap=True, min_width=max(map(len, report.primitives), default=0))
    table.add_column("cases", justify="right")
    for witness in witnesses:
        table.add_column(witness, justify="center")
    for name in report.primitives:
        mine = [finding for finding in report.findings if finding.subject == name]
        cells = []
        for witness in witnesses:
            wrong = sum(bool(finding.wrong) for finding in mine if finding.witness == witness)
            cells.append(f"[bold red]{wrong} ✗[/]" if wrong else "[green]✓[/]")
        table.add_row(name, str(len({finding.case for finding in mine})), *cells)
    return table
