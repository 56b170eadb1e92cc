"""Clipping: gradients that are too large are made smaller, before the optimizer sees them.

    by value         every element into [−c, c]; this changes the direction
    by norm          g ← g · c / ‖g‖ where ‖g‖ > c, of each parameter by itself
    by global norm   the same with the norm of all gradients together, so that the direction stays (Pascanu et al. 2013)

One steep place in the loss, as networks with feedback have them, would otherwise throw the parameters far away. Call it
between `backward` and `step`. The gradients become new arrays, as two parameters may share one; they carry no graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, describe, value_of
from tinygrad_edu.optim.options import in_range


def clip_grad_value_(
    parameters: Iterable[Node], clip_value: float, *, error_if_nonfinite: bool = True
) -> None:
    """Bring every element of the gradients into [−clip_value, clip_value].

    Args:
        parameters: those that have no gradient are passed over.
        clip_value: > 0.
        error_if_nonfinite: False lets a NaN be, and makes ±clip_value of an infinity.

    Raises:
        FloatingPointError: a gradient has an infinity or a NaN.
        ValueError: clip_value is outside its range.
    """
    c = in_range("clip_grad_value_", "clip_value", clip_value, 0, np.inf, open_below=True)
    leaves = _with_gradient("clip_grad_value_", parameters)
    norms = [_norm([g], np.inf) for _, g in leaves]
    _refuse_not_finite("clip_grad_value_", leaves, norms, error_if_nonfinite)
    for leaf, g in leaves:
        leaf.grad = leaf.like(np.clip(g, -c, c))


def clip_each_grad_norm_(
    parameters: Iterable[Node], max_norm: float, norm_type: float = 2.0, *, error_if_nonfinite: bool = True
) -> list[float]:
    """Shorten the gradient of every parameter to max_norm where it is longer.

    Args:
        parameters: those that have no gradient are passed over.
        max_norm: > 0.
        norm_type: p ≥ 1 of the norm (Σ |g|ᵖ)^(1/p); infinity for the largest element.
        error_if_nonfinite: False leaves a gradient whose norm is infinite or NaN as it is.

    Returns:
        The norms before, of those that have a gradient.

    Raises:
        FloatingPointError: a gradient has an infinity or a NaN.
        ValueError: a number outside its range.
    """
    name = "clip_each_grad_norm_"
    _check(name, max_norm, norm_type)
    leaves = _with_gradient(name, parameters)
    norms = [_norm([g], norm_type) for _, g in leaves]
    _refuse_not_finite(name, leaves, norms, error_if_nonfinite)
    for (leaf, g), norm in zip(leaves, norms, strict=True):
        _shorten(leaf, g, norm, max_norm)
    return norms


def clip_grad_norm_(
    parameters: Iterable[Node], max_norm: float, norm_type: float = 2.0, *, error_if_nonfinite: bool = True
) -> float:
    """Shorten all gradients by one factor if they, taken as one vector, are longer than max_norm.

    Where PyTorch divides by ‖g‖ + 10⁻⁶, this divides by ‖g‖: the norm is max_norm afterwards, but for rounding.

    Args:
        parameters: as for `clip_each_grad_norm_`.
        max_norm: > 0.
        norm_type: p ≥ 1, as there.
        error_if_nonfinite: False leaves the gradients as they are if their norm is infinite or NaN; the norm tells.

    Returns:
        The norm before; 0 if there are no gradients.

    Raises:
        FloatingPointError: a gradient has an infinity or a NaN.
        ValueError: a number outside its range.
    """
    name = "clip_grad_norm_"
    _check(name, max_norm, norm_type)
    leaves = _with_gradient(name, parameters)
    norms = [_norm([g], norm_type) for _, g in leaves]
    _refuse_not_finite(name, leaves, norms, error_if_nonfinite)
    norm = _norm(norms, norm_type)  # the norm of the norms
    for leaf, g in leaves:
        _shorten(leaf, g, norm, max_norm)
    return norm


def _norm(arrays: list[Any], p: float) -> float:
    """(Σ |x|ᵖ)^(1/p) in float64, divided by the largest element first: its square could leave the range of numbers."""
    x = np.abs(np.concatenate([np.ravel(np.asarray(array, float)) for array in arrays] or [np.zeros(1)]))
    largest = float(x.max(initial=0.0))
    if p == np.inf or largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sum((x / largest) ** p) ** (1 / p))


def _shorten(leaf: Any, g: Any, norm: float, max_norm: float) -> None:
    if max_norm < norm < np.inf:
        leaf.grad = leaf.like(g * (max_norm / norm))


def _check(name: str, max_norm: float, norm_type: float) -> None:
    in_range(name, "max_norm", max_norm, 0, np.inf, open_below=True)
    if not norm_type >= 1:
        raise ValueError(f"{name}: a norm_type of at least 1 was expected, {norm_type} came")


def _with_gradient(name: str, parameters: Iterable[Node]) -> list[tuple[Any, Any]]:
    if isinstance(parameters, Node) or hasattr(parameters, "named_parameters"):
        raise TypeError(
            f"{name}: several parameters were expected, {type(parameters).__name__} came: say model.parameters(), "
            f"or [w] for one"
        )
    return [(leaf, value_of(leaf.grad)) for leaf in parameters if leaf.grad is not None]


def _refuse_not_finite(name: str, leaves: list[tuple[Any, Any]], norms: list[float], refuse: bool) -> None:
    bad = [describe(leaf) for (leaf, _), norm in zip(leaves, norms, strict=True) if not np.isfinite(norm)]
    if refuse and bad:
        raise FloatingPointError(
            f"{name}: finite gradients were expected, {', '.join(bad)} has an infinity or a NaN in its own: no factor "
            f"makes that right. Look for a log or a division at 0, or lower the learning rate; "
            f"error_if_nonfinite=False leaves it to you"
        )
