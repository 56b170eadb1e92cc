from __future__ import annotations

import numpy as np
import pytest
from layers_reference import called, cases, compare

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError


@pytest.mark.parametrize("i", cases("Embedding"), ids=called)
def test_as_in_torch(i):
    compare(i)


def test_it_is_the_product_with_ones_and_zeros(rng):
    table = nn.Embedding(5, 3, rng=rng)
    i = rng.integers(5, size=(2, 4))
    one_hot = np.eye(5)[i]
    np.testing.assert_array_equal(table(i).numpy(), one_hot @ table.weight.numpy())
    g = rng.normal(size=(2, 4, 3))
    table(i).backward(g)
    np.testing.assert_allclose(table.weight.grad.numpy(), np.einsum("btn,bte->ne", one_hot, g), rtol=1e-14)


def test_a_row_learns_as_often_as_it_is_read(rng):
    table = nn.Embedding(4, 2, rng=rng)
    table(np.array([1, 3, 1, 1])).sum().backward()
    np.testing.assert_array_equal(table.weight.grad.numpy(), [[0, 0], [3, 3], [0, 0], [1, 1]])


def test_padding_reads_as_zeros_and_learns_nothing(rng):
    table = nn.Embedding(3, 2, padding_idx=-1, rng=rng)
    assert table.padding_idx == 2
    np.testing.assert_array_equal(table.weight.numpy()[2], 0)
    table.weight.assign(np.ones((3, 2)))  # even if the row is no longer 0
    y = table(np.array([0, 2]))
    np.testing.assert_array_equal(y.numpy(), [[1, 1], [0, 0]])
    y.sum().backward()
    np.testing.assert_array_equal(table.weight.grad.numpy(), [[1, 1], [0, 0], [0, 0]])


def test_integers_may_come_as_a_tensor_or_as_a_list(rng):
    table = nn.Embedding(3, 2, rng=rng)
    wanted = table.weight.numpy()[[2, 0]]
    for i in (np.array([2, 0], np.uint8), [2, 0], tg.tensor(np.array([2, 0]))):
        np.testing.assert_array_equal(table(i).numpy(), wanted)
    assert table(np.zeros((0,), int)).shape == (0, 2)


@pytest.mark.parametrize("i", [[0, 3], [-1, 0]])
def test_integers_outside_the_table(rng, i):
    with pytest.raises(ValueError, match=r"integers in \[0, 3\) were expected"):
        nn.Embedding(3, 2, rng=rng)(np.array(i))


def test_other_than_integers(rng):
    with pytest.raises(TypeError, match="integers were expected, float64 came"):
        nn.Embedding(3, 2, rng=rng)(np.array([1.0]))


@pytest.mark.parametrize(("n", "d", "padding"), [(0, 2, None), (2, 0, None), (3, 2, 3), (3, 2, -4)])
def test_numbers_outside_their_range(rng, n, d, padding):
    with pytest.raises(ValueError, match=r"Embedding: .* came"):
        nn.Embedding(n, d, padding, rng=rng)


def test_rows_start_with_variance_1(rng):
    assert nn.Embedding(300, 100, rng=rng).weight.numpy().std() == pytest.approx(1, rel=0.02)
    assert nn.Embedding(3, 100, padding_idx=0, rng=rng).brief() == "Embedding(3 → 100, padding 0)"


# ---- residual connections and lists of modules ----


def test_a_residual_adds_its_input(rng):
    inner = nn.Linear(3, 3, rng=rng)
    x = tg.tensor(rng.normal(size=(2, 3)), requires_grad=True)
    y = nn.Residual(inner)(x)
    np.testing.assert_allclose(y.numpy(), x.numpy() + inner(x).numpy(), rtol=1e-15)
    y.sum().backward()
    np.testing.assert_allclose(
        x.grad.numpy(), 1 + inner.weight.numpy().sum(axis=0) + np.zeros((2, 3)), rtol=1e-14
    )


def test_a_gradient_has_a_way_around_what_passes_none():
    x = tg.tensor([[-1.0, -2.0]], requires_grad=True)
    nn.Residual(nn.ReLU())(x).sum().backward()  # ReLU passes nothing of negative numbers
    np.testing.assert_array_equal(x.grad.numpy(), [[1, 1]])


def test_shapes_that_would_be_broadcast_are_refused(rng):
    with pytest.raises(ShapeError, match=r"\(2, 3\) was expected of f, .* \(2, 1\) came"):
        nn.Residual(nn.Linear(3, 1, rng=rng))(np.ones((2, 3)))
    widened = nn.Residual(nn.Linear(3, 1, rng=rng), shortcut=nn.Linear(3, 1, rng=rng))
    assert widened(np.ones((2, 3))).shape == (2, 1)


def test_a_module_list_has_torch_s_names(rng):
    class Net(nn.Module):
        def __init__(self):
            self.layers = nn.ModuleList(nn.Linear(2, 2, rng=rng) for _ in range(3))

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    net = Net()
    assert list(net.state_dict())[:3] == ["layers.0.weight", "layers.0.bias", "layers.1.weight"]
    assert len(net.layers) == 3
    assert net(np.ones((1, 2))).shape == (1, 2)
    with pytest.raises(TypeError, match="modules were expected"):
        nn.ModuleList([np.tanh])
