"""How weights start: moments and bounds of a million draws against the variances of the papers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import nn
from tinygrad_edu.nn import init

OUT, IN = 500, 2000
DRAWS = OUT * IN

# (function, arguments, variance for fan_in = 2000 and fan_out = 500, written out by hand)
NORMAL: list[tuple[Callable[..., Any], dict[str, Any], float]] = [
    (init.normal, {}, 1.0),
    (init.normal, {"std": 0.01}, 1e-4),
    (init.lecun_normal, {}, 1 / 2000),
    (init.xavier_normal, {}, 2 / 2500),
    (init.xavier_normal, {"mode": "fan_in"}, 1 / 2000),
    (init.xavier_normal, {"gain": 5 / 3}, 25 / 9 * 2 / 2500),
    (init.kaiming_normal, {}, 2 / 2000),
    (init.kaiming_normal, {"mode": "fan_out"}, 2 / 500),
    (init.kaiming_normal, {"nonlinearity": "leaky_relu", "slope": 0.5}, 1.6 / 2000),
    (init.kaiming_normal, {"nonlinearity": "linear"}, 1 / 2000),
]
UNIFORM: list[tuple[Callable[..., Any], dict[str, Any], float]] = [
    (init.uniform, {}, 1 / 3),
    (init.uniform, {"low": -0.05, "high": 0.05}, 0.01 / 12),
    (init.lecun_uniform, {}, 1 / 2000),
    (init.xavier_uniform, {}, 2 / 2500),
    (init.xavier_uniform, {"mode": "fan_in"}, 1 / 2000),
    (init.xavier_uniform, {"gain": 5 / 3}, 25 / 9 * 2 / 2500),
    (init.kaiming_uniform, {}, 2 / 2000),
    (init.kaiming_uniform, {"mode": "fan_out"}, 2 / 500),
    (init.kaiming_uniform, {"nonlinearity": "leaky_relu", "slope": 0.5}, 1.6 / 2000),
]


def name(value: Any) -> str | None:
    return getattr(value, "__name__", None) or (str(value) if isinstance(value, dict) else None)


@pytest.mark.parametrize(("function", "arguments", "variance"), NORMAL, ids=name)
def test_normal(
    rng: np.random.Generator, function: Callable[..., Any], arguments: dict[str, Any], variance: float
) -> None:
    w = function((OUT, IN), rng=rng, layout="out_in", **arguments)
    assert w.shape == (OUT, IN)
    # Five standard errors: of the mean, of the variance (the kurtosis is 3), and of the kurtosis itself.
    assert abs(w.mean()) < 5 * math.sqrt(variance / DRAWS)
    assert abs((w**2).mean() / variance - 1) < 5 * math.sqrt(2 / DRAWS)
    assert abs((w**4).mean() / (w**2).mean() ** 2 - 3) < 5 * math.sqrt(24 / DRAWS)


@pytest.mark.parametrize(("function", "arguments", "variance"), UNIFORM, ids=name)
def test_uniform(
    rng: np.random.Generator, function: Callable[..., Any], arguments: dict[str, Any], variance: float
) -> None:
    w = function((OUT, IN), rng=rng, layout="out_in", **arguments)
    assert abs(w.mean()) < 5 * math.sqrt(variance / DRAWS)
    # The kurtosis of a uniform distribution is 9/5.
    assert abs((w**2).mean() / variance - 1) < 5 * math.sqrt(0.8 / DRAWS)
    # A million draws come within a few millionths of the bound, and never reach beyond.
    bound = math.sqrt(3 * variance)
    assert bound * (1 - 4e-5) < w.max() <= bound * (1 + 1e-15)
    assert bound * (1 - 4e-5) < -w.min() <= bound * (1 + 1e-15)


@pytest.mark.parametrize(("function", "arguments", "variance"), [*NORMAL, *UNIFORM], ids=name)
def test_a_linear_layer_starts_with_any_of_them(
    rng: np.random.Generator, function: Callable[..., Any], arguments: dict[str, Any], variance: float
) -> None:
    layer = nn.Linear(IN, OUT, rng=rng, init=partial(function, **arguments))
    w = layer.weight.numpy()
    assert w.shape == (OUT, IN)  # so the layer said which axis is which, or the variance would be another
    assert abs((w**2).mean() / variance - 1) < 5 * math.sqrt(2 / DRAWS)
    assert layer.bias is not None
    assert not layer.bias.numpy().any()


def test_by_default_a_linear_layer_passes_the_size_of_its_input_on(rng: np.random.Generator) -> None:
    y = nn.Linear(IN, OUT, rng=rng)(rng.standard_normal((100, IN)))
    # A sum of 2,000 products of variance 1/2,000: 50,000 of them, not quite independent of each other.
    assert (y.numpy() ** 2).mean() == pytest.approx(1, abs=0.05)


def test_chance_has_to_be_given() -> None:
    anything: Any = init.kaiming_normal
    with pytest.raises(TypeError, match="rng"):
        anything((3, 4), layout="out_in")


def test_normal_around_a_mean(rng: np.random.Generator) -> None:
    w = init.normal((DRAWS,), rng=rng, mean=3.0, std=0.5)
    assert abs(w.mean() - 3) < 5 * 0.5 / 1000
    assert abs(w.var() / 0.25 - 1) < 5 * math.sqrt(2 / DRAWS)


def test_the_transposed_layout_has_the_same_variance(rng: np.random.Generator) -> None:
    w = init.kaiming_normal((IN, OUT), rng=rng, layout="in_out")
    assert abs(w.var() / (2 / 2000) - 1) < 5 * math.sqrt(2 / DRAWS)


@pytest.mark.parametrize(
    ("shape", "layout", "fans"),
    [
        ((300, 20), "out_in", (20, 300)),
        ((20, 300), "in_out", (20, 300)),
        ((16, 3, 5, 5), "out_in", (75, 400)),
        ((5, 5, 3, 16), "in_out", (75, 400)),
        ((8, 4, 3), "out_in", (12, 24)),
    ],
)
def test_fans(shape: tuple[int, ...], layout: init.Layout, fans: tuple[int, int]) -> None:
    assert init.fans(shape, layout) == fans


def test_fans_are_not_guessed(rng: np.random.Generator) -> None:
    sentence = r"\(300, 20\) does not say which axis holds the inputs: say layout='out_in'.*layout='in_out'"
    with pytest.raises(ValueError, match=sentence):
        init.kaiming_normal((300, 20), rng=rng)


@pytest.mark.parametrize("shape", [(), (5,)])
def test_a_vector_has_no_fans(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"at least two axes was expected.*for a bias use zeros"):
        init.fans(shape, "out_in")


def test_an_unknown_layout_is_refused() -> None:
    layout: Any = "torch"
    with pytest.raises(ValueError, match="layout 'out_in' or 'in_out' was expected, 'torch' came"):
        init.fans((2, 3), layout)


def gaussian_mean(f: Callable[[Any], Any]) -> float:
    """The expectation of f(z) for standard normal z, by quadrature on a fine grid."""
    z = np.linspace(-12, 12, 240_001)
    return float((f(z) * np.exp(-z * z / 2)).sum() * (z[1] - z[0]) / math.sqrt(2 * math.pi))


def test_gains_restore_the_mean_square() -> None:
    relu = gaussian_mean(lambda z: np.maximum(z, 0) ** 2)
    leaky = gaussian_mean(lambda z: np.where(z > 0, z, 0.3 * z) ** 2)
    assert init.gain("relu") ** 2 * relu == pytest.approx(1, rel=1e-8)
    assert init.gain("leaky_relu", 0.3) ** 2 * leaky == pytest.approx(1, rel=1e-8)
    assert init.gain("linear") == init.gain("conv") == 1
    # What the docstring says of tanh.
    assert round(gaussian_mean(lambda z: np.tanh(z) ** 2) ** -0.5, 3) == 1.593


def test_gains_by_convention() -> None:
    # As torch.nn.init.calculate_gain has them (its documentation, PyTorch 2.4).
    assert init.gain("sigmoid") == 1
    assert init.gain("tanh") == 5 / 3
    assert init.gain("selu") == 3 / 4
    assert init.gain("leaky_relu") == pytest.approx(math.sqrt(2 / (1 + 0.01**2)), rel=1e-15)


def test_an_unknown_nonlinearity_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gain: one of linear, .*was expected, 'swish' came"):
        init.gain("swish")


def mean_square_after_layers(function: Callable[..., Any], rng: np.random.Generator) -> float:
    x = rng.standard_normal((200, 256))
    for _ in range(10):
        x = np.maximum(x @ function((256, 256), rng=rng, layout="in_out"), 0)
    return float((x**2).mean())


def test_through_ten_relu_layers_kaiming_keeps_the_size_that_lecun_halves(rng: np.random.Generator) -> None:
    # He et al. 2015, sec. 2.2: a layer and its ReLU multiply the mean square by n/2 · Var w.
    assert 0.4 < mean_square_after_layers(init.kaiming_normal, rng) < 2.5
    assert 0.4 < mean_square_after_layers(init.lecun_normal, rng) * 2**10 < 2.5


def test_constants() -> None:
    assert init.zeros((2, 3)).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert init.ones((2,)).tolist() == [1, 1]
    assert init.constant((2,), 0.1).tolist() == [0.1, 0.1]


RANDOM = [
    init.normal, init.uniform, init.lecun_normal, init.lecun_uniform, init.xavier_normal, init.xavier_uniform,
    init.kaiming_normal, init.kaiming_uniform,
]  # fmt: skip


@pytest.mark.parametrize("function", [init.zeros, init.ones, *RANDOM])
def test_every_one_is_called_alike_and_keeps_the_dtype(
    rng: np.random.Generator, function: Callable[..., Any]
) -> None:
    assert function((3, 4), rng=rng, layout="out_in").dtype == np.float64
    w = function((3, 4), rng=rng, layout="out_in", dtype=np.float32)
    assert w.dtype == np.float32
    assert w.shape == (3, 4)
    assert w.flags.writeable


@pytest.mark.parametrize("function", RANDOM)
def test_the_generator_decides(function: Callable[..., Any]) -> None:
    def draw(seed: int) -> list[float]:
        drawn: list[float] = (
            function((3, 4), rng=np.random.default_rng(seed), layout="out_in").ravel().tolist()
        )
        return drawn

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


@pytest.mark.parametrize("function", RANDOM)
def test_a_seed_is_not_a_generator(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"a generator was expected, int came: np.random.default_rng\(seed\)"):
        function((3, 4), rng=0, layout="out_in")


@pytest.mark.parametrize("std", [-1.0, math.inf, math.nan])
def test_a_deviation_that_is_none(rng: np.random.Generator, std: float) -> None:
    with pytest.raises(ValueError, match=f"std={std} came"):
        init.normal((3,), rng=rng, std=std)


def test_an_interval_the_wrong_way_round(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="low=1 and high=0 came"):
        init.uniform((3,), rng=rng, low=1, high=0)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_a_scale_that_is_not_positive(rng: np.random.Generator, scale: float) -> None:
    with pytest.raises(ValueError, match="a positive scale and fan were expected"):
        init.variance_scaling((3, 4), rng=rng, layout="out_in", scale=scale)


def test_a_fan_of_nothing(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=r"a positive scale and fan were expected, 1\.0 and 0 came"):
        init.lecun_normal((3, 0), rng=rng, layout="out_in")


def test_an_unknown_mode_or_distribution(rng: np.random.Generator) -> None:
    unknown: Any = "fan_sum"
    with pytest.raises(ValueError, match="mode fan_in, fan_out, fan_average was expected, 'fan_sum' came"):
        init.variance_scaling((3, 4), rng=rng, layout="out_in", mode=unknown)
    with pytest.raises(ValueError, match="'uniform' or 'truncated_normal' was expected, 'fan_sum' came"):
        init.variance_scaling((3, 4), rng=rng, layout="out_in", distribution=unknown)
