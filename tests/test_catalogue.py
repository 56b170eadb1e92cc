"""The catalogue says the truth: its right rules are right, at kinks as well, and each of its mistakes is one.

The evidence is numerical and independent of the project's checker: central differences where f is smooth, one-sided
slopes where it has a kink.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.catalogue import CAUSES, Entry, Mistake, catalogue
from tinygrad_edu.catalogue.entry import wrong

ROOT = Path(__file__).resolve().parent.parent
ENTRIES = catalogue()
PAIRS = [(entry, mistake) for entry in ENTRIES for mistake in entry.mistakes]

each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
each_mistake = pytest.mark.parametrize(
    ("entry", "mistake"), PAIRS, ids=[f"{entry.name}: {mistake.name}" for entry, mistake in PAIRS]
)

#: The median of three equal values has the slopes 0 and 0 in each of them alone, while every subgradient sums to 1.
NOT_BY_SLOPES = {"sort", "median"}


def floats(xs: list[Any]) -> list[int]:
    return [i for i, x in enumerate(xs) if np.issubdtype(x.dtype, np.floating)]


def along(entry: Entry, g: Any, xs: list[Any], i: int, direction: Any, step: float) -> Any:
    moved = [x + step * direction if j == i else x for j, x in enumerate(xs)]
    return np.sum(g * entry.f(*moved))


def units(x: Any) -> Iterator[Any]:
    for k in range(x.size):
        yield np.eye(x.size)[k].reshape(x.shape)


def central(entry: Entry, g: Any, xs: list[Any], i: int) -> Any:
    """Central differences of the fourth order, of ⟨g, f⟩ by the elements of input i."""
    h = 1e-3

    def slope(u: Any) -> Any:
        near = along(entry, g, xs, i, u, h) - along(entry, g, xs, i, u, -h)
        far = along(entry, g, xs, i, u, 2 * h) - along(entry, g, xs, i, u, -2 * h)
        return (8 * near - far) / (12 * h)

    return np.array([slope(u) for u in units(xs[i])]).reshape(xs[i].shape)


def upstream(y: Any, rng: np.random.Generator) -> Any:
    """Of both signs, and larger than 1 in places."""
    return np.asarray(rng.choice([-1.0, 1.0], np.shape(y)) * rng.uniform(1.1, 2.5, np.shape(y)))


def example(entry: Entry, seed: int = 0) -> tuple[Any, Any, list[Any]]:
    """An upstream, the output and the inputs: drawn far enough from kinks for differences of step 2e-3."""
    rng = np.random.default_rng(1964 + seed)
    xs = entry.inputs(rng)
    y = np.asarray(entry.f(*xs))
    return upstream(y, rng), y, xs


def special_points(entry: Entry) -> Iterator[list[Any]]:
    """Inputs of the same shapes where something happens: ties, zeros, saturation, equal operands, a singular matrix."""
    ordinary = example(entry)[2]
    changes: list[Callable[[Any], Any]] = [
        lambda x: np.round(x),
        lambda x: np.round(2 * x) / 2,
        lambda x: np.zeros_like(x),
        lambda x: np.ones_like(x),
        lambda x: x * (np.arange(x.size).reshape(x.shape) != x.size // 2),
        lambda x: x * (np.arange(x.size).reshape(x.shape) % 3 != 1),
        lambda x: 10 * x,
        lambda x: 1000 * x,
        lambda x: -1000 * np.abs(x),
        lambda x: np.abs(x) + 50,
    ]
    for change in changes:
        yield [change(x) if i in floats(ordinary) else x for i, x in enumerate(ordinary)]
        for j in floats(ordinary) if len(floats(ordinary)) > 1 and sum(x.size for x in ordinary) < 35 else []:
            yield [change(x) if i == j else x for i, x in enumerate(ordinary)]
    # The same integers again and again, and operands that are equal to one another.
    yield [x if i in floats(ordinary) else np.full_like(x, 1) for i, x in enumerate(ordinary)]
    shapes = [ordinary[i].shape for i in floats(ordinary)]
    if len(shapes) > 1 and len(set(shapes)) == 1:
        first = ordinary[floats(ordinary)[0]]
        yield [first.copy() if i in floats(ordinary) else x for i, x in enumerate(ordinary)]


def finite(entry: Entry, xs: list[Any]) -> bool:
    try:
        return bool(np.all(np.isfinite(entry.f(*xs))))
    except np.linalg.LinAlgError:
        return False


def rows(vjp: Callable[..., Any], y: Any, xs: list[Any]) -> list[Any]:
    """What a rule returns for each element of y by itself: the rows of its Jacobian."""
    found = []
    for k in range(y.size):
        g = np.eye(y.size)[k].reshape(y.shape)
        found.append(vjp(g, y.copy(), *copy.deepcopy(xs)))
    return found


def one_sided(entry: Entry, y: Any, xs: list[Any], moves: list[Any], step: float) -> tuple[Any, Any]:
    """The slope of every output to one side, extrapolated from two steps, and how far it is to be believed."""

    def slope(h: float) -> Any:
        moved = [x + h * move if move is not None else x for x, move in zip(xs, moves, strict=True)]
        return np.ravel(np.asarray(entry.f(*moved)) - y) / h

    a, b = slope(step), slope(step / 2)
    return 2 * b - a, 2 * np.abs(a - b) + 1e-6 * (1 + np.abs(np.ravel(y)) + np.abs(b))


def rate(gradient: Any, move: Any) -> Any:
    """What a gradient says of a move; an infinity says nothing of a move that does not go there."""
    return 0.0 if move is None else np.sum(gradient[move != 0] * move[move != 0])


def contradiction(entry: Entry, vjp: Callable[..., Any], xs: list[Any]) -> str | None:
    """Where a rule leaves the slopes of f: every output by one input at a time, and by inputs of one shape together.

    A subgradient lies between the slopes from the left and from the right. Inputs that move together keep their ties:
    there, too. A slope that still moves when the step is halved, or is infinite, is no evidence and is passed over.
    """
    y, moving = np.asarray(entry.f(*xs)), floats(xs)
    found = rows(vjp, y, xs)
    for i in moving:
        if np.shape(found[0][i]) != xs[i].shape:
            return f"shape {np.shape(found[0][i])} for {xs[i].shape}"
    directions = [
        [u if j == i else None for j in range(len(xs))]
        for i in moving
        for u in [*units(xs[i]), np.ones(xs[i].shape)]
    ]
    if len({xs[i].shape for i in moving}) == 1:
        directions.append([np.ones(x.shape) if j in moving else None for j, x in enumerate(xs)])
    with np.errstate(all="ignore"):
        for moves in directions:
            rated = np.array([sum(rate(row[i], move) for i, move in enumerate(moves)) for row in found])
            (s, es), (t, et) = (one_sided(entry, y, xs, moves, step) for step in (1e-4, -1e-4))
            evident = np.maximum(es, et) <= 1e-2 * (1 + np.maximum(np.abs(s), np.abs(t)))
            between = (np.minimum(s - es, t - et) <= rated) & (rated <= np.maximum(s + es, t + et))
            if np.any(evident & ~between):
                return f"{rated} is not between {s} and {t}"
    return None


def misbehaves(entry: Entry, mistake: Mistake) -> bool:
    """Whether a rule overwrites what it was given, remembers, or is not linear in its upstream."""
    g, y, xs = example(entry)
    given = copy.deepcopy((g, y, xs))
    first = mistake.vjp(g, y, *xs)
    kept = all(
        np.array_equal(a, b) for a, b in zip((g, y, *xs), (given[0], given[1], *given[2]), strict=True)
    )
    second = mistake.vjp(given[0].copy(), given[1].copy(), *copy.deepcopy(given[2]))
    third = mistake.vjp(-2 * given[0], given[1].copy(), *copy.deepcopy(given[2]))
    moving = floats(given[2])
    return not kept or any(
        not np.allclose(first[i], second[i]) or not np.allclose(third[i], -2 * np.asarray(second[i]))
        for i in moving
    )


def agrees(entry: Entry, vjp: Callable[..., Any]) -> bool:
    g, y, xs = example(entry)
    found = vjp(g.copy(), y.copy(), *copy.deepcopy(xs))
    return all(
        np.shape(found[i]) == xs[i].shape
        and np.allclose(found[i], central(entry, g, xs, i), rtol=1e-6, atol=1e-7)
        for i in floats(xs)
    )


def test_it_is_large_and_every_name_stands_once() -> None:
    assert len(ENTRIES) >= 45
    assert len(PAIRS) >= 85
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    assert len({(entry.name, mistake.name) for entry, mistake in PAIRS}) == len(PAIRS)
    assert all(mistake.why for _, mistake in PAIRS)
    assert all(entry.mistakes for entry in ENTRIES)


def test_every_cause_occurs_and_no_other() -> None:
    assert {mistake.cause for _, mistake in PAIRS} == set(CAUSES)
    with pytest.raises(ValueError, match=r"one of the causes sign, factor, .* was expected, 'a typo' came"):
        wrong("?", "a typo", lambda g, y, x: g, "")


@each_entry
def test_a_right_rule_agrees_with_central_differences(entry: Entry) -> None:
    for seed in range(3):
        g, y, xs = example(entry, seed)
        found = entry.vjp(g, y, *xs)
        assert len(found) == len(xs)
        for i, x in enumerate(xs):
            if i not in floats(xs):
                assert found[i] is None
                continue
            assert found[i].shape == x.shape
            np.testing.assert_allclose(found[i], central(entry, g, xs, i), rtol=1e-6, atol=1e-7)


@each_entry
def test_a_right_rule_keeps_its_arguments_and_forgets_the_last_call(entry: Entry) -> None:
    assert not misbehaves(entry, Mistake("none", "the right one", entry.vjp, ""))


@each_entry
def test_a_right_rule_is_right_at_kinks_and_where_saturated(entry: Entry) -> None:
    points = [xs for xs in special_points(entry) if finite(entry, xs)]
    assert points
    for xs in points:
        y = np.asarray(entry.f(*xs))
        entry.vjp(np.ones_like(y), y, *xs)
        if entry.name not in NOT_BY_SLOPES:
            assert contradiction(entry, entry.vjp, xs) is None, xs


@each_mistake
def test_a_mistake_can_be_called_and_is_one(entry: Entry, mistake: Mistake) -> None:
    g, y, xs = example(entry)
    assert len(mistake.vjp(g.copy(), y, *copy.deepcopy(xs))) == len(xs)
    if not agrees(entry, mistake.vjp) or misbehaves(entry, mistake):
        return
    assert any(contradiction(entry, mistake.vjp, xs) for xs in special_points(entry) if finite(entry, xs))


def test_the_page_of_common_mistakes_is_that_of_the_catalogue() -> None:
    spec = importlib.util.spec_from_file_location(
        "make_mistakes_page", ROOT / "scripts" / "make_mistakes_page.py"
    )
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.TARGET.read_text(encoding="utf-8") == script.page(), (
        "run python scripts/make_mistakes_page.py"
    )
