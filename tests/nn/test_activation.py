from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn

AS_IN_TORCH = {
    "leaky_relu": nn.LeakyReLU(0.2), "gelu": nn.GELU(), "softplus": nn.Softplus(), "softmax": nn.Softmax(),
    "softmax, axis 0": nn.Softmax(dim=0),
}  # fmt: skip
ELEMENTWISE = [nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.Softplus(), nn.LeakyReLU(), nn.GELU(), nn.Identity()]


@pytest.mark.parametrize("name", AS_IN_TORCH)
def test_as_in_torch(torch, name):
    case = torch["layers"][name]
    (x,) = (tg.tensor(value, requires_grad=True) for value in case["inputs"].values())
    y = AS_IN_TORCH[name](x)
    np.testing.assert_allclose(y.numpy(), case["output"], rtol=1e-10, atol=1e-15)
    y.backward(np.array(case["cotangent"]))
    (wanted,) = case["gradients"].values()
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("layer", [*ELEMENTWISE, nn.Softmax(), nn.Softmax(dim=0), nn.Flatten()], ids=str)
def test_gradients_are_those_of_the_values(rng, numeric, layer):
    x = tg.tensor(rng.uniform(0.2, 2, (2, 3)) * rng.choice([-1, 1], (2, 3)), requires_grad=True)
    upstream = rng.normal(size=(2, 3))
    tg.sum(layer(x) * upstream).backward()
    wanted = numeric(lambda: float((layer(x).numpy() * upstream).sum()), x)
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("layer", [*ELEMENTWISE, nn.Softmax(), nn.Flatten()], ids=str)
def test_float32_stays_float32_and_there_are_no_parameters(layer):
    x = tg.tensor(np.ones((2, 3), np.float32), requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32
    assert layer.parameters() == []


@pytest.mark.parametrize("layer", ELEMENTWISE, ids=str)
def test_on_scalars_they_compute_the_same(layer):
    for value in (-1.5, 0.0, 0.7):
        x, same = tg.Scalar(value), tg.tensor([value], requires_grad=True)
        y = layer(x)
        y.backward()
        layer(same).sum().backward()
        assert y.data == pytest.approx(layer(same).numpy()[0], rel=1e-15)
        assert x.grad == pytest.approx(same.grad.numpy()[0], rel=1e-14)


def test_known_values():
    x = tg.tensor([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(nn.ReLU()(x).numpy(), [0, 0, 3])
    np.testing.assert_allclose(nn.LeakyReLU()(x).numpy(), [-0.02, 0, 3])
    np.testing.assert_allclose(nn.Tanh()(x).numpy(), [math.tanh(-2), 0, math.tanh(3)])
    np.testing.assert_allclose(nn.Sigmoid()(x).numpy(), [1 / (1 + math.exp(2)), 0.5, 1 / (1 + math.exp(-3))])
    np.testing.assert_allclose(nn.GELU()(tg.tensor([1.0])).numpy(), 0.8413447460685429)  # Φ(1)
    assert nn.Identity()(x) is x


def test_at_zero_a_leaky_relu_has_the_negative_slope():
    x = tg.tensor([0.0], requires_grad=True)
    nn.LeakyReLU(0.25)(x).sum().backward()
    assert x.grad.numpy() == [0.25]


@pytest.mark.parametrize(("shape", "flat"), [((2, 3, 4), (2, 12)), ((2, 3), (2, 3)), ((0, 3, 4), (0, 12))])
def test_flatten_keeps_the_first_axis(shape, flat):
    assert nn.Flatten()(tg.tensor(np.zeros(shape))).shape == flat


def test_what_distinguishes_them_is_shown():
    assert list(map(str, (nn.ReLU(), nn.LeakyReLU(0.2), nn.Softmax(0)))) == [
        "ReLU",
        "LeakyReLU(0.2)",
        "Softmax(dim=0)",
    ]
