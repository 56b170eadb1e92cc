from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError


@pytest.mark.parametrize(
    ("activation", "by_numpy"), [(tg.relu, lambda x: np.maximum(x, 0)), (tg.tanh, np.tanh)]
)
def test_it_computes_what_matrices_would(rng, activation, by_numpy):
    net = nn.MLP(3, [4, 4, 2], activation=activation, rng=rng)
    x = rng.normal(size=3)
    y = x
    for i, layer in enumerate(net):
        W = np.array([[w.data for w in neuron.w] for neuron in layer])
        y = W @ y + [neuron.b.data for neuron in layer]
        y = by_numpy(y) if i < 2 else y
    np.testing.assert_allclose([node.data for node in net(x)], y, rtol=1e-13)


def test_its_gradients_are_those_of_tensors(rng):
    net = nn.MLP(2, [3, 1], activation=tg.tanh, rng=rng)
    x = [0.5, -1.0]
    net(x).backward()
    W1, W2 = (tg.tensor([[w.data for w in n.w] for n in layer], requires_grad=True) for layer in net)
    (W2 @ tg.tanh(W1 @ np.array(x))).sum().backward()
    for layer, W in zip(net, (W1, W2), strict=True):
        np.testing.assert_allclose([[w.grad for w in n.w] for n in layer], W.grad.numpy(), rtol=1e-13)


def test_it_is_a_module_like_any_other(rng):
    net = nn.MLP(2, [2, 1], rng=rng)
    assert [path for path, _ in net.named_parameters()][:4] == [
        "layer1.neuron1.w.0", "layer1.neuron1.w.1", "layer1.neuron1.b", "layer1.neuron2.w.0",
    ]  # fmt: skip
    assert len(net.parameters()) == 9
    y = net([1.0, 2.0])
    assert y.scope == "layer2.neuron1"
    other = nn.MLP(2, [2, 1], rng=rng)
    other.load_state_dict(net.state_dict())
    assert other([1.0, 2.0]).data == y.data


def test_names_are_those_of_the_formula(rng):
    neuron = nn.Neuron(2, rng=rng)
    assert [p.name for p in neuron.parameters()] == ["w1", "w2", "b"]


def test_another_number_of_inputs_is_refused(rng):
    with pytest.raises(ShapeError, match=r"layer1\.neuron1, Neuron: 2 inputs were expected, 3 came"):
        nn.MLP(2, [1], rng=rng)([1.0, 2.0, 3.0])
