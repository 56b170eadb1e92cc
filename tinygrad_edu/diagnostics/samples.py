"""Data whose features are of different size: real ones, and made ones."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.data import load_digits
from tinygrad_edu.types import Array


def two_pixels() -> tuple[Array, Array, str]:
    """Real data of two features: ones against zeros, by a pixel in the middle and one in a corner, 0 to 16 both.

    Returns:
        x (360, 2), y (360,), and what it is.
    """
    digits = load_digits()
    chosen = digits.y < 2
    return (
        digits.x[chosen][:, [36, 6]],
        (digits.y[chosen] == 1).astype(float),
        "two pixels of the digits 0 and 1",
    )


def all_pixels() -> tuple[Array, Array, str]:
    """Real data of 64 features: ones against all other digits; x (1797, 64), y (1797,) and what it is."""
    digits = load_digits()
    return digits.x, (digits.y == 1).astype(float), "all 64 pixels, 1 against the other digits"


def elongated(rng: np.random.Generator, n: int = 400) -> tuple[Array, Array, str]:
    """Made data of two features, one ten times as large as the other: x (n, 2), y (n,) in {0, 1} and what it is."""
    x = rng.standard_normal((n, 2)) * [1.0, 10.0]
    chance = 1 / (1 + np.exp(-(x @ [2.0, 0.2])))
    return x, (rng.uniform(size=n) < chance).astype(float), "two features, one ten times as large"
