"""Gains by quadrature, against integrals that have a closed form; and where the table of gains says something else."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.nn import init

# Klambauer et al. 2017: the numbers that make mean 0 and variance 1 a fixed point.
ALPHA, LAMBDA = 1.6732632423543772, 1.0507009873554805


def selu(z: Any) -> Any:
    return LAMBDA * tg.where(z > 0, z, ALPHA * tg.expm1(tg.minimum(z, 0)))


def hard(c: float) -> Callable[[Any], Any]:
    return lambda z: tg.clip(z, -c, c)


def inside(c: float) -> float:
    """P(|z| < c)."""
    return math.erf(c / math.sqrt(2))


def hard_square(c: float) -> float:
    """E[clip(z, −c, c)²]: ∫ z² φ from −c to c by parts, and c² outside."""
    density = math.exp(-c * c / 2) / math.sqrt(2 * math.pi)
    return inside(c) - 2 * c * density + c * c * (1 - inside(c))


# (function, E[f(z)²], E[f′(z)²]), integrated by hand
CLOSED: dict[str, tuple[Callable[..., Any], float, float]] = {
    "identity": (lambda z: z, 1, 1),
    "relu": (tg.relu, 1 / 2, 1 / 2),
    "leaky_relu": (lambda z: nn.functional.leaky_relu(z, 0.3), 1.09 / 2, 1.09 / 2),
    "absolute": (tg.absolute, 1, 1),
    "sin": (tg.sin, (1 - math.exp(-2)) / 2, (1 + math.exp(-2)) / 2),
    "exp": (tg.exp, math.exp(2), math.exp(2)),
    "cube": (lambda z: z * z * z, 15, 27),
    "erf": (tg.erf, 2 / math.pi * math.asin(2 / 3), 4 / (math.pi * math.sqrt(5))),
    "gelu": (
        nn.GELU(),
        1 / 3 + 1 / (2 * math.pi * math.sqrt(3)),
        1 / 3 + 2 / (3 * math.pi * math.sqrt(3)),
    ),
    "hard tanh": (hard(1.0), hard_square(1.0), inside(1.0)),
    "hard, at 0.7": (hard(0.7), hard_square(0.7), inside(0.7)),
    "wide bell": (lambda z: tg.exp(z * z / 8), math.sqrt(2), 2**1.5 / 16),
    "method": (lambda z: z.relu(), 1 / 2, 1 / 2),
    "ufunc": (np.sin, (1 - math.exp(-2)) / 2, (1 + math.exp(-2)) / 2),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name: str) -> None:
    f, square, slope = CLOSED[name]
    assert init.gain_of(f) == pytest.approx(square**-0.5, rel=1e-12)
    assert init.gain_of(f, backward=True) == pytest.approx(slope**-0.5, rel=1e-12)


def test_he_s_two_is_derived() -> None:
    assert abs(init.gain_of(tg.relu) ** 2 - 2) <= 1e-12
    assert abs(init.gain_of(tg.relu, backward=True) ** 2 - 2) <= 1e-12
    assert init.gain(tg.relu) == init.gain_of(tg.relu)
    assert init.gain(nn.ReLU()) == pytest.approx(init.gain("relu"), rel=1e-12)


def test_selu_is_its_own_fixed_point() -> None:
    assert init.gain_of(selu) == pytest.approx(1, abs=1e-12)
    assert init.normal_mean(selu).value == pytest.approx(0, abs=1e-12)
    assert init.gain("selu") == 3 / 4  # the table's is another


def test_tanh_and_sigmoid_are_conventions_in_the_table() -> None:
    rng = np.random.default_rng(5)
    z = rng.standard_normal(10**6)
    for f, name, table in ((np.tanh, "tanh", 5 / 3), (lambda z: 1 / (1 + np.exp(-z)), "sigmoid", 1.0)):
        square = f(z) ** 2
        deviation = 5 * square.std() / 1000
        gain = init.gain_of(getattr(tg, name))
        assert abs(gain**-2 - square.mean()) < deviation
        assert init.gain(name) == table
        assert abs(table**-2 - square.mean()) > 5 * deviation
    assert round(init.gain_of(tg.tanh), 4) == 1.5925


@pytest.mark.parametrize("seed", range(20))
def test_errors_are_known_at_kinks_and_jumps(seed: int) -> None:
    c = float(np.random.default_rng(seed).uniform(0.01, 3))
    for f, exact in (
        (lambda z: np.clip(z, -c, c) ** 2, hard_square(c)),
        (lambda z: (np.abs(z) < c) * 1.0, inside(c)),
    ):
        value, error = init.normal_mean(f)
        assert abs(value - exact) <= error <= 1e-12


def test_a_gain_that_is_computed_starts_a_layer(rng: np.random.Generator) -> None:
    for function in (init.kaiming_normal, init.kaiming_uniform):
        w = function((500, 2000), rng=rng, layout="out_in", nonlinearity=tg.sin)
        variance = 2 / (1 - math.exp(-2)) / 2000
        assert abs((w**2).mean() / variance - 1) < 5 * math.sqrt(2) / 1000


def test_functions_that_have_parameters(rng: np.random.Generator) -> None:
    slope = nn.parameter(np.array(0.3))
    assert init.gain_of(lambda z: tg.where(z > 0, z, slope * z)) == pytest.approx(
        (1.09 / 2) ** -0.5, rel=1e-12
    )
    assert slope.grad is None


def test_why_it_is_not_gauss_hermite_quadrature() -> None:
    # The figures in the docstring of init/quadrature.py.
    z, w = np.polynomial.hermite_e.hermegauss(64)
    w /= math.sqrt(2 * math.pi)
    assert float(np.clip(z, -1, 1) ** 2 @ w) - hard_square(1) == pytest.approx(0.009, abs=5e-4)
    assert float((np.abs(z) < 1) @ w) - inside(1) == pytest.approx(0.08, abs=5e-3)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("f", "sentence"),
    [
        (lambda z: np.exp(z * z / 4), r"not small at z = ±16: f grows as fast as exp\(z² / 2\)"),
        (lambda z: np.where(z > 3, np.inf, z), r"finite values were expected, f\(3\) = inf came"),
        (lambda z: np.sin(1 / z), "a piecewise smooth function was expected, but .* do not settle"),
        (lambda z: tg.softmax(z), "this one mixes them"),
        (lambda z: np.sum(z), r"keeps their shape was expected, \(\) came for \(6,\)"),
        (lambda z: 0 * z, "whose value is not 0 was expected"),
    ],
)
def test_functions_without_a_gain(f: Callable[..., Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        init.gain_of(f)


def test_no_gradient_passes_a_step() -> None:
    with pytest.raises(ValueError, match="whose derivative is not 0 was expected"):
        init.gain_of(lambda z: tg.where(z > 0, 1.0 + 0 * z, -1.0), backward=True)


def test_dropout_has_no_gain(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="mixes them, or draws at random"):
        init.gain_of(nn.Dropout(0.5, rng=rng))


def test_an_expectation_of_a_sum() -> None:
    with pytest.raises(ValueError, match=r"normal_mean: a function that keeps the shape was expected, \(\)"):
        init.normal_mean(np.sum)


def test_a_slope_that_is_none() -> None:
    with pytest.raises(ValueError, match="gain: a finite slope was expected, nan came"):
        init.gain("leaky_relu", math.nan)
    with pytest.raises(ValueError, match="'swish' came: give the function itself"):
        init.gain("swish")
