"""How large signals and gradients should be at every layer, by theory: one integral for each.

Let q be the mean square of what comes into a layer of n inputs, and the weights have the variance v. Its sums z then
have

    E[z²] = n v q                         for the weights are independent of the inputs, and have mean 0
    q'    = E[f(√E[z²] · Z)²]             after the activation f; Z standard normal, as z nearly is if n is large

and backward, with p the mean square of the gradient by the next layer's m sums,

    E[z̄²] = m v' p · E[f′(√E[z²] · Z)²]

(Glorot and Bengio 2010; He et al. 2015; Schoenholz et al. 2017). One network is not the mean of all. Of n units the
mean square is off by chance, relatively by about √((E[f⁴] / E[f²]² − 1) / n) if all samples are alike; for ReLU that is
√(5 / n). What it is off by is carried on: to the next layer as it is by ReLU, and less by tanh, which holds large
signals back. So logarithms are compared, whose variances add up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.calculus import jvp
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.diagnostics.architecture import ACTIVATIONS, Architecture
from tinygrad_edu.nn.init import normal_mean
from tinygrad_edu.tensor import tensor
from tinygrad_edu.types import Array

Variance = Callable[[int, int, float], float]
LARGEST = 1e140  # a mean square beyond which, or below one over it, the squares of squares leave the range of numbers
STEP = 1e-3  # of a logarithm: the difference is right to 7 digits


@dataclass(frozen=True)
class Prediction:
    """Mean squares at the L layers' sums z, and how far one network may be from them.

    Attributes:
        forward: (L,), E[z²].
        backward: (L,), E[z̄²], as a part of that at the last layer.
        forward_spread: (L,), the standard deviation of log E[z²] from network to network, about and rather too large.
        backward_spread: (L,), that of log E[z̄²].
    """

    forward: Array
    backward: Array
    forward_spread: Array
    backward_spread: Array


def predict(network: Architecture, variance: Variance, input_square: float = 1.0) -> Prediction:
    """Follow the mean square through a network, and back.

    Args:
        network: its widths and activations.
        variance: of the weights of a layer, as a function of n_in, n_out and the mean square of its inputs.
        input_square: E[x²] of the inputs of the first.
    """
    depth, widths = network.depth, network.widths
    forward, slopes = np.zeros(depth), np.ones(depth)
    noise, noise_back = np.zeros(depth), np.zeros(depth)
    q, carried, v = input_square, 0.0, np.zeros(depth)
    for k in range(depth):
        v[k] = variance(widths[k], widths[k + 1], q)
        z = widths[k] * v[k] * q
        forward[k], noise[k] = z, carried + 2 / widths[k + 1]
        if k < depth - 1:
            f = ACTIVATIONS[network.activations[k]][1]
            square = min(max(z, 1 / LARGEST), LARGEST)
            q, kurtosis = moments(f, square)
            slopes[k], kurtosis_back = moments(f, square, derivative=True)
            carried = sensitivity(f, square) ** 2 * carried + (kurtosis - 1) / widths[k + 1]
            noise_back[k] = (3 * kurtosis_back - 1) / widths[k + 1]
    backward = np.ones(depth)
    for k in range(depth - 2, -1, -1):
        backward[k] = widths[k + 2] * v[k + 1] * slopes[k] * backward[k + 1]
    # What comes back has been through the layers above, and depends on the signals below by its slopes.
    noise_back = np.cumsum(noise_back[::-1])[::-1] + noise
    return Prediction(forward, backward, np.sqrt(noise), np.sqrt(noise_back))


def moments(f: Callable[..., Any], square: float, *, derivative: bool = False) -> tuple[float, float]:
    """E[f(z)²] and E[f(z)⁴] / E[f(z)²]² for z of mean 0 and E[z²] = square; or of f′.

    Returns:
        The mean square, and its kurtosis, which is 1 if the mean square is 0.
    """
    scale = math.sqrt(square)

    def squares(z: Array) -> Array:
        if derivative:
            y = value_of(jvp(f, [scale * z], [np.ones_like(z)])[1])
        else:
            with no_grad():
                y = value_of(f(tensor(scale * z)))
        return np.asarray(np.square(y), float)

    mean = normal_mean(squares).value
    return mean, normal_mean(lambda z: np.square(squares(z) / mean)).value if mean > 0 else 1.0


def sensitivity(f: Callable[..., Any], square: float) -> float:
    """By how many per cent E[f(z)²] grows with one per cent of E[z²]: d log E[f²] / d log E[z²].

    It is 1 for ReLU, and for every f with f(c z) = c f(z), c > 0. Computed as a central difference.
    """
    less, more = (moments(f, square * math.exp(h))[0] for h in (-STEP, STEP))
    return math.log(more / less) / (2 * STEP) if less > 0 else 1.0
