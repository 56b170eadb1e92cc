"""Habits: mistakes that have nothing to do with the operation, and that every rule can make.

Each function takes a right rule and returns what it becomes by the habit. The upstream cotangent g is where most of
them begin: a rule has to be linear in g, and a test whose last step is a plain sum, with g = 1, cannot tell whether
it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.types import Array

Vjp = Callable[..., Any]


def upstream_ignored(vjp: Vjp) -> Vjp:
    """The derivative of y alone, as if y were the end of the graph."""
    return lambda g, y, *xs: vjp(np.ones_like(g), y, *xs)


def upstream_averaged(vjp: Vjp) -> Vjp:
    """One number for the whole upstream."""
    return lambda g, y, *xs: vjp(np.full_like(g, np.mean(g)), y, *xs)


def upstream_summed(vjp: Vjp) -> Vjp:
    """The sum of the upstream in every place of it."""
    return lambda g, y, *xs: vjp(np.full_like(g, np.sum(g)), y, *xs)


def upstream_clipped(vjp: Vjp, bound: float = 1.0) -> Vjp:
    """Gradient clipping that has wandered from the optimizer into a rule."""
    return lambda g, y, *xs: vjp(np.clip(g, -bound, bound), y, *xs)


def upstream_overwritten(vjp: Vjp) -> Vjp:
    """The right result, and an upstream that is ruined for whoever gets it next."""

    def rule(g: Array, y: Array, *xs: Array) -> Any:
        found = vjp(g.copy(), y, *xs)
        g *= 0.5
        return found

    return rule


def input_overwritten(vjp: Vjp) -> Vjp:
    """The right result, written into the memory of the first input."""

    def rule(g: Array, y: Array, x: Array, *rest: Array) -> Any:
        found = vjp(g, y, x, *rest)
        first, *others = found if isinstance(found, tuple) else (found,)
        x[...] = first
        return (x, *others)

    return rule


def accumulating(vjp: Vjp) -> Vjp:
    """`+=` into a buffer that belongs to the layer and that nobody sets to zero: right in the first call only."""
    buffers: dict[tuple[tuple[int, ...], ...], list[Array]] = {}

    def rule(g: Array, y: Array, *xs: Array) -> Any:
        found = vjp(g, y, *xs)
        found = found if isinstance(found, tuple) else (found,)
        buffer = buffers.setdefault(tuple(np.shape(x) for x in xs), [np.zeros(np.shape(x)) for x in xs])
        for total, gradient in zip(buffer, found, strict=True):
            total += gradient
        return tuple(total.copy() for total in buffer)

    return rule


def cached_upstream(vjp: Vjp) -> Vjp:
    """The upstream of the call before: a buffer that is filled after it has been read."""
    latest: dict[tuple[int, ...], Array] = {}

    def rule(g: Array, y: Array, *xs: Array) -> Any:
        before = latest.get(np.shape(g), g)
        latest[np.shape(g)] = np.array(g)
        return vjp(before, y, *xs)

    return rule


def scaled(vjp: Vjp, factor: float) -> Vjp:
    """A constant beside the right one."""
    return lambda g, y, *xs: vjp(factor * g, y, *xs)


def truncated(vjp: Vjp) -> Vjp:
    """The result in an array of integers, such as `np.zeros_like` makes for an input of integers."""

    def rule(g: Array, y: Array, *xs: Array) -> Any:
        found = vjp(g, y, *xs)
        found = found if isinstance(found, tuple) else (found,)
        return tuple(np.trunc(gradient) for gradient in found)

    return rule


def as_column(vjp: Vjp) -> Vjp:
    """(n, 1) where (n,) is asked for; it would broadcast to (n, n) when it is subtracted from the parameter."""
    return lambda g, y, *xs: np.reshape(vjp(g, y, *xs), (-1, 1))
