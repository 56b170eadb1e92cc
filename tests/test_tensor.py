"""Tensor: an array in a graph, with PyTorch's habits."""

from __future__ import annotations

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg
from tinygrad_edu.errors import GraphLostError, NotDifferentiableError, ShapeError


@pytest.mark.parametrize(("value", "dtype", "wanted"), [
    ([1.0, 2.0], None, "float64"), (1.5, None, "float64"), (np.ones(2, np.float32), None, "float32"),
    (np.float32(1), None, "float32"),
    ([1.0], np.float32, "float32"), ([1, 2], None, "int64"), ([1, 2], float, "float64"),
    ([True], None, "bool"), (np.ones(2, np.uint8), None, "uint8"),
])  # fmt: skip
def test_dtypes(value, dtype, wanted):
    assert tg.tensor(value, dtype=dtype).dtype == wanted


def test_what_it_says_about_itself():
    x = tg.tensor(np.ones((2, 3)), requires_grad=True, name="w")
    assert (x.shape, x.ndim, x.size, len(x), x.name, x.requires_grad) == ((2, 3), 2, 6, 2, "w", True)
    assert x.T.shape == (3, 2)
    assert x.numpy().shape == (2, 3)


def test_arrays_are_copied_and_read_only():
    source = np.ones(3)
    x = tg.tensor(source)
    source[0] = 5.0
    assert x.numpy().tolist() == [1.0, 1.0, 1.0]
    for array in (
        x.numpy(),
        x.data,
        (x * 2).numpy(),
        x.reshape(3, 1).numpy(),
        x.sum(keepdims=True).numpy(),
        x[1:].numpy(),
        tg.einsum("i->i", x).numpy(),
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0


def test_a_read_only_array_that_others_can_write_is_copied():
    source = np.ones(3)
    view = source[:]
    source.setflags(write=False)
    x = tg.tensor(source)
    view[0] = 5.0
    assert x.numpy().tolist() == [1.0, 1.0, 1.0]


def test_one_number():
    x = tg.tensor(2.5)
    assert (x.item(), float(x), int(tg.tensor(3)), bool(tg.tensor(0.0)), bool(x > 1)) == (
        2.5,
        2.5,
        3,
        False,
        True,
    )
    assert tg.tensor([[2.5]]).item() == 2.5
    assert type(tg.tensor(3).item()) is int
    assert type(tg.tensor(True).item()) is bool


@pytest.mark.parametrize(
    ("convert", "name"), [(float, "float"), (bool, "bool"), (int, "int"), (lambda x: x.item(), "float|item")]
)
def test_many_numbers_are_not_one(convert, name):
    with pytest.raises(GraphLostError, match=rf"({name})\(\).*one number was expected, 3 came.*tg\.where"):
        convert(tg.tensor(np.ones(3), requires_grad=True))


def test_a_condition_on_many_numbers():
    with pytest.raises(GraphLostError, match="bool"):
        _ = 1 if tg.tensor([1.0, 2.0]) > 0 else 0


@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        np.array,
        lambda x: np.asarray(x, np.float32),
        lambda x: np.array([x, x]),
        lambda x: x.__array__(),
    ],
)
def test_a_tracked_tensor_is_not_silently_an_array(convert):
    with pytest.raises(GraphLostError, match=r"its gradient would be lost.*x\.numpy\(\)"):
        convert(tg.tensor([1.0, 2.0], requires_grad=True))
    with pytest.raises(GraphLostError):
        convert(tg.tensor([1.0, 2.0], requires_grad=True) * 2)


def test_an_untracked_tensor_is_an_array():
    x = tg.tensor([1.0, 2.0])
    assert np.asarray(x).tolist() == [1.0, 2.0]
    assert np.asarray(x, np.float32).dtype == np.float32
    assert np.asarray(tg.tensor([1.0], requires_grad=True).detach()).tolist() == [1.0]


@pytest.mark.parametrize("value", [
    [tg.tensor(1.0, True), 2.0], (tg.Scalar(1.0),), [[tg.tensor(1.0, True)], [tg.tensor(2.0, True)]],
    [[tg.Scalar(1.0), tg.Scalar(2.0)]],
], ids=["flat", "Scalar", "nested", "nested Scalars"])  # fmt: skip
def test_a_list_of_nodes_is_refused(value):
    with pytest.raises(GraphLostError, match=r"gradient"):
        tg.tensor(value)


@pytest.mark.parametrize(("value", "error", "message"), [
    ([[1.0], [1.0, 2.0]], ShapeError, "rows of equal length were expected"),
    ("a", TypeError, "numbers were expected, dtype <U1 came"),
    ([None], TypeError, "dtype object"), (1j, TypeError, "complex128"),
])  # fmt: skip
def test_what_is_no_array_of_numbers(value, error, message):
    with pytest.raises(error, match=message):
        tg.tensor(value)


@pytest.mark.parametrize(
    "other", ["a", None, 1j, [None], object()], ids=["text", "None", "1j", "list", "object"]
)
def test_operands_that_are_no_numbers(other):
    with pytest.raises(TypeError):
        tg.tensor([1.0], requires_grad=True) * other


@pytest.mark.parametrize("value", [[1, 2], True, np.ones(2, np.uint8)], ids=repr)
def test_integers_cannot_require_a_gradient(value):
    with pytest.raises(
        NotDifferentiableError, match=r"only floating-point numbers can: say dtype=float, or write 1\.0 for 1"
    ):
        tg.tensor(value, requires_grad=True)
    assert tg.tensor(value, requires_grad=True, dtype=float).requires_grad


def test_iteration():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = x
    (first * second).sum().backward()
    close(x.grad, [[3, 4], [1, 2]])
    assert [row.shape for row in x] == [(2,), (2,)]
    for use in (len, list):
        with pytest.raises(TypeError, match="without axes"):
            use(tg.tensor(1.0))


def test_backward_of_many_numbers_names_three_ways_out():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(
        ShapeError,
        match=r"a derivative is of one number\. Sum it \(\.sum\(\)\), pick one \(x\[0\]\), or give the cotangent",
    ):
        (x * x).backward()
    (x * x).sum().backward()
    (x * x)[0].backward()
    (x * x).backward([1.0, 10.0])
    close(x.grad, [2 + 2 + 2, 4 + 40])


@pytest.mark.parametrize(
    "cotangent", [1.0, [1.0], [[1.0, 2.0]], tg.Scalar(1.0), tg.tensor([1.0, 2.0, 3.0])], ids=repr
)
def test_a_cotangent_of_another_shape(cotangent):
    with pytest.raises(ShapeError, match=r"a cotangent of shape \(2,\) was expected"):
        (tg.tensor([1.0, 2.0], requires_grad=True) * 2).backward(cotangent)


def test_gradients_are_tensors_that_add_up():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    (x * 3).sum().backward()
    assert isinstance(x.grad, tg.Tensor)
    assert not x.grad.requires_grad
    (x * x).sum().backward()
    close(x.grad, [5.0, 7.0])
    assert not x.grad.numpy().flags.writeable
    x.grad = None
    assert x.grad is None


def test_gradients_of_two_leaves_are_not_the_same_object():
    a, b = tg.tensor([1.0], requires_grad=True), tg.tensor([2.0], requires_grad=True)
    (a + b).sum().backward()
    (a * 2).sum().backward()
    close(a.grad, [3.0])
    close(b.grad, [1.0])


def test_a_second_backward_warns():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x.sum()
    y.backward()
    with pytest.warns(UserWarning, match="Set them to None between calls"):
        y.backward()


def test_augmented_assignment_makes_a_new_node():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x
    y += 1
    y @= np.eye(2)
    assert y is not x
    y.sum().backward()
    close(x.grad, [1.0, 1.0])
    close(x, [1.0, 2.0])


@pytest.mark.parametrize(("make", "text"), [
    (lambda: tg.tensor([1.0, 2.0]), "tensor([1., 2.])"),
    (lambda: tg.tensor([1.0], requires_grad=True, name="w"), "tensor([1.], requires_grad=True, name='w')"),
    (lambda: tg.tensor([1.0], dtype=np.float32), "tensor([1.], dtype=float32)"),
    (lambda: tg.tensor([1.0], requires_grad=True) * 2, "tensor([2.], op=mul)"),
    (lambda: tg.tensor(2), "tensor(2)"),
])  # fmt: skip
def test_what_it_looks_like(make, text):
    assert repr(make()) == text


def test_methods_are_the_functions(rng):
    v = rng.uniform(0.5, 2, (3, 4))
    x = tg.tensor(v)
    for name in ("sum", "mean", "max", "min", "prod", "var", "std", "logsumexp"):
        close(getattr(x, name)(1), getattr(tg, name)(v, axis=1))
    for name in (
        "exp",
        "log",
        "sqrt",
        "square",
        "sin",
        "cos",
        "tanh",
        "relu",
        "sigmoid",
        "abs",
        "softmax",
        "log_softmax",
    ):
        close(getattr(x, name)(), getattr(tg, {"abs": "absolute"}.get(name, name))(v))
    close(x.clip(0.7, 1.0), np.clip(v, 0.7, 1.0))


@pytest.mark.parametrize("second", [np.float32, float, "w", 1])
def test_the_second_argument_is_a_yes_or_no(second):
    with pytest.raises(TypeError, match=r"requires_grad is True or False.*dtype=… or name=…"):
        tg.tensor([1.0, 2.0], second)


def test_nodes_in_a_list_are_not_turned_into_numbers():
    s = tg.Scalar(3.0)
    with pytest.raises(GraphLostError, match=r"join them with tg\.stack"):
        tg.tensor([s * s, s], dtype=float)


def test_a_tensor_in_a_text():
    assert f"{tg.tensor(0.12345):.3f} {tg.Scalar(2.0):5.1f} {tg.Scalar(2.0)}" == "0.123   2.0 Scalar(2.0)"


def test_an_array_is_updated_from_a_gradient():
    w = tg.tensor([3.0], requires_grad=True)
    (w * w).sum().backward()
    with pytest.raises(NotDifferentiableError, match=r"write w\.data = w\.data - lr \* w\.grad"):
        w.data -= 0.1 * w.grad
    w.data = w.data - 0.1 * w.grad
    assert w.numpy().tolist() == pytest.approx([2.4])
