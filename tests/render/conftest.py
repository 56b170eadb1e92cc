"""The graphs that the tests of the pictures share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.render import Drawing, draw


def neuron(*, backward: bool = True) -> Any:
    """The neuron of the micrograd lecture (Karpathy 2022): its output is √½, so 1 − o² is ½."""
    x1, w1, x2, w2 = (tg.Scalar(v, name=n) for n, v in (("x1", 2.0), ("w1", -3.0), ("x2", 0.0), ("w2", 1.0)))
    b = tg.Scalar(6.8813735870195432, name="b")
    n = x1 * w1 + x2 * w2 + b
    n.name = "n"
    o = n.tanh()
    o.name = "o"
    if backward:
        o.backward()
    return o


class Linear:
    """A layer that only has what pictures ask of one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        values = np.linspace(-1.0, 1.0, inputs * outputs).reshape(inputs, outputs)
        self.weight = tg.tensor(values, requires_grad=True)
        self.bias = tg.tensor(np.zeros(outputs), requires_grad=True)


class Net:
    """Two layers and a normalization between them."""

    def __init__(self) -> None:
        self.fc1, self.blocks, self.inner = Linear(3, 4), [Linear(4, 2)], {"norm": Linear(1, 1)}

    def named_parameters(self) -> Any:
        """Yield the names and the parameters."""
        for path, layer in (("fc1", self.fc1), ("blocks.0", self.blocks[0])):
            yield f"{path}.weight", layer.weight
            yield f"{path}.bias", layer.bias

    def __call__(self, x: Any) -> Any:
        """Compute the loss."""
        with tg.scope("fc1"):
            z = x @ self.fc1.weight + self.fc1.bias
            z.name = "z"
        with tg.scope("inner"), tg.scope("norm"):
            d = z - tg.mean(z, axis=0)
            h = d / tg.sqrt(tg.mean(d * d, axis=0) + 0.5)
        with tg.scope("blocks"), tg.scope("0"):
            y = tg.tanh(h) @ self.blocks[0].weight + self.blocks[0].bias
        loss = tg.mean(y * y)
        loss.name = "loss"
        return loss


def network() -> tuple[Net, Any]:
    """A net and its loss, after backward."""
    net = Net()
    loss = net(tg.tensor(np.arange(15.0).reshape(5, 3) % 4, name="x"))
    loss.backward()
    return net, loss


def drawings() -> list[Drawing]:
    """One drawing of each kind."""
    net, loss = network()
    return [
        draw(neuron(), title="A single neuron", parameters="w* b"),
        draw(neuron(), local=True, parameters="w* b"),
        draw(loss, names=net),
        draw(loss, names=net, depth=1, theme="dark"),
    ]


@pytest.fixture(name="neuron")
def _neuron() -> Any:
    return neuron


@pytest.fixture(name="network")
def _network() -> Any:
    return network


@pytest.fixture(name="drawings")
def _drawings() -> list[Drawing]:
    return drawings()
