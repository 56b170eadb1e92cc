"""A library at a workload, in an interpreter of its own.

So none pays for the objects of another, which the garbage collector would walk, or finds its memory in use.
They take turns: while one is timed, the others wait for a word.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks.entry import Array, Entry


class FailedError(Exception):
    """What went wrong in a contestant, in its own words."""


class Answer(NamedTuple):
    """The result of the first step, and the bytes by which the process grew in it.

    Attributes:
        values: the loss, the gradients, the parameters after the step.
        seconds: that it took, which is more than the next will.
        held: growth of resident memory while the result still exists, or None where the system does not tell.
        peak: growth to the largest that it was.
    """

    values: list[Array]
    seconds: float
    held: int | None
    peak: int | None


class Contestant:
    """The process, and what can be asked of it."""

    def __init__(self, peer: str, solver: str, problem: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, peer, solver), daemon=True)
        self.process.start()
        theirs.close()
        self.connection.send(problem)

    def ask(self, question: Callable[..., Any], *arguments: Any) -> Any:
        """The answer of one of the functions below.

        Raises:
            FailedError: an exception there, or the end of the process.
        """
        try:
            self.connection.send((question, arguments))
            fine, answer = self.connection.recv()
        except (EOFError, OSError) as error:
            raise FailedError("the process ended") from error
        if not fine:
            raise FailedError(answer)
        return answer

    def close(self) -> None:
        """End the process."""
        self.connection.close()  # which it takes as the end
        self.process.join(10)
        if self.process.is_alive():
            self.process.terminate()


def _serve(connection: Any, peer: str, solver: str) -> None:
    try:
        entry = getattr(import_module(f"benchmarks.peers.{peer}"), solver)(connection.recv())
        while True:
            question, arguments = connection.recv()
            connection.send((True, question(entry, *arguments)))
    except EOFError:
        pass
    except Exception as error:
        connection.send((False, f"{type(error).__name__}: {error}"))


# ---- what can be asked ----


def first(entry: Entry) -> Answer:
    """Do the first step."""
    gc.collect()
    before = _status("VmRSS")
    start = perf_counter()
    result = entry.step()
    seconds = perf_counter() - start
    held, peak = _status("VmRSS"), _status("VmHWM")
    values = [np.asarray(x) for x in (entry.loss(result), *entry.gradients(), *entry.parameters())]
    if before is None or held is None or peak is None:
        return Answer(values, seconds, None, None)
    return Answer(values, seconds, max(held - before, 0), max(peak - before, 0))


def repeats(entry: Entry, seconds: float) -> int:
    """How many steps take about that long."""
    number = 1
    while (time := number * sample(entry, number)) < seconds:
        number = max(number + 1, min(10 * number, round(1.1 * number * seconds / time)))
    return number


def sample(entry: Entry, number: int) -> float:
    """Seconds for a step, the mean of that many; with the collector on, as it is for users."""
    step = entry.step
    gc.collect()
    for _ in range(number // 10):
        step()  # the processor's caches are full of somebody else's work
    start = perf_counter()
    for _ in range(number):
        step()
    return (perf_counter() - start) / number


def growth(entry: Entry, warm_up: int, steps: int) -> int | None:
    """Bytes by which resident memory grows in that many steps without the collector: cycles, and leaks."""
    gc.collect()
    gc.disable()
    for _ in range(warm_up):
        entry.step()
    before = _status("VmRSS")
    for _ in range(steps):
        entry.step()
    after = _status("VmRSS")
    return None if after is None or before is None else after - before


def _status(field: str) -> int | None:
    """Bytes of resident memory now (VmRSS) or at most until now (VmHWM), as Linux has it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    (line,) = (line for line in status.read_text().splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])
