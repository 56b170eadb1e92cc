"""One workload, by all who can do it: first whether they agree, then how long they take, in turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import contestant
from benchmarks.contestant import Answer, Contestant, FailedError
from benchmarks.entry import Array
from benchmarks.peers import PEERS
from benchmarks.workloads import Workload


@dataclass(slots=True)
class Result:
    """What came of a workload.

    Attributes:
        seconds: for one step, of each peer in each round.
        notes: why a peer has no times.
        differences: the largest relative difference from the hand-written result, of each peer.
        grown: bytes (held, peak) of the first step, of each peer.
        wrong: the peers whose result is not the hand-written one.
    """

    workload: Workload
    seconds: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    differences: dict[str, float] = field(default_factory=dict)
    grown: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def median(self, peer: str) -> float:
        """Seconds for one part, such as a node."""
        return median(self.seconds[peer]) / self.workload.parts

    def ratio(self, peer: str, to: str) -> float | None:
        """The median over rounds of its time as a multiple of another's; None without times of both."""
        if peer not in self.seconds or to not in self.seconds:
            return None
        return median(a / b for a, b in zip(self.seconds[peer], self.seconds[to], strict=True))


def missing() -> dict[str, str]:
    """The peers that are left out, and why."""
    return {
        peer: f"{package} is not installed" for peer, package in PEERS.items() if find_spec(package) is None
    }


def able(peer: str, solver: str) -> bool:
    """Whether the adapter has the function; read, not imported, as no library is loaded here."""
    return f"\ndef {solver}(" in (Path(__file__).parent / "peers" / f"{peer}.py").read_text(encoding="utf-8")


def run(
    workload: Workload, peers: list[str], *, rounds: int, seconds: float, longest: float,
    smaller: Result | None, say: Callable[[str], None],
) -> Result:  # fmt: skip
    """Compare and time.

    Args:
        workload: what to do.
        peers: who, the hand-written code first.
        rounds: how often each is timed.
        seconds: about how long each time.
        longest: seconds of one step, above which a peer is left out.
        smaller: the result of the smaller workload, if there is one.
        say: is told what is going on.
    """
    result = Result(workload)
    problem = workload.problem()
    reference: list[Array] = []
    running: dict[str, Contestant] = {}
    try:
        for peer in (peer for peer in peers if able(peer, workload.solver)):
            if note := _hopeless(peer, workload, smaller, longest):
                result.notes[peer] = note
                continue
            say(f"{workload.title}: {peer}")
            entry = running[peer] = Contestant(peer, workload.solver, problem)
            try:
                answer: Answer = entry.ask(contestant.first)
            except FailedError as error:
                result.notes[peer] = str(error)
                running.pop(peer).close()
                continue
            reference = reference or answer.values
            result.grown[peer] = answer.held, answer.peak
            result.differences[peer] = difference(answer.values, reference)
            if not result.differences[peer] <= workload.tolerance:
                result.wrong.append(peer)
                result.notes[peer] = f"wrong: differs by {result.differences[peer]:.1e}"
            elif answer.seconds > longest:
                result.notes[peer] = f"left out: took {answer.seconds:.0f} s for one step"
            if peer in result.notes:
                running.pop(peer).close()
        _time(result, running, rounds=min(rounds, workload.most_rounds or rounds), seconds=seconds, say=say)
    finally:
        for entry in running.values():
            entry.close()
    return result


def _time(
    result: Result, running: dict[str, Contestant], *, rounds: int, seconds: float, say: Callable[[str], None]
) -> None:
    say(f"{result.workload.title}: timing")
    numbers = {peer: entry.ask(contestant.repeats, seconds) for peer, entry in running.items()}
    order = list(running)
    for _ in range(rounds):
        for peer in order:
            result.seconds.setdefault(peer, []).append(running[peer].ask(contestant.sample, numbers[peer]))
        order = order[1:] + order[:1]  # nobody always follows the same one


def _hopeless(peer: str, workload: Workload, smaller: Result | None, longest: float) -> str | None:
    if smaller is None:
        return None
    if peer in smaller.notes:
        return smaller.notes[peer]
    expected = smaller.median(peer) * workload.parts
    return f"left out: would take {expected:.0f} s a step" if expected > longest else None


def difference(values: list[Array], reference: list[Array]) -> float:
    """The largest difference in an array relative to its largest number; infinite if the shapes differ."""
    if [x.shape for x in values] != [x.shape for x in reference]:
        return np.inf
    tiny = np.finfo(float).tiny
    pairs = [(x.astype(float), y.astype(float)) for x, y in zip(values, reference, strict=True)]
    # NumPy's maximum, since Python's may lose a NaN.
    return float(np.max([np.abs(x - y).max() / np.maximum(np.abs(y).max(), tiny) for x, y in pairs]))
