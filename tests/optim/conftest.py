from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="session")
def paths() -> list[dict[str, Any]]:
    """Fifty steps of PyTorch's optimizers; see tests/reference/make_reference.py."""
    found: list[dict[str, Any]] = json.loads((REFERENCE / "torch.json").read_text(encoding="utf-8"))[
        "optimizers"
    ]
    return found


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """What PyTorch's optimizers and schedules do; see tests/reference/make_optim_reference.py."""
    found: dict[str, Any] = json.loads((REFERENCE / "optim.json").read_text(encoding="utf-8"))
    return found
