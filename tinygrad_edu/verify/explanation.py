"""Why the gradients of a pair are wrong: the diagnosis, with the functions at hand, and the catalogue.

    conduct    it overwrites, it remembers, it has another shape, it is not linear in its cotangent
    structure  suspicions that hold at the point and at points near it
    nearness   wrong at the point and right beside it: it is the ties, or the zeros

All of this costs more than the check itself, and so it begins only when something has been found to be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.conduct import hygiene, pulled
from tinygrad_edu.verify.diagnosis import (
    Diagnosis,
    Evidence,
    Suspicion,
    formulas,
    matrices,
    numbers,
    probes,
    statistics,
)
from tinygrad_edu.verify.diagnosis.draws import draws
from tinygrad_edu.verify.diagnosis.suspicion import concluded, same
from tinygrad_edu.verify.matching import Match, matched
from tinygrad_edu.verify.pair import Pair
from tinygrad_edu.verify.report import Row

Judge = Callable[[Pair, list[Array]], list[Row] | None]

_PLAIN = (
    numbers.nothing, probes.exchanged, numbers.factor, numbers.places, matrices.upstreams, matrices.axes,
    matrices.missing_paths, matrices.moved, numbers.signs, matrices.identities,
)  # fmt: skip
_SUBTLE = (
    matrices.masks, numbers.penalty, statistics.weights, statistics.normalizations,
    statistics.residuals, probes.early, probes.places, probes.swapped, probes.turned,
    probes.shifted, probes.negated, probes.ratios, formulas.elsewhere, formulas.errors,
    matrices.scales, probes.epsilons, formulas.means, matrices.conservation,
)  # fmt: skip


@np.errstate(all="ignore")
def diagnosed(
    pair: Pair, inputs: list[Array], rows: list[Row], judge: Judge, example: list[Array]
) -> dict[int, Diagnosis | None]:
    """The causes of wrong rows, by input: None if it is not to be told, and no entry if nothing could be looked at.

    Args:
        pair: the functions.
        inputs: the point at which they are wrong.
        rows: what was found there, one for each input of floats.
        judge: gives the rows of another point.
        example: an ordinary point.
    """
    rng = np.random.default_rng(0)
    floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
    wrong = [i for i, row in zip(floats, rows, strict=True) if row.verdict == "wrong"]
    if conduct := _conduct(pair, inputs, rng):
        return dict.fromkeys(wrong, conduct)
    seen = list(draws(pair, inputs, rng))
    found: dict[int, Diagnosis | None] = {}
    y = np.array(pair.f(*[np.array(x) for x in example]))
    elsewhere = pulled(pair, example, y, np.ones(y.shape))
    for i in wrong:
        mine = [e for drawn in seen if (e := drawn[i]) is not None]
        diagnosis = _of_input(mine) if mine else None
        if diagnosis and diagnosis.cause == "detached" and elsewhere[i].any():
            diagnosis = None  # 0 here, and not everywhere
        row = floats.index(i)
        kinked = rows[row].note.startswith("where equal")
        if mine or kinked:
            found[i] = diagnosis or _nearness(pair, inputs, i, row, kinked, judge, rng)
    return found


def _of_input(draws: list[Evidence]) -> Diagnosis | None:
    first = draws[0]
    if first.a.shape != first.n.shape:
        return concluded((_shape, probes.exchanged, numbers.places, _other_shape), draws)
    if not np.all(np.isfinite(first.a)):
        return concluded((numbers.nothing,), [first])
    if first.rule is None and (nonlinear := concluded((_nonlinear,), draws)):
        return nonlinear
    at_fault = [e for e in draws if e.wrong.any()]
    if not at_fault or at_fault[0] is not first:
        return None
    plain = concluded(_PLAIN, at_fault, alone=False) if len(at_fault) > 1 else None
    return (
        plain
        or concluded((numbers.regions,), [pooled(draws)])
        or (concluded(_SUBTLE, at_fault, alone=False) if len(at_fault) > 1 else None)
    )


def pooled(draws: list[Evidence]) -> Evidence:
    """All draws as one, for what is to be said of single numbers."""
    a, n, error, theta = (
        np.concatenate([np.ravel(x) for x in xs])
        for xs in zip(*((e.a, e.n, e.error, e.theta) for e in draws), strict=True)
    )
    same_shape = [
        np.concatenate([e.inputs[j].ravel() for e in draws])
        for j, x in enumerate(draws[0].inputs)
        if x.shape == draws[0].a.shape
    ]
    return Evidence(a, n, error, theta, draws[0].i, tuple(same_shape))


def _conduct(pair: Pair, inputs: list[Array], rng: np.random.Generator) -> Diagnosis | None:
    """What it overwrites and what it remembers."""
    y = np.array(pair.f(*[np.array(x) for x in inputs]))
    g, other = rng.normal(size=y.shape), rng.normal(size=y.shape)
    _, trouble = hygiene(pair, inputs, y, g)
    if "in place" in trouble:
        return Diagnosis("in place", trouble, "certain")
    if "second call" in trouble:
        return Diagnosis("state", trouble, "certain")
    before, _, after = (pulled(pair, inputs, y, each) for each in (g, other, g))
    if all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True)):
        return None
    words = "the backward pass remembers: the same call gives something else after another"
    return Diagnosis("state", words, "certain")


def _shape(e: Evidence) -> Iterator[Suspicion]:
    """The right numbers in another shape, or before they were summed."""
    if e.a.size == e.n.size and e.is_right(e.a.reshape(e.n.shape)):
        yield Suspicion("shape", f"the numbers are right: give them the input's shape, {e.n.shape}")
        return
    extra = e.a.ndim - e.n.ndim
    if extra >= 0:
        over = (
            *range(extra),
            *(k + extra for k, n in enumerate(e.n.shape) if n == 1 and e.a.shape[k + extra] > 1),
        )
        if over and e.is_right(
            e.a.sum(axis=over).reshape(e.n.shape) if e.a.sum(axis=over).size == e.n.size else e.a
        ):
            axes = ", ".join(map(str, over))
            yield Suspicion("shape", f"not summed over the axes of broadcasting: sum it over axis {axes}")


def _other_shape(e: Evidence) -> Iterator[Suspicion]:
    yield Suspicion("shape", f"the gradient has shape {e.a.shape}, the input {e.n.shape}")


def _nonlinear(e: Evidence) -> Iterator[Suspicion]:
    """Which wrong use of the upstream gives just this."""
    if e.jacobian is None or e.g is None or e.y is None:
        return

    def of(upstream: Array) -> Array:
        assert e.jacobian is not None
        return np.asarray(e.jacobian @ np.ravel(upstream)).reshape(e.n.shape)

    if same(e.a, of(np.ones(e.g.shape))):
        yield Suspicion("upstream", "not multiplied by the upstream g: it is the gradient for g = 1")
    if same(e.a, of(np.maximum(e.g, 0))):
        yield Suspicion("upstream", "the negative part of the upstream is cut off")
    if same(e.a, of(e.y)):
        yield Suspicion("upstream", "multiplied by the output where the upstream belongs")
    if same(e.a, np.trunc(e.n)) or same(e.a, np.floor(e.n)):
        yield Suspicion("upstream", "the gradient is rounded to whole numbers: keep it in floats")
    yield Suspicion("upstream", "not linear in the upstream g: it is to be multiplied by g, once, as it is")


def _nearness(
    pair: Pair, inputs: list[Array], i: int, place: int, kinked: bool, judge: Judge, rng: np.random.Generator
) -> Diagnosis | None:
    """What is special about a point that is wrong while those beside it are right."""

    def right(moved: list[Array]) -> bool:
        rows = judge(pair, moved)
        return rows is not None and rows[place].verdict != "wrong"

    def size(x: Array) -> float:
        return float(np.abs(x).max(initial=0.0)) or 1.0

    def untied(x: Array) -> Array:
        return x * (1 + 1e-2 * rng.uniform(-1, 1, x.shape))

    def both(x: Array) -> Array:
        filled = np.where(x == 0, 1e-2 * size(x) * rng.choice([-1.0, 1.0], x.shape), x)
        return untied(filled)

    def lonely(j: int, x: Array) -> Array:
        """The first 0 of this input is the only one that is left."""
        zeros = np.flatnonzero(x == 0)[: j == i]
        kept = both(x)
        kept.flat[zeros] = 0
        return kept

    shared = "wrong only where values are equal: share the gradient among them, or give it to one"
    values = np.concatenate([x.ravel() for x in inputs if x.dtype.kind == "f"])
    if np.unique(values).size == values.size and values.all():
        return None  # nothing is special about this point
    if right([untied(x) if x.dtype.kind == "f" else x for x in inputs]):
        return Diagnosis("ties", shared, "certain" if kinked else "likely")
    if right([both(x) if x.dtype.kind == "f" else x for x in inputs]):
        if right([lonely(j, x) if x.dtype.kind == "f" else x for j, x in enumerate(inputs)]):
            return Diagnosis("ties", shared, "certain" if kinked else "likely")
        return Diagnosis("region", "wrong only where a value is 0", "certain")
    return None


def explained(
    pair: Pair, inputs: list[Array], rows: list[Row], judge: Judge, example: list[Array]
) -> list[Row]:
    """The rows, with their causes in the notes, and with the mistake of the catalogue that this is.

    Args:
        pair: the functions.
        inputs: the point at which rows are wrong.
        rows: what was found there, one for each input of floats.
        judge: gives the rows of another point.
        example: an ordinary point.
    """
    try:
        found = diagnosed(pair, inputs, rows, judge, example)
    except Exception:  # the verdict stands, whatever the functions do when they are asked again
        return rows
    match = matched(pair, example, np.random.default_rng(0), inputs)
    floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
    return [
        replace(row, note=_note(row, found, i, match)) if row.verdict == "wrong" else row
        for i, row in zip(floats, rows, strict=True)
    ]


def _note(row: Row, found: dict[int, Diagnosis | None], i: int, match: Match | None) -> str:
    observed = math.isnan(row.numeric)  # a sum or a conduct, and no single component, was found to be wrong
    diagnosis, said = found.get(i), row.note
    if diagnosis is None and i in found and not observed:
        # What one draw suggests is not said if the others do not confirm it.
        said = f"{row.wrong} of {math.prod(row.shape)} components differ"
    elif diagnosis is not None:
        told = str(diagnosis).removeprefix("the gradient ") in row.note
        said = (
            f"{row.note}: {diagnosis}" if observed and not told else row.note if observed else str(diagnosis)
        )
    known = match is not None and (match.mistake is not None or diagnosis is None)
    return f"{said}; {match}" if known else said
