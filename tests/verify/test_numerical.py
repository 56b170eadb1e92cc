"""Numerical derivatives against closed forms: how fast they converge, and whether their error bars hold."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tinygrad_edu.verify import central, complex_step, differentiate, noise_of, one_sided
from tinygrad_edu.verify.numerical import extrapolated
from tinygrad_edu.verify.theta import gradient

Function = Callable[[float], float]

# A function, its derivative on paper, and where it is smooth and its derivative not 0 everywhere.
SMOOTH: dict[str, tuple[Function, Function, tuple[float, float]]] = {
    "sin": (math.sin, math.cos, (-6, 6)),
    "exp": (math.exp, math.exp, (-6, 6)),
    "log": (math.log, lambda x: 1 / x, (0.01, 20)),
    "sqrt": (math.sqrt, lambda x: 0.5 / math.sqrt(x), (0.01, 20)),
    "tanh": (math.tanh, lambda x: math.cosh(x) ** -2, (-4, 4)),
    "arctan": (math.atan, lambda x: 1 / (1 + x * x), (-5, 5)),
    "arcsinh": (math.asinh, lambda x: 1 / math.hypot(1, x), (-20, 20)),
    "1/x": (lambda x: 1 / x, lambda x: -1 / x**2, (0.05, 9)),
    "x³": (lambda x: x**3, lambda x: 3 * x**2, (-4, 4)),
    "quartic": (lambda x: x**4 - 3 * x**3 + 2 * x**2 - 7, lambda x: 4 * x**3 - 9 * x**2 + 4 * x, (-4, 4)),
    "x^2.7": (lambda x: x**2.7, lambda x: 2.7 * x**1.7, (0.1, 9)),
    "x^x": (lambda x: x**x, lambda x: x**x * (math.log(x) + 1), (0.5, 4)),
    "bell": (lambda x: math.exp(-x * x), lambda x: -2 * x * math.exp(-x * x), (-3, 3)),
    "sin x / x": (
        lambda x: math.sin(x) / x,
        lambda x: (x * math.cos(x) - math.sin(x)) / x**2,
        (0.5, 9),
    ),
    "erf": (math.erf, lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x), (-3, 3)),
    "softplus": (lambda x: math.log1p(math.exp(x)), lambda x: 1 / (1 + math.exp(-x)), (-9, 9)),
    "exp sin 3x": (
        lambda x: math.exp(math.sin(3 * x)),
        lambda x: 3 * math.cos(3 * x) * math.exp(math.sin(3 * x)),
        (-3, 3),
    ),
    "line": (lambda x: 3 * x - 5, lambda _: 3.0, (-9, 9)),
}


# ---- how fast they converge ----


def order(estimate: Callable[[float], float], truth: float, steps: np.ndarray) -> float:
    """p of error = c · h^p: the slope of a line through (log h, log error)."""
    errors = [abs(estimate(float(h)) - truth) for h in steps]
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


@pytest.mark.parametrize("x", [-1.3, 0.4, 2.0])
def test_the_error_of_one_sided_differences_falls_like_h(x: float) -> None:
    p = order(lambda h: one_sided(math.exp, x, h), math.exp(x), np.geomspace(1e-5, 1e-2, 12))
    assert p == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("x", [-1.3, 0.4, 2.0])
def test_the_error_of_central_differences_falls_like_its_square(x: float) -> None:
    p = order(lambda h: central(math.exp, x, h), math.exp(x), np.geomspace(1e-3, 1e-1, 12))
    assert p == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("x", [-1.3, 0.4, 2.0])
def test_the_error_of_extrapolated_ones_falls_like_its_sixth_power(x: float) -> None:
    p = order(lambda h: extrapolated(math.exp, x, h), math.exp(x), np.geomspace(0.2, 1.0, 12))
    assert p == pytest.approx(6, abs=0.1)


def test_below_the_best_step_rounding_grows_like_one_over_h() -> None:
    # Single errors jump about; their size over many points does not.
    points = np.linspace(0.5, 1.5, 200)

    def size(h: float) -> float:
        return math.sqrt(np.mean([(central(math.exp, x, h) - math.exp(x)) ** 2 for x in points]))

    assert order(size, 0.0, np.geomspace(1e-12, 1e-8, 9)) == pytest.approx(-1, abs=0.05)


@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (lambda z: z**5, lambda x: 5 * x**4),
        (np.exp, math.exp),
        (np.sin, math.cos),
        (np.log, lambda x: 1 / x),
        (np.tanh, lambda x: math.cosh(x) ** -2),
        (lambda z: np.exp(z) / np.sqrt(z), lambda x: math.exp(x) / math.sqrt(x) * (1 - 0.5 / x)),
    ],
    ids=["power", "exp", "sin", "log", "tanh", "quotient"],
)
@pytest.mark.parametrize("x", [0.2, 1.1, 2.9])
def test_the_complex_step_is_exact_to_rounding(f: Function, derivative: Function, x: float) -> None:
    assert complex_step(f, x) == pytest.approx(derivative(x), rel=1e-15)  # type: ignore[arg-type]


# ---- whether the error bar holds ----


def test_the_error_bar_holds_and_the_error_is_small(rng: np.random.Generator) -> None:
    errors, outside = [], 0
    functions = list(SMOOTH.values())
    for number in range(2_000):
        f, derivative, (low, high) = functions[number % len(functions)]
        # Stretched and squeezed by up to a million, and moved up, where digits cancel.
        width, height = 10.0 ** rng.uniform(-6, 6, 2)
        level = float(rng.choice([0.0, 0.0, 1.0, 100.0]) * rng.normal())
        x = float(rng.uniform(low, high)) * width

        def scaled(
            t: float, f: Function = f, width: float = width, height: float = height, level: float = level
        ) -> float:
            return height * (f(t / width) + level)

        truth = height * derivative(x / width) / width
        value, error, _ = differentiate(scaled, x, noise=noise_of(scaled, x))
        outside += abs(value - truth) > error
        errors.append(abs(value / truth - 1))
    assert outside <= 20
    assert np.median(errors) <= 1e-11
    assert max(errors) <= 1e-4


def test_a_function_that_moves_much_faster_than_its_argument_is_seen_through(
    rng: np.random.Generator,
) -> None:
    # The scale of x says nothing here: the first steps go over many periods.
    outside = 0
    for _ in range(500):
        x, period = float(rng.normal()), 10.0 ** rng.uniform(-4, 0)

        def wave(t: float, period: float = period) -> float:
            return math.sin(t / period)

        value, error, jump = differentiate(wave, x, noise=noise_of(wave, x))
        outside += bool(jump) or abs(value - math.cos(x / period) / period) > error
    assert outside <= 5


@pytest.mark.parametrize("step", [1e-2, 1e-4, 1e-6, 1e-7])
def test_the_error_bar_of_a_fixed_step_holds_too(step: float, rng: np.random.Generator) -> None:
    x = rng.normal(size=300)
    found = gradient(lambda v: float(np.sum(np.sin(v))), x, step=step)
    assert np.mean(np.abs(found.value - np.cos(x)) <= 4 * found.error) >= 0.99
    assert np.all(found.error < 1e-3)
    assert not found.jump.any()


def test_the_gradient_of_an_array_has_a_value_for_every_component(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 5))
    x[1, 2] = 0.0

    def f(v: np.ndarray) -> float:
        return float(np.sum(v**3) * v[0, 0])

    expected = 3 * x**2 * x[0, 0]
    expected[0, 0] += np.sum(x**3)
    found = gradient(f, x)
    assert [part.shape for part in found] == [(3, 5)] * 3
    assert np.all(np.abs(found.value - expected) <= found.error)
    np.testing.assert_allclose(found.value, expected, rtol=1e-9, atol=1e-12)


def test_of_no_components_there_is_nothing() -> None:
    assert [part.shape for part in gradient(lambda v: float(v.sum()), np.zeros((0, 3)))] == [(0, 3)] * 3


def test_every_call_has_an_array_of_its_own() -> None:
    kept: list[np.ndarray] = []

    def keeping(v: np.ndarray) -> float:
        kept.append(v)
        return float(v @ v)

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(gradient(keeping, x).value, 2 * x)
    assert len({id(v) for v in kept}) == len(kept)
    assert x.tolist() == [1.0, 2.0]


# ---- where there is little to see, or nothing ----


@pytest.mark.parametrize("x", [0.0, 1.0, -1e8])
@pytest.mark.parametrize("level", [0.0, 7.0, -1e9])
def test_of_a_constant_the_derivative_is_0(x: float, level: float) -> None:
    value, error, jump = differentiate(lambda _: level, x, noise=noise_of(lambda _: level, x))
    assert value == jump == 0
    assert error <= max(1e-12 * abs(level), 1e-310)


@pytest.mark.parametrize(
    ("f", "x", "truth"),
    [
        (math.sqrt, 1e-9, 0.5 / math.sqrt(1e-9)),
        (math.log, 1e-7, 1e7),
        (math.asin, 1 - 1e-6, 1 / math.sqrt((1 - (1 - 1e-6)) * (1 + (1 - 1e-6)))),
        (lambda x: 1 / (1 - x), 1 - 2**-12, 2.0**24),
        (lambda x: math.log(x - 1000), 1000 + 2**-10, 2.0**10),
        (lambda x: math.exp(x) if x < 30 else math.inf, 29.9999, math.exp(29.9999)),
    ],
    ids=["sqrt", "log", "arcsin", "pole", "shifted log", "overflow"],
)
def test_close_to_the_border_of_its_domain(f: Function, x: float, truth: float) -> None:
    value, error, jump = differentiate(f, x, noise=noise_of(f, x))
    assert abs(value - truth) <= error <= 1e-3 * truth
    assert jump == 0


@pytest.mark.parametrize("f", [math.sqrt, lambda x: x * math.log(x) if x else 0.0], ids=["sqrt", "x log x"])
def test_on_the_border_there_is_no_derivative(f: Function) -> None:
    value, error, jump = differentiate(f, 0.0, noise=noise_of(f, 0.0))
    assert math.isnan(value)
    assert error == math.inf
    assert jump == 0


def raising(error: type[Exception]) -> Function:
    def f(_: float) -> float:
        raise error

    return f


@pytest.mark.parametrize(
    "f",
    [
        lambda _: math.nan,
        lambda _: math.inf,
        lambda x: np.float64(x) / 0.0,
        lambda x: x / 0,
        lambda _: math.exp(1000),
        raising(ValueError),
    ],
    ids=["NaN", "infinite", "NumPy's 1/0", "Python's 1/0", "overflow", "ValueError"],
)
def test_where_f_is_not_defined_the_error_is_infinite(f: Function) -> None:
    value, error, jump = differentiate(f, 1.0, noise=noise_of(f, 1.0))
    assert math.isnan(value)
    assert error == math.inf
    assert jump == 0


def test_other_exceptions_are_not_swallowed() -> None:
    for ask in (lambda f: differentiate(f, 1.0, noise=0.0), lambda f: noise_of(f, 1.0)):
        with pytest.raises(KeyError):
            ask(raising(KeyError))


def test_a_known_value_at_x_is_not_computed_again() -> None:
    asked: list[float] = []

    def f(x: float) -> float:
        asked.append(x)
        return x * x

    assert differentiate(f, 3.0, noise=1e-15, at_x=9.0).value == pytest.approx(6, rel=1e-12)
    assert 3.0 not in asked
