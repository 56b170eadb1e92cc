from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).parents[1] / "reference" / "torch.json"


@pytest.fixture(scope="session")
def paths() -> list[dict[str, Any]]:
    """Fifty steps of PyTorch's optimizers; see tests/reference/make_reference.py."""
    found: list[dict[str, Any]] = json.loads(REFERENCE.read_text(encoding="utf-8"))["optimizers"]
    return found
