"""Gains: the factor on the standard deviation of weights that makes up for what a nonlinearity takes away.

Let z, the input of a nonlinearity f, be standard normal. The next layer sees E[f(z)²] in the place of 1, so its weights
need the variance gain² / n_in with

    forward     gain = 1 / √E[f(z)²]      and its own output has the variance 1 again
    backward    gain = 1 / √E[f′(z)²]     the same for cotangents, which f multiplies by f′(z), and n_out

For a ReLU both are √2, for E[max(0, z)²] = E[z²] / 2 by symmetry: He's "2" (He et al. 2015, eq. 8). There is a table
of gains that everybody uses, `gain`; and there is the integral, `gain_of`, for every function that one can think of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.calculus import jvp
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.nn.init.quadrature import normal_mean
from tinygrad_edu.tensor import tensor
from tinygrad_edu.types import Array

LINEAR = (
    "linear", "conv", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
)  # fmt: skip


def gain(nonlinearity: str | Callable[..., Any], slope: float = 0.01) -> float:
    """The gain of a nonlinearity: by the table if a name comes, by `gain_of` if a function comes.

    linear, conv…  1
    relu           √2                     He et al. 2015, eq. 10
    leaky_relu     √(2 / (1 + slope²))    ibid., eq. 15
    sigmoid        1                      PyTorch's convention, not derived
    tanh           5/3                    PyTorch's convention; 1.593 would make up for tanh(randn)
    selu           3/4                    PyTorch's convention, found by experiment; 1 is derived

    Raises:
        ValueError: a nonlinearity that is not in the table, or a slope that is not finite.
    """
    if callable(nonlinearity):
        return gain_of(nonlinearity)
    if not math.isfinite(slope):
        raise ValueError(f"gain: a finite slope was expected, {slope} came")
    table = dict.fromkeys(LINEAR, 1.0) | {
        "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "leaky_relu": math.sqrt(2 / (1 + slope * slope)),
        "selu": 3 / 4,
    }  # fmt: skip
    if nonlinearity not in table:
        raise ValueError(
            f"gain: one of {', '.join(table)} was expected, {nonlinearity!r} came: give the function itself, "
            f"and its gain is computed"
        )
    return table[nonlinearity]


def gain_of(f: Callable[..., Any], *, backward: bool = False) -> float:
    """The gain of any elementwise function, by quadrature: 1 / √E[f(z)²] for a standard normal z.

    Args:
        f: elementwise and piecewise smooth: of `tg`, your own, or a module. It is called with a tensor, as in a
            network.
        backward: take the derivative f′ in the place of f, as the engine computes it.

    Raises:
        TypeError: f is no function; a name is for `gain`.
        ValueError: f mixes its elements, is zero almost everywhere, or has no expectation (see `normal_mean`).
    """
    if not callable(f):
        raise TypeError(
            f"gain_of: a function was expected, {f!r:.40} came: the names are in the table of gain"
        )
    _refuse_mixing(f)

    def squared(z: Array) -> Any:
        if backward:
            return np.square(value_of(jvp(f, [z], [np.ones_like(z)])[1]))
        return np.square(_plain(f, z))

    mean = normal_mean(squared).value
    if not mean > 0:
        what = "derivative" if backward else "value"
        raise ValueError(
            f"gain_of: a function whose {what} is not 0 was expected: through this one no signal would get, and no "
            f"gain can make up for it"
        )
    return 1 / math.sqrt(mean)


def _plain(f: Callable[..., Any], z: Array) -> Any:
    with no_grad():
        return value_of(f(tensor(z)))


def _refuse_mixing(f: Callable[..., Any]) -> None:
    """Half of the elements alone must come out as they do among the others."""
    z = np.array([0.3, -1.1, 2.3, -0.2, 0.9, 1.7])
    among, alone = np.asarray(_plain(f, z)), np.asarray(_plain(f, z[:3]))
    if among.shape != z.shape or alone.shape != (3,):
        raise ValueError(
            f"gain_of: a function of arrays that keeps their shape was expected, {among.shape} came for {z.shape}"
        )
    if not np.allclose(among[:3], alone, rtol=1e-9, atol=0):
        raise ValueError(
            "gain_of: a function of each element by itself was expected; this one mixes them, or draws at random, so "
            "one number does not describe it"
        )
