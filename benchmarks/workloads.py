"""What is computed: problems made of plain numbers and arrays, the same for every library.

Each is solved by the function of the same name, `solver`, in the adapters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import pi, sqrt
from typing import Any

import numpy as np

from benchmarks.entry import Array


@dataclass(frozen=True, slots=True)
class Workload:
    """A problem, and how to measure it.

    Attributes:
        title: in a few words.
        solver: the function of the adapters.
        problem: makes what they are given.
        tolerance: the largest relative difference from the hand-written result that is rounding.
        parts, unit: what a step's time is divided by, and its name.
        most_rounds: for what takes seconds.
        smaller: the same with fewer parts, which tells what this would take.
    """

    title: str
    solver: str
    problem: Callable[[], Any]
    tolerance: float
    parts: int = 1
    unit: str = "step"
    most_rounds: int | None = None
    smaller: str | None = None


@dataclass(frozen=True, slots=True)
class ScalarNet:
    """A net of neurons, each a sum of products of numbers; ReLU in all layers but the last.

    The loss is the mean of max(0, 1 − label · score), plus `decay` times the sum of all squared parameters.

    Attributes:
        points: (samples, 2).
        labels: (samples), −1 or 1.
        layers: (weight (out, in), bias (out)) each.
        decay: of the parameters.
    """

    points: list[list[float]]
    labels: list[int]
    layers: list[tuple[list[list[float]], list[float]]]
    decay: float = 1e-4


def moons() -> ScalarNet:
    """Two interleaved half circles, and a net 2-16-16-1, as in micrograd's demonstration."""
    rng = np.random.default_rng(0)
    t = np.linspace(0, pi, 50)
    upper, lower = np.stack([np.cos(t), np.sin(t)], 1), np.stack([1 - np.cos(t), 0.5 - np.sin(t)], 1)
    points = np.concatenate([upper, lower]) + rng.normal(0, 0.1, (100, 2))
    layers = [
        (rng.uniform(-1, 1, (outputs, inputs)).tolist(), [0.0] * outputs)
        for inputs, outputs in ((2, 16), (16, 16), (16, 1))
    ]
    return ScalarNet(points.tolist(), [-1] * 50 + [1] * 50, layers)


@dataclass(frozen=True, slots=True)
class ScalarGraph:
    """As many operations on single numbers.

    chain   y ← y · a + b, nodes / 2 times, with y = 0.5 at first; the derivatives by a and b
    wide    Σ xᵢ², nodes / 2 squares as x · x, added one by one; the derivatives by all xᵢ
    """

    nodes: int
    a: float = 1 - 1e-6
    b: float = 1e-6
    y: float = 0.5

    def leaves(self) -> list[float]:
        """The numbers xᵢ, between 0 and 1."""
        leaves: list[float] = np.linspace(0, 1, self.nodes // 2).tolist()
        return leaves


@dataclass(frozen=True, slots=True)
class Recurrence:
    """y ← y · a + b, `times` over, elementwise; the derivatives of Σ y by the first y, by a and by b."""

    y: Array
    a: Array
    b: Array
    times: int = 100


def recurrence() -> Recurrence:
    """On 8 elements: nearly all of the time is the libraries' own."""
    rng = np.random.default_rng(1)
    y, a, b = rng.uniform(0.5, 1, (3, 8)).astype(np.float32)
    return Recurrence(y, a, b)


@dataclass(frozen=True, slots=True)
class Network:
    """Layers `activation(x Wᵀ + b)`, the last without; softmax cross-entropy; a step of gradient descent.

    Attributes:
        x: (batch, in).
        labels: (batch), integers.
        layers: (weight (out, in), bias (out)) each.
        activation: "relu" or "tanh".
        lr: the learning rate.
    """

    x: Array
    labels: Array
    layers: list[tuple[Array, Array]]
    activation: str
    lr: float = 0.01


def _layers(sizes: list[int], rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """Uniform weights of variance 1 / in, biases of 0."""
    return [
        (rng.uniform(-sqrt(3 / n), sqrt(3 / n), (m, n)).astype(np.float32), np.zeros(m, np.float32))
        for n, m in pairwise(sizes)
    ]


def digits() -> Network:
    """Real images, 64-128-10 with ReLU, batch 32."""
    from tinygrad_edu.data import load_digits

    rng = np.random.default_rng(2)
    data = load_digits()
    chosen = rng.permutation(len(data.y))[:32]
    x = (data.x[chosen] / 16).astype(np.float32)
    return Network(x, data.y[chosen], _layers([64, 128, 10], rng), "relu")


def deep() -> Network:
    """Noise through 20 layers of width 32 with tanh and one to 10 classes, batch 16."""
    rng = np.random.default_rng(3)
    x, labels = rng.normal(size=(16, 32)).astype(np.float32), rng.integers(0, 10, 16)
    return Network(x, labels, _layers([32] * 21 + [10], rng), "tanh")


def _graphs(sizes: list[int]) -> dict[str, Workload]:
    found: dict[str, Workload] = {}
    for shape in ("chain", "wide"):
        smaller = None
        for n in sizes:
            name = f"S2 {shape} {n:.0e}".replace("e+0", "e")
            found[name] = Workload(
                f"{shape} graph of {n:,} scalar nodes", shape, partial(ScalarGraph, n), 1e-9,
                parts=n, unit="node", most_rounds=3 if n >= 1e6 else None, smaller=smaller,
            )  # fmt: skip
            smaller = name
    return found


def workloads(*, quick: bool) -> dict[str, dict[str, Workload]]:
    """By the names that the command line knows, the workloads of each name."""
    return {
        "S1": {"S1": Workload("moons, 2-16-16-1 of scalar nodes, 100 samples", "scalar_net", moons, 1e-9)},
        "S2": _graphs([10**4] if quick else [10**4, 10**6]),
        "O1": {"O1": Workload("y·a + b, 100 times, 8 elements", "recurrence", recurrence, 1e-5, 200, "op")},
        "T1": {"T1": Workload("MLP 64-128-10, digits, batch 32, SGD", "network", digits, 1e-5)},
        "T3": {"T3": Workload("20 tanh layers of width 32, batch 16, SGD", "network", deep, 1e-5)},
    }
