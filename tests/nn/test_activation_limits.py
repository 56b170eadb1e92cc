"""Activations where it gets difficult: at ±1000, at their kinks, and with what they cannot take."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import functional as F


def slope(f, at):
    x = tg.tensor([float(at)], requires_grad=True)
    f(x).sum().backward()
    return float(x.grad.numpy()[0])


# What each tends to: value and slope at −1000, and at 1000.
FAR = {
    F.gelu: (0, 0, 1000, 1), F.silu: (0, 0, 1000, 1), F.mish: (0, 0, 1000, 1), F.softplus: (0, 0, 1000, 1),
    F.elu: (-1, 0, 1000, 1), F.celu: (-1, 0, 1000, 1), F.hardswish: (0, 0, 1000, 1), F.relu6: (0, 0, 6, 0),
    F.logsigmoid: (-1000, 1, 0, 0), F.hardtanh: (-1, 0, 1, 0), F.hardsigmoid: (0, 0, 1, 0),
    F.selu: (-1.0507009873554805 * 1.6732632423543772, 0, 1050.7009873554805, 1.0507009873554805),
    F.softsign: (-1000 / 1001, 1 / 1001**2, 1000 / 1001, 1 / 1001**2),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("f", FAR, ids=lambda f: f.__name__)
def test_far_away_they_are_what_they_tend_to(f, dtype):
    x = tg.tensor(np.array([-1000, 1000], dtype), requires_grad=True)
    y = f(x)
    y.sum().backward()
    low, low_slope, high, high_slope = FAR[f]
    assert y.dtype == x.grad.dtype == dtype
    np.testing.assert_allclose(y.numpy(), [low, high], rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(
        x.grad.numpy(), [low_slope, high_slope], rtol=3e-4 if f is F.softsign else 1e-6, atol=1e-30
    )


def test_the_tanh_form_of_gelu_is_near_the_other_everywhere():
    x = np.linspace(-1000, 1000, 20001)
    exact, near = F.gelu(tg.tensor(x)).numpy(), F.gelu(tg.tensor(x), "tanh").numpy()
    assert 1e-5 < np.abs(exact - near).max() < 5e-4


@pytest.mark.parametrize(("f", "at", "wanted"), [
    (lambda x: F.leaky_relu(x, 0.25), 0, 0.25), (F.elu, 0, 1.0), (lambda x: F.elu(x, 0.5), 0, 0.5),
    (lambda x: F.celu(x, 0.5), 0, 1.0), (F.selu, 0, 1.0507009873554805 * 1.6732632423543772),
    (F.relu6, 0, 0.0), (F.relu6, 6, 0.0), (F.hardtanh, -1, 0.0), (F.hardtanh, 1, 0.0),
    (F.hardsigmoid, -3, 0.0), (F.hardsigmoid, 3, 0.0), (F.hardswish, -3, 0.0), (F.hardswish, 3, 1.0),
    (F.softsign, 0, 1.0),
])  # fmt: skip
def test_slopes_at_kinks_are_those_that_are_stated(f, at, wanted):
    assert slope(f, at) == pytest.approx(wanted, rel=1e-15)


def test_at_zero_a_learned_slope_is_that_of_the_left_side():
    x, a = tg.tensor([[0.0, 0.0]], requires_grad=True), tg.tensor([0.1, 0.2], requires_grad=True)
    F.prelu(x, a).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0.1, 0.2]])


def test_pieces_that_tie_share_the_gradient():
    x = tg.tensor([[2.0, 2.0, 1.0, 5.0]], requires_grad=True)
    y = F.maxout(x, 2)
    np.testing.assert_array_equal(y.numpy(), [[2, 5]])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0.5, 0.5, 0, 1]])


@pytest.mark.parametrize("f", [*FAR, F.leaky_relu], ids=lambda f: f.__name__)
def test_what_is_not_a_number_stays_so(f):
    with np.errstate(invalid="ignore"):  # NumPy's logaddexp has something to say about it
        assert math.isnan(f(tg.tensor([math.nan])).numpy()[0])


def test_selu_keeps_mean_and_variance(rng):
    """Its constants are made for this: a standard normal x gives mean 0 and variance 1."""
    y = F.selu(rng.standard_normal(1_000_000))
    assert abs(y.mean()) < 0.005
    assert abs(y.var() - 1) < 0.01


def test_maxout_of_planes_is_convex(rng):
    net = nn.Sequential(nn.Linear(2, 6, rng=rng), nn.Maxout(3))
    a, b = rng.normal(size=(2, 50, 2))
    middle = net((a + b) / 2).numpy()
    assert (middle <= (net(a).numpy() + net(b).numpy()) / 2 + 1e-12).all()


@pytest.mark.parametrize(("f", "error", "words"), [
    (lambda: nn.GELU("erf"), ValueError, "approximate='none' or 'tanh' was expected, 'erf' came"),
    (lambda: nn.Hardtanh(1, 1), ValueError, "min_val < max_val was expected, 1 and 1 came"),
    (lambda: F.scaled_softplus(1.0, 0), ValueError, "beta > 0 was expected, 0 came"),
    (lambda: F.celu(1.0, 0), ValueError, "alpha other than 0 was expected"),
    (lambda: nn.PReLU(0), ValueError, "num_parameters ≥ 1 was expected, 0 came"),
    (lambda: nn.Maxout(0), ValueError, "pieces ≥ 1 were expected, 0 came"),
    (lambda: F.maxout(np.ones((1, 2)), 0), ValueError, "pieces ≥ 1 were expected, 0 came"),
    (lambda: nn.Maxout(2)(np.ones((1, 3))), ShapeError, "a multiple of 2 features, was expected, (1, 3) came"),
    (lambda: nn.PReLU(2)(np.ones((1, 3))), ShapeError, "channels of x (1, 3), were expected, (2,) came"),
])  # fmt: skip
def test_what_cannot_be_is_refused(f, error, words):
    with pytest.raises(error, match=re.escape(words)):
        f()


def test_what_distinguishes_them_is_shown():
    shown = [nn.ELU(), nn.CELU(0.5), nn.Softplus(), nn.Softplus(2.0), nn.GELU("tanh"), nn.PReLU(3), nn.Hardtanh(-2, 1),
             nn.Maxout(2), nn.LogSoftmax(), nn.Softmin(0)]  # fmt: skip
    assert list(map(str, shown)) == [
        "ELU(alpha=1.0)", "CELU(alpha=0.5)", "Softplus", "Softplus(beta=2.0)", "GELU(tanh)", "PReLU(3)",
        "Hardtanh(-2 … 1)", "Maxout(2)", "LogSoftmax(dim=-1)", "Softmin(dim=0)",
    ]  # fmt: skip
