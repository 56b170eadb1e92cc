"""All parameters as one vector θ, and a function of it, which is differentiated by each component in turn.

    θ = (W₁, b₁, W₂, b₂, …)        ∂J/∂θᵢ ≈ (J(θ + ε eᵢ) − J(θ − ε eᵢ)) / 2ε

The function is asked for many points at once: for each array its values there, (P, *shape), or (1, *shape) where it is
the same at all of them. It returns (P,), with NaN where it is not defined.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.noise import each, noise_along, norm
from tinygrad_edu.verify.steps import SAFETY, Gradient, search

Points: TypeAlias = Callable[[list[Array]], Array]


def gradient(f: Callable[[Array], float], x: Array, *, step: float | None = None) -> Gradient:
    """The gradient of a function of an array, by one component after the other.

    Args:
        f: a function of an array of the shape of x that returns one number. It may keep the array: each is a new one.
        x: where.
        step: a fixed one, for plain central differences; by default it is found for each component.

    Returns:
        Value, error and jump, each of the shape of x.
    """
    return Theta(one_by_one(lambda values: f(values[0])), [x]).gradients(step)[0]


def one_by_one(f: Callable[[list[Array]], float]) -> Points:
    """A function of arrays as one of many points, which it is given as arrays of its own."""

    def many(points: list[Array]) -> Array:
        rows = range(max(map(len, points)))
        return each(f, ([x[row % len(x)].copy() for x in points] for row in rows))

    return many


class Theta:
    """A function of several arrays, and where it is differentiated.

    Args:
        f: of many points, see above; it keeps nothing of what it is given.
        xs: the arrays, where.
        at_once: how many points f is given at a time, ≥ 1.
    """

    def __init__(self, f: Points, xs: Sequence[Array], at_once: int = 64) -> None:
        self.f, self.xs = f, [np.array(x, dtype=float) for x in xs]
        self.sizes = [
            norm(x) / max(x.size, 1) ** 0.5 or 1.0 for x in self.xs
        ]  # what is large or small for a component
        self.ends = np.cumsum([x.size for x in self.xs])
        self.at_once = max(min(at_once, 6 * int(self.ends[-1])), 1)  # a step asks for six values

    def __len__(self) -> int:
        return int(self.ends[-1])

    @cached_property
    def middle(self) -> float:
        """The value at θ itself."""
        return float(self.f([x[None] for x in self.xs])[0])

    @cached_property
    def noise(self) -> float:
        """The rounding errors of the function, measured along a direction in which everything moves."""
        rng = np.random.default_rng(1)
        directions = [
            size * rng.uniform(0.5, 1.0, x.shape) for x, size in zip(self.xs, self.sizes, strict=True)
        ]

        def along(t: Array) -> Array:
            return self.f([x + np.multiply.outer(t, d) for x, d in zip(self.xs, directions, strict=True)])

        return noise_along(along, 0.0, 1.0)

    def seconds(self) -> float:
        """How long the function takes for one point, about."""

        def timed(count: int) -> float:
            points, shortest = [np.repeat(x[None], count, axis=0) for x in self.xs], np.inf
            for _ in range(3):  # the first call is longer, and so is one while others want the processor
                started = time.perf_counter()
                self.f(points)
                shortest = min(shortest, time.perf_counter() - started)
            return shortest / count

        alone = timed(1)
        return timed(self.at_once) if alone * self.at_once < 0.1 else alone

    # ---- the derivatives ----

    def gradients(self, step: float | None = None, zoom: float = 1.0) -> list[Gradient]:
        """The derivatives by every component, for each array.

        Args:
            step: a fixed one, for plain central differences; by default it is found for each component.
            zoom: a factor for the first step.
        """
        theta, group = self._flat, np.repeat(np.arange(len(self.xs)), [x.size for x in self.xs])
        if step is not None:
            found = self._with_fixed_step(step)
        else:
            scale = zoom * np.maximum(np.abs(theta), np.array(self.sizes)[group])
            found = search(self._moved, theta, scale=scale, middle=self.middle, noise=self.noise, group=group)
        return [Gradient(*parts) for parts in zip(*map(self._split, found), strict=True)]

    def central(self, step: float) -> list[Array]:
        """Plain central differences with one step, and nothing said of their errors."""
        right, left = self._values([step, -step])
        return self._split((right - left) / (2 * step))

    def along(self, i: int, directions: Array) -> Gradient:
        """The derivatives along directions (n, *shape) of array number i."""
        x, n = self.xs[i], len(directions)

        def moved(which: Array, t: Array) -> Array:
            values = np.empty(t.shape)
            for k in range(0, t.size, self.at_once):
                chunk = slice(k, k + self.at_once)
                points = [x[None] for x in self.xs]
                points[i] = x + t[chunk].reshape(-1, *(1,) * x.ndim) * directions[which[chunk]]
                values[chunk] = self.f(points)
            return values

        scale = np.full(n, self.sizes[i])
        return search(moved, np.zeros(n), scale=scale, middle=self.middle, noise=self.noise)

    @cached_property
    def _flat(self) -> Array:
        return np.concatenate([x.ravel() for x in self.xs])

    def _split(self, column: Array) -> list[Array]:
        """A number for every component of θ in the shapes of the arrays."""
        return [
            part.reshape(x.shape) for part, x in zip(np.split(column, self.ends[:-1]), self.xs, strict=True)
        ]

    def _with_fixed_step(self, step: float) -> Gradient:
        """The truncation of central differences falls like h², so half the step tells how large it is."""
        right, left, near, nearer = self._values([step, -step, step / 2, -step / 2])
        value = (right - left) / (2 * step)
        error = 4 / 3 * np.abs(value - (near - nearer) / step) + SAFETY * self.noise / step
        return Gradient(value, np.where(np.isfinite(error), error, np.inf), np.zeros(value.shape))

    def _values(self, moves: list[float]) -> Array:
        """The function after each of some moves (m,) by every component: (m, n)."""
        which = np.repeat(np.arange(len(self)), len(moves))
        values: Array = self._moved(which, np.add.outer(self._flat, moves).ravel())
        return values.reshape(-1, len(moves)).T

    # ---- the points: each moves one component ----

    def _moved(self, which: Array, at: Array) -> Array:
        """The function where component `which[p]` of θ has moved to `at[p]`."""
        values = np.empty(at.shape)
        for k in range(0, at.size, self.at_once):
            chunk = slice(k, k + self.at_once)
            values[chunk] = self._chunk(which[chunk], at[chunk])
        return values

    @cached_property
    def _buffers(self) -> list[Array]:
        """Copies of the arrays, for all chunks: only what moves is written into them, and then put back."""
        return [np.repeat(x[None], self.at_once, axis=0) for x in self.xs]

    def _chunk(self, which: Array, at: Array) -> Array:
        owner = np.searchsorted(self.ends, which, side="right")
        points = [x[None] for x in self.xs]
        written = []
        for i in set(owner.tolist()):
            points[i] = self._buffers[i][: which.size]
            rows = np.flatnonzero(owner == i)
            place = rows, which[rows] - (self.ends[i] - self.xs[i].size)
            flat = points[i].reshape(which.size, -1)
            flat[place] = at[rows]
            written.append((flat, place, self._flat[which[rows]]))
        values = self.f(points)
        for flat, place, before in written:
            flat[place] = before
        return values
