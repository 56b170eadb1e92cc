from __future__ import annotations

import numpy as np
import pytest
from derivatives import central, close, numeric_vjps

import tinygrad_edu as tg

AXES = [None, 0, 1, -1, (0,), (0, 2), (2, 0), (-1, 1), (0, 1, 2), ()]


def logsumexp(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


REFERENCE = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod, "var": np.var,
             "std": np.std, "logsumexp": logsumexp}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_along_axes(name, axis, keepdims, rng):
    if axis == () and name == "std":
        return  # √0 of every element: no derivative
    x = rng.permutation(30).reshape(2, 3, 5) / 15 - 1.02
    f, reference = getattr(tg, name), REFERENCE[name]
    wanted = reference(x, axis=axis, keepdims=keepdims)
    close(f(x, axis=axis, keepdims=keepdims), wanted)
    node = tg.tensor(x, requires_grad=True)
    y = f(node, axis=axis, keepdims=keepdims)
    close(y, wanted)
    g, t = rng.normal(size=np.shape(wanted)), rng.normal(size=x.shape)
    (numeric,) = numeric_vjps(lambda v: reference(v, axis=axis, keepdims=keepdims), [x], g)
    found = tg.reverse_sweep(y, g)[node]
    close(found, numeric, rtol=1e-7, atol=1e-9)
    close(np.sum(tg.forward_sweep([y], {node: t})[0] * g), np.sum(found * t))


@pytest.mark.parametrize("name", REFERENCE)
def test_second_derivatives(name, rng):
    x = rng.permutation(6).reshape(2, 3) / 3 - 0.7
    f = getattr(tg, name)
    t = rng.normal(size=x.shape)
    hvp = tg.hvp(lambda v: (f(v, axis=1) * np.array([1.0, 2.0])).sum(), x, t)

    def slope(v):
        return np.sum(t * tg.grad(lambda u: (f(u, axis=1) * np.array([1.0, 2.0])).sum())(v))

    close(hvp, central(slope, x), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("ddof", [0, 1, 2])
def test_degrees_of_freedom(ddof, rng):
    x = rng.normal(size=(4, 3))
    close(tg.var(x, axis=0, ddof=ddof), np.var(x, axis=0, ddof=ddof))
    close(tg.std(tg.tensor(x), ddof=ddof), np.std(x, ddof=ddof))
    close(tg.grad(lambda v: tg.var(v, ddof=ddof))(x), 2 * (x - x.mean()) / (12 - ddof))


def test_variance_of_equal_numbers():
    close(tg.var(np.full(5, 0.1)), 0.0)
    close(tg.grad(tg.var)(np.full(5, 3.0)), np.zeros(5))


@pytest.mark.parametrize(("x", "wanted"), [
    ([2.0, 0.0, 3.0], [0, 6, 0]), ([0.0, 0.0, 3.0], [0, 0, 0]), ([0.0], [1]), ([2.0, 3.0], [3, 2]),
    ([-2.0, 0.0], [0, -2]),
])  # fmt: skip
def test_products_with_zeros(x, wanted):
    close(tg.grad(tg.prod)(np.array(x)), wanted)
    close(tg.jvp(tg.prod, [np.array(x)], [np.ones(len(x))])[1], np.sum(wanted))


def test_products_with_zeros_along_axes():
    x = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 4.0], [1.0, 2.0, 3.0]])
    close(tg.grad(lambda v: tg.prod(v, axis=1).sum())(x), [[0, 6, 0], [0, 0, 0], [6, 3, 2]])
    close(tg.grad(lambda v: tg.prod(v, axis=0).sum())(x), [[0, 0, 12], [2, 0, 9], [0, 0, 12]])
    deep = np.stack([x, x + 1])
    (numeric,) = numeric_vjps(lambda v: np.prod(v, axis=(0, 2)), [deep], np.array([1.0, 2.0, 3.0]))
    close(tg.vjp(lambda v: tg.prod(v, axis=(0, 2)), deep)[1]([1.0, 2.0, 3.0])[0], numeric, atol=1e-9)


def test_the_second_derivative_of_a_product_with_zeros():
    close(tg.hessian(tg.prod)(np.array([2.0, 0.0, 3.0])), [[0, 3, 0], [3, 0, 2], [0, 2, 0]])
    close(tg.hessian(tg.prod)(np.array([0.0, 0.0, 3.0])), [[0, 3, 0], [3, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_running_sums(axis, rng):
    x, g = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    close(tg.cumsum(x, axis), np.cumsum(x, axis))
    (numeric,) = numeric_vjps(lambda v: np.cumsum(v, axis), [x], g)
    close(tg.vjp(lambda v: tg.cumsum(v, axis), x)[1](g)[0], numeric, atol=1e-10)
    close(tg.tensor(x).cumsum(axis), np.cumsum(x, axis))


@pytest.mark.parametrize("shift", [-1000.0, 0.0, 1000.0])
def test_logsumexp_far_out(shift, rng):
    x = rng.normal(size=(3, 4))
    exact = np.log(np.sum(np.exp(x.astype(np.longdouble)), axis=1)).astype(float) + shift
    close(tg.logsumexp(x + shift, axis=1), exact, rtol=1e-12)
    p = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    close(tg.grad(lambda v: tg.logsumexp(v, axis=1).sum())(x + shift), p, rtol=1e-12)
    close(tg.logsumexp(np.array([-1000.0, 1000.0])), 1000.0)


def test_logsumexp_of_nothing_possible():
    impossible = np.array([[-np.inf, -np.inf], [-np.inf, 1.0]])
    assert tg.logsumexp(impossible, axis=1).tolist() == [-np.inf, 1.0]
    close(tg.grad(lambda v: tg.logsumexp(v[1:], axis=1).sum())(impossible), [[0, 0], [0, 1]])
    assert tg.logsumexp(np.array([np.inf, 1.0])) == np.inf


@pytest.mark.parametrize("name", ["mean", "var", "max", "min", "logsumexp"])
@pytest.mark.parametrize("axis", [None, 0])
def test_reductions_of_nothing_are_refused(name, axis):
    with pytest.raises(ValueError, match=rf"{name}: .*(expected|element)|no identity"):
        getattr(tg, name)(tg.tensor(np.zeros((0, 3))), axis)


def test_sums_and_products_of_nothing():
    empty = tg.tensor(np.zeros((0, 3)), requires_grad=True)
    assert tg.sum(empty).item() == 0.0
    assert tg.prod(empty).item() == 1.0
    assert tg.max(empty, axis=1).shape == (0,)
    (tg.sum(empty) + tg.prod(empty)).backward()
    assert empty.grad.shape == (0, 3)


def test_too_few_for_the_degrees_of_freedom():
    with pytest.raises(ValueError, match="more than ddof=1 elements were expected, 1 came"):
        tg.var(np.ones(1), ddof=1)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "prod", "var", "logsumexp"])
def test_axes_that_are_not_there(name):
    x = tg.tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(ValueError, match="axis 2 is out of bounds"):
        getattr(tg, name)(x, axis=2)


def test_a_tensor_without_axes():
    x = tg.tensor(3.0, requires_grad=True)
    y = x.sum() + x.mean() + x.max() + x.prod() + x.logsumexp()
    assert y.item() == 15.0
    y.backward()
    assert x.grad.item() == 5.0


def test_running_sums_want_an_axis():
    with pytest.raises(TypeError, match="cumsum: an axis was expected"):
        tg.cumsum(tg.tensor(np.ones((2, 3))), None)
