from __future__ import annotations

import math
import re

import numpy as np
import pytest
from layers_reference import called, cases, compare

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError

LAYERS, CELLS = ("RNN", "LSTM", "GRU"), ("RNNCell", "LSTMCell", "GRUCell")


@pytest.mark.parametrize("i", cases(*LAYERS, *CELLS), ids=called)
def test_as_in_torch(i):
    compare(i)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def one_by_one(cell, **values):
    """Parameters of a cell of one unit: a number for each gate."""
    for name, numbers in values.items():
        leaf = getattr(cell, name)
        leaf.assign(np.reshape(numbers, leaf.shape))
    return cell


def test_a_gru_by_hand(rng):
    cell = one_by_one(
        nn.GRUCell(1, 1, rng=rng), weight_ih=[0.5, -1, 2], weight_hh=[1.5, 0.3, -0.7], bias_ih=[0.1, 0.2, 0.3],
        bias_hh=[-0.1, 0.4, 0.6],
    )  # fmt: skip
    x, h = 0.8, -0.4
    r = sigmoid(0.5 * x + 0.1 + 1.5 * h - 0.1)
    z = sigmoid(-1 * x + 0.2 + 0.3 * h + 0.4)
    n = math.tanh(2 * x + 0.3 + r * (-0.7 * h + 0.6))
    assert cell(np.array([[x]]), np.array([[h]])).item() == pytest.approx((1 - z) * n + z * h, rel=1e-14)


def test_an_lstm_by_hand(rng):
    cell = one_by_one(
        nn.LSTMCell(1, 1, rng=rng), weight_ih=[0.5, -1, 2, 0.7], weight_hh=[1.5, 0.3, -0.7, 0.2],
        bias_ih=[0.1, 0.2, 0.3, 0.4], bias_hh=[0, 0.4, 0.6, -1],
    )  # fmt: skip
    x, h, c = 0.8, -0.4, 1.3
    i, f = sigmoid(0.5 * x + 0.1 + 1.5 * h), sigmoid(-x + 0.2 + 0.3 * h + 0.4)
    g, o = math.tanh(2 * x + 0.3 - 0.7 * h + 0.6), sigmoid(0.7 * x + 0.4 + 0.2 * h - 1)
    after = f * c + i * g
    found = cell(np.array([[x]]), (np.array([[h]]), np.array([[c]])))
    assert [each.item() for each in found] == pytest.approx([o * math.tanh(after), after], rel=1e-14)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_is_its_cell_step_by_step(rng, kind):
    layer, cell = getattr(nn, kind)(2, 3, rng=rng), getattr(nn, f"{kind}Cell")(2, 3, rng=rng)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    x = rng.normal(size=(5, 4, 2))
    state, outputs = None, []
    for step in x:
        state = cell(step, state)
        outputs.append((state[0] if kind == "LSTM" else state).numpy())
    y, end = layer(x)
    np.testing.assert_allclose(y.numpy(), outputs, rtol=1e-13)
    for part, wanted in zip(end, state, strict=True) if kind == "LSTM" else [(end, state)]:
        np.testing.assert_allclose(part.numpy(), [wanted.numpy()], rtol=1e-13)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_sequence_may_be_read_in_two_parts(rng, kind):
    layer = getattr(nn, kind)(2, 3, 2, rng=rng)
    x = rng.normal(size=(6, 2, 2))
    whole, end = layer(x)
    first, between = layer(x[:4])
    second, after = layer(x[4:], between)
    np.testing.assert_allclose(
        np.concatenate([first.numpy(), second.numpy()]), whole.numpy(), rtol=1e-12, atol=1e-14
    )
    for part, wanted in zip(after, end, strict=True):
        np.testing.assert_allclose(part.numpy(), wanted.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", LAYERS)
def test_nothing_is_known_of_later_elements_in_one_direction(rng, kind):
    x = rng.normal(size=(5, 1, 2))
    one, both = (getattr(nn, kind)(2, 3, bidirectional=b, rng=rng) for b in (False, True))
    for layer, sees in ((one, False), (both, True)):
        reach = tg.jacobian(lambda x, layer=layer: layer(x)[0][1])(
            x
        ).numpy()  # of the second output, by all inputs
        assert reach[..., 1, :, :].any()
        assert bool(reach[..., 2:, :, :].any()) is sees


def test_through_time_the_gradient_is_multiplied_by_the_same_matrix(rng):
    """Near 0, tanh is the identity: ∂h_T/∂h_0 = Uᵀ to the power of T, which vanishes or explodes."""
    T = 12
    for scale in (0.5, 1.5):
        layer = nn.RNN(1, 2, rng=rng)
        angle = 0.3
        rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        layer.weight_hh_l0.assign(scale * rotation)
        reach = tg.jacobian(lambda h, layer=layer: layer(np.zeros((T, 1, 1)), h)[1].reshape(2))(
            np.zeros((1, 1, 2))
        )
        wanted = np.linalg.matrix_power(scale * rotation, T)
        np.testing.assert_allclose(reach.numpy().reshape(2, 2), wanted, rtol=1e-12, atol=1e-12 * scale**T)


def test_what_an_lstm_keeps_it_passes_on_undiminished(rng):
    """With the forget gate open and the input gate shut, ∂c_T/∂c_0 = f^T, and f is nearly 1."""
    layer = nn.LSTM(1, 1, bias=True, rng=rng)
    for name in ("weight_ih_l0", "weight_hh_l0"):
        getattr(layer, name).assign(np.zeros((4, 1)))
    layer.bias_ih_l0.assign(np.array([-30.0, 10, 0, 0]))
    h = np.zeros((1, 1, 1))
    slope = tg.grad(lambda c: layer(np.zeros((50, 1, 1)), (h, c))[1][1].sum())(h)
    assert slope.item() == pytest.approx(sigmoid(10) ** 50, rel=1e-9)
    assert slope.item() > 0.99


def test_dropout_stands_between_layers_in_training_alone(rng):
    layer = nn.GRU(2, 3, 2, dropout=0.5, rng=rng)
    x = rng.normal(size=(4, 2, 2))
    first, second = layer(x), layer(x)
    np.testing.assert_array_equal(
        first[1][0].numpy(), second[1][0].numpy()
    )  # the first layer knows nothing of it
    assert not np.allclose(first[0].numpy(), second[0].numpy())
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].numpy(), layer(x)[0].numpy())
    one = nn.GRU(2, 3, dropout=0.5, rng=rng)
    np.testing.assert_array_equal(one(x)[0].numpy(), one(x)[0].numpy())


def test_the_forget_gate_starts_open(rng):
    np.testing.assert_array_equal(nn.LSTMCell(2, 3, rng=rng).bias_ih.numpy(), [0] * 3 + [1] * 3 + [0] * 6)
    np.testing.assert_array_equal(nn.GRU(2, 3, rng=rng).bias_ih_l0.numpy(), np.zeros(9))


def test_weights_start_with_the_variance_of_their_own_inputs(rng):
    layer = nn.GRU(100, 50, 2, rng=rng)
    for name, inputs in (("weight_ih_l0", 100), ("weight_hh_l0", 50), ("weight_ih_l1", 50)):
        assert getattr(layer, name).numpy().var() == pytest.approx(1 / inputs, rel=0.05)


@pytest.mark.parametrize("kind", LAYERS)
def test_float32_stays_float32(rng, kind):
    layer = getattr(nn, kind)(2, 3, rng=rng, dtype=np.float32)
    y, _ = layer(np.ones((4, 1, 2), np.float32))
    y.sum().backward()
    assert {y.dtype, *(p.grad.dtype for p in layer.parameters())} == {np.dtype("f4")}


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 2, 2), (4, 3), ()])
def test_other_sequences_are_refused(rng, shape):
    with pytest.raises(ShapeError, match=re.escape(f"x (time, batch, 3) was expected, {shape} came")):
        nn.GRU(3, 2, rng=rng)(np.zeros(shape))


def test_other_states_are_refused(rng):
    x, h = np.zeros((4, 2, 3)), np.zeros((1, 2, 5))
    with pytest.raises(ShapeError, match=re.escape("a state (1, 2, 2) was expected, (1, 2, 5) came")):
        nn.GRU(3, 2, rng=rng)(x, h)
    with pytest.raises(
        ShapeError, match=re.escape("a state (1, 2, 5) and (1, 2, 5) was expected, (1, 2, 5) came")
    ):
        nn.LSTM(3, 5, rng=rng)(x, (h,))
    with pytest.raises(ShapeError, match=re.escape("x (batch, 3) was expected, (4, 2, 3) came")):
        nn.RNNCell(3, 2, rng=rng)(x)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda rng: nn.RNN(0, 2, rng=rng), "sizes of at least 1 were expected, 0 → 2 came"),
        (lambda rng: nn.LSTM(1, 2, 0, rng=rng), "at least 1 layer was expected, 0 came"),
        (
            lambda rng: nn.RNN(1, 2, nonlinearity="sin", rng=rng),
            "nonlinearity 'tanh' or 'relu' was expected, 'sin'",
        ),
    ],
)
def test_numbers_outside_their_range(rng, make, words):
    with pytest.raises(ValueError, match=words):
        make(rng)


def test_an_array_in_the_place_of_a_parameter_is_refused(rng):
    layer = nn.GRU(1, 1, rng=rng)
    vars(layer)["weight_hh_l0"] = np.zeros((3, 1))  # past the guard of the assignment
    with pytest.raises(TypeError, match="weight_hh_l0 was expected to be a parameter"):
        layer(np.zeros((1, 1, 1)))


def test_how_it_is_shown(rng):
    layer = nn.GRU(3, 4, 2, batch_first=True, bidirectional=True, rng=rng)
    assert layer.brief() == "GRU(3 → 4, 2 layers, batch first, bidirectional)"
