"""What convolution and pooling say of each axis of an image: size, stride, padding, dilation, a number each.

One number stands for all axes, as in PyTorch: `stride=2` is (2, 2) for an image of two axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_edu.types import Shape


def for_each_axis(
    layer: str, what: str, given: int | Sequence[int], axes: int, least: int
) -> tuple[int, ...]:
    """A number for each axis, as it came or repeated.

    Raises:
        ValueError: another count of them, something other than integers, or one below `least`.
    """
    numbers = tuple(given) if isinstance(given, Sequence) else (given,) * axes
    if len(numbers) != axes or not all(isinstance(n, int | np.integer) and n >= least for n in numbers):
        raise ValueError(
            f"{layer}: {what} was expected to be an integer of at least {least}, or {axes} of them, {given!r} came"
        )
    return tuple(map(int, numbers))


def shown(numbers: Shape) -> str:
    """For `extra_repr`: one number if all are the same, else `3×5`."""
    return str(numbers[0]) if len(set(numbers)) == 1 else "×".join(map(str, numbers))
