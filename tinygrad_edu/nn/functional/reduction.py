"""What all losses have in common: shapes that must fit, and one number out of many.

    "mean"   Σ loss / n      over all elements
    "sum"    Σ loss
    "none"   a loss for each

Predictions (n) against targets (n, 1) would be broadcast to n² differences, and something would be learned from them,
only not what was meant. So shapes are compared, and nothing is broadcast in silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Array, Operand

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: str, *further: str) -> None:
    """Refuse a reduction other than "mean", "sum" and "none", and further ones of a loss, by a ValueError."""
    known = (*REDUCTIONS, *further)
    if not isinstance(reduction, str) or reduction not in known:
        *first, last = map(repr, known)
        hint = "" if isinstance(reduction, str) else ": what else there is goes by its name, such as weight=…"
        raise ValueError(
            f"reduction: {', '.join(first)} or {last} was expected, {reduction!r:.40} came{hint}"
        )


def reduced(losses: Operand, reduction: str, total: Operand = None) -> Operand:
    """The losses, their sum, or that divided by `total`, which is by default how many they are."""
    check_reduction(reduction)
    if reduction == "none":
        return losses
    if reduction == "mean" and not np.size(value_of(losses)):
        raise ValueError(
            "reduction: 'mean' needs at least one element, none came: skip an empty batch, or sum"
        )
    summed = ops.sum(losses) if np.shape(value_of(losses)) else losses
    if reduction == "sum" or (total is None and not np.shape(value_of(losses))):
        return summed
    return ops.mean(losses) if total is None else summed / total


def matched(name: str, prediction: Operand, target: Operand) -> Operand:
    """The target, if it has the prediction's shape; plain numbers in its dtype: float32 stays float32.

    Raises:
        ShapeError: the shapes differ.
        TypeError: a list as the prediction.
    """
    refuse_lists(name, prediction)
    x, t = value_of(prediction), value_of(target)
    if np.shape(x) != np.shape(t):
        raise ShapeError(
            f"{name}: a target of the prediction's shape {np.shape(x)} was expected, {np.shape(t)} came: "
            f"reshape one of them, they would be broadcast against each other"
        )
    dtype = floating(x)
    if isinstance(target, Node) and (target.requires_grad or np.result_type(t) == dtype):
        return target  # which may have a name, for drawings
    return t if type(x) is float else np.asarray(t, dtype)


def refuse_lists(name: str, x: Any) -> None:
    """Refuse a list where something is computed with, by a TypeError: it has neither a shape nor a dtype."""
    if isinstance(x, list | tuple):
        raise TypeError(
            f"{name}: a tensor or an array was expected, {type(x).__name__} came: say np.array(…)"
        )


def weights_for(name: str, what: str, given: Any, prediction: Operand) -> Array:
    """Plain weights of the prediction's dtype, which may be repeated, but must not enlarge it.

    Raises:
        ShapeError: they would.
        ValueError: a weight below 0, or that is not finite.
    """
    x, w = value_of(prediction), np.asarray(value_of(given))
    try:
        fits = np.broadcast_shapes(np.shape(x), w.shape) == np.shape(x)
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{name}: {what} that can be broadcast to {np.shape(x)} was expected, {w.shape} came"
        )
    return not_negative(name, what, w).astype(floating(x))


def not_negative(name: str, what: str, given: Any) -> Array:
    """Weights as an array. With one below 0 the worst prediction would be the best, without any end.

    Raises:
        TypeError: something other than real numbers.
        ValueError: a weight below 0, or that is not finite.
    """
    w = np.asarray(value_of(given))
    if w.dtype.kind not in "fiub":
        raise TypeError(f"{name}: {what} of real numbers was expected, dtype {w.dtype} came")
    wrong = w[~((w >= 0) & np.isfinite(w))]
    if wrong.size:
        raise ValueError(f"{name}: {what} ≥ 0 was expected, {wrong.flat[0]:.4g} came")
    return w


def floating(x: Any) -> Any:
    """The dtype that x is computed in: its own, or float64 of integers."""
    dtype = np.result_type(x)
    return dtype if dtype.kind == "f" else np.dtype(float)
