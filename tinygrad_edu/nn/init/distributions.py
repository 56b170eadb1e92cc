"""Constants, and random numbers without a rule for their size.

They need no fans, and the constants need no chance. They take `rng` and `layout` all the same, so that a layer can
call every initialization alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from tinygrad_edu.nn.init.layout import Layout
from tinygrad_edu.types import Array

# ---- constants ----


def zeros(
    shape: Sequence[int], *, rng: np.random.Generator | None = None, layout: Layout | None = None,
    dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Zeros: right for biases, wrong for weights, whose units would all stay equal."""
    return np.zeros(shape, dtype)


def ones(
    shape: Sequence[int], *, rng: np.random.Generator | None = None, layout: Layout | None = None,
    dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Ones: right for the scales of a normalization."""
    return np.ones(shape, dtype)


def constant(
    shape: Sequence[int], value: float, *, rng: np.random.Generator | None = None,
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """The same value everywhere."""
    return np.full(shape, value, dtype)


# ---- chance ----


def normal(
    shape: Sequence[int], *, rng: np.random.Generator, std: float = 1.0, mean: float = 0.0,
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Normal, mean + std · randn; with std = 0.01, the small random numbers of many an example.

    Raises:
        ValueError: a negative or infinite std.
    """
    if not 0 <= std < math.inf:
        raise ValueError(f"normal: a standard deviation of at least 0 was expected, std={std} came")
    return (mean + std * generator(rng).standard_normal(shape)).astype(dtype)


def uniform(
    shape: Sequence[int], *, rng: np.random.Generator, low: float = -1.0, high: float = 1.0,
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Uniform in [low, high).

    Raises:
        ValueError: low > high.
    """
    if not low <= high:
        raise ValueError(f"uniform: low ≤ high was expected, low={low} and high={high} came")
    return generator(rng).uniform(low, high, shape).astype(dtype)


def trunc_normal(
    shape: Sequence[int], *, rng: np.random.Generator, mean: float = 0.0, std: float = 1.0, a: float = -2.0,
    b: float = 2.0, layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Normal, given that it lies in [a, b]: no weight starts far out.

    If u is uniform in [0, 1), then Φ⁻¹(Φ(α) + u (Φ(β) − Φ(α))) has exactly this distribution, where Φ is the normal
    distribution function, α = (a − mean) / std and β = (b − mean) / std (Devroye 1986, sec. II.2). It is narrower than
    the normal it is cut from: its std is not `std`, see `truncated_std`.

    Args:
        shape: of the result.
        rng: where chance comes from.
        mean: of the normal distribution before it is cut.
        std: of the same, > 0.
        a: the lower bound, a number of the same kind as the result and no multiple of std, as in PyTorch.
        b: the upper bound, > a.
        layout: not needed.
        dtype: of the result.

    Raises:
        ValueError: a std that is not positive, bounds the wrong way round, or so far out that a float cannot hold the
            probability between them.
    """
    if not 0 < std < math.inf:
        raise ValueError(f"trunc_normal: a positive standard deviation was expected, std={std} came")
    if not a < b:
        raise ValueError(f"trunc_normal: a < b was expected, a={a} and b={b} came")
    low, high = (a - mean) / std, (b - mean) / std
    mirrored = low > 0  # then mirror it: near 1 a probability has lost the digits that it has near 0
    if mirrored:
        low, high = -high, -low
    start, stop = _probability_below(low), _probability_below(high)
    if not start < stop:
        raise ValueError(
            f"trunc_normal: bounds with some probability between them were expected, [{a}, {b}] came, from {low:.3g} "
            f"to {high:.3g} standard deviations: draw uniform numbers there"
        )
    u = start + (stop - start) * generator(rng).random(shape)
    # Only u = 0 with an infinite bound would be outside of the domain (0, 1) of Φ⁻¹.
    inside = np.clip(u, np.nextafter(0, 1), np.nextafter(1, 0)).ravel().tolist()
    z = np.fromiter(map(NormalDist().inv_cdf, inside), float, u.size).reshape(u.shape)
    x = mean - std * z if mirrored else mean + std * z
    return np.clip(x, a, b).astype(dtype)


def truncated_std(bound: float) -> float:
    """The standard deviation of a standard normal that is cut off at ±bound: 0.8796… at 2.

    Its variance is 1 − 2 c φ(c) / (2Φ(c) − 1), by parts, with the density φ and the bound c.
    """
    density = math.exp(-bound * bound / 2) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 2 * bound * density / math.erf(bound / math.sqrt(2)))


def _probability_below(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def generator(rng: Any) -> np.random.Generator:
    """The generator itself; anything else is refused by a TypeError."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng: a generator was expected, {type(rng).__name__} came: np.random.default_rng(seed) makes one"
        )
    return rng
