from __future__ import annotations

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError


@pytest.mark.parametrize("name", ["affine", "other numbers", "plain", "with a length"])
def test_as_in_torch(torch, name):
    """Three batches in training and one in use: outputs, gradients, and the statistics after each."""
    case = torch["batch norm"][name]
    features = len(case["steps"][0]["running_mean"])
    layer = nn.BatchNorm1d(features, **case["options"])
    layer.load_state_dict({key: np.array(value) for key, value in case["start"].items()}, strict=False)
    seen = 0
    for step in case["steps"]:
        seen += "training" in step["expression"]
        layer.train("training" in step["expression"])
        layer.zero_grad()
        x = tg.tensor(step["inputs"]["input"], requires_grad=True)
        y = layer(x)
        np.testing.assert_allclose(y.numpy(), step["output"], rtol=1e-10, atol=1e-13)
        y.backward(np.array(step["cotangent"]))
        for key, leaf in {"input": x, **dict(layer.named_parameters())}.items():
            np.testing.assert_allclose(leaf.grad.numpy(), step["gradients"][key], rtol=1e-10, atol=1e-13)
        for key, buffer in layer.named_buffers():
            wanted = seen if key == "num_batches_tracked" else step[key]
            np.testing.assert_allclose(buffer.value, wanted, rtol=1e-12)


def trained(features, rng):
    layer = nn.BatchNorm1d(features)
    layer.weight.assign(rng.normal(size=features))
    layer.bias.assign(rng.normal(size=features))
    layer(rng.normal(1, 2, (20, features)))
    return layer


@pytest.mark.parametrize("shape", [(5, 3), (2, 3), (4, 3, 2)])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_are_those_of_the_values(rng, numeric, shape, training):
    layer = trained(3, rng).train(training)
    x = tg.tensor(rng.normal(size=shape), requires_grad=True)
    upstream = rng.normal(size=shape)
    layer(x).backward(upstream)
    for leaf in (x, *layer.parameters()):
        wanted = numeric(lambda: float((layer(x).numpy() * upstream).sum()), leaf)
        np.testing.assert_allclose(leaf.grad.numpy(), wanted, rtol=1e-7, atol=1e-8)


def test_in_training_every_feature_has_mean_beta_and_deviation_gamma(rng):
    layer = trained(3, rng)
    y = layer(rng.normal(5, 3, (1000, 3))).numpy()
    np.testing.assert_allclose(y.mean(0), layer.bias.numpy(), atol=1e-12)
    np.testing.assert_allclose(y.std(0), abs(layer.weight.numpy()), rtol=1e-5)


def test_the_gradient_by_the_input_is_blind_to_mean_and_scale(rng):
    """Adding to x, or stretching it, changes nothing, so there the gradient has no component."""
    layer = nn.BatchNorm1d(3, eps=1e-12)
    x = tg.tensor(rng.normal(size=(7, 3)), requires_grad=True)
    layer(x).backward(rng.normal(size=(7, 3)))
    np.testing.assert_allclose(x.grad.numpy().sum(0), 0, atol=1e-12)
    np.testing.assert_allclose((x.grad.numpy() * x.numpy()).sum(0), 0, atol=1e-9)


def test_running_statistics_approach_those_of_all_samples(rng):
    layer = nn.BatchNorm1d(2)
    for _ in range(2000):
        layer(rng.normal([1, -4], [2, 0.5], (8, 2)))
    np.testing.assert_allclose(layer.running_mean.value, [1, -4], atol=0.5)
    np.testing.assert_allclose(layer.running_var.value, [4, 0.25], rtol=0.5)


def test_in_use_a_sample_does_not_depend_on_the_others_and_nothing_is_learned(rng):
    layer = trained(3, rng).eval()
    before = layer.state_dict()
    x = rng.normal(size=(4, 3))
    together = layer(x).numpy()
    np.testing.assert_allclose(together, np.vstack([layer(row[None]).numpy() for row in x]), rtol=1e-15)
    for path, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[path])


def test_statistics_are_no_part_of_the_graph(rng):
    layer = trained(3, rng)
    x = tg.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    y = layer(x)
    assert all(isinstance(buffer.value, np.ndarray) for _, buffer in layer.named_buffers())
    layer(rng.normal(size=(4, 3)))  # moves them on, and does not make y stale
    y.backward(np.ones((4, 3)))


def test_the_parts_can_be_seen(rng):
    graph = tg.topological_order([nn.BatchNorm1d(3)(tg.tensor(rng.normal(size=(4, 3)), requires_grad=True))])
    assert [node.name for node in graph if node.name] == ["γ", "μ", "σ²", "x̂", "β"]


def test_second_derivatives(rng):
    layer = trained(2, rng)
    x, t = rng.normal(size=(2, 4, 2))
    w = rng.normal(size=(4, 2))

    def f(x):
        return tg.sum(layer(x) * w)

    h = 1e-5
    with tg.no_grad():  # the derivatives by x alone, as arrays
        wanted = (tg.grad(f)(x + h * t) - tg.grad(f)(x - h * t)) / (2 * h)
        np.testing.assert_allclose(tg.hvp(f, x, t), wanted, rtol=1e-6, atol=1e-8)


def test_float32_stays_float32(rng):
    layer = nn.BatchNorm1d(3, dtype=np.float32)
    for training in (True, False):
        y = layer.train(training)(tg.tensor(rng.normal(size=(4, 3)).astype("f"), requires_grad=True))
        y.sum().backward()
        assert {y.dtype, layer.weight.grad.dtype, layer.running_var.value.dtype} == {np.dtype("f4")}


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1)])
def test_a_single_sample_is_refused_in_training(rng, shape):
    layer = trained(3, rng)
    before = layer.state_dict()
    with pytest.raises(
        ValueError, match=re.escape("BatchNorm1d(3): at least 2 samples were expected in training, 1 came")
    ):
        layer(np.ones(shape))
    assert layer.eval()(np.ones(shape)).shape == shape
    for path, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[path])


@pytest.mark.parametrize("shape", [(4, 2), (4,), (4, 5, 3), (2, 3, 4, 5)])
def test_other_features_are_refused(rng, shape):
    with pytest.raises(ShapeError, match=re.escape(f"x (batch, 3) was expected, {shape} came")):
        nn.BatchNorm1d(3)(np.ones(shape))


@pytest.mark.parametrize("options", [{"num_features": 0}, {"eps": 0}, {"momentum": 1.5}, {"momentum": -0.1}])
def test_numbers_outside_of_their_range_are_refused(options):
    with pytest.raises(ValueError, match="were expected"):
        nn.BatchNorm1d(**{"num_features": 3} | options)


def test_lists_are_taken():
    np.testing.assert_allclose(
        nn.BatchNorm1d(3)([[1, 2, 3], [4, 5, 7]]).numpy(), [[-1] * 3, [1] * 3], rtol=1e-5
    )
    assert nn.BatchNorm1d(1)([[[1.0, 2.0]]]).shape == (1, 1, 2)


@pytest.mark.parametrize("name", ["weight", "bias"])
@pytest.mark.parametrize("training", [True, False])
def test_an_array_in_the_place_of_a_parameter_is_refused(rng, name, training):
    layer = trained(3, rng).train(training)
    vars(layer)[name] = np.ones(3)  # past the guard of the assignment
    before = layer.state_dict()
    with pytest.raises(TypeError, match=rf"{name} .* ndarray came.*say layer\.{name}\.assign\(values\)"):
        layer(np.ones((2, 3)))
    for path, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[path])
