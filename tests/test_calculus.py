from __future__ import annotations

import numpy as np
import pytest
from derivatives import central, close

import tinygrad_edu as tg
from tinygrad_edu.errors import NotDifferentiableError, ShapeError


def rosenbrock(v):
    return (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2


def test_numbers_arrays_and_nodes():
    def f(x):
        return tg.sum(x * x * x) if not isinstance(x, tg.Scalar) else x * x * x

    assert tg.grad(f)(2.0) == 12.0
    assert type(tg.grad(f)(2.0)) is float
    assert type(tg.grad(f)(2)) is float
    found = tg.grad(f)(np.array([1.0, 2.0]))
    assert type(found) is np.ndarray
    close(found, [3.0, 12.0])
    node = tg.grad(f)(tg.tensor([1.0, 2.0]))
    assert isinstance(node, tg.Tensor)
    close(node, [3.0, 12.0])
    assert isinstance(tg.grad(f)(tg.Scalar(2.0)), tg.Scalar)
    close(tg.grad(f)([1.0, 2.0]), [3.0, 12.0])
    close(tg.grad(f)(np.float64(2.0)), 12.0)


@pytest.mark.parametrize(
    ("argnums", "wanted"),
    [(0, 3.0), (1, 2.0), (-1, 2.0), ((0, 1), (3.0, 2.0)), ([1, 0], (2.0, 3.0)), ((0,), (3.0,))],
)
def test_the_arguments_to_differentiate_by(argnums, wanted):
    assert tg.grad(lambda a, b: a * b, argnums)(2.0, 3.0) == wanted
    assert tg.value_and_grad(lambda a, b: a * b, argnums)(2.0, 3.0) == (6.0, wanted)


def test_other_arguments_may_be_anything():
    def f(x, labels, *, scale):
        return tg.softmax_cross_entropy(x, labels) * scale

    found = tg.grad(f)(np.zeros((2, 2)), [0, 1], scale=4.0)
    close(found, [[-1, 1], [1, -1]])


@pytest.mark.parametrize("argnum", [2, -3, (0, 5)])
def test_an_argument_that_is_not_there(argnum):
    with pytest.raises(
        ValueError, match=r"argument \S+ is to be differentiated by, but only 2 arguments came"
    ):
        tg.grad(lambda a, b: a * b, argnum)(1.0, 2.0)


def test_arguments_that_were_given_by_name_do_not_count():
    with pytest.raises(ValueError, match="argument 0 is to be differentiated by, but no argument came"):
        tg.grad(lambda a: a * a)(a=1.0)
    with pytest.raises(ValueError, match="but only 1 argument came: they are counted from 0"):
        tg.grad(lambda a: a * a, 1)(1.0)
    with pytest.raises(ValueError, match="at least one argument to differentiate by was expected, none came"):
        tg.vjp(lambda: tg.Scalar(1.0))
    with pytest.raises(ValueError, match="none was chosen"):
        tg.grad(lambda a: a * a, ())(1.0)


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2), [1, 0, -1]])
def test_an_argument_is_not_chosen_twice(argnums):
    with pytest.raises(ValueError, match=r"argument [01] came twice in \("):
        tg.grad(lambda a, b: a * b, argnums)(2.0, 3.0)


@pytest.mark.parametrize("argnums", [True, False, (0, True), 0.0, "a", None, (0, "b")])
@pytest.mark.parametrize("derivative", [tg.grad, tg.value_and_grad, tg.jacobian])
def test_arguments_are_chosen_by_integers(derivative, argnums):
    with pytest.raises(TypeError, match=r"were expected as integers, counted from 0, .* came"):
        derivative(lambda a, b: a * b, argnums)


def test_a_number_beside_arrays():
    def f(a, W):
        return (a * W * W).sum()

    value, (da, dW) = tg.value_and_grad(f, (0, 1))(2.0, np.array([1.0, 3.0]))
    assert value == 20.0
    assert isinstance(da, float)
    assert da == 10.0
    close(dW, [4.0, 12.0])
    close(tg.grad(f, (0, 1))(2, [1.0, 3.0])[0], 10.0)
    close(tg.grad(f)(2.0, np.array([1.0, 3.0])), 10.0)
    close(tg.grad(f)(2.0, tg.tensor([1.0, 3.0])), 10.0)
    close(tg.jacobian(lambda a, W: a * W)(2.0, np.array([1.0, 3.0])), [1.0, 3.0])
    close(tg.jvp(f, [2.0, np.array([1.0, 3.0])], [1.0, np.zeros(2)])[1], 10.0)
    close(tg.grad(tg.grad(lambda a, W: (a * a * W).sum()))(2.0, np.array([1.0, 3.0])), 8.0)
    close(tg.grad(lambda a, b: a * b, (0, 1))(2.0, np.float64(3.0)), (3.0, 2.0))


def test_vjp():
    A = np.arange(6.0).reshape(2, 3)
    value, pull = tg.vjp(lambda x, y: tg.matmul(A, x) * y, np.ones(3), np.array([1.0, 2.0]))
    close(value, [3.0, 24.0])
    for w in (np.array([1.0, 0.0]), np.array([1.0, 1.0])):  # a pull-back may be used again
        dx, dy = pull(w)
        close(dx, (w * [1.0, 2.0]) @ A)
        close(dy, w * [3.0, 12.0])


def test_jvp():
    value, t = tg.jvp(
        lambda x, y: x * x * y,
        [np.array([1.0, 2.0]), np.array([3.0, 4.0])],
        [np.ones(2), np.array([0.0, 1.0])],
    )
    close(value, [3.0, 16.0])
    close(t, [6.0, 16.0 + 4.0])
    assert tg.jvp(lambda x: x * x, [3.0], [2]) == (9.0, 12.0)
    assert tg.jvp(lambda x: tg.Scalar(1.0) * 2, [3.0], [2.0])[1] == 0.0


@pytest.mark.parametrize("tangents", [[np.ones(3)], [np.ones((2, 1))], [], [np.ones(2), np.ones(2)], [1.0]])
def test_jvp_wants_one_tangent_of_the_shape_of_each_argument(tangents):
    with pytest.raises(ShapeError, match=r"tangents of the arguments' shapes"):
        tg.jvp(lambda x: x, [np.ones(2)], tangents)


@pytest.mark.parametrize(
    ("args", "tangents", "came"),
    [(2.0, 1.0, "arguments was expected, float"), ([2.0], 1.0, "tangents was expected, float"),
     (np.ones(3), np.ones(3), "arguments was expected, ndarray"), ([1.0], tg.tensor([1.0]), "tangents .* Tensor")],
)  # fmt: skip
def test_jvp_wants_sequences(args, tangents, came):
    with pytest.raises(TypeError, match=f"jvp: a list or tuple of {came}"):
        tg.jvp(lambda x: x, args, tangents)


def test_jacobian_of_a_softmax(rng):
    x = rng.normal(size=4)
    p = np.exp(x) / np.exp(x).sum()
    close(tg.jacobian(tg.softmax)(x), np.diag(p) - np.outer(p, p))


def test_jacobian_of_arrays(rng):
    A, x = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    found = tg.jacobian(lambda v: tg.matmul(A, v))(x)
    close(found, np.einsum("ik,jl->ijkl", A, np.eye(4)))
    close(tg.jacobian(lambda a, v: tg.matmul(a, v), 1)(A, x), found)
    assert tg.jacobian(lambda a: a * a)(3.0) == 6.0
    close(tg.jacobian(tg.sum)(x), np.ones((3, 4)))
    close(tg.jacobian(lambda v: tg.tensor([1.0, 2.0]) * 1.0)(x), np.zeros((2, 3, 4)))


@pytest.mark.parametrize("f", [lambda x: x * 2, lambda x: x[:0]])
def test_jacobian_of_nothing(f):
    assert tg.jacobian(f)(np.zeros(0)).shape == (0, 0)


@pytest.mark.parametrize("point", [(1.0, 1.0), (-1.2, 1.0), (0.0, 0.0)])
def test_hessian_of_rosenbrock(point):
    x, y = point
    close(tg.grad(rosenbrock)(np.array(point)), [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])
    H = np.array([[2 - 400 * (y - 3 * x * x), -400 * x], [-400 * x, 200]])
    close(tg.hessian(rosenbrock)(np.array(point)), H)
    close(tg.hvp(rosenbrock, np.array(point), np.array([1.0, -2.0])), H @ [1.0, -2.0])
    close(tg.jacobian(tg.grad(rosenbrock))(np.array(point)), H)
    close(tg.hessian(rosenbrock)(tg.tensor(point)), H)


def test_hessian_of_one_number():
    assert tg.hessian(lambda x: x**3)(2.0) == 12.0
    close(tg.hessian(lambda x: x**3)(np.float64(2.0)), 12.0)


def test_hessian_of_a_matrix(rng):
    X, A = rng.normal(size=(2, 3)), rng.normal(size=(3, 3))
    wanted = np.einsum("ik,jl->ijkl", np.eye(2), A + A.T)
    close(tg.hessian(lambda v: tg.einsum("ij,jk,ik->", v, A, v))(X), wanted)


@pytest.mark.parametrize(
    "f", [lambda x: tg.sum(x * 3), lambda x: tg.sum(x[0] * 0.0 + 1.0), lambda x: tg.tensor(1.0) * 2]
)
def test_hessian_of_what_has_none(f):
    close(tg.hessian(f)(np.ones(2)), np.zeros((2, 2)))
    close(tg.hvp(f, np.ones(2), np.ones(2)), np.zeros(2))


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_hessian_by_nothing(shape):
    assert tg.hessian(tg.sum)(np.zeros(shape)).shape == (*shape, *shape)


def test_derivatives_of_derivatives_of_derivatives():
    def f(x):
        return x.tanh()

    t = np.tanh(0.3)
    s = 1 - t * t
    wanted = [s, -2 * t * s, -2 * s * (1 - 3 * t * t), 8 * t * s * (2 - 3 * t * t)]
    for value in wanted:
        f = tg.grad(f)
        close(f(0.3), value, rtol=1e-13)


def test_a_parameter_of_the_surroundings_is_a_constant_of_the_function():
    w = tg.tensor([2.0, 3.0], requires_grad=True)
    found = tg.grad(lambda x: (w * x * x).sum())(np.array([1.0, 2.0]))
    close(found, [4.0, 12.0])
    assert w.grad is None
    close(
        tg.grad(lambda v: tg.grad(lambda x: (v * x * x).sum())(np.array([1.0, 2.0])).sum())(
            np.array([5.0, 6.0])
        ),
        [2.0, 4.0],
    )


def test_within_no_grad():
    with tg.no_grad():
        assert tg.grad(lambda x: x * x)(3.0) == 6.0
        close(tg.hessian(rosenbrock)(np.ones(2)), [[802.0, -400.0], [-400.0, 200.0]])
        assert not (tg.Scalar(1.0) * 2).requires_grad
    inner = tg.grad(lambda x: x * (_quietly(lambda: x * x)))(3.0)
    assert inner == 9.0  # what was computed within no_grad is a constant


def _quietly(f):
    with tg.no_grad():
        return f()


def test_gradients_of_leaves_are_not_touched():
    x, w = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([3.0, 4.0], requires_grad=True)
    before = w.grad = tg.tensor([7.0, 7.0])
    tg.grad(lambda v: (v * w * x).sum())(x)
    tg.hvp(lambda v: (v * v * w).sum(), x, np.ones(2))
    tg.jacobian(lambda v: v * w)(x)
    assert x.grad is None
    assert w.grad is before


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 3.0,
        lambda x: x.item(),
        lambda x: float(x),
        lambda x: None,
        lambda x: (3.0, 4.0),
        lambda x: x.data,
    ],
)
def test_a_function_that_records_nothing(f):
    with pytest.raises(
        NotDifferentiableError, match=r"the function returned a plain \w+, so nothing was recorded"
    ):
        tg.grad(f)(2.0)


@pytest.mark.parametrize("derivative", [tg.grad, tg.jacobian])
@pytest.mark.parametrize("kind", [list, tuple])
def test_a_function_that_returns_several_nodes(derivative, kind):
    with pytest.raises(NotDifferentiableError, match=f"returned a {kind.__name__} of nodes.*with tg.stack"):
        derivative(lambda x: kind((x, x)))(2.0)


def test_gradients_of_what_was_not_recorded():
    with tg.no_grad():
        x = tg.tensor([1.0], requires_grad=True)
        y = (x * x).sum()
    with pytest.raises(
        NotDifferentiableError, match=r"gradients: .* depends on nothing that requires a grad"
    ):
        tg.gradients(y, [x])
    assert (
        tg.grad(lambda x: tg.Scalar(1.0, requires_grad=False) * 2)(3.0) == 0.0
    )  # a constant function has one


def test_gradients_are_of_one_node_by_a_sequence():
    x = tg.Scalar(3.0)
    y = x * x
    assert tg.gradients(y, (node for node in [x])) == [6.0]
    with pytest.raises(TypeError, match="one node to differentiate was expected, list came"):
        tg.gradients([y], [x])
    for wrong, came in (
        (x, "a single Scalar"),
        (1.0, "a single float"),
        ([x, 2.0], "other things among them"),
    ):
        with pytest.raises(TypeError, match=f"a sequence of nodes .* was expected, {came} came"):
            tg.gradients(y, wrong)


@pytest.mark.parametrize("x", [np.array([1, 2]), [1, 2], np.int64(3), True, tg.tensor([1, 2])], ids=repr)
def test_integers_are_refused(x):
    with pytest.raises(NotDifferentiableError, match="cannot require a gradient"):
        tg.grad(tg.sum)(x)


@pytest.mark.parametrize("derivative", [tg.grad, tg.value_and_grad, tg.hessian])
def test_a_function_with_many_numbers_as_its_result(derivative):
    with pytest.raises(ShapeError, match=r"one of shape \(2,\) came: sum it, or use tg\.vjp or tg\.jacobian"):
        derivative(lambda x: x * x)(np.ones(2))


def test_the_results_do_not_share_memory_that_can_be_written():
    a, b = tg.grad(lambda a, b: ((a + b) ** 2).sum(), (0, 1))(np.ones(2), np.ones(2))
    assert not (np.shares_memory(a, b) and a.flags.writeable)
    w = np.ones(2)
    (g,) = tg.vjp(lambda a: a + 1, np.ones(2))[1](w)
    assert not (np.shares_memory(g, w) and g.flags.writeable)


def test_gradients_of_a_network_against_differences(rng):
    X, W = rng.normal(size=(5, 3)), rng.normal(size=(3, 2))

    def loss(W):
        return tg.softmax_cross_entropy(tg.tanh(tg.matmul(X, W)), [0, 1, 1, 0, 1])

    close(tg.grad(loss)(W), central(loss, W), rtol=1e-8)
