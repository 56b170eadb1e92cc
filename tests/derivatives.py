"""Derivatives that owe nothing to the engine: they see only the values of plain functions of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Plain = Callable[..., Any]


def central(f: Plain, x: Any, step: float = 1e-3) -> np.ndarray:
    """The gradient of a function with one number as its result: central differences at three steps, extrapolated."""
    x = np.asarray(x, dtype=np.float64)
    found = np.empty(x.shape)
    for i in np.ndindex(x.shape):

        def slope(h: float, i: tuple[int, ...] = i) -> float:
            away = np.zeros(x.shape)
            away[i] = h
            return (float(f(x + away)) - float(f(x - away))) / (2 * h)

        wide, middle, narrow = slope(step), slope(step / 2), slope(step / 4)
        coarse, fine = (4 * middle - wide) / 3, (4 * narrow - middle) / 3
        found[i] = (16 * fine - coarse) / 15
    return found


def complex_step(f: Plain, x: Any) -> np.ndarray:
    """f′(x) of an elementwise holomorphic function, exact to rounding (Squire and Trapp 1998)."""
    return np.imag(f(np.asarray(x) + 1e-200j)) / 1e-200


def close(actual: Any, expected: Any, rtol: float = 1e-9, atol: float = 1e-12) -> None:
    """Equal shapes, and values equal to a relative error."""
    actual, expected = (np.asarray(getattr(a, "value", a)) for a in (actual, expected))
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def numeric_vjps(f: Plain, xs: list[np.ndarray], weights: np.ndarray) -> list[np.ndarray]:
    """The gradients of Σ weights · f(*xs) by each of the arrays."""
    return [
        central(lambda moved, i=i: np.sum(weights * f(*xs[:i], moved, *xs[i + 1 :])), x)
        for i, x in enumerate(xs)
    ]
