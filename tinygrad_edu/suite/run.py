"""A run of the suite: subjects, all that was found on them, and whether the suite could still see.

A few planted errors, the canaries, are judged in the same run. Were the witness that each is meant for to pass
it, the suite itself would be broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinygrad_edu.core.primitive import registry
from tinygrad_edu.suite.canaries import canaries
from tinygrad_edu.suite.finding import Finding
from tinygrad_edu.suite.primitives import examine
from tinygrad_edu.suite.witnesses import WITNESSES


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """All findings of a run, and the canaries that went unnoticed."""

    findings: tuple[Finding, ...]
    primitives: tuple[str, ...]
    without_derivative: tuple[str, ...]
    survivors: tuple[str, ...]

    @property
    def failures(self) -> list[Finding]:
        """What a witness saw to be wrong."""
        return [finding for finding in self.findings if finding.wrong]

    def __bool__(self) -> bool:
        return not self.failures and not self.survivors

    @property
    def exit_code(self) -> int:
        """0 right, 1 something is wrong, 3 something could not be decided, 4 a canary went unnoticed."""
        if self.survivors:
            return 4
        if not self.failures:
            return 0
        return 3 if all(finding.undecided for finding in self.failures) else 1


def verify(names: Sequence[str] | None = None, *, seed: int = 0) -> SuiteReport:
    """Bring primitives before the witnesses.

    Args:
        names: of primitives; all that are registered, by default.
        seed: of the test points.

    Raises:
        KeyError: there is no primitive of that name.
    """
    chosen = [registry[name] for name in (names or list(registry))]
    differentiable = [op for op in chosen if op.rules]
    findings = [finding for op in differentiable for finding in examine(op, seed)]
    return SuiteReport(
        tuple(findings),
        tuple(op.name for op in differentiable),
        tuple(op.name for op in chosen if not op.rules),
        tuple(_survivors(seed)),
    )


def _survivors(seed: int) -> Iterator[str]:
    """The canaries that a witness which is there to see them has passed."""
    for op, witnesses in canaries():
        seen = {finding.witness for finding in examine(op, seed) if finding.wrong and not finding.undecided}
        yield from (
            f"{op.name}, by the witness '{name}'"
            for name in witnesses
            if name in WITNESSES and name not in seen
        )
