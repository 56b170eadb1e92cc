"""Chance that can be repeated: who gives no generator gets the same numbers in every run."""

from __future__ import annotations

from typing import Any

import numpy as np


def generator(rng: Any, asked_by: str) -> np.random.Generator:
    """The generator that was given, or one that always begins alike.

    Args:
        rng: a generator, or None.
        asked_by: the function that the user called, for the error.

    Raises:
        TypeError: something else, such as a seed.
    """
    if rng is None:
        return np.random.default_rng(0)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{asked_by}: a generator was expected as rng, {rng!r} came: np.random.default_rng(seed) makes one"
        )
    return rng
