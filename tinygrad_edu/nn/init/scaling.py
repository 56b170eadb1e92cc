"""A variance for the fans: LeCun's, Xavier's and Kaiming's rules, all cases of scale / n.

    Var w = scale / n,     n = n_in, n_out, or the mean of both

as randn · √Var w; as a uniform distribution on ±√(3 Var w), whose variance is the same; or as a normal distribution cut
off at two standard deviations, made wider by as much as the cut narrows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from tinygrad_edu.nn.init import gains
from tinygrad_edu.nn.init.distributions import normal, trunc_normal, truncated_std, uniform
from tinygrad_edu.nn.init.layout import Layout, fans
from tinygrad_edu.types import Array

Mode = Literal["fan_in", "fan_out", "fan_average"]
Distribution = Literal["normal", "uniform", "truncated_normal"]


def variance_scaling(
    shape: Sequence[int], *, rng: np.random.Generator, layout: Layout | None = None, scale: float = 1.0,
    mode: Mode = "fan_in", distribution: Distribution = "normal", groups: int = 1, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Variance scale / n, where n is fan_in, fan_out, or the mean of both: the rules below are cases of it.

    Args:
        shape: of the weight, see `fans`.
        rng: where chance comes from.
        layout: which axes are the inputs, see `fans`.
        scale: > 0; the square of a gain.
        mode: which fan n is.
        distribution: normal; uniform on ±√(3 · variance); or truncated_normal, cut off at two standard deviations of
            the normal that is cut, which has √variance / 0.8796 for that, so that what is left has the variance. So do
            Keras and JAX.
        groups: of a convolution, see `fans`.
        dtype: of the result.

    Raises:
        ValueError: a shape without fans, an unknown mode or distribution, a scale that is not positive, or
            n = 0.
    """
    fan_in, fan_out = fans(shape, layout, groups)
    choices = {"fan_in": fan_in, "fan_out": fan_out, "fan_average": (fan_in + fan_out) / 2}
    if mode not in choices:
        raise ValueError(f"variance_scaling: mode {', '.join(choices)} was expected, {mode!r} came")
    n = choices[mode]
    if not (n > 0 and 0 < scale < math.inf):
        raise ValueError(f"variance_scaling: a positive scale and fan were expected, {scale} and {n} came")
    std = math.sqrt(scale / n)
    if distribution == "normal":
        return normal(shape, rng=rng, std=std, dtype=dtype)
    if distribution == "uniform":
        bound = math.sqrt(3) * std
        return uniform(shape, rng=rng, low=-bound, high=bound, dtype=dtype)
    if distribution == "truncated_normal":
        wider = std / truncated_std(2)
        return trunc_normal(shape, rng=rng, std=wider, a=-2 * wider, b=2 * wider, dtype=dtype)
    raise ValueError(
        f"variance_scaling: 'normal', 'uniform' or 'truncated_normal' was expected, {distribution!r} came"
    )


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
    layout: Layout | None = None, groups: int = 1, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Normal, randn · gain · √(2 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 12), for tanh.

    `mode="fan_in"` is the simpler form that is also called Xavier's: randn · gain · √(1 / fan_in).
    """
    return variance_scaling(
        shape, rng=rng, layout=layout, scale=gain * gain, mode=mode, groups=groups, dtype=dtype
    )


def xavier_uniform(
    shape: Sequence[int], *, rng: np.random.Generator, gain: float = 1.0, mode: Mode = "fan_average",
    layout: Layout | None = None, groups: int = 1, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Uniform on ±gain · √(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 16); see `xavier_normal`."""
    return variance_scaling(
        shape,
        rng=rng,
        layout=layout,
        scale=gain * gain,
        mode=mode,
        distribution="uniform",
        groups=groups,
        dtype=dtype,
    )


def kaiming_normal(
    shape: Sequence[int], *, rng: np.random.Generator, nonlinearity: str | Callable[..., Any] = "relu",
    slope: float = 0.01, mode: Mode = "fan_in", layout: Layout | None = None, groups: int = 1, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Normal, randn · √(2 / fan_in), for layers before a ReLU (He, Zhang, Ren and Sun 2015, eq. 10).

    Args:
        shape: of the weight.
        rng: where chance comes from.
        nonlinearity: what follows, by its name or as a function; its squared `gain` is the 2.
        slope: of a leaky ReLU for negative inputs; PyTorch calls it a.
        mode: "fan_in" keeps the size of activations, "fan_out" that of gradients (ibid., eq. 14).
        layout: which axes are the inputs.
        groups: of a convolution, see `fans`.
        dtype: of the result.

    Raises:
        ValueError: a nonlinearity without a gain, and what `variance_scaling` refuses.
    """
    scale = gains.gain(nonlinearity, slope) ** 2
    return variance_scaling(shape, rng=rng, layout=layout, scale=scale, mode=mode, groups=groups, dtype=dtype)


def kaiming_uniform(
    shape: Sequence[int], *, rng: np.random.Generator, nonlinearity: str | Callable[..., Any] = "relu",
    slope: float = 0.01, mode: Mode = "fan_in", layout: Layout | None = None, groups: int = 1, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Uniform on ±√(6 / fan_in), whose variance is 2 / fan_in; see `kaiming_normal`."""
    scale = gains.gain(nonlinearity, slope) ** 2
    return variance_scaling(
        shape,
        rng=rng,
        layout=layout,
        scale=scale,
        mode=mode,
        distribution="uniform",
        groups=groups,
        dtype=dtype,
    )
