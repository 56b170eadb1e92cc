"""Fused operations: one node for what is written as one layer.

Each could be composed of the primitives before it, and a test proves it equal to that composite, in value and
in both derivatives. Fused, it makes one node instead of several, and its rule can be shorter than the chain
rule through the parts: for the softmax cross-entropy all that is left is softmax(x) − target.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.primitive import primitive
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.reduction import sum
from tinygrad_edu.ops.shape import reshape
from tinygrad_edu.ops.transcendental import exp
from tinygrad_edu.types import Array, Operand

# ---- a linear layer ----


def _by_x(g: Operand, y: Operand, x: Operand, W: Operand, b: Operand, transposed: bool = False) -> Operand:
    return g @ (W if transposed else W.T)


def _by_weight(
    g: Operand, y: Operand, x: Operand, W: Operand, b: Operand, transposed: bool = False
) -> Operand:
    if len(x.shape) != 2:
        g, x = (reshape(a, (-1, a.shape[-1])) for a in (g, x))
    return g.T @ x if transposed else x.T @ g


def _by_bias(g: Operand, y: Operand, x: Operand, W: Operand, b: Operand, transposed: bool = False) -> Operand:
    return g.sum(0 if len(g.shape) == 2 else tuple(range(len(g.shape) - 1)))


@primitive(
    vjps=(_by_x, _by_weight, _by_bias),
    cases=[
        case(real(2, 3), real(3, 5), real(5)), case(real(7, 2, 3), real(3, 5), real(5)),
        case(real(3), real(3, 5), real(5)), case(real(2, 3), real(5, 3), real(5), transposed=True),
        case(real(3), real(5, 3), real(5), transposed=True),
    ],
)  # fmt: skip
def linear(x: Operand, W: Operand, b: Operand, transposed: bool = False) -> Operand:
    """A linear layer, x W + b: x (…, in), W (in, out), b (out) give (…, out).

    Args:
        x: the inputs.
        W: the weights.
        b: the bias.
        transposed: W is (out, in), as `nn.Linear` and PyTorch keep it: x Wᵀ + b.

    Raises:
        ShapeError: the lengths `in`, or `out`, differ.
    """
    try:
        M = W.T if transposed else W
        y = np.dot(x, M)  # quicker than @ on small matrices
        fits = M.ndim == 2 and M.shape[1:] == b.shape and x.ndim
    except (ValueError, AttributeError):  # lengths that differ, or a number of Python
        fits = False
    if not fits:
        raise ShapeError(
            f"linear: x (…, in), W {'(out, in)' if transposed else '(in, out)'}, b (out) were expected, "
            f"{np.shape(x)}, {np.shape(W)}, {np.shape(b)} came"
        )
    return y.__iadd__(b) if y.dtype == b.dtype else y + b


# ---- softmax ----


def _softmax_vjp(g: Operand, y: Operand, x: Operand, axis: int = -1) -> Operand:
    gy = g * y
    return gy - y * sum(gy, axis, keepdims=True)


@primitive(vjps=(_softmax_vjp,), cases=[case(real(2, 3)), case(real(2, 3), axis=0), case(real(2, 3, 5))])
def softmax(x: Operand, axis: int = -1) -> Operand:
    """Exponentials that sum to 1 along an axis (Bridle 1990)."""
    y = np.exp(x - np.max(x, axis, keepdims=True))  # the largest becomes exp(0): nothing overflows
    y /= np.add.reduce(y, axis, keepdims=True)
    return y


def _log_softmax_vjp(g: Operand, y: Operand, x: Operand, axis: int = -1) -> Operand:
    return g - exp(y) * sum(g, axis, keepdims=True)


@primitive(vjps=(_log_softmax_vjp,), cases=[case(real(2, 3)), case(real(2, 3), axis=0), case(real(2, 3, 5))])
def log_softmax(x: Operand, axis: int = -1) -> Operand:
    """Log softmax(x), which keeps the digits that the logarithm of a small softmax would lose."""
    y = x - np.max(x, axis, keepdims=True)
    return y - np.log(np.add.reduce(np.exp(y), axis, keepdims=True))


def _softmax_cross_entropy_vjp(g: Operand, y: Operand, x: Operand, labels: Array, saved: Array) -> Operand:
    if isinstance(x, Node):  # to be differentiated again: softmax once more, with its derivative
        target = np.zeros_like(saved)
        target[np.arange(len(labels)), labels] = 1
        saved = softmax(x) - target
    return saved * (g / len(labels))


@primitive(vjps=(_softmax_cross_entropy_vjp,), symbol="cross\nentropy",
           cases=[case(real(2, 3), labels=np.array([0, 2])),
                  case(real(5, 3), labels=np.array([1, 1, 0, 2, 1]))])  # fmt: skip
def softmax_cross_entropy(x: Operand, labels: Any) -> Operand:
    """Mean of −log softmax(x) at the labels: x (batch, classes), labels (batch) of integers in [0, classes).

    Raises:
        ShapeError: not one label for each row of x.
        ValueError: a label that is no class.
    """
    labels = np.asarray(labels)
    if x.ndim != 2 or labels.shape != x.shape[:1] or labels.dtype.kind not in "iu" or not labels.size:
        raise ShapeError(
            f"softmax_cross_entropy: x (batch, classes) and at least one label, integers (batch), were expected, "
            f"{x.shape} and {labels.dtype} {labels.shape} came"
            + (": say labels.astype(int)" if labels.dtype.kind == "f" else "")
        )
    n = len(labels)
    # A row for each class: the reductions then run along the batch, several numbers at a time.
    p = x.T.copy() if x.dtype.kind == "f" else x.T.astype(float)
    p -= np.maximum.reduce(p, 0)
    at = labels, np.arange(n)
    try:
        picked = p[at]
    except IndexError:
        picked = None
    if picked is None or np.minimum.reduce(labels) < 0:  # a negative label would count from the end
        raise ValueError(
            f"softmax_cross_entropy: labels in [0, {x.shape[1]}) were expected, {labels.min()} … {labels.max()} came"
        )
    np.exp(p, out=p)
    total = np.add.reduce(p, 0)
    loss = np.add.reduce(np.log(total) - picked) / n
    p /= total
    p[at] -= 1  # softmax less target: this, over the batch size, is the derivative
    return loss, p.T
