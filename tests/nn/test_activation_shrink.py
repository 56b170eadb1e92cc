"""Activations that take something away, at and around their kinks, and layers that drop whole channels."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import functional as F

X = np.array([-2.0, -0.5, -0.25, 0.0, 0.25, 0.5, 2.0])


@pytest.mark.parametrize(("f", "values", "slopes"), [
    (nn.Softshrink(), [-1.5, 0, 0, 0, 0, 0, 1.5], [1, 0, 0, 0, 0, 0, 1]),
    (nn.Hardshrink(), [-2, 0, 0, 0, 0, 0, 2], [1, 0, 0, 0, 0, 0, 1]),
    (nn.Threshold(0.25, 7.0), [7, 7, 7, 7, 7, 0.5, 2], [0, 0, 0, 0, 0, 1, 1]),
    (nn.Tanhshrink(), X - np.tanh(X), np.tanh(X) ** 2),
])  # fmt: skip
def test_values_and_slopes_also_at_the_kinks(f, values, slopes):
    x = tg.tensor(X, requires_grad=True)
    y = f(x)
    np.testing.assert_allclose(y.numpy(), values, rtol=1e-14)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), slopes, rtol=1e-14)


def test_a_gate_is_the_second_half(rng):
    x = rng.normal(size=(2, 6, 3))
    np.testing.assert_allclose(nn.GLU(1)(x), x[:, :3] / (1 + np.exp(-x[:, 3:])), rtol=1e-14)
    assert F.glu(x.astype(np.float32), 1).dtype == np.float32
    with pytest.raises(ShapeError, match="an even length along axis -1"):
        nn.GLU()(x)
    with pytest.raises(ValueError, match="Softshrink: lambd ≥ 0 was expected, -1 came"):
        nn.Softshrink(-1)


def test_whole_channels_are_dropped(rng):
    y = nn.Dropout2d(0.5, rng=rng)(np.ones((50, 40, 2, 3))).reshape(2000, 6)
    assert set(np.unique(y)) == {0, 2}
    assert np.all(y == y[:, :1])
    assert y.mean() == pytest.approx(1, abs=0.1)  # four deviations, 1 / √2000 each
    with pytest.raises(ShapeError, match=r"x \(batch, channels, length\) was expected"):
        nn.Dropout1d(rng=rng)(np.ones((2, 3)))


def test_modules_by_name(rng):
    heads = nn.ModuleDict({"left": nn.Linear(2, 1, rng=rng)})
    heads["right"] = nn.Tanh()
    assert [name for name, _ in heads.items()] == ["left", "right"]
    assert list(heads.state_dict()) == ["left.weight", "left.bias"]
    assert heads["right"](np.zeros(1)) == 0
    with pytest.raises(KeyError, match="one of left, right was expected, 'up' came"):
        heads["up"]
    with pytest.raises(TypeError, match="modules were expected"):
        heads["up"] = np.tanh
