"""What all tests share: randomness with a seed, and a registry that forgets what a test has declared."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

import tinygrad_edu as tg

pytest_plugins = ["pytester"]  # runs of pytest within a test

# The same examples in every run: what fails here fails everywhere.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1964)  # the year of Wengert's list


@pytest.fixture
def registry() -> Iterator[dict[str, object]]:
    """The registry; primitives that a test declares are taken out at its end."""
    before = dict(tg.registry)
    yield tg.registry
    tg.registry.clear()
    tg.registry.update(before)
