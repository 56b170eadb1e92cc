"""Why the gradients of a pair are wrong: the diagnosis, with the functions at hand, and the catalogue.

conduct    it overwrites, it remembers, it has another shape, it is not linear in its cotangent
structure  suspicions that hold at the point and at points near it
nearness   wrong at the point and right beside it: it is the ties, or the zeros
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.conduct import hygiene, pulled
from tinygrad_edu.verify.diagnosis import Diagnosis, Evidence, Suspicion, matrices, numbers, probes
from tinygrad_edu.verify.diagnosis.draws import draws
from tinygrad_edu.verify.diagnosis.suspicion import concluded, same
from tinygrad_edu.verify.pair import Pair
from tinygrad_edu.verify.report import Row

Judge = Callable[[Pair, list[Array]], list[Row] | None]

_STRUCTURE = (
    numbers.nothing, probes.exchanged, numbers.factor, numbers.places, matrices.upstreams, matrices.missing_paths,
    matrices.axes, numbers.penalty, matrices.residuals, probes.early, probes.places, probes.swapped, probes.turned,
    numbers.signs, probes.ratios, matrices.scales, probes.epsilons, probes.negated, numbers.regions,
    matrices.conservation,
)  # fmt: skip


def diagnosed(pair: Pair, inputs: list[Array], rows: list[Row], judge: Judge) -> dict[int, Diagnosis]:
    """The causes of wrong rows, by input; those that are not to be told are left out.

    Args:
        pair: the functions.
        inputs: the point at which they are wrong.
        rows: what was found there, one for each input of floats.
        judge: gives the rows of another point.
    """
    rng = np.random.default_rng(0)
    floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
    wrong = [i for i, row in zip(floats, rows, strict=True) if row.verdict == "wrong"]
    if conduct := _conduct(pair, inputs, rng):
        return dict.fromkeys(wrong, conduct)
    seen = list(draws(pair, inputs, rng))
    found = {}
    for i in wrong:
        mine = [e for drawn in seen if (e := drawn[i]) is not None]
        diagnosis = _of_input(mine) if mine else None
        diagnosis = diagnosis or _nearness(pair, inputs, floats.index(i), judge, rng)
        if diagnosis:
            found[i] = diagnosis
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
    said = concluded(_STRUCTURE, at_fault, alone=False) if len(at_fault) > 1 else None
    return said or concluded((numbers.regions,), [pooled(draws)])


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
    with np.errstate(all="ignore"):
        y = np.array(pair.f(*[np.array(x) for x in inputs]))
        g, other = rng.normal(size=y.shape), rng.normal(size=y.shape)
        _, trouble = hygiene(pair, inputs, y, g)
        if "in place" in trouble:
            return Diagnosis("in place", trouble, "certain")
        if "second call" in trouble:
            return Diagnosis("state", trouble, "certain")
        before = pulled(pair, inputs, y, g)
        pulled(pair, inputs, y, other)
        after = pulled(pair, inputs, y, g)
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True)):
        return Diagnosis(
            "state",
            "the backward pass remembers: the same call gives something else after another",
            "certain",
        )
    return None


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
    pair: Pair, inputs: list[Array], place: int, judge: Judge, rng: np.random.Generator
) -> Diagnosis | None:
    """What is special about a point that is wrong while those beside it are right."""

    def right(change: Callable[[Array], Array]) -> bool:
        moved = [np.asarray(change(x), x.dtype) if x.dtype.kind == "f" else x for x in inputs]
        rows = judge(pair, moved)
        return rows is not None and rows[place].verdict != "wrong"

    def size(x: Array) -> float:
        return float(np.abs(x).max(initial=0.0)) or 1.0

    def filled(x: Array) -> Array:
        return np.where(x == 0, 1e-3 * size(x) * rng.choice([-1.0, 1.0], x.shape), x)

    def untied(x: Array) -> Array:
        return x * (1 + 1e-2 * rng.uniform(-1, 1, x.shape))

    def both(x: Array) -> Array:
        return filled(x) * (1 + 1e-2 * rng.uniform(-1, 1, x.shape))

    if right(untied):
        return Diagnosis(
            "ties",
            "wrong only where values are equal: share the gradient among them, or give it to one",
            "certain",
        )
    if any(np.any(x == 0) for x in inputs if x.dtype.kind == "f") and right(both):
        if right(filled):
            return Diagnosis("region", "wrong only where a value is 0", "certain")
        return Diagnosis(
            "ties",
            "wrong only where values are equal: share the gradient among them, or give it to one",
            "likely",
        )
    return None


def explained(pair: Pair, inputs: list[Array], rows: list[Row], judge: Judge) -> list[Row]:
    """The rows, with their causes in the notes."""
    try:
        found = diagnosed(pair, inputs, rows, judge)
    except Exception:  # the verdict stands, whatever the function does when it is asked again
        return rows
    floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
    return [replace(row, note=_note(row, found.get(i))) for i, row in zip(floats, rows, strict=True)]


def _note(row: Row, diagnosis: Diagnosis | None) -> str:
    if row.verdict != "wrong":
        return row.note
    if diagnosis is None:
        # What one draw suggested, the others have not confirmed.
        return row.note if row.numeric != row.numeric or row.note.startswith("where") else _count(row)
    if row.note.startswith("where equal") or (row.numeric != row.numeric and str(diagnosis) not in row.note):
        return f"{row.note}: {diagnosis}" if str(diagnosis) != row.note else row.note
    return str(diagnosis)


def _count(row: Row) -> str:
    return f"{row.wrong} of {int(np.prod(row.shape))} components differ"
