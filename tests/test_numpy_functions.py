"""NumPy's functions and operators on nodes: recorded where there is a primitive, refused with a reason where not."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg
from tinygrad_edu.errors import GraphLostError, NotDifferentiableError

UNARY = ["exp", "expm1", "log", "log1p", "sqrt", "square", "reciprocal", "sin", "cos", "tan", "arcsin", "arccos",
         "arctan", "sinh", "cosh", "tanh", "arcsinh", "arctanh", "abs", "negative", "sign", "logical_not"]  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_ufuncs(name):
    v = np.array([0.2, 0.7])
    y = getattr(np, name)(tg.tensor(v, requires_grad=True))
    assert isinstance(y, tg.Tensor)
    close(y, getattr(np, name)(v))
    assert y.requires_grad == (name not in ("sign", "logical_not"))


FUNCTIONS = {
    "sum": lambda np_, x: np_.sum(x, axis=0), "mean": lambda np_, x: np_.mean(x), "max": lambda np_,
    x: np_.max(x, axis=1, keepdims=True),
    "var": lambda np_, x: np_.var(x, ddof=1), "reshape": lambda np_, x: np_.reshape(x, (3, 2)),
    "transpose": lambda np_, x: np_.transpose(x),
    "concatenate": lambda np_, x: np_.concatenate([x, x], axis=1), "stack": lambda np_, x: np_.stack([x, x]),
    "where": lambda np_, x: np_.where(x > 0, x, 0.0),
    "clip": lambda np_, x: np_.clip(x, -0.5, 0.5), "einsum": lambda np_, x: np_.einsum("ij->j", x),
    "matmul": lambda np_, x: np_.matmul(x, x.T),
    "maximum": lambda np_, x: np_.maximum(x, 0.1), "power": lambda np_, x: np_.power(x * x, 1.5),
    "expand_dims": lambda np_, x: np_.expand_dims(x, 0),
    "cumsum": lambda np_, x: np_.cumsum(x, axis=1), "flip": lambda np_, x: np_.flip(x, 0),
    "squeeze": lambda np_, x: np_.squeeze(x), "prod": lambda np_, x: np_.prod(x),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, rng):
    v = rng.normal(size=(2, 3))
    x = tg.tensor(v, requires_grad=True)
    y = FUNCTIONS[name](np, x)
    assert isinstance(y, tg.Tensor)
    assert y.requires_grad
    close(y, FUNCTIONS[name](np, v))


def test_questions_about_the_shape():
    x = tg.tensor(np.ones((2, 3)), requires_grad=True)
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)


@pytest.mark.parametrize(
    "f", [np.linalg.norm, np.round, np.median, np.dot, lambda x: np.zeros_like(x), lambda x: np.split(x, 2)]
)
def test_functions_without_a_primitive(f):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises((GraphLostError, NotDifferentiableError), match=r"np\.[\w.]+ is not recorded"):
        f(x, x) if f is np.dot else f(x)


@pytest.mark.parametrize(("f", "message"), [
    (lambda x: np.floor(x), r"np\.floor is not recorded: use a function of tinygrad_edu"),
    (lambda x: np.add.reduce(x), r"np\.add\.reduce is not recorded"),
    (lambda x: np.multiply.outer(x, x), r"np\.multiply\.outer is not recorded"),
    (lambda x: np.add(x, 1, where=[True, False]), "with where"),
    (lambda x: np.ones(2) // x, r"np\.floor_divide"),
    (lambda x: np.add(np.ones(2), x, out=np.ones(2)), "with out"),
])  # fmt: skip
def test_what_ufuncs_cannot_do(f, message):
    with pytest.raises(NotDifferentiableError, match=message):
        f(tg.tensor([1.0, 2.0], requires_grad=True))


def test_an_array_is_not_updated_in_place_by_a_tensor():
    a, x = np.ones(2), tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(NotDifferentiableError, match=r"np\.add is not recorded with out"):
        a += x
    assert a.tolist() == [1.0, 1.0]


LEFTS = [
    np.array([3.0, 5.0]),
    np.array([[3.0, 5.0], [1.0, 2.0]]),
    np.float64(3.0),
    np.float32(3.0),
    np.int64(3),
    np.array(3.0),
    np.array([3, 5]),
]
OPERATORS = ["add", "sub", "mul", "truediv", "pow", "lt", "le", "gt", "ge", "eq", "ne"]


@pytest.mark.parametrize("left", LEFTS, ids=repr)
@pytest.mark.parametrize("name", OPERATORS)
def test_numpy_on_the_left_of_an_operator(left, name):
    f, v = getattr(operator, name), np.array([1.5, 3.0])
    x = tg.tensor(v, requires_grad=True)
    y = f(left, x)
    assert isinstance(y, tg.Tensor)
    close(y, f(left, v))
    close(f(x, left), f(v, left))
    if y.requires_grad:
        close(
            tg.vjp(lambda u: f(left, u), v)[1](np.ones(y.shape))[0],
            tg.vjp(lambda u: f(tg.tensor(left, dtype=float), u), v)[1](np.ones(y.shape))[0],
        )


@pytest.mark.parametrize(
    "left", [np.ones(2), np.ones((3, 2)), [[1.0, 1.0]]], ids=["vector", "matrix", "list"]
)
def test_an_array_on_the_left_of_a_matrix_product(left):
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = left @ x
    close(y, np.asarray(left) @ x.numpy())
    y.sum().backward()
    close(x.grad, np.tile(np.atleast_2d(np.asarray(left)).sum(axis=0)[:, None], 2))


@pytest.mark.parametrize(("f", "message"), [
    (lambda x: np.reshape(x, (3, 2), "F"), "too many positional arguments"),
    (lambda x: np.pad(x, ((1, 1), (0, 0)), "edge"), "too many positional arguments"),
    (lambda x: np.cumsum(x, 0, np.float32), "too many positional arguments"),
    (lambda x: x.sum(0, True, "more"), "too many positional arguments"),
    (lambda x: tg.sum(x, 0, axis=1), "multiple values for argument 'axis'"),
])  # fmt: skip
def test_arguments_beyond_those_of_the_primitive_are_refused(f, message):
    with pytest.raises(TypeError, match=message):
        f(tg.tensor(np.ones((2, 3)), requires_grad=True))
