"""Activations of straight pieces. At a kink each takes the slope of one side, and says of which.

    leaky_relu, prelu            the slope of the left side at 0
    hardtanh, relu6, hardsigmoid 0 at both ends, the slope outside
    hardswish                    the slope outside: 0 at −3, 1 at 3
    maxout                       pieces that tie share the gradient equally

A NaN stays NaN in all of them: it is neither below nor above an end.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.cases import distinct, interval, nonzero
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import itself, layer, verified
from tinygrad_edu.types import Operand

# ---- two pieces ----


@verified(layer(itself, nonzero(5, 3)))
def leaky_relu(x: Operand, negative_slope: float = 0.01) -> Operand:
    """The leaky ReLU: x where x > 0, elsewhere negative_slope · x, and so at 0 (Maas et al. 2013)."""
    return ops.where(x > 0, x, negative_slope * x)


@verified(layer(itself, nonzero(5, 3), nonzero(3)), layer(itself, nonzero(2, 3, 2), nonzero(1), batch=None))
def prelu(x: Operand, weight: Operand) -> Operand:
    """The parametric ReLU, a leaky ReLU whose slope is learned (He et al. 2015, eq. 1).

    Args:
        x: (batch, channels, …), or anything else for a single slope.
        weight: (channels), a slope for each, or (1).

    Raises:
        ShapeError: not one slope, and not one for each channel.
    """
    shape, slopes = np.shape(value_of(x)), np.shape(value_of(weight))
    if len(slopes) != 1 or (slopes != (1,) and slopes != shape[1:2]):
        raise ShapeError(f"prelu: slopes (1), or one for each of the channels of x {shape}, were expected, "
                         f"{slopes} came")  # fmt: skip
    if slopes != (1,) and len(shape) > 2:
        weight = ops.reshape(weight, (-1, *[1] * (len(shape) - 2)))
    return ops.where(x > 0, x, weight * x)


# ---- three pieces ----


@verified(layer(itself, interval(-0.9, 0.9, 5, 3)))
def hardtanh(x: Operand, min_val: float = -1.0, max_val: float = 1.0) -> Operand:
    """x, limited to [min_val, max_val] (Collobert 2004).

    Other than `tg.clip`, it has the slope 0 at both ends, as in PyTorch.

    Raises:
        ValueError: min_val is not below max_val.
    """
    if not min_val < max_val:
        raise ValueError(f"hardtanh: min_val < max_val was expected, {min_val} and {max_val} came")
    return ops.where(x <= min_val, min_val, ops.where(x >= max_val, max_val, x))


@verified(layer(itself, interval(1, 5, 5, 3)))
def relu6(x: Operand) -> Operand:
    """min(max(0, x), 6), a ReLU for numbers of few bits (Krizhevsky 2010)."""
    return hardtanh(x, 0.0, 6.0)


@verified(layer(itself, interval(-2, 2, 5, 3)))
def hardsigmoid(x: Operand) -> Operand:
    """relu6(x + 3) / 6, a sigmoid of straight pieces: 0 up to −3, 1 from 3 (Howard et al. 2019)."""
    return relu6(x + 3) / 6


@verified(layer(itself, interval(-2, 2, 5, 3)))
def hardswish(x: Operand) -> Operand:
    """The hard swish, x · hardsigmoid(x): 0 up to −3, x from 3, and a parabola between (Howard et al. 2019)."""
    return x * hardsigmoid(x)


# ---- as many as you like ----


@verified(layer(itself, distinct(5, 6), pieces=2))
def maxout(x: Operand, pieces: int) -> Operand:
    """The largest of each `pieces` neighbours: (…, features) give (…, features / pieces) (Goodfellow et al. 2013).

    After a linear layer, each output is the maximum of `pieces` planes: a convex function that is learned.

    Raises:
        ShapeError: the features cannot be divided into so many pieces.
        ValueError: pieces < 1.
    """
    if pieces < 1:
        raise ValueError(f"maxout: pieces ≥ 1 were expected, {pieces} came")
    shape = shape_of(value_of(x))
    if not shape or shape[-1] % pieces:
        raise ShapeError(
            f"maxout: x (…, features), a multiple of {pieces} features, was expected, {shape} came"
        )
    return ops.max(ops.reshape(x, (*shape[:-1], shape[-1] // pieces, pieces)), axis=-1)
