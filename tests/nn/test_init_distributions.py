"""Truncated normal weights: moments, bounds and the whole distribution, against integrals on a fine grid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.nn import init
from tinygrad_edu.nn.init.distributions import truncated_std

DRAWS = 10**6
CASES = [
    (0.0, 1.0, -2.0, 2.0),
    (0.5, 2.0, -1.0, 4.0),
    (0.0, 1.0, 0.0, math.inf),  # half a normal
    (1.0, 0.1, -math.inf, 1.05),
    (0.0, 1.0, 3.0, 4.0),  # the upper tail
    (0.0, 1.0, -9.0, -8.0),  # the lower tail, with a probability of 6e-16
    (0.0, 1.0, 8.0, 9.0),
    (0.0, 1.0, 20.0, math.inf),
    (10.0, 100.0, 9.9, 10.2),  # nearly uniform
]


def distribution(mean: float, std: float, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """A grid over the interval, and the probability of each of its cells."""
    low, high = max(a, mean - 30 * std), min(b, mean + 30 * std)
    if low > mean:  # of an infinite tail, as much as matters
        high = min(high, low + 4 * std)
    edges = np.linspace(low, high, 400_001)
    x = (edges[1:] + edges[:-1]) / 2
    exponent = -(((x - mean) / std) ** 2) / 2
    density = np.exp(exponent - exponent.max())
    return x, density / density.sum()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_million_draws(rng: np.random.Generator, case: tuple[float, float, float, float]) -> None:
    mean, std, a, b = case
    w = init.trunc_normal((DRAWS // 2000, 2000), rng=rng, mean=mean, std=std, a=a, b=b).ravel()
    x, probability = distribution(*case)
    expected = float(x @ probability)
    second, fourth = (float((x - expected) ** k @ probability) for k in (2, 4))
    assert abs(w.mean() - expected) < 5 * math.sqrt(second / DRAWS)
    assert abs(((w - expected) ** 2).mean() - second) < 5 * math.sqrt((fourth - second**2) / DRAWS)
    assert a <= w.min() < w.max() <= b
    # Kolmogorov's test: √n times the largest distance is above 2.7 once in a million times.
    below = np.interp(np.sort(w), x, np.cumsum(probability))
    assert np.abs(below - (np.arange(DRAWS) + 0.5) / DRAWS).max() * math.sqrt(DRAWS) < 2.7


def test_the_width_of_what_is_left() -> None:
    # Keras and JAX hold this constant (scipy.stats.truncnorm.std(a=-2, b=2), they say).
    assert truncated_std(2) == pytest.approx(0.87962566103423978, rel=1e-15)
    for bound in (0.5, 1.0, 3.0):
        x, probability = distribution(0, 1, -bound, bound)
        assert truncated_std(bound) ** 2 == pytest.approx(float(x**2 @ probability), rel=1e-9)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_average"])
def test_scaling_makes_up_for_the_truncation(rng: np.random.Generator, mode: Any) -> None:
    variance = 3 / {"fan_in": 2000, "fan_out": 500, "fan_average": 1250}[mode]
    w = init.variance_scaling(
        (500, 2000), rng=rng, layout="out_in", scale=3, mode=mode, distribution="truncated_normal"
    )
    assert abs(w.mean()) < 5 * math.sqrt(variance / DRAWS)
    assert abs((w**2).mean() / variance - 1) < 5 * math.sqrt((w**2).var() / DRAWS) / variance
    bound = 2 * math.sqrt(variance) / 0.87962566103423978
    assert bound * (1 - 1e-4) < w.max() <= bound
    assert bound * (1 - 1e-4) < -w.min() <= bound


@pytest.mark.parametrize("groups", [1, 2, 5])
def test_groups_reach_the_variance(rng: np.random.Generator, groups: int) -> None:
    # (out, in / groups, *kernel): an input feeds the units of its group, 100 / groups, at 4 places each.
    shape, fan_out = (100, 2500, 4), 100 // groups * 4
    for function in (init.kaiming_normal, init.kaiming_uniform):
        w = function(shape, rng=rng, layout="out_in", mode="fan_out", groups=groups)
        assert abs((w**2).mean() * fan_out / 2 - 1) < 5 * math.sqrt(2 / DRAWS)
    for function in (init.xavier_normal, init.xavier_uniform):
        w = function(shape, rng=rng, layout="out_in", groups=groups)
        assert abs((w**2).mean() * (10_000 + fan_out) / 2 - 1) < 5 * math.sqrt(2 / DRAWS)


def test_dtypes_and_generators(rng: np.random.Generator) -> None:
    w = init.trunc_normal((3, 4), rng=rng, layout="out_in", dtype=np.float32)
    assert (w.dtype, w.shape, w.flags.writeable) == (np.float32, (3, 4), True)
    again, same = (init.trunc_normal((5,), rng=np.random.default_rng(7)).tolist() for _ in range(2))
    assert again == same
    assert init.trunc_normal((), rng=rng).shape == ()
    anything: Any = 0
    with pytest.raises(TypeError, match=r"a generator was expected, int came"):
        init.trunc_normal((3,), rng=anything)


@pytest.mark.parametrize("std", [0.0, -1.0, math.inf, math.nan])
def test_a_width_that_is_none(rng: np.random.Generator, std: float) -> None:
    with pytest.raises(ValueError, match=f"trunc_normal: a positive standard deviation .* std={std} came"):
        init.trunc_normal((3,), rng=rng, std=std)


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (2.0, -2.0), (math.nan, 1.0)])
def test_bounds_the_wrong_way_round(rng: np.random.Generator, a: float, b: float) -> None:
    with pytest.raises(ValueError, match=rf"trunc_normal: a < b was expected, a={a} and b={b} came"):
        init.trunc_normal((3,), rng=rng, a=a, b=b)


@pytest.mark.parametrize("sign", [1, -1])
def test_bounds_where_nothing_is(rng: np.random.Generator, sign: int) -> None:
    a, b = sorted((sign * 4.0, sign * 5.0))
    with pytest.raises(
        ValueError, match=r"some probability between them .*standard deviations: draw uniform"
    ):
        init.trunc_normal((3,), rng=rng, std=0.1, a=a, b=b)
