"""Initializations against PyTorch's: the same names, fans, gains and kernels, and the moments of random weights."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.nn import init

REFERENCE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "reference" / "init.json").read_text(encoding="utf-8")
)


def test_every_one_of_pytorch_is_here() -> None:
    assert {name.removesuffix("_") for name in REFERENCE["names"]} <= set(init.__all__)


@pytest.mark.parametrize(("shape", "fans"), REFERENCE["fans"], ids=str)
def test_fans(shape: list[int], fans: list[int]) -> None:
    assert init.fans(shape, "out_in") == tuple(fans)
    units, inputs, *kernel = shape
    assert init.fans((*kernel, inputs, units), "in_out") == tuple(fans)


@pytest.mark.parametrize(("name", "gain"), REFERENCE["gains"], ids=str)
def test_gains(name: str, gain: float) -> None:
    assert init.gain(name) == pytest.approx(gain, rel=1e-15)


@pytest.mark.parametrize(("slope", "gain"), REFERENCE["leaky gains"], ids=str)
def test_gains_of_slopes(slope: float, gain: float) -> None:
    assert init.gain("leaky_relu", slope) == pytest.approx(gain, rel=1e-15)


@pytest.mark.parametrize(("shape", "groups", "weight"), REFERENCE["dirac"], ids=lambda x: str(x)[:20])
def test_dirac(shape: list[int], groups: int, weight: list[Any]) -> None:
    assert init.dirac(shape, groups=groups, layout="out_in").tolist() == weight


@pytest.mark.parametrize(("shape", "weight"), REFERENCE["eye"], ids=lambda x: str(x)[:20])
def test_eye(shape: list[int], weight: list[Any]) -> None:
    assert init.eye(shape).tolist() == weight


@pytest.mark.parametrize("case", REFERENCE["moments"], ids=lambda x: f"{x['name']} {x['options']}")
def test_moments(rng: np.random.Generator, case: dict[str, Any]) -> None:
    options = dict(case["options"])
    if case["name"] == "uniform":
        options = {"low": 0.0, "high": 1.0}  # PyTorch's default
    if "a" in options and case["name"] != "trunc_normal":
        options["slope"] = options.pop("a")
    w = getattr(init, case["name"])((500, 2000), rng=rng, layout="out_in", **options)
    # Both are means of a million draws, so their difference has twice the variance of either.
    for power, theirs in ((1, case["mean"]), (2, case["square"]), (4, case["fourth"])):
        assert abs((w**power).mean() - theirs) < 5 * math.sqrt(2 * (w**power).var() / w.size)
    if case["name"] in ("uniform", "xavier_uniform", "kaiming_uniform", "trunc_normal"):
        wide = case["max"] - case["min"]
        assert w.min() == pytest.approx(case["min"], abs=4e-5 * wide)
        assert w.max() == pytest.approx(case["max"], abs=4e-5 * wide)
