"""Activations of straight pieces as modules: cheap, with kinks, and one whose slope is learned.

Their formulas, kinks and sources stand beside the functions of the same name in `nn.functional`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.cases import distinct, interval, nonzero
from tinygrad_edu.nn import functional
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.options import require
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.types import Operand

# ---- two pieces ----


@verified(layer(lambda rng: LeakyReLU(0.1), nonzero(5, 3)))
class LeakyReLU(Module):
    """A ReLU that lets negative numbers through in part: negative_slope · x; see `functional.leaky_relu`."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = require("LeakyReLU", "a finite negative_slope", negative_slope)

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"{self.negative_slope}"


@verified(
    layer(lambda rng: PReLU(), nonzero(5, 3)),
    layer(lambda rng: PReLU(3), nonzero(2, 3, 2)),
)
class PReLU(Module):
    """A leaky ReLU whose slope is learned (He et al. 2015); see `functional.prelu`.

    A weight decay would pull the slope towards 0, that is, towards a ReLU: leave it out.

    Args:
        num_parameters: 1, or the number of channels: a slope for each.
        init: the slope to start with.
        dtype: of the slopes.

    Raises:
        ValueError: num_parameters < 1.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = np.float64) -> None:
        if num_parameters < 1:
            raise ValueError(f"PReLU: num_parameters ≥ 1 was expected, {num_parameters} came")
        self.num_parameters = num_parameters
        self.weight = parameter(np.full(num_parameters, init, dtype), "slope")

    def forward(self, x: Operand) -> Operand:
        """Element by element.

        Raises:
            ShapeError: another number of channels.
            TypeError: an array was put in the place of the slopes.
        """
        self.require_nodes("weight")
        return functional.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"{self.num_parameters}"


# ---- three pieces ----


@verified(layer(lambda rng: Hardtanh(-2, 1.5), interval(-1, 1, 5, 3)))
class Hardtanh(Module):
    """A tanh of straight pieces: x, limited to [min_val, max_val]; see `functional.hardtanh`.

    Raises:
        ValueError: min_val is not below max_val.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        functional.hardtanh(0.0, min_val, max_val)
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """The limits."""
        return f"{self.min_val} … {self.max_val}"


@verified(layer(lambda rng: ReLU6(), interval(1, 5, 5, 3)))
class ReLU6(Module):
    """A ReLU that ends at 6; see `functional.relu6`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.relu6(x)


@verified(layer(lambda rng: Hardsigmoid(), interval(-2, 2, 5, 3)))
class Hardsigmoid(Module):
    """A sigmoid of straight pieces, x / 6 + ½ between −3 and 3; see `functional.hardsigmoid`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.hardsigmoid(x)


@verified(layer(lambda rng: Hardswish(), interval(-2, 2, 5, 3)))
class Hardswish(Module):
    """A swish with a hard sigmoid, x · (x / 6 + ½) between −3 and 3; see `functional.hardswish`."""

    def forward(self, x: Operand) -> Operand:
        """Element by element."""
        return functional.hardswish(x)


# ---- as many as you like ----


@verified(layer(lambda rng: Maxout(2), distinct(5, 6)))
class Maxout(Module):
    """The largest of each few neighbours: (…, features) give (…, features / pieces); see `functional.maxout`.

    Raises:
        ValueError: pieces < 1.
    """

    def __init__(self, pieces: int) -> None:
        if pieces < 1:
            raise ValueError(f"Maxout: pieces ≥ 1 were expected, {pieces} came")
        self.pieces = pieces

    def forward(self, x: Operand) -> Operand:
        """Along the last axis.

        Raises:
            ShapeError: the features cannot be divided into so many pieces.
        """
        return functional.maxout(x, self.pieces)

    def extra_repr(self) -> str:
        """How many compete."""
        return f"{self.pieces}"
