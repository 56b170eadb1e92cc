"""All parameters as one vector: what a method needs that moves them together, along one direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.node import assign
from tinygrad_edu.types import Array


def joined(arrays: Sequence[Any]) -> Array:
    """One after the other, each by rows."""
    return np.concatenate([np.ravel(array) for array in arrays])


def assign_flat(parameters: Sequence[Any], x: Array) -> None:
    """Cut the vector into the parameters, all of which change at once."""
    assign(list(zip(parameters, cut(parameters, x), strict=True)))


def cut(parameters: Sequence[Any], x: Array) -> list[Array]:
    """The vector in pieces of the shapes of the parameters."""
    pieces = np.split(x, np.cumsum([np.size(leaf.value) for leaf in parameters])[:-1])
    return [piece.reshape(np.shape(leaf.value)) for leaf, piece in zip(parameters, pieces, strict=True)]
