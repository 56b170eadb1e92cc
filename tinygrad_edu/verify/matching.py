"""Matching: is it a mistake that others have made? A wrong rule is compared with those in the catalogue.

First the forward pass: it has to give what the `f` of an entry gives, at the inputs and at other points of their
shapes. Then each mistake of that entry is tried in the place of the wrong rule. Two rules are the same if they say the
same of all inputs, for two cotangents at two points at least.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.catalogue import Entry, Mistake, catalogue
from tinygrad_edu.types import Array
from tinygrad_edu.verify.pair import Pair


class Match(NamedTuple):
    """An entry whose forward pass this is, and the mistake that has been made; None if it is a new one."""

    entry: Entry
    mistake: Mistake | None

    def __str__(self) -> str:
        if self.mistake is None:
            return f"this is “{self.entry.name}” of the catalogue, which does not have such a mistake of it"
        return f"this is “{self.mistake.name}” of “{self.entry.name}” in the catalogue of mistakes ({self.mistake.why})"


_POINTS = 3  # beyond the inputs themselves


def matched(
    pair: Pair, inputs: list[Array], rng: np.random.Generator, also: list[Array] | None = None
) -> Match | None:
    """The entry of the catalogue that a pair belongs to, with the mistake that explains its rule.

    Args:
        pair: with a wrong rule.
        inputs: an ordinary point.
        rng: of the other points and the cotangents.
        also: a point at which the rule is wrong, if it is not wrong at ordinary ones.

    Returns:
        None if no entry has such a forward pass; it never raises, whatever the functions do.
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _matched(pair, inputs, rng, also)
    except Exception:  # of functions that were not made for other points
        return None


def _matched(
    pair: Pair, inputs: list[Array], rng: np.random.Generator, also: list[Array] | None
) -> Match | None:
    points = [inputs, *(_moved(inputs, rng) for _ in range(_POINTS))]
    values = [_value(pair.f, xs) for xs in points]
    if any(y is None for y in values):
        return None
    new: Match | None = None
    for entry in catalogue():
        if not _alike(entry, inputs, rng) or not all(
            _equal(_value(entry.f, xs), y) for xs, y in zip(points, values, strict=True)
        ):
            continue
        where = points if also is None else [*points, also]
        for mistake in entry.mistakes:
            if _same_rule(pair, mistake.vjp, where, rng):
                return Match(entry, mistake)
        new = new or Match(entry, None)
    return new


def _alike(entry: Entry, inputs: list[Array], rng: np.random.Generator) -> bool:
    """Whether an entry takes inputs of this number and kind."""
    theirs = entry.inputs(rng)
    return len(theirs) == len(inputs) and all(
        (x.dtype.kind == "f") == (z.dtype.kind == "f") and x.ndim == z.ndim
        for x, z in zip(inputs, theirs, strict=True)
    )


def _moved(inputs: list[Array], rng: np.random.Generator) -> list[Array]:
    """The same values, changed and in other places: a chance agreement does not survive that."""
    return [
        np.asarray(rng.permutation(x.ravel()).reshape(x.shape) * (1 + 0.05 * rng.uniform(-1, 1, x.shape)), x.dtype)
        if x.dtype.kind == "f" else rng.permutation(x.ravel()).reshape(x.shape)
        for x in inputs
    ]  # fmt: skip


def _value(f: Callable[..., Any], xs: list[Array]) -> Array | None:
    try:
        y = np.array(f(*[np.array(x) for x in xs]), float)
    except Exception:  # not for such inputs
        return None
    return y if np.isfinite(y).all() else None


def _equal(a: Array | None, b: Array | None) -> bool:
    return (
        a is not None
        and b is not None
        and a.shape == b.shape
        and bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))
    )


def _same_rule(
    pair: Pair, vjp: Callable[..., Any], points: list[list[Array]], rng: np.random.Generator
) -> bool:
    other = pair._replace(vjp=lambda g, y, *xs: list(vjp(g, y, *xs)))
    for xs in points:
        y = np.asarray(pair.f(*[np.array(x) for x in xs]), float)
        for _ in range(2):
            g = rng.uniform(1.1, 2.5, y.shape) * rng.choice([-1.0, 1.0], y.shape)
            for a, b in zip(_said(pair, xs, y, g), _said(other, xs, y, g), strict=True):
                if a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True):
                    return False
    return True


def _said(pair: Pair, xs: list[Array], y: Array, g: Array) -> Iterator[Array]:
    """What a rule returns, and what it leaves of its arguments."""
    given, output, inputs = g.copy(), y.copy(), [np.array(x) for x in xs]
    found = pair.vjp(given, output, *inputs)
    for d, x in zip(found, xs, strict=True):
        if x.dtype.kind == "f":
            yield np.zeros(x.shape) if d is None else np.array(d, float)
    yield from (given, output, *(x for x in inputs if x.dtype.kind == "f"))
