from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_a_share_p_is_dropped_and_the_mean_stays(rng, p):
    n = 100_000
    y = nn.Dropout(p, rng=rng)(np.ones(n))
    kept = y[y != 0]
    np.testing.assert_allclose(kept, 1 / (1 - p), rtol=1e-15)
    assert abs(1 - len(kept) / n - p) < 5 * np.sqrt(p * (1 - p) / n)
    assert abs(y.mean() - 1) < 5 * np.sqrt(p / (1 - p) / n)


def test_the_gradient_is_dropped_with_the_value(rng):
    x = tg.tensor(rng.normal(size=(30, 3)), requires_grad=True)
    y = nn.Dropout(0.4, rng=rng)(x)
    y.backward(np.ones((30, 3)))
    np.testing.assert_allclose(x.grad.numpy(), y.numpy() / x.numpy(), rtol=1e-15)


def test_in_use_nothing_happens(rng):
    x = tg.tensor([1.0, 2.0])
    assert nn.Dropout(0.5, rng=rng).eval()(x) is x
    assert nn.Dropout(0, rng=rng)(x) is x


def test_masks_change_and_can_be_repeated_by_the_generator():
    x = np.ones(50)
    first, second = (nn.Dropout(0.5, rng=np.random.default_rng(1)) for _ in range(2))
    a, b = first(x), first(x)
    assert (a != b).any()
    np.testing.assert_array_equal(second(x), a)
    np.testing.assert_array_equal(second(x), b)


def test_frozen_repeats_the_mask(rng):
    layer, x = nn.Dropout(0.5, rng=rng), np.ones(50)
    with layer.frozen():
        a = layer(x)
        np.testing.assert_array_equal(layer(2 * x), 2 * a)
        short = layer(np.ones(5))
        with layer.frozen():
            np.testing.assert_array_equal(layer(x), a)
        np.testing.assert_array_equal(layer(x), a)
        np.testing.assert_array_equal(layer(np.ones(5)), short)
    assert (layer(x) != a).any()
    with layer.frozen():
        assert (layer(x) != a).any()


def test_frozen_gradients_are_those_of_the_values(rng, numeric):
    net = nn.Sequential(
        nn.Linear(3, 8, rng=rng), nn.Tanh(), nn.Dropout(0.5, rng=rng), nn.Linear(8, 1, rng=rng)
    )
    x = rng.normal(size=(4, 3))
    with net[2].frozen():
        net(x).sum().backward()
        for leaf in net.parameters():
            wanted = numeric(lambda: float(net(x).numpy().sum()), leaf)
            np.testing.assert_allclose(leaf.grad.numpy(), wanted, rtol=1e-7, atol=1e-9)


def test_float32_stays_float32(rng):
    assert nn.Dropout(0.5, rng=rng)(tg.tensor(np.ones(3, np.float32))).dtype == np.float32


@pytest.mark.parametrize("p", [-0.1, 1, 1.5, float("nan")])
def test_p_is_a_probability_below_one(rng, p):
    with pytest.raises(ValueError, match="p in"):
        nn.Dropout(p, rng=rng)


def test_p_is_shown(rng):
    assert str(nn.Dropout(0.5, rng=rng)) == "Dropout(p=0.5)"


@pytest.mark.parametrize("x", [tg.tensor(np.full(200, 10)), np.full(200, 10), [10] * 200])
def test_integers_are_scaled_too_and_each_of_a_list_is_dropped_by_itself(rng, x):
    y = np.asarray(tg.core.node.value_of(nn.Dropout(0.3, rng=rng)(x)))
    np.testing.assert_allclose(np.unique(y), [0, 10 / 0.7], rtol=1e-15)
