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


def test_a_slice_is_a_container_of_its_own(net, rng):
    x = rng.normal(size=(5, 3))
    first, rest = net[:1], net[1:]
    assert isinstance(first, nn.Sequential)
    np.testing.assert_array_equal(rest(first(x)).numpy(), net(x).numpy())
    assert list(rest.state_dict()) == [
        name.replace("2.", "1.", 1) for name in net.state_dict() if name[0] == "2"
    ]
    assert first[0].weight is net[0].weight  # learned in both
    named = nn.Sequential({"fc": nn.Linear(3, 4, rng=rng), "act": nn.ReLU()})
    assert list(named[:1].state_dict()) == ["fc.weight", "fc.bias"]
    assert not net.eval()[1:].training

    class Tower(nn.Sequential):
        def __init__(self, n):
            super().__init__(*(nn.Linear(3, 3, rng=rng) for _ in range(n)))

    assert len(Tower(3)[:2]) == 2
    assert isinstance(nn.ModuleList([nn.ReLU(), nn.Tanh()])[1:], nn.ModuleList)


def test_modules_may_be_appended(rng):
    net = nn.Sequential(nn.Linear(3, 4, rng=rng)).append(nn.Tanh()).extend([nn.Linear(4, 1, rng=rng)])
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert net(np.ones((2, 3))).shape == (2, 1)
    blocks = nn.ModuleList()
    for _ in range(3):
        blocks.append(nn.Linear(2, 2, rng=rng))
    assert [path for path, _ in blocks.named_modules()] == ["", "0", "1", "2"]
    with pytest.raises(TypeError, match="modules were expected, '3' is function"):
        blocks.append(tg.tanh)
    with pytest.raises(ValueError, match="modules by number were expected"):
        nn.Sequential({"fc": nn.ReLU()}).append(nn.Tanh())
    assert len(blocks) == 3
