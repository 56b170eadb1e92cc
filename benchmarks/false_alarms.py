"""How often a check accuses a right rule: all right rules of the catalogue and all primitives, at many seeds.

    python -m benchmarks.false_alarms --seeds 40 --jobs 2

Each check is made with `hazards=True`, at example inputs drawn anew. An alarm is a verdict of *wrong*, or an error.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console

import tinygrad_edu as tg
from tinygrad_edu.catalogue import catalogue


def subjects() -> Iterator[tuple[str, str, int]]:
    """(kind, name, number) of everything that is right: entries of the catalogue, and cases of primitives."""
    yield from (("catalogue", entry.name, 0) for entry in catalogue())
    for name, op in tg.registry.items():
        yield from (("primitive", name, number) for number in range(len(op.cases)))


def checked(subject: tuple[str, str, int], seed: int) -> str:
    """The alarm on one subject at one seed, in words, or ""."""
    kind, name, number = subject
    rng = np.random.default_rng([seed, number])
    target: Any
    if kind == "catalogue":
        (entry,) = (entry for entry in catalogue() if entry.name == name)
        target, inputs = tg.custom_vjp(entry.f, entry.vjp), entry.inputs(rng)
    else:
        op = tg.registry[name]
        case = op.cases[number]
        target, inputs = partial(op.call, **case.params), case.draw(rng)
    try:
        report = tg.check(target, *inputs, hazards=True, rng=rng)
    except Exception as error:
        return f"{kind} {name}, case {number}, seed {seed}: {type(error).__name__}: {error}"
    if report.verdict != "wrong":
        return ""
    row = next(row for row in report.rows if row.verdict == "wrong")
    return f"{kind} {name}, case {number}, seed {seed}: {row.name}: {row.note}"


def main() -> int:
    """Check everything, print the alarms; exit code 1 if there is one."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.false_alarms", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--seeds", type=int, default=40, metavar="N", help="how often (default: 40)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first seed (default: 0)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default: 1)")
    args = parser.parse_args()
    console, started = Console(soft_wrap=True), time.perf_counter()
    everything = list(subjects())
    alarms = checks = 0
    with ProcessPoolExecutor(args.jobs) as pool:
        for seed in range(args.first, args.first + args.seeds):
            said = [*filter(None, pool.map(partial(checked, seed=seed), everything, chunksize=4))]
            alarms, checks = alarms + len(said), checks + len(everything)
            for alarm in said:
                console.print(alarm, markup=False)
            seconds = time.perf_counter() - started
            console.print(
                f"up to seed {seed}: {alarms} false alarms in {checks:,} checks of right rules, {seconds:.0f} s"
            )
    return int(alarms > 0)


if __name__ == "__main__":
    raise SystemExit(main())
