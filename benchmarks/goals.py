"""What was hoped for, as numbers that a run can meet or miss."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.harness import Result

US = "tinygrad_edu"


class Goal(NamedTuple):
    """A measure of this library, and what it should be.

    Attributes:
        name: of the workload.
        what: is measured, in words.
        measure: finds it in the results, None if it was not measured.
        limit: what it should reach (`least`) or not exceed.
        least: which of the two.
        unit: of the measure.
    """

    name: str
    what: str
    measure: Callable[[Result], float | None]
    limit: float
    least: bool = False
    unit: str = "×"

    def met(self, value: float) -> bool:
        """Whether the value is good enough."""
        return value >= self.limit if self.least else value <= self.limit


def _bytes(result: Result) -> float | None:
    _, peak = result.grown.get(US, (None, None))
    return None if peak is None else peak / result.workload.parts


GOALS = [
    Goal("S1", "micrograd's time / ours", lambda r: r.ratio("micrograd", US), 10, least=True),
    Goal("S2 chain 1e6", "memory, at its peak", _bytes, 220, unit="bytes a node"),
    Goal("O1", "our time / NumPy by hand", lambda r: r.ratio(US, "hand"), 2.6),
    Goal("O1", "our time / torch's", lambda r: r.ratio(US, "torch"), 0.5),
    Goal("T1", "our time / NumPy by hand", lambda r: r.ratio(US, "hand"), 1.3),
    Goal("T1", "our time / torch's", lambda r: r.ratio(US, "torch"), 0.65),
]
IMPORT_BEYOND_NUMPY = 0.015  # seconds
# The smallest object of Python's that a step could leave behind is larger than this.
BYTES_A_STEP = 16


def found(results: dict[str, Result]) -> list[tuple[Goal, float]]:
    """The goals that were measured, each with its value."""
    pairs = [(goal, goal.measure(results[goal.name])) for goal in GOALS if goal.name in results]
    return [(goal, value) for goal, value in pairs if value is not None]
