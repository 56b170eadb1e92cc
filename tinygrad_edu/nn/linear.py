"""The linear layer, y = x Wᵀ + b: every output is a weighted sum of all inputs.

Each row of W (out, in) holds the weights of one output, as in PyTorch, so that a sample can be a row of x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import counts
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.init import lecun_normal
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.types import Array, Operand


@verified(
    layer(lambda rng: Linear(3, 2, rng=rng), real(5, 3)),
    layer(lambda rng: Linear(3, 2, bias=False, rng=rng), real(2, 2, 3)),
    layer(lambda rng: Linear(3, 2, rng=rng), real(3), batch=None),
)
class Linear(Module):
    """y = x Wᵀ + b: x (…, in_features) gives (…, out_features).

    Args:
        in_features: the length of an input, ≥ 1.
        out_features: the length of an output, ≥ 1.
        bias: whether b is added; it starts at 0.
        init: how W starts, a function (shape, *, rng, layout) of `nn.init`. The default, normal with variance
            1 / in_features, passes the size of x on to y (LeCun et al. 1998, eq. 16); before a ReLU, which
            halves the mean square, use `kaiming_normal` (He et al. 2015, eq. 10).
        rng: where the initial weights come from.
        dtype: of W and b.

    Raises:
        ValueError: a length below 1.
    """

    def __init__(
        self, in_features: int, out_features: int, *, bias: bool = True,
        init: Callable[..., Array] = lecun_normal, rng: np.random.Generator, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        if not counts(in_features, out_features):
            raise ValueError(
                f"Linear: whole lengths of at least 1 were expected, {in_features} → {out_features} came"
            )
        self.in_features, self.out_features = in_features, out_features
        self.weight = parameter(
            np.asarray(init((out_features, in_features), rng=rng, layout="out_in"), dtype), "weight"
        )
        self.bias = parameter(np.zeros(out_features, dtype), "bias") if bias else None

    def forward(self, x: Operand) -> Operand:
        """The outputs of a batch of inputs.

        Raises:
            ShapeError: inputs of another length.
            TypeError: an array was put in the place of a parameter.
        """
        self.require_nodes("weight", "bias")
        shape = np.shape(value_of(x))
        if shape[-1:] != (self.in_features,):
            raise ShapeError(f"{self.title()}: x (…, {self.in_features}) was expected, {shape} came")
        if self.bias is None:
            return x @ self.weight.T
        return ops.linear(x, self.weight, self.bias, transposed=True)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.in_features} → {self.out_features}{', no bias' if self.bias is None else ''}"
