"""A run of the suite: subjects, all that was found on them, and whether the suite could still see.

A few planted errors, the canaries, are judged in the same run. Were the witness that each is meant for to pass
it, the suite itself would be broken.

Every subject is judged by itself, with chance of its own. So a run may be cut into shards, for several machines, or
given to several processes: what is found, and in which order, is the same.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from threadpoolctl import threadpool_limits

from tinygrad_edu.core.primitive import Primitive, registry
from tinygrad_edu.suite.canaries import canaries
from tinygrad_edu.suite.finding import Finding
from tinygrad_edu.suite.layers import examine_layer, layer_canaries
from tinygrad_edu.suite.primitives import examine
from tinygrad_edu.suite.report import SuiteReport, origin

Layers: TypeAlias = Mapping[str, Any]
Watch: TypeAlias = Callable[[str, int, int], object]


def verify(
    names: Iterable[str] | None = None, *, layers: Layers | str | None = None, order: int = 1, seed: int = 0,
    jobs: int = 1, shard: tuple[int, int] | None = None, watch: Watch | None = None,
) -> SuiteReport:  # fmt: skip
    """Bring primitives and layers before the witnesses.

    Args:
        names: of primitives and layers; by default all primitives, and all `layers`.
        layers: {name: cases}; or where that is found, as "package.module:name", which other processes can import, too.
            Layers of a mapping are examined in this process, since functions cannot be sent to another.
        order: 1, or 2 for the second derivatives of layers; those of primitives are always verified.
        seed: of the test points, ≥ 0.
        jobs: how many processes, ≥ 1. A program that asks for more than one has its calls below
            `if __name__ == "__main__"`, for every process reads the program.
        shard: (k, n) with 1 ≤ k ≤ n: every n-th subject, from the k-th on. Canaries are in every shard.
        watch: is told of each subject once it is done, and of the canaries: a name, how many are done, of how many.

    Raises:
        KeyError: there is no primitive and no layer of that name.
        ValueError: a number outside its range, or a layer with the name of a primitive.
    """
    k, n = shard or (1, 1)
    if order not in (1, 2) or jobs < 1 or seed < 0 or not 1 <= k <= n:
        raise ValueError(
            f"verify: order 1 or 2, jobs ≥ 1, seed ≥ 0 and a shard (k, n) with 1 ≤ k ≤ n were expected, "
            f"order={order}, jobs={jobs}, seed={seed} and shard={shard} came"
        )
    cases: Layers = pkgutil.resolve_name(layers) if isinstance(layers, str) else layers or {}
    selection = _selection(names, cases)
    made_by = origin(_files(registry[name] for name in selection if name in registry))
    mine = selection[k - 1 :: n]
    subjects = [name for name in mine if name in cases or registry[name].rules]
    where = layers if isinstance(layers, str) else None
    questions = [
        _of_layer(name, cases[name], where, order, seed)
        if name in cases
        else _of_primitive(registry[name], seed)
        for name in subjects
    ]
    planted = []
    if any(name in registry for name in selection):
        planted.append(partial(_unnoticed_primitives, seed))
    if any(name in cases for name in selection):
        planted += [partial(_unnoticed_layer, number, seed) for number in range(len([*layer_canaries()]))]
    questions += [Question(look, look) for look in planted]
    found: list[list[Any]] = []
    for name, answer in zip(
        [*subjects, *["planted errors"] * len(planted)], _answers(questions, jobs), strict=True
    ):
        found.append(answer)
        if watch is not None:
            watch(name, len(found), len(questions))
    return SuiteReport(
        findings=tuple(chain(*found[: len(subjects)])),
        primitives=tuple(name for name in subjects if name in registry),
        without_derivative=tuple(name for name in mine if name not in subjects),
        survivors=tuple(chain(*found[len(subjects) :])),
        layers=tuple(name for name in subjects if name in cases),
        seed=seed, order=order, shard=shard, selection=selection, origin=made_by,
    )  # fmt: skip


def _selection(names: Iterable[str] | None, cases: Layers) -> tuple[str, ...]:
    """The primitives that are asked for, and then the layers, each by the alphabet."""
    if shared := registry.keys() & cases.keys():
        raise ValueError(
            f"verify: other names for layers were expected, {', '.join(sorted(shared))} are primitives"
        )
    chosen = {*registry, *cases} if names is None else set(names)
    if unknown := chosen - registry.keys() - cases.keys():
        raise KeyError(f"verify: there is no {', '.join(sorted(unknown))}")
    return (*sorted(chosen & registry.keys()), *sorted(chosen & cases.keys()))


# ---- the canaries: each gives those witnesses that are there to see it, and have passed it ----


def _unnoticed_primitives(seed: int) -> list[str]:
    return [words for op, witnesses in canaries() for words in _unseen(op.name, witnesses, examine(op, seed))]


def _unnoticed_layer(number: int, seed: int) -> list[str]:
    name, cases, witnesses = [*layer_canaries()][number]
    return _unseen(name, witnesses, examine_layer(name, cases, order=2, seed=seed))


def _unseen(name: str, witnesses: Iterable[str], findings: Iterable[Finding]) -> list[str]:
    missing = dict.fromkeys(witnesses)
    for finding in findings:  # which are made as they are asked for: once all have seen it, no more are
        if not missing:
            break
        if finding.wrong and not finding.undecided:
            missing.pop(finding.witness, None)
    return [f"{name}, by the witness '{witness}'" for witness in missing]


# ---- in several processes ----


class Question(NamedTuple):
    """How something is found out in this process, and in another: None if that cannot be, or gives None."""

    here: Callable[[], list[Any]]
    elsewhere: Callable[[], list[Any] | None] | None  # to be sent there, so a function that can be imported


def _answers(questions: Sequence[Question], jobs: int) -> Iterator[list[Any]]:
    """The answer to each question in turn."""
    if jobs == 1:
        yield from (question.here() for question in questions)
        return
    # A forked process may hang on a lock that a thread of its parent held; a spawned one starts anew.
    with ProcessPoolExecutor(jobs, get_context("spawn"), threadpool_limits, (1,)) as pool:
        try:
            asked = [
                pool.submit(question.elsewhere) if question.elsewhere else None for question in questions
            ]
            for question, future in zip(questions, asked, strict=True):
                found = future.result() if future else None
                yield question.here() if found is None else found
        except BrokenProcessPool as error:
            raise RuntimeError(
                "verify: another process ended. It reads the program anew, so calls with jobs > 1 belong below "
                "`if __name__ == '__main__':`, and the program has to be a file"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _of_primitive(op: Primitive, seed: int) -> Question:
    return Question(lambda: [*examine(op, seed)], partial(_primitive_elsewhere, op.name, _code(op), seed))


def _primitive_elsewhere(name: str, code: tuple[Any, ...], seed: int) -> list[Finding] | None:
    """The findings on a primitive; None if this process does not have it, or has another of its name."""
    op = registry.get(name)
    return [*examine(op, seed)] if op and _code(op) == code else None


def _of_layer(name: str, cases: Any, where: str | None, order: int, seed: int) -> Question:
    def here() -> list[Finding]:
        return [*examine_layer(name, cases, order=order, seed=seed)]

    return Question(here, partial(_layer_elsewhere, name, where, order, seed) if where else None)


def _layer_elsewhere(name: str, where: str, order: int, seed: int) -> list[Finding] | None:
    """The findings on a layer; None if this process does not have it."""
    cases = pkgutil.resolve_name(where).get(name)
    return None if cases is None else [*examine_layer(name, cases, order=order, seed=seed)]


# ---- what a primitive is made of ----


def _functions(op: Primitive) -> list[Any]:
    return [op.forward, op.on_floats, *(op.rules if isinstance(op.rules, Sequence) else [op.rules])]


def _code(op: Primitive) -> tuple[Any, ...]:
    """By which another process knows its own primitive of that name: the place and the code of every function."""
    codes = [(f, getattr(f, "__code__", None)) for f in _functions(op)]
    return tuple((c.co_filename, c.co_firstlineno, c.co_code) if c else repr(f) for f, c in codes)


def _files(ops: Iterable[Primitive]) -> set[Path]:
    """The source files; what was typed at a prompt has none."""
    codes = [getattr(f, "__code__", None) for op in ops for f in _functions(op)]
    return {path for code in codes if code and (path := Path(code.co_filename)).is_file()}
