"""What is not a time for a step: the price of an import, and what many steps leave behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks import contestant
from benchmarks.contestant import Contestant, FailedError
from benchmarks.harness import able
from benchmarks.workloads import digits

_IMPORT = """
from time import perf_counter as clock
start = clock(); import numpy
between = clock(); import {package}
print(between - start, clock() - between)
"""


def import_times(packages: list[str], rounds: int) -> dict[str, float]:
    """Median seconds in fresh interpreters, in turns: of NumPy, and of each package when NumPy is there."""
    times: dict[str, list[float]] = {"numpy": [], **{package: [] for package in packages}}
    for turn in range(rounds + 1):
        for package in packages:
            output = subprocess.run(
                [sys.executable, "-c", _IMPORT.format(package=package)],
                cwd=Path(__file__).parent.parent, check=True, capture_output=True, text=True,
            ).stdout  # fmt: skip
            if turn:  # the first one may compile, and reads from the disk
                numpy, beyond = map(float, output.split())
                times["numpy"].append(numpy)
                times[package].append(beyond)
    return {package: median(found) for package, found in times.items()}


def growth(peers: list[str], steps: int) -> dict[str, int | str | None]:
    """Bytes by which resident memory grows in so many steps of T1 without the collector."""
    found: dict[str, int | str | None] = {}
    for peer in (peer for peer in peers if able(peer, "network")):
        entry = Contestant(peer, "network", digits())
        try:
            found[peer] = entry.ask(contestant.growth, steps // 10, steps)
        except FailedError as error:
            found[peer] = str(error)
        finally:
            entry.close()
    return found
