"""Kinks are reported where they are, and nowhere else; the noise of a function is measured, not guessed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tinygrad_edu.verify import differentiate, noise_of

Function = Callable[[float], float]

# Smooth parts to put a kink on, with their derivatives.
SMOOTH: dict[str, tuple[Function, Function]] = {
    "sin": (math.sin, math.cos),
    "exp": (math.exp, math.exp),
    "line": (lambda x: 2 * x, lambda _: 2.0),
    "nothing": (lambda _: 0.0, lambda _: 0.0),
    "square": (lambda x: x * x, lambda x: 2 * x),
}


def kinked(smooth: Function, height: float, at: float) -> Function:
    """A smooth function on which |x − at| stands: the slopes there differ by 2 · height."""
    return lambda x: smooth(x) + height * abs(x - at)


def heights(rng: np.random.Generator) -> float:
    return float(10.0 ** rng.uniform(-2, 1) * rng.choice([-1, 1]))


@pytest.mark.parametrize("name", SMOOTH)
def test_a_kink_at_x_is_found(name: str, rng: np.random.Generator) -> None:
    smooth, derivative = SMOOTH[name]
    for _ in range(200):
        x, height = float(rng.normal()), heights(rng)
        f = kinked(smooth, height, x)
        value, error, jump = differentiate(f, x, noise=noise_of(f, x))
        assert jump == pytest.approx(abs(height), rel=1e-3)
        assert abs(value - derivative(x)) <= 4 * error  # the mean of the slopes on both sides


@pytest.mark.parametrize("name", SMOOTH)
def test_a_kink_nearby_is_not_mistaken_for_the_slope(name: str, rng: np.random.Generator) -> None:
    smooth, derivative = SMOOTH[name]
    jumps = 0
    for _ in range(800):
        offset = float(10.0 ** rng.uniform(-12, -1) * rng.choice([-1, 1]))
        x, height = float(rng.normal()), heights(rng)
        f = kinked(smooth, height, x + offset)
        value, error, jump = differentiate(f, x, noise=noise_of(f, x))
        if jump:  # too near to be told from one at x; then it must be one, of that height
            jumps += 1
            assert abs(offset) < 1e-6
            assert jump == pytest.approx(abs(height), rel=0.01)
        else:
            assert abs(value - (derivative(x) - height * math.copysign(1, offset))) <= 4 * error
    assert jumps < 400


@pytest.mark.parametrize(
    ("f", "mean", "jump"),
    [
        (abs, 0.0, 1.0),
        (lambda x: max(x, 0.0), 0.5, 0.5),
        (lambda x: x if x > 0 else 0.01 * x, 0.505, 0.495),
        (lambda x: max(3 * x, x), 2.0, 1.0),
        (lambda x: min(math.exp(x), 1 - x), 0.0, 1.0),
    ],
    ids=["abs", "relu", "leaky relu", "max", "min"],
)
def test_well_known_kinks(f: Function, mean: float, jump: float) -> None:
    found = differentiate(f, 0.0, noise=noise_of(f, 0.0))
    assert found.value == pytest.approx(mean, abs=1e-6)
    assert found.jump == pytest.approx(jump, rel=1e-5)


@pytest.mark.parametrize(
    "f",
    [lambda x: x * abs(x), lambda x: max(x, 0.0) ** 2, lambda x: abs(x) ** 3, lambda x: x * x, math.cosh],
    ids=["x|x|", "relu²", "|x|³", "x²", "cosh"],
)
def test_what_only_bends_is_no_kink(f: Function) -> None:
    found = differentiate(f, 0.0, noise=noise_of(f, 0.0))
    assert found.jump == 0
    assert abs(found.value) <= 4 * found.error


# ---- noise ----


def noisy(f: Function, level: float, seed: int) -> Function:
    """Noise that is added is known; the same x gets the same."""
    rng, drawn = np.random.default_rng(seed), {}

    def g(x: float) -> float:
        if x not in drawn:
            drawn[x] = level * rng.normal()
        return f(x) + drawn[x]

    return g


@pytest.mark.parametrize("level", [1e-14, 1e-12, 1e-10, 1e-8])
def test_noise_that_was_added_is_measured(level: float) -> None:
    found = [noise_of(noisy(math.sin, level, seed), 1.0) / level for seed in range(100)]
    assert 0.8 < np.median(found) < 1.6
    assert min(found) > 1 / 3
    assert max(found) < 4


@pytest.mark.parametrize("x", [0.3, -7.0, 1e5])
def test_rounding_to_float32_is_seen(x: float) -> None:
    def f(t: float) -> float:
        return float(np.float32(math.exp(math.sin(t / x))))

    ulp = float(np.spacing(np.float32(f(x))))
    # A rounding error is uniform in half a unit of the last place on either side: its deviation is 1/√12 of that.
    assert ulp / math.sqrt(12) / 3 < noise_of(f, x) < 3 * ulp / math.sqrt(12)


def test_digits_that_cancel_are_noise() -> None:
    # 1e8 is spaced by 1.5e-8, and so is what is left when it has been taken away again.
    noise = noise_of(lambda x: (1e8 + math.sin(x)) - 1e8, 1.0)
    assert 1e-9 < noise < 3e-8


@pytest.mark.parametrize("f", [math.sin, math.exp, lambda x: x**3], ids=["sin", "exp", "x³"])
def test_a_clean_function_has_the_noise_of_its_last_place(f: Function) -> None:
    ulp = float(np.spacing(f(1.3)))
    assert ulp / 5 < noise_of(f, 1.3) < 4 * ulp


def test_noise_is_never_said_to_be_less_than_half_a_unit() -> None:
    assert noise_of(lambda _: 3.0, 1.0) == pytest.approx(3 * 2.0**-53, rel=1e-12)
    assert noise_of(lambda _: 0.0, 1.0) == 0


def test_a_kink_is_not_taken_for_noise() -> None:
    for at in (0.0, 1e-13, 1e-9, 1e-5):
        assert noise_of(kinked(math.sin, 5.0, 1.0 + at), 1.0) < 1e-5


def test_an_error_bar_is_as_wide_as_the_noise_demands() -> None:
    outside = 0
    for seed in range(200):
        f = noisy(math.sin, 1e-9, seed)
        value, error, jump = differentiate(f, 1.0, noise=noise_of(f, 1.0))
        outside += bool(jump) or abs(value - math.cos(1.0)) > error
        assert 1e-10 < error < 1e-4
    assert outside <= 2


def test_a_function_with_holes_is_measured_where_it_is_defined() -> None:
    def f(x: float) -> float:
        return 1 + x if x >= 0 else math.nan

    assert 1e-17 < noise_of(f, 0.0) < 1e-15
