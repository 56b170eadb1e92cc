"""What an adapter returns: a library's way to do one workload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray

# Not the library's own name for it: what a contestant loads, its garbage collector walks.
Array = NDArray[Any]


class Entry(NamedTuple):
    """One workload in one library.

    Attributes:
        step: what is timed. It returns the loss, in the library's form.
        gradients: those of the last step, in the order and layout of the problem.
        parameters: what they are after the last step, if the workload changes them.
        loss: the number in what `step` returned.
    """

    step: Callable[[], Any]
    gradients: Callable[[], list[Any]]
    parameters: Callable[[], list[Any]] = list
    loss: Callable[[Any], Any] = float
