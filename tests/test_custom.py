from __future__ import annotations

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg
from tinygrad_edu.errors import NotDifferentiableError, ShapeError


def product(a, b):
    return a @ b


def by_hand(g, y, a, b):
    return g @ b.T, a.T @ g


def test_it_takes_part_in_a_graph(rng):
    f = tg.custom_vjp(product, by_hand)
    a, b = (tg.tensor(rng.normal(size=shape), requires_grad=True) for shape in ((2, 3), (3, 5)))
    (tg.tanh(f(a * 2, b)) ** 2).sum().backward()
    found = a.grad.numpy(), b.grad.numpy()
    a.grad = b.grad = None
    (tg.tanh((a * 2) @ b) ** 2).sum().backward()
    close(found[0], a.grad.numpy())
    close(found[1], b.grad.numpy())


def test_the_backward_pass_is_run_once_for_all_inputs(rng):
    calls = []
    f = tg.custom_vjp(product, lambda g, y, a, b: calls.append(1) or by_hand(g, y, a, b))
    a, b = (tg.tensor(rng.normal(size=(2, 2)), requires_grad=True) for _ in range(2))
    (f(a, b) + f(a, b)).sum().backward()
    assert len(calls) == 2
    close(a.grad.numpy(), 2 * np.ones((2, 2)) @ b.numpy().T)


def test_of_arrays_and_of_scalars():
    f = tg.custom_vjp(np.sin, lambda g, y, x: g * np.cos(x))
    assert f(0.5) == np.sin(0.5)
    x = tg.Scalar(0.5)
    f(x).backward()
    assert x.grad == pytest.approx(np.cos(0.5))


def test_none_stands_for_zeros():
    f = tg.custom_vjp(lambda a, b: a * 1.0, lambda g, y, a, b: (g, None))
    a, b = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([3.0, 4.0], requires_grad=True)
    f(a, b).sum().backward()
    assert b.grad.numpy().tolist() == [0.0, 0.0]


def test_the_result_and_the_inputs_stay_the_functions_own():
    kept = np.ones(2)
    f = tg.custom_vjp(lambda x: kept, lambda g, y, x: 0 * x)
    f(tg.tensor([1.0, 2.0], requires_grad=True))
    kept[0] = 5  # it was not frozen


@pytest.mark.parametrize(("vjp", "error", "message"), [
    (lambda g, y, a, b: g, TypeError, "2 inputs, so as many gradients were expected, ndarray came"),
    (lambda g, y, a, b: (g,), TypeError, "1 came"),
    (lambda g, y, a, b: (g, g), ShapeError, r"operand 1 has shape \(2, 5\), but the operand has \(3, 5\)"),
])  # fmt: skip
def test_what_a_backward_pass_must_return(vjp, error, message):
    f = tg.custom_vjp(product, vjp)
    a, b = tg.tensor(np.ones((2, 3))), tg.tensor(np.ones((3, 5)), requires_grad=True)
    with pytest.raises(error, match=message):
        f(a, b).sum().backward()


def test_there_is_no_second_derivative():
    f = tg.custom_vjp(np.sin, lambda g, y, x: g * np.cos(x))
    x = tg.tensor([1.0], requires_grad=True)
    with pytest.raises(
        NotDifferentiableError, match=r"custom_vjp: the backward pass of sin works on plain arrays"
    ):
        f(x).sum().backward(create_graph=True)


def test_it_registers_nothing():
    before = list(tg.registry)
    tg.custom_vjp(np.sin, lambda g, y, x: g * np.cos(x))
    assert list(tg.registry) == before


def test_it_takes_functions():
    with pytest.raises(TypeError, match="a function was expected as vjp, int came"):
        tg.custom_vjp(np.sin, 3)


@pytest.mark.parametrize(("f", "vjp", "message"), [
    (np.exp, lambda g, y: g * y, r"called as vjp\(g, y, \*xs\), here with 3 arguments; that of exp has other"),
    (lambda a, b: a * b, lambda g, y, a: g, r"called as f\(\*xs\), here with 1 argument; .* positional argument: 'b'"),
    (np.exp, lambda g, y, x: (g, g), "exp has 1 input, so as many gradients were expected, 2 came"),
    (lambda x: None, lambda g, y, x: g, "a number or an array was expected of the forward pass .* NoneType came"),
    (lambda x: (x, x), lambda g, y, x: g, "a number or an array was expected of the forward pass .* tuple came"),
])  # fmt: skip
@pytest.mark.parametrize("hazards", [False, True])
def test_a_pair_that_does_not_fit_is_refused_in_words(f, vjp, message, hazards):
    with pytest.raises(TypeError, match=message):
        tg.check(tg.custom_vjp(f, vjp), np.array([0.3, 0.7]), hazards=hazards)


def test_a_cotangent_cannot_be_changed_in_place_either():
    square = tg.custom_vjp(lambda x: x * x, lambda g, y, x: doubled_in_place(g) * x)
    x, z = (tg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    weights = tg.tensor([2.0, 3.0])
    with pytest.raises(ValueError, match="changes an array in place"):
        ((square(x) + z) * weights).sum().backward()


def test_an_error_of_types_within_the_functions_is_their_own():
    with pytest.raises(TypeError, match="unsupported operand"):
        tg.custom_vjp(lambda x: x + None, lambda g, y, x: g)(np.ones(2))


def doubled_in_place(x):
    x *= 2
    return x


@pytest.mark.parametrize(("f", "vjp"), [
    (doubled_in_place, lambda g, y, x: 2 * g), (lambda x: 2 * x, lambda g, y, x: doubled_in_place(y) * g),
])  # fmt: skip
def test_what_is_in_a_graph_cannot_be_changed_in_place(f, vjp):
    with pytest.raises(ValueError, match=r"changes an array in place .* let it work on a copy"):
        tg.check(tg.custom_vjp(f, vjp), np.array([0.3, 0.7]))
