"""Hazard points: where wrong rules give themselves away.

At an ordinary random point a wrong rule is often right. Give all of a tied maximum to both, forget the clipped region,
take an input for an output of the same sign: nothing shows until values are tied, clipped, or negative. So a check goes
to such points by itself. They are made of the example inputs alone: their shapes, their range, their values.

A point at which the function has no finite value is none, and is left out by whoever uses these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tinygrad_edu.types import Array


class Point(NamedTuple):
    """Values for all inputs, and what is special about them."""

    name: str
    inputs: list[Array]


Hazard = Callable[[Array, np.random.Generator], Array]


def _resampled(x: Array, rng: np.random.Generator) -> Array:
    if x.min() < x.max():
        return rng.uniform(x.min(), x.max(), x.shape)
    return x * rng.uniform(0.5, 1.5, x.shape) if x.any() else rng.normal(size=x.shape)  # there is no range


def _duplicates(x: Array, rng: np.random.Generator) -> Array:
    """Every value stands there about twice."""
    return rng.choice(x.ravel()[: (x.size + 1) // 2], x.shape)


def _some_zeros(x: Array, rng: np.random.Generator) -> Array:
    return np.where(rng.random(x.shape) < 0.4, 0.0, x)


def _one_zero(x: Array, rng: np.random.Generator) -> Array:
    """Of several zeros each hides what is wrong at the others: a product with two of them stays 0."""
    other = np.array(x)
    other.flat[rng.integers(x.size)] = 0.0
    return other


def _nearly_constant(x: Array, rng: np.random.Generator) -> Array:
    """A tiny variance, such as a normalization divides by."""
    near: Array = x.mean() + 1e-4 * (x - x.mean())
    return near


HAZARDS: dict[str, Hazard] = {
    "other values in the same range": _resampled,
    "all values positive": lambda x, rng: np.abs(x),
    "all values negative": lambda x, rng: -np.abs(x),
    "all values equal": lambda x, rng: np.full(x.shape, x.flat[0]),
    "duplicate values": _duplicates,
    "a single zero": _one_zero,
    "some zeros": _some_zeros,
    "all zeros": lambda x, rng: np.zeros(x.shape),
    "whole numbers": lambda x, rng: np.round(x),
    "values of size 1": lambda x, rng: x / (np.sqrt(np.mean(x * x)) or 1.0),
    "values 3 times as large": lambda x, rng: 3 * x,
    "values 30 times as large": lambda x, rng: 30 * x,
    "values 10,000 times as large": lambda x, rng: 1e4 * x,
    "values 1000 times smaller": lambda x, rng: x / 1000,
    "nearly constant": _nearly_constant,
    "ascending values": lambda x, rng: np.sort(x, axis=None).reshape(x.shape),
    "descending values": lambda x, rng: np.sort(x, axis=None)[::-1].reshape(x.shape),
    "the ends of the range": lambda x, rng: rng.choice([x.min(), x.max()], x.shape),
}


def number_of_points(inputs: list[Array]) -> int:
    """How many points there will be, but for one or two."""
    moving = sum(x.dtype.kind == "f" and x.size > 0 for x in inputs)
    return len(HAZARDS) * (moving + (moving > 1))


def hazard_points(inputs: list[Array], rng: np.random.Generator) -> Iterator[Point]:
    """Points made of example inputs: each hazard for all inputs at once, and for each input by itself.

    Inputs of floats are changed. Those of integers, such as indices and labels, are once made equal: then they repeat.

    Args:
        inputs: the example.
        rng: what is random in the points.
    """
    moving = [i for i, x in enumerate(inputs) if x.dtype.kind == "f" and x.size]
    alone = [[i] for i in moving] if len(moving) > 1 else []
    # A single positive number beside arrays is taken for a size, such as the δ of Huber's loss, and stays one.
    sizes = [i for i in moving if alone and inputs[i].ndim == 0 and inputs[i] > 0]
    for name, hazard in HAZARDS.items():
        for chosen in [moving, *alone] if moving else []:
            changed = list(inputs)
            for i in chosen:
                changed[i] = np.asarray(hazard(inputs[i], rng), inputs[i].dtype)
                if i in sizes:
                    changed[i] = np.asarray(np.abs(changed[i]))
            where = "" if chosen == moving else f" in input {chosen[0]}"
            yield Point(name + where, changed)
    first = {inputs[i].shape: inputs[i] for i in reversed(moving)}
    if len(first) < len(moving):
        same = [first[x.shape] if i in moving else x for i, x in enumerate(inputs)]
        yield Point("the same values in all inputs of a shape", same)
    if any(x.dtype.kind in "iu" and x.size > 1 for x in inputs):
        repeated = [np.full(x.shape, x.flat[0]) if x.dtype.kind in "iu" and x.size else x for x in inputs]
        yield Point("repeated integers", repeated)
