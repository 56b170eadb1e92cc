"""An entry of the catalogue: an operation, its right backward rule, and the wrong ones that people write for it.

    f(*xs) → y                      the operation
    vjp(g, y, *xs) → (x̄, …)         a backward rule: from the cotangent g of y, one gradient for each input

All are plain NumPy functions. An entry is one block, with the right rule and the wrong ones under one another:

    SQUARE = entry(
        "square", [real(2, 3)],
        lambda x: x * x,
        lambda g, y, x: 2 * g * x,
        wrong("2 dropped", "factor", lambda g, y, x: g * x, "x·x is differentiated in one of its two places only"),
    )

The gradient of an input of integers, which has none, is None. Where f has a kink, a right rule returns one of the
subgradients.

Every mistake has one cause, out of a short list. It says of what kind the lapse was, and not how it looks.
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

#: The causes, and what each of them is.
CAUSES = {
    "sign": "a minus is missing, too much, or lost",
    "factor": "a constant factor is missing or too much",
    "count": "divided by a number of elements that does not belong there, or not divided: a mean and a sum mixed up",
    "chain": "a factor of the chain rule, which depends on the values, is missing or too much",
    "input for output": "the derivative is taken at the output, and belongs at the input, or the other way round",
    "formula": "the derivative of another function",
    "epsilon": "an ε that the forward pass does not have, or has elsewhere",
    "path": "one of several paths from the input to the output is missing",
    "twice": "a path too many, or one that is counted twice",
    "detached": "an input is taken for a constant",
    "penalty": "the derivative λ·θ of a regularization term is missing, or has another λ",
    "exchanged": "the gradients of two inputs, or of two branches, are exchanged",
    "order": "the right numbers stand in the wrong places, or a factor is transposed, reversed or shifted",
    "axis": "a sum runs over the wrong axis, or is taken too early",
    "shape": "the gradient has the shape of something else, since a sum over uses is missing or an axis is left over",
    "ties": "values that are equal, or places that are used again, get too much or too little",
    "region": "a mask is wrong or forgotten, so that some values only have a wrong gradient",
    "not finite": "0/0, 0·∞ or ∞/∞ on the way to a finite derivative",
    "upstream": "the derivative is not multiplied by the upstream g: g is ignored, averaged, clipped or rounded",
    "in place": "the backward pass overwrites what it was given",
    "state": "something is kept from call to call",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong backward rule, why somebody writes it, and the `cause`, one of CAUSES."""

    name: str
    why: str
    vjp: Callable[..., Gradients]
    cause: str


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


def wrong(name: str, cause: str, vjp: Callable[..., Any], why: str) -> Mistake:
    """A wrong rule, called by what is wrong with it, with one of the CAUSES."""
    if cause not in CAUSES:
        raise ValueError(f"wrong: one of the causes {', '.join(CAUSES)} was expected, {cause!r} came")
    return Mistake(name, why, _rule(vjp), cause)


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
