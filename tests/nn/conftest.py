from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

REFERENCE = Path(__file__).parents[1] / "reference" / "torch.json"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20150211)


@pytest.fixture(scope="session")
def torch() -> dict[str, Any]:
    """What PyTorch computed; see tests/reference/make_reference.py."""
    found: dict[str, Any] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return found


def central_differences(f: Callable[[], float], leaf: tg.Tensor, step: float = 1e-3) -> np.ndarray:
    """df/dleaf from values alone: central differences, extrapolated from two steps (error: step⁴)."""
    start = leaf.numpy().copy()
    found = np.zeros_like(start)
    for i in np.ndindex(start.shape):

        def at(distance: float, i: tuple[int, ...] = i) -> float:
            moved = start.copy()
            moved[i] += distance
            leaf.assign(moved)
            return f()

        wide, narrow = ((at(h) - at(-h)) / (2 * h) for h in (step, step / 2))
        found[i] = (4 * narrow - wide) / 3
    leaf.assign(start)
    return found


@pytest.fixture
def numeric() -> Callable[..., np.ndarray]:
    return central_differences
