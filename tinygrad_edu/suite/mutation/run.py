"""A run: every mutant of every rule is brought before the suite, and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context

from threadpoolctl import threadpool_limits

from tinygrad_edu.core.primitive import Primitive, registry
from tinygrad_edu.suite.mutation.engine import ENGINE, ENGINE_MUTANTS, seen_by
from tinygrad_edu.suite.mutation.equivalents import EQUIVALENT
from tinygrad_edu.suite.mutation.hunt import killer
from tinygrad_edu.suite.mutation.mutant import Mutant
from tinygrad_edu.suite.mutation.report import MutationReport, Outcome
from tinygrad_edu.suite.mutation.semantic import semantic_mutants
from tinygrad_edu.suite.mutation.source import source_mutants


def score(names: Sequence[str] | None = None, *, seed: int = 0, jobs: int = 1) -> MutationReport:
    """Break every derivative rule in every way that is known, and see whether the suite finds out.

    Args:
        names: of primitives; "engine" means the sweeps. By default all primitives that have rules, and the sweeps.
        seed: of the test points, ≥ 0.
        jobs: how many processes, ≥ 1. A program that asks for more than one has its calls below
            `if __name__ == "__main__"`, for every process reads the program.

    Raises:
        KeyError: there is no primitive of that name.
        ValueError: a number outside its range.
    """
    if jobs < 1 or seed < 0:
        raise ValueError(f"score: jobs ≥ 1 and seed ≥ 0 were expected, jobs={jobs} and seed={seed} came")
    chosen = [*sorted(registry), ENGINE] if names is None else list(dict.fromkeys(names))
    if unknown := set(chosen) - registry.keys() - {ENGINE}:
        raise KeyError(f"score: there is no {', '.join(sorted(unknown))}")
    chosen = [name for name in chosen if name == ENGINE or registry[name].rules]
    return MutationReport(tuple(chain.from_iterable(_judged(chosen, seed, jobs))), seed)


def mutants(op: Primitive) -> Iterator[Mutant]:
    """All mutants of an operation, those of its source first."""
    yield from source_mutants(op)
    yield from semantic_mutants(op)


def outcomes(name: str, seed: int = 0) -> list[Outcome]:
    """What becomes of the mutants of one primitive, or of the sweeps."""
    if name == ENGINE:
        return [Outcome(ENGINE, "all", m.name, m.diff, *_fate(ENGINE, "all", m.name) or (seen_by(m, seed),))
                for m in ENGINE_MUTANTS]  # fmt: skip
    return [Outcome(name, m.operand, m.name, m.diff, *_fate(name, m.operand, m.name) or (killer(m.make, seed),))
            for m in mutants(registry[name])]  # fmt: skip


def _fate(*key: str) -> tuple[str, str] | None:
    """Of a mutant that is known to be equivalent: nothing kills it, and why. None of all others."""
    reason = EQUIVALENT.get((key[0], key[1], key[2]))
    return ("", reason) if reason else None


def _judged(names: Sequence[str], seed: int, jobs: int) -> Iterator[list[Outcome]]:
    """The outcomes of each, in turn."""
    if jobs == 1:
        yield from (outcomes(name, seed) for name in names)
        return
    # A spawned process has the primitives of this package, and not those that a user has declared.
    elsewhere = {name for name in names if name == ENGINE or _is_ours(registry[name])}
    with ProcessPoolExecutor(jobs, get_context("spawn"), threadpool_limits, (1,)) as pool:
        answers = {name: pool.submit(outcomes, name, seed) for name in names if name in elsewhere}
        yield from (answers[name].result() if name in answers else outcomes(name, seed) for name in names)


def _is_ours(op: Primitive) -> bool:
    return op.forward.__module__.split(".")[0] == __name__.split(".")[0]
