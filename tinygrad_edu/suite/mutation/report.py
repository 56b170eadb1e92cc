"""The mutation score: of all the mistakes that could be told from the right rules, the part that the suite sees.

score = killed / (all − equivalent)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

TOTAL, EACH = 0.98, 0.95  # the least score of all rules together, and of those of one primitive


@dataclass(frozen=True, slots=True)
class Outcome:
    """One mutant, and what became of it.

    Attributes:
        primitive: whose rule was changed; "engine" if it was a sweep.
        operand: of the rule.
        name: what was done.
        diff: the source before and after.
        killed_by: what saw it, or "".
        equivalent: why nothing could see it, or "".
    """

    primitive: str
    operand: str
    name: str
    diff: str
    killed_by: str = ""
    equivalent: str = ""

    @property
    def survived(self) -> bool:
        """Whether it is a mistake that nothing has seen."""
        return not self.killed_by and not self.equivalent


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers of one primitive, or of all."""

    mutants: int
    killed: int
    equivalent: int

    @property
    def score(self) -> float | None:
        """Killed / (all − equivalent), in [0, 1]; None of nothing."""
        n = self.mutants - self.equivalent
        return self.killed / n if n else None


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """Count."""
    every = list(outcomes)
    equivalent = sum(bool(outcome.equivalent) for outcome in every)
    return Tally(len(every), sum(bool(outcome.killed_by) for outcome in every), equivalent)


@dataclass(frozen=True, slots=True)
class MutationReport:
    """What became of every mutant; true only if the scores are as high as they must be.

    Attributes:
        outcomes: by the order of the primitives.
        seed: of the test points.
    """

    outcomes: tuple[Outcome, ...]
    seed: int = 0

    @property
    def primitives(self) -> dict[str, Tally]:
        """{name: its numbers}."""
        groups: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            groups.setdefault(outcome.primitive, []).append(outcome)
        return {name: tally(group) for name, group in groups.items()}

    @property
    def total(self) -> Tally:
        """The numbers of all together."""
        return tally(self.outcomes)

    @property
    def survivors(self) -> list[Outcome]:
        """The mistakes that nothing has seen."""
        return [outcome for outcome in self.outcomes if outcome.survived]

    @property
    def equivalents(self) -> list[Outcome]:
        """The mutants that compute the same as what they were made of."""
        return [outcome for outcome in self.outcomes if outcome.equivalent]

    @property
    def exit_code(self) -> int:
        """0 if the total is at least 98 % and no primitive is under 95 %, else 1; of no mutants it is 1."""
        scores = [t.score for t in self.primitives.values() if t.score is not None]
        total = self.total.score
        return 0 if total is not None and total >= TOTAL and min(scores) >= EACH else 1

    def __bool__(self) -> bool:
        return self.exit_code == 0

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "exit_code": self.exit_code, "seed": self.seed, "total": _numbers(self.total),
            "primitives": {name: _numbers(t) for name, t in self.primitives.items()},
            "survivors": [_words(outcome) for outcome in self.survivors],
            "equivalents": [_words(outcome) | {"reason": outcome.equivalent} for outcome in self.equivalents],
        }  # fmt: skip

    def __str__(self) -> str:
        width = max(map(len, [*self.primitives, "primitive"]))
        lines = [f"{'primitive':{width}}  mutants  killed  equivalent   score"]
        for name, t in [*self.primitives.items(), ("total", self.total)]:
            score = "–" if t.score is None else f"{t.score:.1%}"
            low = "" if t.score is None or t.score >= (TOTAL if name == "total" else EACH) else "  too low"
            lines.append(f"{name:{width}}  {t.mutants:7}  {t.killed:6}  {t.equivalent:10}  {score:>6}{low}")
        for head, chosen in (("survivors", self.survivors), ("equivalent mutants", self.equivalents)):
            lines += ["", f"{head}: {len(chosen) or 'none'}"]
            for outcome in chosen:
                lines.append(f"  {outcome.primitive}, operand {outcome.operand}: {outcome.name}")
                lines += [f"      {line}" for line in outcome.diff.splitlines()]
                lines += [f"      {outcome.equivalent}"] * bool(outcome.equivalent)
        return "\n".join(lines)

    __repr__ = __str__


def _numbers(t: Tally) -> dict[str, Any]:
    return {"mutants": t.mutants, "killed": t.killed, "equivalent": t.equivalent, "score": t.score}


def _words(outcome: Outcome) -> dict[str, str]:
    return {
        "primitive": outcome.primitive,
        "operand": outcome.operand,
        "name": outcome.name,
        "diff": outcome.diff,
    }
