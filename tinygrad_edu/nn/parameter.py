"""What a module holds: parameters, which are learned, and buffers, which are only kept.

A parameter is no type of its own: any leaf of the graph is one that requires a gradient, or did before it was frozen.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.state import about_to_change
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.types import Array


def parameter(array: Any, name: str | None = None) -> Tensor:
    """A leaf that is to be learned: a tensor with a copy of the values, which requires a gradient."""
    return Tensor(array, requires_grad=True, name=name)


class Buffer:
    """An array that belongs to a module, but not to the graph, such as a running mean.

    Its value is read-only. It is replaced as a whole, by another of the same shape, and keeps its dtype.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = _read_only(np.array(value))

    @property
    def value(self) -> Array:
        """The array."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        array = np.array(value, self._value.dtype)
        if array.shape != self._value.shape:
            raise ShapeError(
                f"buffer: an array of shape {self._value.shape} was expected, {array.shape} came"
            )
        about_to_change(self)
        self._value = _read_only(array)

    def __reduce__(self) -> tuple[Any, ...]:
        return Buffer, (self._value,)  # NumPy's own copy of a read-only array could be written to

    def __repr__(self) -> str:
        return f"Buffer({self._value!r})"


def is_parameter(held: Any) -> bool:
    """Whether something that a module holds is learned, or was and is frozen."""
    return (
        isinstance(held, Node) and held.op is None and (held.requires_grad or getattr(held, "frozen", False))
    )


def is_state(held: Any) -> bool:
    """Whether something that a module holds belongs into a file."""
    return is_parameter(held) or isinstance(held, Buffer)


def _read_only(array: Array) -> Array:
    array.setflags(write=False)
    return array
