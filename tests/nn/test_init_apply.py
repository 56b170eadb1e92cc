"""All parameters of a model at once: which function reaches which, and nothing at all if one does not fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.nn import init


class Net(nn.Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.fc1 = nn.Linear(200, 300, rng=rng)
        self.bn1 = nn.BatchNorm1d(300)
        self.head = nn.Sequential(nn.Linear(300, 100, rng=rng), nn.ReLU(), nn.Linear(100, 7, rng=rng))

    def forward(self, x: Any) -> Any:
        return self.head(self.bn1(self.fc1(x)))


class Bare:
    """No module: what is needed is `named_parameters()`."""

    def __init__(self, **leaves: tg.Tensor) -> None:
        self.leaves = leaves

    def named_parameters(self) -> Iterator[tuple[str, tg.Tensor]]:
        return iter(self.leaves.items())


def values(model: Any) -> dict[str, np.ndarray]:
    return {path: np.array(leaf.value) for path, leaf in model.named_parameters()}


def test_weights_by_their_fans_and_biases_by_their_names(rng: np.random.Generator) -> None:
    net = Net(rng)
    net.bn1.weight.assign(rng.standard_normal(300))
    before = values(net)
    done = init.apply(
        net, weight=partial(init.kaiming_normal, mode="fan_out"), bias=partial(init.constant, value=0.5), rng=rng
    )  # fmt: skip
    weight, bias = "kaiming_normal(mode='fan_out')", "constant(value=0.5)"
    assert done == {
        "fc1.weight": weight, "fc1.bias": bias, "bn1.weight": "left", "bn1.bias": bias,
        "head.0.weight": weight, "head.0.bias": bias, "head.2.weight": weight, "head.2.bias": bias,
    }  # fmt: skip
    after = values(net)
    assert np.array_equal(after["bn1.weight"], before["bn1.weight"])
    assert (after["head.2.bias"] == 0.5).all()
    for path, out in (("fc1.weight", 300), ("head.0.weight", 100)):
        w = after[path]
        assert abs((w**2).mean() * out / 2 - 1) < 5 * math.sqrt(2 / w.size)  # so the layout was known


def test_what_is_none_is_left(rng: np.random.Generator) -> None:
    net = Net(rng)
    before = values(net)
    assert set(init.apply(net, bias=init.ones, rng=rng).values()) == {"left", "ones"}
    after = values(net)
    assert all(np.array_equal(after[path], before[path]) for path in before if path.endswith("weight"))
    init.apply(net, scale=init.zeros, rng=rng)
    assert not net.bn1.weight.numpy().any()


def test_some_of_them(rng: np.random.Generator) -> None:
    net = Net(rng)
    done = init.apply(net, weight=init.xavier_uniform, bias=init.ones, rng=rng, where="head.*")
    assert {path for path, what in done.items() if what != "left"} == {
        "head.0.weight", "head.0.bias", "head.2.weight", "head.2.bias",
    }  # fmt: skip
    done = init.apply(net, weight=init.zeros, rng=rng, where=lambda path, shape: shape[0] == 7)
    assert [path for path, what in done.items() if what == "zeros"] == ["head.2.weight"]


def test_names_of_hand_written_networks(rng: np.random.Generator) -> None:
    shapes = {
        "W1": (5, 4),
        "b1": (5, 1),
        "b": (5,),
        "weight_ih": (6, 3),
        "bias_hh": (6,),
        "gamma": (3,),
        "t": (),
    }
    leaves = {name: nn.parameter(np.full(shape, 7.0)) for name, shape in shapes.items()}
    done = init.apply(Bare(**leaves), weight=init.orthogonal, bias=init.zeros, scale=init.ones, rng=rng)
    assert list(done.values()) == [
        "orthogonal", "zeros", "zeros", "orthogonal", "zeros", "ones", "ones",
    ]  # fmt: skip


def test_a_network_of_scalars(rng: np.random.Generator) -> None:
    net = nn.MLP(2, [2, 1], rng=rng)
    done = init.apply(net, bias=partial(init.constant, value=0.25), rng=rng)
    assert [leaf.value for path, leaf in net.named_parameters() if done[path] != "left"] == [0.25] * 3
    init.apply(net, scale=init.normal, rng=rng)
    assert all(type(leaf.value) is float for leaf in net.parameters())


def test_kernels_dtypes_and_repetition(rng: np.random.Generator) -> None:
    leaf = nn.parameter(np.zeros((64, 8, 5, 5), np.float32))
    init.apply(Bare(kernel=leaf), weight=init.kaiming_normal, rng=rng)
    assert leaf.dtype == np.float32
    assert abs((leaf.numpy().astype(float) ** 2).mean() * 100 - 1) < 5 * math.sqrt(2 / leaf.size)
    drawn = []
    for _ in range(2):
        init.apply(Bare(kernel=leaf), weight=init.xavier_normal, rng=np.random.default_rng(3))
        drawn.append(leaf.numpy().copy())
    assert np.array_equal(*drawn)


# ---- what is refused ----


def test_all_or_nothing(rng: np.random.Generator) -> None:
    net = Net(rng)
    before = values(net)
    with pytest.raises(ValueError, match=r"apply: fc1\.bias \(300,\) cannot start so\. fans: a weight with"):
        init.apply(net, weight=init.zeros, bias=init.kaiming_normal, rng=rng)
    assert all(np.array_equal(x, before[path]) for path, x in values(net).items())


def test_things_without_parameters(rng: np.random.Generator) -> None:
    with pytest.raises(
        TypeError, match=r"apply: a module was expected, list came, .* no named_parameters\(\)"
    ):
        init.apply([1, 2], weight=init.zeros, rng=rng)
    with pytest.raises(ValueError, match="apply: a module with parameters was expected, ReLU has none"):
        init.apply(nn.ReLU(), weight=init.zeros, rng=rng)


def test_nothing_to_do(rng: np.random.Generator) -> None:
    net = Net(rng)
    with pytest.raises(
        ValueError, match="apply: at least one of weight, bias and scale was expected, none came"
    ):
        init.apply(net, rng=rng)
    with pytest.raises(
        ValueError, match=r"apply: where='tail\.\*' .* some of fc1\.weight, fc1\.bias.*selects none"
    ):
        init.apply(net, weight=init.zeros, rng=rng, where="tail.*")
    with pytest.raises(
        ValueError, match=r"selected was expected, but bn1\.weight is a scale, bn1\.bias is a bias"
    ):
        init.apply(net, weight=init.zeros, rng=rng, where="bn1.*")


def test_functions_that_return_something_else(rng: np.random.Generator) -> None:
    net = Net(rng)

    def short(shape: Any, **options: Any) -> np.ndarray:
        return np.zeros(shape[:1])

    with pytest.raises(
        ValueError, match=r"apply: fc1\.weight was to get the shape \(300, 200\) from short, \(300,\) came"
    ):
        init.apply(net, weight=short, rng=rng)
    with pytest.raises(
        TypeError, match=r"fc1\.weight was to get real numbers from zeros\(dtype=.*complex128 came"
    ):
        init.apply(net, weight=partial(init.zeros, dtype=complex), rng=rng)


def test_a_seed_is_no_generator(rng: np.random.Generator) -> None:
    seed: Any = 3
    with pytest.raises(TypeError, match="a generator was expected, int came"):
        init.apply(Net(rng), weight=init.zeros, rng=seed)
