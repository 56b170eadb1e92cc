"""Scales measured on data: on real digits, seen again by NumPy alone; and everything else is left as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import init


@pytest.fixture
def digits() -> np.ndarray:
    return tg.data.load_digits().x[:400]


def deep(rng: np.random.Generator) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(64, 90, rng=rng), nn.ReLU(), nn.Linear(90, 50, rng=rng), nn.Tanh(), nn.Linear(50, 40, rng=rng),
        nn.GELU(), nn.Linear(40, 10, rng=rng),
    )  # fmt: skip


def outputs(net: nn.Sequential, x: np.ndarray) -> list[np.ndarray]:
    """What each linear layer of a Sequential returns, one after the other."""
    found = []
    for module in net:
        x = np.asarray(module(x).numpy() if isinstance(module(x), tg.Tensor) else module(x))
        if isinstance(module, nn.Linear):
            found.append(x)
    return found


class Convolution(nn.Module):
    """The simplest one: a kernel over the last axis, (batch, in, length) to (batch, out, positions)."""

    def __init__(self, inputs: int, units: int, size: int, rng: np.random.Generator) -> None:
        self.weight = nn.parameter(init.kaiming_normal((units, inputs, size), rng=rng, layout="out_in"))
        self.bias = nn.parameter(np.zeros((units, 1)))

    def forward(self, x: Any) -> Any:
        seen = tg.windows(tg.tensor(x), size=(self.weight.shape[2],))
        return tg.einsum("bips,ois->bop", seen, self.weight) + self.bias


class Normalized(nn.Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.fc1 = nn.Linear(64, 30, bias=False, rng=rng)
        self.bn = nn.BatchNorm1d(30)
        self.fc2 = nn.Linear(30, 30, rng=rng)
        self.twice = self.fc2
        self.unused = nn.Linear(3, 3, rng=rng)

    def forward(self, x: Any) -> Any:
        return self.fc2(self.twice(self.bn(self.fc1(x)).relu()))


# ---- lsuv ----


def test_unit_variance_on_digits(rng: np.random.Generator, digits: np.ndarray) -> None:
    net = deep(rng)
    before = [float(y.var()) for y in outputs(net, digits)]
    table = init.lsuv(net, digits, rng=rng, tolerance=1e-6)
    after = outputs(net, digits)
    assert before[0] > 40  # pixels of 0 to 16
    assert [y.var() for y in after] == pytest.approx([1] * 4, abs=1e-6)
    assert [row.path for row in table] == ["0", "2", "4", "6"]
    assert [row.before[1] for row in table] == pytest.approx(before, rel=1e-12)
    assert [row.after[1] for row in table] == pytest.approx([float(y.var()) for y in after], rel=1e-12)
    assert [row.after[0] for row in table] == pytest.approx([float(y.mean()) for y in after], abs=1e-12)
    assert {row.steps for row in table} == {1}  # without biases, one division is enough
    w = net[2].weight.numpy()
    scaled = w @ w.T
    assert scaled == pytest.approx(scaled[0, 0] * np.eye(50), abs=1e-12)  # orthonormal rows, all scaled alike


def test_directions_are_kept_without_a_start(rng: np.random.Generator, digits: np.ndarray) -> None:
    net = deep(rng)
    held = [np.array(p.value) for p in net.parameters()]
    init.lsuv(net, digits, start=None)
    for before, leaf in zip(held, net.parameters(), strict=True):
        a, b = before.ravel(), leaf.numpy().ravel()
        if before.ndim == 2:
            assert a @ b == pytest.approx(np.linalg.norm(a) * np.linalg.norm(b), rel=1e-12)
        else:
            assert np.array_equal(a, b)


def test_a_bias_takes_several_steps(rng: np.random.Generator, digits: np.ndarray) -> None:
    net = nn.Sequential(nn.Linear(64, 30, rng=rng))
    net[0].bias.assign(0.5 * rng.standard_normal(30))
    (row,) = init.lsuv(net, digits, rng=rng, tolerance=1e-3, most=30)
    assert row.steps > 1
    assert outputs(net, digits)[0].var() == pytest.approx(1, abs=1e-3)


def test_a_bias_that_is_too_large(rng: np.random.Generator, digits: np.ndarray) -> None:
    net = deep(rng)
    net[2].bias.assign(3 * rng.standard_normal(50))
    held = [np.array(p.value) for p in net.parameters()]
    with pytest.raises(
        ValueError, match=r"variance of '2' was expected to come to 1 ± 0\.001 in 10 steps, it is"
    ):
        init.lsuv(net, digits, rng=rng)
    for before, leaf in zip(held, net.parameters(), strict=True):
        assert np.array_equal(before, leaf.numpy())


def test_normalizations_and_layers_that_are_called_twice(
    rng: np.random.Generator, digits: np.ndarray
) -> None:
    net = Normalized(rng)
    net.bn.running_mean.value = np.arange(30.0)
    table = init.lsuv(net, digits, rng=rng, most=50, where=lambda path, shape: "unused" not in path)
    assert [row.path for row in table] == ["fc1", "fc2"]
    assert np.array_equal(net.bn.running_mean.value, np.arange(30.0))
    assert not any("forward" in vars(module) for _, module in net.named_modules())
    assert net.training
    hidden = net.bn(net.fc1(digits)).relu()
    both = np.concatenate([net.fc2(hidden).numpy(), net.fc2(net.fc2(hidden)).numpy()])
    assert both.var() == pytest.approx(1, abs=1e-3)


def test_a_forward_of_its_own_is_put_back(rng: np.random.Generator, digits: np.ndarray) -> None:
    net = nn.Linear(64, 5, rng=rng)
    own = net.forward
    net.forward = own
    (row,) = init.lsuv(net, digits, rng=rng)
    assert vars(net)["forward"] is own
    assert row.path == "Linear"


# ---- every unit ----


def test_every_unit_on_digits(rng: np.random.Generator, digits: np.ndarray) -> None:
    net = deep(rng)
    for leaf in net.parameters():
        leaf.assign(leaf.numpy() + 0.1 * rng.standard_normal(leaf.shape))
    directions = [
        w / np.linalg.norm(w, axis=1, keepdims=True) for w in (m.weight.numpy() for m in list(net)[::2])
    ]
    table = init.data_dependent(net, digits)
    for y in outputs(net, digits):
        assert np.abs(y.mean(axis=0)).max() < 1e-12
        assert y.std(axis=0) == pytest.approx(np.ones(y.shape[1]), rel=1e-12)
    for before, module in zip(directions, list(net)[::2], strict=True):
        w = module.weight.numpy()
        assert w / np.linalg.norm(w, axis=1, keepdims=True) == pytest.approx(before, rel=1e-12)
    assert np.array([row.after for row in table]) == pytest.approx(np.array([(0, 1)] * 4), abs=1e-12)


def test_channels_of_a_convolution(rng: np.random.Generator) -> None:
    x = 3 + rng.standard_normal((20, 2, 11))
    net = Convolution(2, 5, 3, rng)
    init.data_dependent(net, x)
    y = net(x).numpy()
    assert np.abs(y.mean(axis=(0, 2))).max() < 1e-12
    assert y.std(axis=(0, 2)) == pytest.approx(np.ones(5), rel=1e-12)
    init.lsuv(net, x, start=None, tolerance=1e-9)
    assert net(x).numpy().var() == pytest.approx(1, abs=1e-9)


def test_convolutions_of_digits(rng: np.random.Generator) -> None:
    images = tg.data.load_digits().x[:100].reshape(100, 1, 8, 8)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, rng=rng), nn.ReLU(), nn.Conv2d(8, 6, 3, groups=2, rng=rng), nn.Flatten(),
        nn.Linear(6 * 16, 10, rng=rng),
    )  # fmt: skip
    init.lsuv(net, images, rng=rng)
    assert net(images).numpy().var() == pytest.approx(1, abs=1e-3)
    init.data_dependent(net, images)
    inner = net[2](net[1](net[0](images))).numpy()
    assert np.abs(inner.mean(axis=(0, 2, 3))).max() < 1e-12
    assert inner.std(axis=(0, 2, 3)) == pytest.approx(np.ones(6), rel=1e-12)
    assert net(images).numpy().std(axis=0) == pytest.approx(np.ones(10), rel=1e-12)


# ---- the table ----


def test_the_table_is_printed(rng: np.random.Generator, digits: np.ndarray) -> None:
    lines = str(init.lsuv(deep(rng), digits, rng=rng)).splitlines()
    assert len(lines) == 5
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split() == ["layer", "mean", "before", "after", "variance", "before", "after", "steps"]
    assert lines[1].split()[-2:] == ["1.0000", "1"]


# ---- what is refused ----


class Bare(nn.Module):
    """Two weights of its own, in a list."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.weights = [nn.parameter(rng.standard_normal((4, 4))) for _ in range(2)]

    def forward(self, x: Any) -> Any:
        return x @ self.weights[0] @ self.weights[1]


def test_whose_output_it_is_must_be_known(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="lsuv: a module with one weight was expected, 'Bare' has several"):
        init.lsuv(Bare(rng), np.ones((2, 4)), rng=rng)
    net = Bare(rng)
    init.lsuv(net, rng.standard_normal((9, 4)), rng=rng, where="weights.1")


def test_layers_that_are_not_called(rng: np.random.Generator, digits: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"lsuv: .*it did not call unused: leave them out by where="):
        init.lsuv(Normalized(rng), digits, rng=rng)


def test_no_weight_is_meant(rng: np.random.Generator, digits: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"lsuv: weights were expected, none of 0\.weight, 0\.bias"):
        init.lsuv(deep(rng), digits, rng=rng, where="*.bias")
    with pytest.raises(TypeError, match="data_dependent: a module was expected, int came"):
        init.data_dependent(3, digits)


def test_a_constant_output(rng: np.random.Generator, digits: np.ndarray) -> None:
    with pytest.raises(
        ValueError, match="an output that varies was expected of '0', on this batch it is constant"
    ):
        init.lsuv(deep(rng), 0 * digits, rng=rng)
    with pytest.raises(ValueError, match="units that vary were expected of '0', 90 of 90 are constant"):
        init.data_dependent(deep(rng), digits[:1])


def test_an_output_that_overflows(rng: np.random.Generator, digits: np.ndarray) -> None:
    net = deep(rng)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="lsuv: a finite output was expected of '0', it overflows"),
    ):
        init.lsuv(net, 1e200 * digits, rng=rng)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="data_dependent: a finite output was expected of '0'"),
    ):
        init.data_dependent(net, 1e200 * digits)


def test_settings_outside_their_ranges(rng: np.random.Generator, digits: np.ndarray) -> None:
    for options in ({"tolerance": 0.0}, {"most": 0}, {"tolerance": np.nan}):
        settings: Any = options
        with pytest.raises(ValueError, match="lsuv: tolerance > 0 and most ≥ 1 were expected"):
            init.lsuv(deep(rng), digits, rng=rng, **settings)
    with pytest.raises(TypeError, match="a generator was expected, NoneType came"):
        init.lsuv(deep(rng), digits)


def test_a_mean_needs_a_bias(rng: np.random.Generator, digits: np.ndarray) -> None:
    net = Normalized(rng)
    with pytest.raises(
        ValueError, match="a bias that moves the mean was expected of 'fc1', it has none: use lsuv"
    ):
        init.data_dependent(net, digits, where="fc*")
    init.data_dependent(net, digits, where="fc2.*")


class Turned(nn.Linear):
    """A layer that returns its output the other way round."""

    def forward(self, x: Any) -> Any:
        return super().forward(x).T


def test_units_must_be_where_they_are_expected(rng: np.random.Generator, digits: np.ndarray) -> None:
    with pytest.raises(
        ShapeError, match=r"an output of 'Turned' with 5 units on axis 1 .* outputs \(5, 400\)"
    ):
        init.data_dependent(Turned(64, 5, rng=rng), digits)
