"""Made data: figures in the plane that no straight line divides, and a plane that descent finds hard.

    moons     two half circles that reach into each other
    circles   one circle within another
    spirals   several arms, each a class, that wind around each other
    xor       four heaps at the corners of a square; those across belong together

A straight line divides none of them, so a network must bend the plane, and in two dimensions one can see how.
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_edu.types import Array


def moons(n: int = 200, *, noise: float = 0.1, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two half circles of radius 1, the second shifted by (1, ½) and turned over.

    Args:
        n: how many points, ≥ 2; one more of the first kind if n is odd.
        noise: the standard deviation of what is added to each coordinate, ≥ 0.
        rng: where chance comes from.

    Returns:
        x (n, 2), y (n,) of 0 and 1, in no order.

    Raises:
        ValueError: a number outside its range.
    """
    _check("moons", n, 2, noise)
    y = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n)
    sign = 1 - 2 * y  # 1, or −1: turned over
    x = np.stack([y + sign * np.cos(angle), y / 2 + sign * np.sin(angle)], axis=1)
    return _spread(x, y, noise, rng)


def circles(
    n: int = 200, *, factor: float = 0.5, noise: float = 0.05, rng: np.random.Generator
) -> tuple[Array, Array]:
    """A circle of radius 1, and a smaller one within it.

    Args:
        n: how many points, ≥ 2.
        factor: the radius of the inner one, in (0, 1).
        noise: as for `moons`.
        rng: where chance comes from.

    Returns:
        x (n, 2), y (n,): 0 outside, 1 inside.

    Raises:
        ValueError: a number outside its range.
    """
    _check("circles", n, 2, noise)
    if not 0 < factor < 1:
        raise ValueError(f"circles: a factor in (0, 1) was expected, {factor} came")
    y = np.arange(n) % 2
    return _spread(_polar(np.where(y == 0, 1.0, factor), rng.uniform(0, 2 * np.pi, n)), y, noise, rng)


def spirals(
    n: int = 300, *, classes: int = 2, turns: float = 1.0, noise: float = 0.02, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Arms r = t, angle = 2π (turns · t + class / classes), t in [0, 1]: the hardest of the four.

    Args:
        n: how many points, at least one for each class.
        classes: how many arms, ≥ 2.
        turns: how often an arm winds around the middle, > 0.
        noise: as for `moons`.
        rng: where chance comes from.

    Returns:
        x (n, 2), y (n,) in [0, classes).

    Raises:
        ValueError: a number outside its range.
    """
    _check("spirals", n, max(classes, 2), noise)
    if classes < 2 or not 0 < turns < math.inf:
        raise ValueError(f"spirals: classes ≥ 2 and turns > 0 were expected, {classes} and {turns} came")
    y = np.arange(n) % classes
    t = np.sqrt(rng.uniform(0, 1, n))  # evenly over the area, so that the middle is not crowded
    return _spread(_polar(t, 2 * np.pi * (turns * t + y / classes)), y, noise, rng)


def xor(n: int = 200, *, noise: float = 0.25, rng: np.random.Generator) -> tuple[Array, Array]:
    """Heaps around (±1, ±1): 1 where the signs differ, 0 where they agree (Minsky and Papert 1969).

    Args:
        n: how many points, ≥ 4.
        noise: as for `moons`.
        rng: where chance comes from.

    Returns:
        x (n, 2), y (n,) of 0 and 1.

    Raises:
        ValueError: a number outside its range.
    """
    _check("xor", n, 4, noise)
    corner = np.arange(n) % 4
    x = np.stack([2.0 * (corner % 2) - 1, 2.0 * (corner // 2) - 1], axis=1)
    return _spread(x, (x[:, 0] * x[:, 1] < 0).astype(int), noise, rng)


def elongated_regression(
    n: int = 200, *, ratio: float = 10.0, noise: float = 0.1, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Numbers y = x₁ + x₂ / ratio + noise, where x₂ is `ratio` times as large as x₁: the cost is a valley.

    Both features matter alike, but the Hessian's condition number is about ratio², and descent takes as many steps.
    Standardized, it is about 1.

    Args:
        n: how many points, ≥ 1.
        ratio: > 0.
        noise: the standard deviation of what is added to y, ≥ 0.
        rng: where chance comes from.

    Returns:
        x (n, 2), y (n,) real numbers.

    Raises:
        ValueError: a number outside its range.
    """
    _check("elongated_regression", n, 1, noise)
    if not 0 < ratio < math.inf:
        raise ValueError(f"elongated_regression: a ratio > 0 was expected, {ratio} came")
    z = rng.standard_normal((n, 2))
    return z * [1.0, ratio], z.sum(axis=1) + noise * rng.standard_normal(n)


def _polar(radius: Array, angle: Array) -> Array:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _spread(x: Array, y: Array, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """With noise, and shuffled."""
    order = rng.permutation(len(x))
    return (x + noise * rng.standard_normal(x.shape))[order], y.astype(np.int64)[order]


def _check(name: str, n: int, least: int, noise: float) -> None:
    if n < least or not 0 <= noise < math.inf:
        raise ValueError(f"{name}: n ≥ {least} and noise ≥ 0 were expected, {n} and {noise} came")
