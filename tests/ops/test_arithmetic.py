from __future__ import annotations

import numpy as np
import pytest
from derivatives import close, numeric_vjps

import tinygrad_edu as tg


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "power", "maximum", "minimum"])
def test_two_operands(name, rng):
    a, b, g = rng.uniform(0.5, 2, 5), rng.uniform(-2, -0.5, 5), rng.normal(size=5)
    f, reference = (
        getattr(tg, name),
        getattr(np, {"sub": "subtract", "mul": "multiply", "div": "divide"}.get(name, name)),
    )
    close(f(tg.tensor(a), tg.tensor(b)), reference(a, b))
    pulled = tg.vjp(f, a, b)[1](g)
    for found, wanted in zip(pulled, numeric_vjps(reference, [a, b], g), strict=True):
        close(found, wanted, rtol=1e-9, atol=1e-10)
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        assert f(tg.Scalar(x), tg.Scalar(y)).value == pytest.approx(reference(x, y), rel=1e-15)
        close(
            tg.grad(f, (0, 1))(x, y),
            [v[0] for v in tg.grad(lambda p, q: f(p, q).sum(), (0, 1))(np.array([x]), np.array([y]))],
        )


@pytest.mark.parametrize(("exponent", "base", "value", "slope"), [
    (0, 0.0, 1.0, 0.0), (0, -3.0, 1.0, 0.0), (1, 0.0, 0.0, 1.0), (1, -3.0, -3.0, 1.0), (2, 0.0, 0.0, 0.0),
    (2, -3.0, 9.0, -6.0), (3, -2.0, -8.0, 12.0), (-1, -2.0, -0.5, -0.25), (-2, -2.0, 0.25, 0.25),
    (0.5, 4.0, 2.0, 0.25),
    (2.5, 0.0, 0.0, 0.0),
])  # fmt: skip
def test_powers_with_a_constant_exponent(exponent, base, value, slope):
    for n in (exponent, float(exponent), np.float64(exponent)):
        assert tg.power(tg.Scalar(base), n).value == value
        assert tg.grad(lambda x, n=n: x**n)(base) == slope
        close(tg.grad(lambda x, n=n: (x**n).sum())(np.array([base, base])), [slope, slope])
        close(tg.grad(lambda x, n=n: (x ** tg.tensor([float(n)])).sum())(np.array([base])), [slope])
        close(tg.jvp(lambda x, n=n: x**n, [base], [2.0])[1], 2 * slope)


def test_second_derivatives_of_powers():
    for n, x, wanted in (
        (0, 0.0, 0.0),
        (1, 0.0, 0.0),
        (2, 0.0, 2.0),
        (3, -2.0, -12.0),
        (4, 0.0, 0.0),
        (-1, -2.0, -0.25),
    ):
        assert tg.grad(tg.grad(lambda v, n=n: v**n))(x) == wanted
        close(tg.hessian(lambda v, n=n: (v**n).sum())(np.array([x])), [[wanted]])


def test_the_mixed_second_derivative_of_a_power_at_the_exponent_0():
    """∂²(aᵇ)/∂a∂b = aᵇ⁻¹ (1 + b log a), which is 1/a at b = 0."""
    for a in (0.5, 2.0, 5.0):
        mixed = tg.grad(lambda b, a=a: tg.grad(lambda x: x**b)(a))
        assert mixed(0.0) == pytest.approx(1 / a, rel=1e-15)
        close(tg.hessian(lambda v: v[0] ** v[1])(np.array([a, 0.0])), [[0.0, 1 / a], [1 / a, np.log(a) ** 2]])


def test_the_exponent_as_a_variable():
    close(
        tg.grad(lambda e: (2.0**e).sum())(np.array([0.0, 1.0, -1.0])), np.log(2) * np.array([1.0, 2.0, 0.5])
    )
    close(tg.grad(lambda e: (2**e).sum())(np.array([3.0])), [8 * np.log(2)])
    assert tg.grad(lambda e: 0.0**e)(2.0) == 0.0
    close(tg.grad(lambda e: (tg.tensor([0.0]) ** e).sum())(np.array([2.0])), [0.0])
    close(tg.grad(tg.grad(lambda e: 3.0**e))(1.5), np.log(3) ** 2 * 3**1.5)


def test_the_exponent_of_a_negative_base_has_no_derivative():
    with np.errstate(invalid="ignore"):
        found = tg.grad(lambda e: (tg.tensor([-2.0]) ** e).sum())(np.array([3.0]))
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    "left", [3, 3.0, np.float64(3.0), np.array([3.0, 3.0]), np.array(3.0), [3.0, 3.0]], ids=repr
)
@pytest.mark.parametrize("name", ["__add__", "__sub__", "__mul__", "__truediv__", "__pow__"])
def test_constants_on_the_left(left, name):
    x = tg.tensor([1.5, 2.0], requires_grad=True)
    symbol = {"__add__": "+", "__sub__": "-", "__mul__": "*", "__truediv__": "/", "__pow__": "**"}[name]
    y = eval(f"left {symbol} x", {"left": left, "x": x})
    close(y, getattr(np.float64(3.0) * np.ones(2), name)(x.numpy()))
    y.backward(np.ones(2))
    slope = {"+": 1.0, "-": -1.0, "*": 3.0, "/": -3 / x.numpy() ** 2, "**": np.log(3) * 3 ** x.numpy()}[
        symbol
    ]
    close(x.grad, slope * np.ones(2))


@pytest.mark.parametrize("op", [op for op in tg.registry.values() if op.builtin], ids=lambda op: op.name)
def test_the_builtin_is_the_forward(op, rng):
    xs = [domain.draw(rng) for domain in op.cases[0].domains]
    np.testing.assert_array_equal(op.forward(*xs), op.builtin(*xs))
    values = [float(x[0]) for x in xs]
    assert op.forward(*values) == op.builtin(*values)
    assert type(op.builtin(*values)) is float
