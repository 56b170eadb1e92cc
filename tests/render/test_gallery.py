"""The gallery is what its script makes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    sys.path.insert(0, str(PICTURES))
    try:
        spec = importlib.util.spec_from_file_location("make_pictures", PICTURES / "make_pictures.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(PICTURES))
    return module


def test_the_page_is_up_to_date(script):
    assert script.GALLERY.read_text(encoding="utf-8") == script.page(), (
        "run python docs/pictures/make_pictures.py"
    )


def test_every_picture_is_there(script):
    assert {f"{picture.__name__}.svg" for picture in script.PICTURES} <= {
        path.name for path in PICTURES.glob("*.svg")
    }


def test_every_picture_has_something_to_say(script):
    with np.errstate(all="ignore"):
        cards = {
            picture.__name__: picture().board.cards
            for picture in script.PICTURES
            if picture.__name__ not in ("step", "steps")
        }
    assert len(cards["perceptron"]) <= 25  # micrograd draws 80 shapes
    assert len(cards["long_chain"]) == 2
    assert len(cards["network_depth1"]) == 6
    assert all(cards.values())
