from __future__ import annotations

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError


@pytest.mark.parametrize("name", ["linear", "linear without bias"])
def test_as_in_torch(torch, name):
    case = torch["layers"][name]
    inputs = {key: np.array(value) for key, value in case["inputs"].items()}
    layer = nn.Linear(5, 3, bias="bias" in inputs, rng=np.random.default_rng(0))
    layer.load_state_dict({key: value for key, value in inputs.items() if key != "input"})
    x = tg.tensor(inputs["input"], requires_grad=True)
    y = layer(x)
    np.testing.assert_allclose(y.numpy(), case["output"], rtol=1e-12, atol=1e-14)
    y.backward(np.array(case["cotangent"]))
    for key, leaf in {"input": x, **dict(layer.named_parameters())}.items():
        np.testing.assert_allclose(leaf.grad.numpy(), case["gradients"][key], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (5, 2, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_gradients_are_those_of_the_values(rng, numeric, shape, bias):
    layer = nn.Linear(3, 2, bias=bias, rng=rng)
    x = tg.tensor(rng.normal(size=shape), requires_grad=True)
    upstream = rng.normal(size=(*shape[:-1], 2))
    layer(x).backward(upstream)
    for leaf in (x, *layer.parameters()):
        wanted = numeric(lambda: float((layer(x).numpy() * upstream).sum()), leaf)
        np.testing.assert_allclose(leaf.grad.numpy(), wanted, rtol=1e-9, atol=1e-10)


def test_the_default_keeps_the_variance(rng):
    layer = nn.Linear(400, 300, rng=rng)
    y = layer(rng.normal(size=(200, 400))).numpy()
    assert y.var() == pytest.approx(1, rel=0.05)
    assert not layer.bias.numpy().any()


def test_an_initialization_is_asked_for_a_weight_of_the_layout_out_in(rng):
    asked = []

    def ones(shape, *, rng, layout):
        asked.append((shape, rng, layout))
        return np.ones(shape)

    layer = nn.Linear(4, 2, init=ones, rng=rng)
    assert asked == [((2, 4), rng, "out_in")]
    np.testing.assert_array_equal(layer.weight.numpy(), np.ones((2, 4)))
    assert nn.Linear(50, 400, init=nn.init.kaiming_normal, rng=rng).weight.numpy().var() == pytest.approx(
        2 / 50, rel=0.05
    )


def test_float32_stays_float32(rng):
    layer = nn.Linear(4, 2, rng=rng, dtype=np.float32)
    y = layer(np.ones((3, 4), np.float32))
    y.sum().backward()
    assert {y.dtype, *(p.dtype for p in layer.parameters()), *(p.grad.dtype for p in layer.parameters())} == {
        np.dtype("f4")
    }


def test_the_same_generator_gives_the_same_layer():
    first, second = (nn.Linear(4, 2, rng=np.random.default_rng(3)).weight.numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(2, 3), (3,), ()])
def test_other_inputs_are_refused_in_the_layer_s_name(rng, bias, shape):
    layer = nn.Linear(4, 2, bias=bias, rng=rng)
    with pytest.raises(ShapeError, match=re.escape(f": x (…, 4) was expected, {shape} came")) as caught:
        layer(np.zeros(shape))
    assert str(caught.value).startswith("Linear(4 → 2" + ("" if bias else ", no bias") + ")")


def test_lengths_below_one_are_refused(rng):
    with pytest.raises(ValueError, match="0 → 2 came"):
        nn.Linear(0, 2, rng=rng)


@pytest.mark.parametrize("bias", [True, False])
def test_a_single_number_is_refused_like_any_other_shape(rng, bias):
    for x in (1.0, 1, tg.Scalar(1.0)):
        with pytest.raises(ShapeError, match=re.escape("x (…, 3) was expected, () came")):
            nn.Linear(3, 2, bias=bias, rng=rng)(x)


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_an_array_in_the_place_of_a_parameter_is_refused(rng, name):
    """It would leave the parameters without a word, and the optimizer would go on with the old one."""
    layer = nn.Linear(2, 2, rng=rng)
    vars(layer)[name] = getattr(layer, name).numpy()  # past the guard of the assignment
    with pytest.raises(
        TypeError, match=rf"Linear\(2 → 2\): {name} .* ndarray came.*say layer\.{name}\.assign\(values\)"
    ):
        layer(np.ones((1, 2)))
    setattr(layer, name, nn.parameter(getattr(layer, name)))
    assert layer(np.ones((1, 2))).shape == (1, 2)
