"""An entry of the catalogue: an operation, its right backward rule, and the wrong ones that people write for it.

    f(*xs) → y                      the operation
    vjp(g, y, *xs) → (x̄, …)         a backward rule: from the cotangent g of y, one gradient for each input

All are plain NumPy functions. An entry is one block, with the right rule and the wrong ones under one another:

    SQUARE = entry(
        "square", [real(2, 3)],
        lambda x: x * x,
        lambda g, y, x: 2 * g * x,
        wrong("2 dropped", lambda g, y, x: g * x, "x·x is differentiated in one of its two places only"),
    )

The gradient of an input of integers, which has none, is None. Where f has a kink, a right rule returns one of the
subgradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.core.cases import Domain
from tinygrad_edu.types import Array

Gradients: TypeAlias = tuple[Array | None, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong backward rule, and why somebody writes it."""

    name: str
    why: str
    vjp: Callable[..., Gradients]


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation `f`, its right rule `vjp`, how to draw ordinary `inputs`, and the `mistakes`."""

    name: str
    f: Callable[..., Any]
    vjp: Callable[..., Gradients]
    inputs: Callable[[np.random.Generator], list[Array]]
    mistakes: tuple[Mistake, ...]


def entry(
    name: str, domains: Sequence[Domain], f: Callable[..., Any], vjp: Callable[..., Any], *mistakes: Mistake
) -> Entry:
    """An entry, with a domain for each input; a rule of one input may return its gradient without a tuple."""
    return Entry(name, _quiet(f), _rule(vjp), partial(_draw, domains), mistakes)


def wrong(name: str, vjp: Callable[..., Any], why: str) -> Mistake:
    """A wrong rule, called by what is wrong with it."""
    return Mistake(name, why, _rule(vjp))


def labels(classes: int, *shape: int) -> Domain:
    """Integers from 0 to `classes` − 1, which nothing is differentiated by."""
    return Domain("labels", lambda rng, shape: rng.integers(classes, size=shape), shape, differentiable=False)


def invertible(n: int) -> Domain:
    """A matrix (n, n) that is far from singular and far from symmetric."""
    return Domain("invertible", lambda rng, shape: rng.uniform(-1, 1, shape) + 3 * np.eye(n), (n, n))


def _draw(domains: Sequence[Domain], rng: np.random.Generator) -> list[Array]:
    return [np.asarray(domain.draw(rng)) for domain in domains]


def _quiet(f: Callable[..., Any]) -> Callable[..., Any]:
    # Where an operation is infinite or undefined it says so by its value; a warning would be an error in the tests.
    def quiet(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return f(*arguments)

    return quiet


def _rule(vjp: Callable[..., Any]) -> Callable[..., Gradients]:
    quiet = _quiet(vjp)

    def rule(g: Array, y: Array, *xs: Array) -> Gradients:
        found = quiet(g, y, *xs)
        return found if isinstance(found, tuple) else (found,)

    return rule
