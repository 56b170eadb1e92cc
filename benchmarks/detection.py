"""How many of the wrong rules in the catalogue a check finds, and whether it accuses a right one.

    python -m benchmarks.detection --seeds 3

Each rule is a pair of NumPy functions, checked at ordinary example inputs as they come and then with `hazards=True`.
A rule counts as found if the verdict is *wrong*, or if the check refuses it with an error; as a false alarm if it is
right and is called wrong.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import tinygrad_edu as tg
from tinygrad_edu.catalogue import catalogue

WANTED = 0.97


def verdict(f: Callable[..., Any], vjp: Callable[..., Any], inputs: list[Any], hazards: bool) -> str:
    """What `tg.check` says; an error is named."""
    try:
        return tg.check(tg.custom_vjp(f, vjp), *inputs, hazards=hazards).verdict
    except Exception as error:
        return f"refused: {type(error).__name__}: {error}"


def main() -> int:
    """Check all rules, print a table and what was missed; exit code 1 if the goal is."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="how often, with other inputs (default: 1)"
    )
    seeds = parser.parse_args().seeds
    console, entries = Console(soft_wrap=True), catalogue()
    missed: dict[bool, list[str]] = {False: [], True: []}
    alarms: dict[bool, list[str]] = {False: [], True: []}
    seconds = {False: 0.0, True: 0.0}
    mistakes = sum(len(entry.mistakes) for entry in entries)
    for seed in range(seeds):
        for entry in track(entries, "checking", console=console, transient=True):
            inputs = entry.inputs(np.random.default_rng(seed))
            for hazards in (False, True):
                started = time.perf_counter()
                for mistake in entry.mistakes:
                    said = verdict(entry.f, mistake.vjp, inputs, hazards)
                    if said != "wrong" and not said.startswith("refused"):
                        missed[hazards].append(f"{entry.name}, {mistake.name} (seed {seed}): {said}")
                said = verdict(entry.f, entry.vjp, inputs, hazards)
                if said == "wrong" or said.startswith("refused"):
                    alarms[hazards].append(f"{entry.name} (seed {seed}): {said}")
                seconds[hazards] += time.perf_counter() - started
    table = Table(
        "check", "wrong rules found", "right rules accused", "time for a rule", box=None, pad_edge=False
    )
    for hazards, name in ((False, "as it comes"), (True, "hazards=True")):
        found, total = mistakes * seeds - len(missed[hazards]), mistakes * seeds
        table.add_row(
            name, f"{found} of {total} ({found / total:.1%})", f"{len(alarms[hazards])} of {len(entries) * seeds}",
            f"{seconds[hazards] / (total + len(entries) * seeds):.2f} s",
        )  # fmt: skip
    console.print(table)
    for line in [*missed[True], *(f"false alarm: {alarm}" for alarm in alarms[True])]:
        console.print(line, markup=False)
    return int(len(missed[True]) > (1 - WANTED) * mistakes * seeds or bool(alarms[True]))


if __name__ == "__main__":
    raise SystemExit(main())
