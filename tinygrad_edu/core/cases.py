"""Cases: what a primitive is verified on, stated beside it.

A case draws one value for every operand from a *domain*, a region of the reals in which the primitive is
smooth: `case(real(3), nonzero(3))` for a quotient. Points where something special happens, ties and kinks,
are left out here on purpose: there the derivative is a convention, which has tests of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_edu.types import Array, Shape


@dataclass(frozen=True, slots=True)
class Domain:
    """Where an operand may lie: how to draw an array of `shape` from it."""

    name: str
    sample: Callable[[np.random.Generator, Shape], Array]
    shape: Shape
    differentiable: bool = True

    def draw(self, rng: np.random.Generator) -> Array:
        """An array of the domain's shape."""
        return self.sample(rng, self.shape)

    def of_shape(self, *shape: int) -> Domain:
        """The same region in another shape, as the broadcasting checks need it."""
        return replace(self, shape=shape)


@dataclass(frozen=True, slots=True)
class Case:
    """One domain for every operand, and the parameters of the call."""

    domains: tuple[Domain, ...]
    params: dict[str, Any]

    def draw(self, rng: np.random.Generator) -> list[Array]:
        """The operands."""
        return [domain.draw(rng) for domain in self.domains]

    def __str__(self) -> str:
        drawn = [f"{domain.name}{domain.shape}" for domain in self.domains]
        return ", ".join(drawn + [f"{name}={value!r}" for name, value in self.params.items()])


def case(*domains: Domain, **params: Any) -> Case:
    """A case: a domain for each operand, and the parameters by name."""
    return Case(domains, params)


def real(*shape: int) -> Domain:
    """Normally distributed, of either sign."""
    return Domain("real", lambda rng, shape: rng.normal(size=shape), shape)


def positive(*shape: int) -> Domain:
    """In [0.5, 2]."""
    return interval(0.5, 2.0, *shape)


def nonzero(*shape: int) -> Domain:
    """Of either sign, at least 0.5 away from 0."""
    return Domain(
        "nonzero", lambda rng, shape: rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape), shape
    )


def integer(low: int, high: int, *shape: int, differentiable: bool = True) -> Domain:
    """Each integer from low to high, equally often; as int8, which widens no float, where no derivative is wanted."""
    numbers = np.arange(low, high + 1, dtype=np.float64 if differentiable else np.int8)
    return Domain(
        f"{low}…{high}", lambda rng, shape: rng.permuted(np.resize(numbers, shape or 1)).reshape(shape), shape,
        differentiable,
    )  # fmt: skip


def interval(low: float, high: float, *shape: int) -> Domain:
    """Uniform in [low, high]."""
    return Domain(f"[{low}, {high}]", lambda rng, shape: rng.uniform(low, high, shape), shape)


def distinct(*shape: int) -> Domain:
    """No two elements closer than 0.1: for what compares the elements of one array."""
    return Domain("distinct", lambda rng, shape: _spread_out(rng, shape), shape)


def _spread_out(rng: np.random.Generator, shape: Shape) -> Array:
    n = math.prod(shape)
    return (rng.permutation(n).reshape(shape) - n / 2) / 4 + rng.uniform(-0.05, 0.05, shape)


def vanishing(*shape: int) -> Domain:
    """Like `nonzero`, but with a 0 in the middle of every row: for what must not divide."""
    return Domain("vanishing", _with_zeros, shape)


def _with_zeros(rng: np.random.Generator, shape: Shape) -> Array:
    x = np.asarray(nonzero(*shape).draw(rng))
    if shape:  # a single number has no row
        x[..., shape[-1] // 2] = 0
    return x


def boolean(*shape: int) -> Domain:
    """Of True and False, which nothing is differentiated by."""
    return Domain("boolean", lambda rng, shape: rng.random(shape) < 0.5, shape, differentiable=False)
