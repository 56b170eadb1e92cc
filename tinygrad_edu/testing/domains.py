"""Strategies of Hypothesis for the domains of core/cases.py: the same regions, but such that examples shrink.

A domain draws random numbers, of seventeen digits each. In a failing test one would rather read `[0.0, 1.0]`, or
`[0.25, −3.0]`. So here numbers are whole where that will do, and else have two or three digits. There is no NaN, no
infinity, and nothing so small that its square is lost.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from tinygrad_edu.core.cases import Domain
from tinygrad_edu.types import Array, Shape

try:
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as numpy_strategies
except ImportError as error:
    raise ImportError(
        "tinygrad_edu.testing.strategies draws its examples with Hypothesis, which is not installed: "
        "pip install hypothesis"
    ) from error

__all__ = ["arrays", "numbers", "numpy_strategies", "st"]

REACH = 3.0  # of `real`, which is normally distributed: all but 3 in 1000


def arrays(domain: Domain, shape: Shape | None = None) -> st.SearchStrategy[Array]:
    """Arrays of a domain.

    Args:
        domain: one of core/cases.py, such as `real(2, 3)`. Of a domain of your own, about which nothing is known but
            how it is sampled, it is the seed that shrinks.
        shape: another shape than the domain's.
    """
    return _arrays(domain, tuple(domain.shape if shape is None else shape))


@cache  # a strategy is checked before its first example, which takes longer than to draw from it
def _arrays(domain: Domain, shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    if domain.name == "distinct":
        return _distinct(shape)
    if domain.name == "vanishing":
        return _filled(_nonzero(), shape).map(_with_zeros)
    elements = _elements(domain.name)
    if elements is None:
        return st.integers(0, 2**32 - 1).map(
            lambda seed: np.asarray(domain.sample(np.random.default_rng(seed), shape))
        )
    return _filled(elements, shape, bool if domain.name == "boolean" else float)


@cache
def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers in [low, high], whole ones first, then such with about a hundred steps between the ends."""
    if not (math.isfinite(low) and math.isfinite(high)) or low >= high:
        raise ValueError(f"numbers: two finite ends were expected, the lower one first; {low}, {high} came")
    digits = 2 - math.floor(math.log10(high - low))
    steps = _between(low, high, digits).map(lambda k: float(f"{k}e{-digits}"))
    if math.ceil(low) > math.floor(high):
        return steps
    return _between(low, high, 0).map(float) | steps


def _between(low: float, high: float, digits: int) -> st.SearchStrategy[int]:
    """The numbers with so many digits behind the point, as integers. Decimal, since 1.1 × 100 is 110.00000000000001."""
    ends = [Decimal(repr(float(end))).scaleb(digits) for end in (low, high)]
    return st.integers(math.ceil(ends[0]), math.floor(ends[1]))


# ---- the elements of each domain ----


def _elements(name: str) -> st.SearchStrategy[Any] | None:
    if name == "real":
        return numbers(-REACH, REACH)
    if name == "nonzero":
        return _nonzero()
    if name == "boolean":
        return st.booleans()
    ends = re.fullmatch(r"\[(\S+), (\S+)\]", name)
    return numbers(float(ends[1]), float(ends[2])) if ends else None


def _nonzero() -> st.SearchStrategy[float]:
    return st.one_of(numbers(0.5, 2.0), numbers(-2.0, -0.5))


def _filled(elements: st.SearchStrategy[Any], shape: Shape, dtype: Any = float) -> st.SearchStrategy[Array]:
    # Hypothesis would fill most of an array with one value; but then a permutation of its elements goes unnoticed.
    return numpy_strategies.arrays(dtype, tuple(shape), elements=elements, fill=st.nothing())


def _distinct(shape: Shape) -> st.SearchStrategy[Array]:
    """Multiples of a quarter, none of them twice."""
    n = math.prod(shape)
    quarters = st.lists(st.integers(-2 * n, 2 * n), min_size=n, max_size=n, unique=True)
    return quarters.map(lambda drawn: np.array(drawn, float).reshape(shape) / 4)


def _with_zeros(x: Array) -> Array:
    if x.ndim:  # a single number has no middle
        x[..., x.shape[-1] // 2] = 0
    return x
