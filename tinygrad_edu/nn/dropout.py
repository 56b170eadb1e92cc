"""Dropout: in training, each number is replaced by 0 with probability p (Srivastava et al. 2014).

    y = x · mask / (1 − p)        mask: 1 with probability 1 − p, else 0

The division keeps the mean of y at x, so that nothing has to be done when the network is in use ("inverted"
dropout). A numerical derivative compares forward passes with each other, which is pointless if each drops
other units. `tg.check` puts the generator back after every call, so that all of them drop the same; where you compare
by yourself, do it within `frozen()`, or in `eval()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.state import about_to_change
from tinygrad_edu.types import Array, Operand, Shape


@verified(layer(lambda rng: Dropout(0.4, rng=rng), real(5, 3)))
class Dropout(Module):
    """Drop each element with probability p in training; nothing otherwise.

    Args:
        p: in [0, 1).
        rng: what the masks are drawn from; a generator that others do not use makes them reproducible.

    Raises:
        ValueError: p outside [0, 1).
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator) -> None:
        if not 0 <= p < 1:
            raise ValueError(f"Dropout: a probability p in [0, 1) was expected, {p} came")
        self.p, self.rng = p, rng
        self.masks: dict[Shape, Array] | None = None  # those that are kept while frozen

    def forward(self, x: Operand) -> Operand:
        """The input with some elements at 0 and the others larger; the input itself when not training."""
        if not self.training or self.p == 0:
            return x
        values = np.asarray(value_of(x))
        shape = self.dropped(values.shape)
        if self.masks is None:
            mask = self._mask(shape)
        elif shape in self.masks:
            mask = self.masks[shape]
        else:
            mask = self.masks[shape] = self._mask(shape)
        if (
            values.dtype.kind == "f"
        ):  # float32 stays float32; as an integer, 1 / (1 − p) would lose its fraction
            mask = mask.astype(values.dtype, copy=False)
        return x * mask

    def dropped(self, shape: Shape) -> Shape:
        """The shape of the mask for an x of this shape: here each element is dropped by itself."""
        return shape

    def _mask(self, shape: Shape) -> Array:
        about_to_change(
            self.rng.bit_generator, "state"
        )  # so that a check draws the same numbers again and again
        return (self.rng.random(shape) >= self.p) / (1 - self.p)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within it the mask is drawn once, for each shape of x, and then used again."""
        outer = self.masks
        self.masks = {} if outer is None else outer
        try:
            yield
        finally:
            self.masks = outer

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class _ChannelDropout(Dropout):
    """Whole channels are dropped, of each sample: neighbours in an image say nearly the same (Tompson et al. 2015)."""

    axes: int  # of an image

    def dropped(self, shape: Shape) -> Shape:
        """(batch, channels, 1, …)."""
        if len(shape) != 2 + self.axes:
            names = "length" if self.axes == 1 else "height, width"
            raise ShapeError(f"{self.title()}: x (batch, channels, {names}) was expected, {shape} came")
        return (*shape[:2], *(1,) * self.axes)


@verified(layer(lambda rng: Dropout1d(0.4, rng=rng), real(3, 2, 3)))
class Dropout1d(_ChannelDropout):
    """Drop each channel of x (batch, channels, length) with probability p. For arguments see `Dropout`."""

    axes = 1


@verified(layer(lambda rng: Dropout2d(0.4, rng=rng), real(3, 2, 2, 3)))
class Dropout2d(_ChannelDropout):
    """Drop each channel of x (batch, channels, height, width) with probability p. For arguments see `Dropout`."""

    axes = 2
