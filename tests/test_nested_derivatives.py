"""Perturbation confusion (Siskind and Pearlmutter 2005): d/dx [x · d/dy (x + y)] is 1, and 2 if they are confused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg


def by_grad(f: Callable[..., Any], x: Any) -> Any:
    return tg.grad(f)(x)


def by_jvp(f: Callable[..., Any], x: Any) -> Any:
    return tg.jvp(f, [x], [1.0])[1]


def by_vjp(f: Callable[..., Any], x: Any) -> Any:
    return tg.vjp(f, x)[1](1.0)[0]


def by_jacobian(f: Callable[..., Any], x: Any) -> Any:
    return tg.jacobian(f)(x)


WAYS = [by_grad, by_jvp, by_vjp, by_jacobian]
NUMBERS: list[Callable[[float], Any]] = [float, np.float64]


@pytest.mark.parametrize("make", NUMBERS)
@pytest.mark.parametrize("inner", WAYS)
@pytest.mark.parametrize("outer", WAYS)
def test_the_classic(outer, inner, make):
    assert float(outer(lambda x: x * inner(lambda y: x + y, make(1.0)), make(1.0))) == 1.0


@pytest.mark.parametrize("inner", WAYS)
@pytest.mark.parametrize("outer", WAYS)
def test_the_inner_function_of_the_outer_variable(outer, inner):
    # d/dx [x · d/dy (x y) at y = x] = d/dx x² = 2x;  and with the inner at a plain number: the same
    assert float(outer(lambda x: x * inner(lambda y: x * y, x), 3.0)) == 6.0
    assert float(outer(lambda x: x * inner(lambda y: x * y, 5.0), 3.0)) == 6.0


@pytest.mark.parametrize("inner", WAYS)
@pytest.mark.parametrize("outer", WAYS)
def test_the_point_of_the_inner_derivative_moves(outer, inner):
    # d/dx [d/dy (y³ x) at y = x²] = d/dx 3 x⁵ = 15 x⁴
    assert float(outer(lambda x: inner(lambda y: y * y * y * x, x * x), 2.0)) == 240.0


@pytest.mark.parametrize("ways", [(a, b, c) for a in WAYS[:2] for b in WAYS[:2] for c in WAYS[:2]])
def test_three_deep(ways):
    first, second, third = ways

    def f(x):
        return x * second(lambda y: y * x * third(lambda z: x * y * z * z, y), x)

    # third: 2xyz at z = y: 2xy²; second: d/dy 2x²y³ = 6x²y² at y = x: 6x⁴; first: d/dx 6x⁵ = 30x⁴
    assert float(first(f, 2.0)) == 480.0


def test_an_inner_derivative_that_ignores_its_argument():
    assert tg.grad(lambda x: x * tg.grad(lambda y: x * x)(1.0))(3.0) == 0.0
    assert tg.grad(lambda x: x + tg.grad(lambda y: y * y)(2.0))(3.0) == 1.0


def test_the_inner_derivative_by_several_arguments():
    def outer(x):
        da, db = tg.grad(lambda a, b: a * b * x, (0, 1))(2.0, x)
        return da * db  # (x · x) · (2 x)

    assert tg.grad(outer)(3.0) == 6 * 9.0


def test_inner_vectors():
    def outer(s):
        v = tg.grad(lambda u: (s * u * u).sum())(np.array([1.0, 2.0]))  # 2 s u
        return (v * v).sum()  # 20 s²

    close(tg.grad(outer)(np.float64(3.0)), 120.0)
    close(tg.hessian(outer)(np.float64(3.0)), 40.0)


def test_gradient_descent_differentiated_by_its_rate():
    def after_two_steps(rate):
        x = 1.0
        for _ in range(2):
            x = x - rate * tg.grad(lambda v: v * v)(x)
        return x  # (1 − 2 rate)²

    assert tg.grad(after_two_steps)(0.1) == pytest.approx(-4 * 0.8, rel=1e-15)


def test_an_inner_function_within_no_grad_is_still_differentiated_inside():
    with tg.no_grad():
        assert tg.grad(lambda x: x * tg.grad(lambda y: x * y)(1.0))(3.0) == 6.0


@pytest.mark.parametrize("x", [tg.Scalar(3.0), tg.tensor(3.0, requires_grad=True)], ids=repr)
def test_a_leaf_that_is_not_ours(x):
    y = x * tg.grad(lambda v: v * v)(x)  # 2 x²: of a node the derivative is a node
    assert [float(g) for g in tg.gradients(y, [x])] == [12.0]
    assert x.grad is None


def test_an_exception_inside_leaves_no_trace():
    def fail(y):
        raise KeyError

    with pytest.raises(KeyError):
        tg.grad(lambda x: x * tg.grad(fail)(1.0))(3.0)
    assert type(tg.grad(lambda x: x * x)(3.0)) is float
