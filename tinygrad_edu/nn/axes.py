"""What convolution and pooling say of each axis of an image: size, stride, padding, dilation, a number each.

One number stands for all axes, as in PyTorch: `stride=2` is (2, 2) for an image of two axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Shape


def for_each_axis(
    layer: str, what: str, given: int | Sequence[int], axes: int, least: int
) -> tuple[int, ...]:
    """A number for each axis, as it came or repeated.

    Raises:
        ValueError: another count of them, something other than integers, or one below `least`.
    """
    numbers = tuple(given) if isinstance(given, Sequence) else (given,) * axes
    if len(numbers) != axes or not counts(*numbers, least=least):
        raise ValueError(
            f"{layer}: {what} was expected to be an integer of at least {least}, or {axes} of them, {given!r} came"
        )
    return tuple(map(int, numbers))


def counts(*numbers: Any, least: int = 1) -> bool:
    """Whether all are whole numbers, of Python or NumPy, and at least so large."""
    return all(isinstance(n, int | np.integer) and n >= least for n in numbers)


def refuse_smaller(
    title: str, lengths: Shape, kernel: Shape, dilation: Shape, sides: Sequence[tuple[int, int]]
) -> None:
    """A window must fit into an image once.

    Raises:
        ShapeError: it does not.
    """
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    room = tuple(n + sum(side) for n, side in zip(lengths, sides, strict=True))
    if any(n < r for n, r in zip(room, reach, strict=True)):
        padding = f", with its padding {shown(room)}," if room != tuple(lengths) else ""
        raise ShapeError(
            f"{title}: an image of at least {shown(reach)} was expected, so far a window reaches, one of "
            f"{shown(lengths)}{padding} came: choose a smaller kernel, or pool less before"
        )


def shown(numbers: Shape) -> str:
    """For `extra_repr`: one number if all are the same, else `3×5`."""
    return str(numbers[0]) if len(set(numbers)) == 1 else "×".join(map(str, numbers))
