from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn


@pytest.fixture
def net(rng):
    return nn.Sequential(
        nn.Linear(3, 4, rng=rng), nn.ReLU(), nn.Sequential(nn.Linear(4, 2, rng=rng), nn.Tanh())
    )


def test_keys_are_those_of_torch(net):
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.0.weight", "2.0.bias"]


def test_one_after_the_other(net, rng):
    x = rng.normal(size=(5, 3))
    state = net.state_dict()
    hidden = np.maximum(x @ state["0.weight"].T + state["0.bias"], 0)
    wanted = np.tanh(hidden @ state["2.0.weight"].T + state["2.0.bias"])
    y = net(x)
    np.testing.assert_allclose(y.numpy(), wanted, rtol=1e-14)
    assert [node.scope for node in tg.topological_order([y]) if node.op is not None] == [
        "0",
        "1",
        "2.0",
        "2.1",
    ]


def test_it_is_a_sequence(net):
    net.eval()  # which gives it an attribute that is no module
    assert len(net) == 3
    assert [str(module) for module in net][:2] == ["Linear(3 → 4)", "ReLU"]
    assert net[0] is next(iter(net))
    assert net[-1] is net[2]
    with pytest.raises(IndexError):
        net[3]


def test_names_may_be_given(rng):
    net = nn.Sequential({"fc": nn.Linear(3, 4, rng=rng), "act": nn.ReLU()})
    assert list(net.state_dict()) == ["fc.weight", "fc.bias"]
    assert net(np.ones((1, 3))).scope == "act"


def test_without_modules_it_is_the_identity():
    x = tg.tensor([1.0])
    assert nn.Sequential()(x) is x


def test_functions_are_refused():
    with pytest.raises(
        TypeError, match=r"'1' is function: a function has a module of its kind, such as ReLU\(\)"
    ):
        nn.Sequential(nn.ReLU(), tg.tanh)
