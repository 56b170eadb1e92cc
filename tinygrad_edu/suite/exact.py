"""Derivatives to the last digits, without a step that would have to be chosen: by the complex step, or by forward mode.

    complex step    Im φ(x + ih eᵢ) / h, of the forward alone: it knows no rule                Squire and Trapp 1998
    continuation    the same of another form of the forward, where that itself takes no complex numbers
    forward mode    ⟨w, J eᵢ⟩ by the forward sweep, where there is neither

Whether the forward is analytic is not declared but tried: on every case its slope along the imaginary axis is compared
with a numerical one along the real axis, and if they differ, or it refuses, the next of the three is taken. The
third is the weakest, for both sweeps use the same rule. No primitive of this package needs it, which a test counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.core.sweep import forward_sweep
from tinygrad_edu.types import Array
from tinygrad_edu.verify.line import IMAGINARY, NotAnalytic, complex_slope
from tinygrad_edu.verify.noise import noise_of
from tinygrad_edu.verify.numerical import differentiate

if TYPE_CHECKING:
    from tinygrad_edu.suite.witnesses import Trial


class Exact(NamedTuple):
    """Jᵀ w, and where it comes from.

    Attributes:
        source: which of the three.
        why: why it is not the complex step of the forward; empty if it is.
        gradients: one for each input.
    """

    source: Literal["complex step", "continuation", "forward mode"]
    why: str
    gradients: list[Array]


def exact(trial: Trial) -> Exact:
    """The derivatives of Σ w · f at the point of a trial, by the first of the three that can be had.

    Raises:
        ValueError: the continuation is one of another function.
    """
    try:
        return Exact("complex step", "", _complex_step(trial, trial.op.call))
    except NotAnalytic as error:
        why = str(error)
    continuation = CONTINUATIONS.get(trial.op.name)
    if continuation is not None:
        value = trial.value()
        if not np.allclose(trial.value(by=continuation), value, rtol=1e-13, atol=1e-14):
            raise ValueError(f"the continuation of {trial.op.name} is that of another function")
        try:
            return Exact("continuation", why, _complex_step(trial, continuation))
        except NotAnalytic as error:
            why = str(error)
    return Exact("forward mode", why, _forward_mode(trial))


def _complex_step(trial: Trial, forward: Callable[..., Any]) -> list[Array]:
    """Each component by a step of its own, once one along the direction of the trial has shown that f is analytic."""
    inputs = trial.inputs(trial.xs)

    def along(s: Any) -> Any:
        moved = [x + s * t for x, t in zip(inputs, trial.t, strict=True)]
        return np.sum(trial.w * trial.value(*moved, by=forward))

    def along_reals(s: float) -> float:
        return float(np.real(along(s)))

    numeric = differentiate(along_reals, 0.0, noise=noise_of(along_reals, 0.0, 0.1), scale=0.1)
    complex_slope(along, numeric)
    found = []
    for k, x in enumerate(inputs):
        g = np.empty(x.shape)
        for at in np.ndindex(x.shape):
            moved = x.astype(complex)
            moved[at] += 1j * IMAGINARY
            y = trial.value(*inputs[:k], moved, *inputs[k + 1 :], by=forward)
            g[at] = np.sum(trial.w * y.imag) / IMAGINARY
        found.append(g)
    return found


def _forward_mode(trial: Trial) -> list[Array]:
    """Each component by a forward sweep of its own."""
    y, leaves = trial.nodes()
    found = []
    for leaf in leaves:
        g = np.empty(leaf.shape)
        for at in np.ndindex(g.shape):
            one = {other: np.zeros(other.shape) for other in leaves}
            one[leaf][at] = 1.0
            g[at] = np.sum(trial.w * np.asarray(forward_sweep([y], one)[0]))
        found.append(g)
    return found


# ---- other forms of forwards that take no complex numbers, or, as |x|, are not analytic on them ----


def _erf(z: Array) -> Array:
    """2/√π · exp(−z²) · Σ 2ⁿ z²ⁿ⁺¹ / (2n + 1)‼: all terms of one sign (Abramowitz and Stegun 1964, 7.1.6)."""
    term = total = z
    for n in range(1, 80):  # enough for |z| ≤ 4
        term = term * (2 * z * z / (2 * n + 1))
        total = total + term
    return np.asarray(2 / math.sqrt(math.pi) * np.exp(-z * z) * total)


def _cross_entropy(z: Array, labels: Array) -> Array:
    picked = z[np.arange(len(labels)), labels]
    return np.asarray((np.log(np.exp(z).sum(axis=1)) - picked).mean())


CONTINUATIONS: dict[str, Callable[..., Any]] = {
    "absolute": lambda z: np.where(np.real(z) < 0, -z, z),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "erf": _erf,
    "softmax_cross_entropy": _cross_entropy,
}
