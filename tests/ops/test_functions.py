"""Functions of one variable: values in more digits than the engine has, derivatives by the complex step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from derivatives import close, complex_step

import tinygrad_edu as tg

LONG = np.longdouble
REAL, POSITIVE, UNIT = (
    np.array([-2.3, -0.4, 0.1, 1.7]),
    np.array([0.01, 0.4, 1.0, 30.0]),
    np.array([-0.99, -0.3, 0.0, 0.8]),
)
ABOVE_ONE = np.array([1.001, 1.5, 20.0])

# name: (points, a formula for long doubles and for complex numbers)
FUNCTIONS: dict[str, tuple[np.ndarray, Callable[[Any], Any]]] = {
    "exp": (REAL, np.exp), "expm1": (np.array([-3.0, -1e-9, 1e-12, 2.0]), np.expm1),
    "log": (POSITIVE, np.log),
    "log1p": (np.array([-0.9, -1e-9, 1e-12, 8.0]), np.log1p), "sqrt": (POSITIVE, np.sqrt),
    "square": (REAL, lambda z: z * z), "reciprocal": (REAL, lambda z: 1 / z), "neg": (REAL, lambda z: -z),
    "sin": (REAL, np.sin), "cos": (REAL, np.cos), "tan": (REAL, np.tan), "arcsin": (UNIT, np.arcsin),
    "arccos": (UNIT, np.arccos), "arctan": (REAL, np.arctan), "sinh": (REAL, np.sinh),
    "cosh": (REAL, np.cosh),
    "tanh": (REAL, np.tanh), "arcsinh": (REAL, np.arcsinh), "arccosh": (ABOVE_ONE, np.arccosh),
    "arctanh": (UNIT, np.arctanh), "sigmoid": (REAL, lambda z: 1 / (1 + np.exp(-z))),
    "softplus": (REAL, lambda z: np.log(1 + np.exp(z))), "identity": (REAL, lambda z: z),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name):
    points, formula = FUNCTIONS[name]
    wanted = formula(points.astype(LONG)).astype(float)
    close(getattr(tg, name)(tg.tensor(points)), wanted, rtol=4e-16 * 4)
    close(getattr(tg, name)(points), wanted, rtol=4e-16 * 4)
    for x, y in zip(points.tolist(), wanted, strict=True):
        assert getattr(tg, name)(tg.Scalar(x)).value == pytest.approx(y, rel=2e-15)
        assert getattr(tg, name)(x) == pytest.approx(y, rel=2e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name):
    points, formula = FUNCTIONS[name]
    f, wanted = getattr(tg, name), complex_step(formula, points)
    close(tg.grad(lambda x: f(x).sum())(points), wanted, rtol=1e-13)
    close(tg.jvp(f, [points], [np.full(points.shape, 2.0)])[1], 2 * wanted, rtol=1e-13)
    close([tg.grad(f)(x) for x in points.tolist()], wanted, rtol=1e-13)
    close([tg.jvp(f, [x], [1.0])[1] for x in points.tolist()], wanted, rtol=1e-13)


SECOND: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp, "expm1": np.exp, "log": lambda x: -1 / x**2, "log1p": lambda x: -1 / (1 + x) ** 2,
    "sqrt": lambda x: -0.25 * x**-1.5, "square": lambda x: 2 + 0 * x, "reciprocal": lambda x: 2 / x**3,
    "neg": lambda x: 0 * x, "sin": lambda x: -np.sin(x), "cos": lambda x: -np.cos(x),
    "tan": lambda x: 2 * np.sin(x) / np.cos(x) ** 3, "arcsin": lambda x: x * (1 - x * x) ** -1.5,
    "arccos": lambda x: -x * (1 - x * x) ** -1.5, "arctan": lambda x: -2 * x / (1 + x * x) ** 2,
    "sinh": np.sinh,
    "cosh": np.cosh, "tanh": lambda x: -2 * np.sinh(x) / np.cosh(x) ** 3,
    "arcsinh": lambda x: -x * (1 + x * x) ** -1.5,
    "arccosh": lambda x: -x * (x * x - 1) ** -1.5, "arctanh": lambda x: 2 * x / (1 - x * x) ** 2,
    "sigmoid": lambda x: np.exp(x) * (1 - np.exp(x)) / (1 + np.exp(x)) ** 3,
    "softplus": lambda x: np.exp(x) / (1 + np.exp(x)) ** 2, "identity": lambda x: 0 * x,
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_derivatives(name):
    points, f, wanted = FUNCTIONS[name][0], getattr(tg, name), SECOND[name](FUNCTIONS[name][0])
    close(tg.hvp(lambda x: f(x).sum(), points, np.ones(points.shape)), wanted, rtol=1e-11, atol=1e-13)
    close([tg.grad(tg.grad(f))(x) for x in points.tolist()], wanted, rtol=1e-11, atol=1e-13)


def test_erf():
    # Abramowitz and Stegun, Handbook of Mathematical Functions (1964), table 7.1
    table = {0.0: 0.0, 0.5: 0.5204998778, 1.0: 0.8427007929, 1.5: 0.9661051465, 2.0: 0.9953222650}
    points = np.array(list(table))
    close(tg.erf(points), list(table.values()), rtol=1e-9)
    close(tg.erf(tg.tensor(-points)), [-v for v in table.values()], rtol=1e-9)
    close(tg.grad(lambda x: tg.erf(x).sum())(points), 2 / np.sqrt(np.pi) * np.exp(-(points**2)), rtol=1e-14)
    assert tg.erf(tg.Scalar(1.0)).value == math.erf(1.0)


@pytest.mark.parametrize(
    "one", [1, np.int64(1), np.array([1]), tg.tensor([1])], ids=["int", "int64", "array", "tensor"]
)
@pytest.mark.parametrize("name", ["exp", "sqrt", "sigmoid", "tanh", "erf", "softplus", "log1p", "reciprocal"])
def test_integers_give_the_values_of_floats(name, one):
    found = np.asarray(
        getattr(
            getattr(tg, name)(one), "value", getattr(tg, name)(one) if not isinstance(one, tg.Tensor) else 0
        )
    )
    close(found.reshape(()), getattr(tg, name)(1.0), rtol=1e-15)


@pytest.mark.parametrize("x", [-1000.0, -745.0, -50.0, -1e-300, 0.0, 1e-300, 50.0, 745.0, 1000.0])
def test_sigmoid_and_softplus_far_out(x):
    small = math.exp(-abs(x))
    sigmoid = 1 / (1 + small) if x >= 0 else small / (1 + small)
    slope = small / (1 + small) ** 2
    softplus = math.log1p(small) + max(x, 0.0)
    for make in (lambda v: v, np.array):
        tolerance = {"rel": 1e-12, "abs": 1e-320}
        assert float(tg.sigmoid(make(x))) == pytest.approx(sigmoid, **tolerance)
        assert float(tg.softplus(make(x))) == pytest.approx(softplus, **tolerance)
        assert float(tg.grad(tg.sigmoid)(make(x))) == pytest.approx(slope, **tolerance)
        assert float(tg.grad(tg.softplus)(make(x))) == pytest.approx(sigmoid, **tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sigmoid_keeps_all_digits_in_both_tails(dtype):
    x = np.linspace(-100, 100, 20_001).astype(dtype)
    far = np.longdouble(0) + x
    exact = np.where(far >= 0, 1 / (1 + np.exp(-far)), np.exp(far) / (1 + np.exp(far)))
    found = tg.sigmoid(x)
    assert found.dtype == dtype
    representable = exact >= np.finfo(dtype).tiny
    units = np.abs(found - exact) / np.spacing(exact.astype(dtype))
    assert units[representable].max() < 3  # an exponential, a sum and a quotient round once each


def test_sigmoid_of_what_is_no_number_and_what_is_not_real():
    close(tg.sigmoid(np.array([-np.inf, np.inf])), [0.0, 1.0], rtol=0)
    assert np.isnan(tg.sigmoid(np.array([np.nan]))).all()
    with pytest.raises(TypeError):  # it is not analytic as it is computed, and must not look as if it were
        tg.ops.sigmoid(np.array([1 + 1e-30j]))


@pytest.mark.parametrize("x", [-1000.0, 1000.0])
def test_tanh_far_out(x):
    assert tg.tanh(x) == math.copysign(1.0, x)
    assert tg.grad(tg.tanh)(x) == 0.0
    assert tg.grad(tg.tanh)(np.array(x)) == 0.0


@pytest.mark.parametrize("x", [-30.0, -15.0, -5.0])
def test_the_slope_of_expm1_keeps_its_digits(x):
    assert tg.grad(tg.expm1)(x) == pytest.approx(math.exp(x), rel=1e-12, abs=0)


def test_values_next_to_zero_keep_their_digits():
    tiny = 1e-18
    for name in ("expm1", "log1p", "sin", "tan", "tanh", "arcsinh", "arctanh", "arctan"):
        assert getattr(tg, name)(tiny) == pytest.approx(tiny, rel=1e-12, abs=0)
        assert getattr(tg, name)(np.array(tiny)) == pytest.approx(tiny, rel=1e-12, abs=0)
