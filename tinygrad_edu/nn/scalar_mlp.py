"""A network of single numbers, as in micrograd: slow, and small enough to draw every operation of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import of_numbers, verified
from tinygrad_edu.nn.container import Container, Sequential
from tinygrad_edu.nn.module import Module
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.types import Operand


@verified(
    of_numbers(lambda rng: Neuron(3, rng=rng), 3),
    of_numbers(lambda rng: Neuron(2, activation=None, rng=rng), 2),
)
class Neuron(Module):
    """activation(w₁ x₁ + … + wₙ xₙ + b); weights start uniform in (−1, 1), the bias at 0; None is linear."""

    def __init__(self, inputs: int, *, activation: Any = ops.relu, rng: np.random.Generator) -> None:
        self.w = [Scalar(w, f"w{i}") for i, w in enumerate(rng.uniform(-1, 1, inputs), 1)]
        self.b = Scalar(0.0, "b")
        self.activation = activation

    def forward(self, x: Sequence[Operand]) -> Operand:
        """One number, of as many as there are weights."""
        if len(x) != len(self.w):
            raise ShapeError(f"{self.title()}: {len(self.w)} inputs were expected, {len(x)} came")
        total = reduce(ops.add, [*map(ops.mul, self.w, x), self.b])
        return total if self.activation is None else self.activation(total)


@verified(of_numbers(lambda rng: Layer(2, 3, activation=ops.tanh, rng=rng), 2))
class Layer(Container):
    """Neurons side by side: each receives all of x."""

    def __init__(self, inputs: int, outputs: int, **options: Any) -> None:
        super().__init__({f"neuron{i}": Neuron(inputs, **options) for i in range(1, outputs + 1)})

    def forward(self, x: Sequence[Operand]) -> list[Operand]:
        """One number from each neuron."""
        return [neuron(x) for neuron in self]


@verified(of_numbers(lambda rng: MLP(2, [3, 1], activation=ops.tanh, rng=rng), 2))
class MLP(Sequential):
    """Layers one after the other, `MLP(2, [16, 16, 1])`; the last is linear, one output comes as it is."""

    def __init__(
        self, inputs: int, outputs: Sequence[int], *, activation: Any = ops.relu, rng: np.random.Generator
    ) -> None:
        sizes = zip((inputs, *outputs), outputs, [activation] * (len(outputs) - 1) + [None], strict=False)
        layers = {f"layer{i}": Layer(n, m, activation=f, rng=rng) for i, (n, m, f) in enumerate(sizes, 1)}
        super().__init__(layers)

    def forward(self, x: Operand) -> Operand:
        """The outputs of the last layer."""
        y = super().forward(x)
        return y[0] if len(y) == 1 else y
