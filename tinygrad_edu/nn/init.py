"""How weights start: random numbers whose variance keeps signals from vanishing or exploding.

A linear layer adds up n products, so Var y = n · Var w · E[x²]. To pass the size of x on, the weights need

    Var w = 1 / n                    for a linear layer, and nearly so for tanh     LeCun et al. 1998
    Var w = 2 / n                    before a ReLU, which halves E[x²]              He et al. 2015
    Var w = 2 / (n_in + n_out)       a compromise with the backward pass            Glorot and Bengio 2010

and thus randn · √Var w, or a uniform distribution on ±√(3 Var w), whose variance is the same. Each function
takes a shape and returns an array: nothing is changed in place, and chance comes from the `rng` you pass.

n is the *fan*: n_in the number of inputs of a unit, n_out the number of units that an input feeds. Which axis
of a matrix is which cannot be seen from its shape, so `layout` says it: "out_in" is how the layers of `nn`
(and PyTorch) keep weights, (out, in) or (out, in, *kernel), and "in_out" its transpose, (in, out) or
(*kernel, in, out). A weight that is neither is given its scale: `normal(shape, rng=rng, std=1 / √n)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from tinygrad_edu.types import Array

Layout = Literal["out_in", "in_out"]
Mode = Literal["fan_in", "fan_out", "fan_average"]

# ---- constants, and chance without a rule ----


# (They need no fans, and some no chance; they take `rng` and `layout` all the same, so that a layer can call
# every initialization alike.)


def zeros(
    shape: Sequence[int], *, rng: np.random.Generator | None = None, layout: Layout | None = None,
    dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Zeros: right for biases, wrong for weights, whose units would all stay equal."""
    return np.zeros(shape, dtype)


def ones(
    shape: Sequence[int], *, rng: np.random.Generator | None = None, layout: Layout | None = None,
    dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Ones: right for the scales of a normalization."""
    return np.ones(shape, dtype)


def constant(
    shape: Sequence[int], value: float, *, rng: np.random.Generator | None = None,
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """The same value everywhere."""
    return np.full(shape, value, dtype)


def normal(
    shape: Sequence[int], *, rng: np.random.Generator, std: float = 1.0, mean: float = 0.0,
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Normal, mean + std · randn; with std = 0.01, the small random numbers of many an example.

    Raises:
        ValueError: a negative or infinite std.
    """
    if not 0 <= std < math.inf:
        raise ValueError(f"normal: a standard deviation of at least 0 was expected, std={std} came")
    return (mean + std * _rng(rng).standard_normal(shape)).astype(dtype)


def uniform(
    shape: Sequence[int], *, rng: np.random.Generator, low: float = -1.0, high: float = 1.0,
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Uniform in [low, high).

    Raises:
        ValueError: low > high.
    """
    if not low <= high:
        raise ValueError(f"uniform: low ≤ high was expected, low={low} and high={high} came")
    return _rng(rng).uniform(low, high, shape).astype(dtype)


# ---- fans and gains ----


def fans(shape: Sequence[int], layout: Layout | None) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight: how many inputs a unit has, and how many units an input feeds.

    Args:
        shape: of a linear layer's weight, two axes, or of a convolution's, with the kernel's axes; each of
            those multiplies both fans, since a unit sees the whole kernel.
        layout: "out_in": (out, in, *kernel), as the layers of `nn` keep it; "in_out": (*kernel, in, out).

    Raises:
        ValueError: fewer than two axes, or no layout, or another.
    """
    if layout is None:
        raise ValueError(
            f"fans: the shape {tuple(shape)} does not say which axis holds the inputs: say layout='out_in' "
            f"for (out, in), as nn.Linear keeps its weight, or layout='in_out' for (in, out)"
        )
    if len(shape) < 2:
        raise ValueError(
            f"fans: a weight with at least two axes was expected, {tuple(shape)} came: the fans of a vector "
            f"are not defined; for a bias use zeros"
        )
    if layout == "out_in":
        units, inputs, *kernel = shape
    elif layout == "in_out":
        *kernel, inputs, units = shape
    else:
        raise ValueError(f"fans: layout 'out_in' or 'in_out' was expected, {layout!r} came")
    size = math.prod(kernel)
    return inputs * size, units * size


def gain(nonlinearity: str, slope: float = 0.01) -> float:
    """The factor on the standard deviation that makes up for what a nonlinearity takes away.

    linear, conv   1
    relu           √2                     He et al. 2015, eq. 10
    leaky_relu     √(2 / (1 + slope²))    ibid., eq. 15
    sigmoid        1                      PyTorch's convention, not derived
    tanh           5/3                    PyTorch's convention; 1.593 would make up for tanh(randn)
    selu           3/4                    PyTorch's convention, found by experiment

    Raises:
        ValueError: a nonlinearity that is not in the table.
    """
    table = {
        "linear": 1.0, "conv": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + slope * slope)), "selu": 0.75,
    }  # fmt: skip
    if nonlinearity not in table:
        raise ValueError(f"gain: one of {', '.join(table)} was expected, {nonlinearity!r} came")
    return table[nonlinearity]


# ---- a variance for the fans ----


def variance_scaling(
    shape: Sequence[int], *, rng: np.random.Generator, layout: Layout | None = None, scale: float = 1.0,
    mode: Mode = "fan_in", distribution: Literal["normal", "uniform"] = "normal", dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Variance scale / n, where n is fan_in, fan_out, or the mean of both: the rules below are cases of it.

    Args:
        shape: of the weight, see `fans`.
        rng: where chance comes from.
        layout: which axes are the inputs, see `fans`.
        scale: > 0; the square of a gain.
        mode: which fan n is.
        distribution: normal, or uniform on ±√(3 · variance).
        dtype: of the result.

    Raises:
        ValueError: a shape without fans, an unknown mode or distribution, a scale that is not positive, or
            n = 0.
    """
    fan_in, fan_out = fans(shape, layout)
    choices = {"fan_in": fan_in, "fan_out": fan_out, "fan_average": (fan_in + fan_out) / 2}
    if mode not in choices:
        raise ValueError(f"variance_scaling: mode {', '.join(choices)} was expected, {mode!r} came")
    n = choices[mode]
    if not (n > 0 and 0 < scale < math.inf):
        raise ValueError(f"variance_scaling: a positive scale and fan were expected, {scale} and {n} came")
    if distribution == "normal":
        return normal(shape, rng=rng, std=math.sqrt(scale / n), dtype=dtype)
    if distribution == "uniform":
        bound = math.sqrt(3 * scale / n)
        return uniform(shape, rng=rng, low=-bound, high=bound, dtype=dtype)
    raise ValueError(f"variance_scaling: 'normal' or 'uniform' was expected, {distribution!r} came")


def lecun_normal(
    shape: Sequence[int], *, rng: np.random.Generator, layout: Layout | None = None, dtype: Any = np.float64
) -> Array:
    """Normal, randn · √(1 / fan_in) (LeCun, Bottou, Orr and Müller 1998, eq. 16)."""
    return variance_scaling(shape, rng=rng, layout=layout, dtype=dtype)


def lecun_uniform(
    shape: Sequence[int], *, rng: np.random.Generator, layout: Layout | None = None, dtype: Any = np.float64
) -> Array:
    """Uniform with the variance 1 / fan_in, on ±√(3 / fan_in); see `lecun_normal`."""
    return variance_scaling(shape, rng=rng, layout=layout, distribution="uniform", dtype=dtype)


def xavier_normal(
    shape: Sequence[int], *, rng: np.random.Generator, gain: float = 1.0, mode: Mode = "fan_average",
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Normal, randn · gain · √(2 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 12), for tanh.

    `mode="fan_in"` is the simpler form that is also called Xavier's: randn · gain · √(1 / fan_in).
    """
    return variance_scaling(shape, rng=rng, layout=layout, scale=gain * gain, mode=mode, dtype=dtype)


def xavier_uniform(
    shape: Sequence[int], *, rng: np.random.Generator, gain: float = 1.0, mode: Mode = "fan_average",
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Uniform on ±gain · √(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 16); see `xavier_normal`."""
    return variance_scaling(
        shape, rng=rng, layout=layout, scale=gain * gain, mode=mode, distribution="uniform", dtype=dtype
    )


def kaiming_normal(
    shape: Sequence[int], *, rng: np.random.Generator, nonlinearity: str = "relu", slope: float = 0.01,
    mode: Mode = "fan_in", layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Normal, randn · √(2 / fan_in), for layers before a ReLU (He, Zhang, Ren and Sun 2015, eq. 10).

    Args:
        shape: of the weight.
        rng: where chance comes from.
        nonlinearity: what follows; its squared `gain` is the 2.
        slope: of a leaky ReLU for negative inputs.
        mode: "fan_in" keeps the size of activations, "fan_out" that of gradients (ibid., eq. 14).
        layout: which axes are the inputs.
        dtype: of the result.
    """
    scale = gain(nonlinearity, slope) ** 2
    return variance_scaling(shape, rng=rng, layout=layout, scale=scale, mode=mode, dtype=dtype)


def kaiming_uniform(
    shape: Sequence[int], *, rng: np.random.Generator, nonlinearity: str = "relu", slope: float = 0.01,
    mode: Mode = "fan_in", layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Uniform on ±√(6 / fan_in), whose variance is 2 / fan_in; see `kaiming_normal`."""
    scale = gain(nonlinearity, slope) ** 2
    return variance_scaling(
        shape, rng=rng, layout=layout, scale=scale, mode=mode, distribution="uniform", dtype=dtype
    )


def _rng(rng: Any) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng: a generator was expected, {type(rng).__name__} came: np.random.default_rng(seed) makes one"
        )
    return rng
