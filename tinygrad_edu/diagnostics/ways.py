"""Eight ways to start a network: the weights that they draw, and the variance that theory needs to know of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tinygrad_edu.diagnostics.propagation import Prediction, Variance
from tinygrad_edu.nn import init
from tinygrad_edu.types import Array

# {name: how weights start, and their variance by n_in, n_out and E[x²]}; LSUV is measured on the batch itself.
WAYS: dict[str, tuple[Callable[..., Array], Variance]] = {
    "zeros": (init.zeros, lambda n, m, q: 0.0),
    "0.01 · randn": (partial(init.normal, std=0.01), lambda n, m, q: 1e-4),
    "randn": (init.normal, lambda n, m, q: 1.0),
    "√(1/n)": (init.lecun_normal, lambda n, m, q: 1 / n),
    "√(2/n)": (init.kaiming_normal, lambda n, m, q: 2 / n),
    "Xavier": (init.xavier_normal, lambda n, m, q: 2 / (n + m)),
    "orthogonal": (init.orthogonal, lambda n, m, q: 1 / max(n, m)),
    "LSUV": (init.orthogonal, lambda n, m, q: 1 / (n * q)),
}
FAR = 1e100  # a mean square beyond which, or below one over it, float64 says little


@dataclass(frozen=True)
class Way:
    """One way to start.

    Attributes:
        name: of it.
        theory: the prediction.
        forward: (draws, L), E[z²] of each layer, measured.
        backward: (draws, L), E[z̄²] of each as a part of that of the last layer, measured.
    """

    name: str
    theory: Prediction
    forward: Array
    backward: Array

    @property
    def deviation(self) -> float:
        """How many standard deviations the mean of log E[z²] or log E[z̄²] is from theory, at the worst layer.

        If E[z²] itself is right on average, its logarithm is less by σ² / 2 (as of a lognormal number): so anything
        from there to the logarithm of theory counts as right.
        """
        worst = 0.0
        for measured, predicted, spread in (
            (self.forward, self.theory.forward, self.theory.forward_spread),
            (self.backward[:, :-1], self.theory.backward[:-1], self.theory.backward_spread[:-1]),
        ):
            seen = (predicted > 1 / FAR) & (predicted < FAR)
            if np.any(measured[:, ~seen & (predicted < 1)] > 10 / FAR):
                return math.inf
            if seen.any():
                off = logarithms(measured[:, seen]) - np.log(predicted[seen])
                off = np.maximum(off, -off - spread[seen] ** 2 / 2)
                worst = max(worst, float((off / spread[seen]).max()) * math.sqrt(len(measured)))
        return worst


def middle(measured: Array) -> Array:
    """The geometric mean over the networks, 0 where it is 0."""
    return np.exp(logarithms(measured))


def logarithms(measured: Array) -> Array:
    """The mean over the networks of the logarithm; −∞ if one of them has died, and nothing gets through."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(measured).mean(axis=0))
