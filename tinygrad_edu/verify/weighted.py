"""One number of many: Σ g · f as a function of where some of the inputs have moved, at many points.

    moves   [{input: its value}, …]   →   (len(moves),)

A pair of plain functions is called once for each. A function that is made of operations of the engine has a graph, and
all points go through that together (see `batched`), if it gives the same: a graph knows nothing of an `if`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.recording import NEEDED, recording
from tinygrad_edu.types import Array
from tinygrad_edu.verify.batched import Batch, agrees
from tinygrad_edu.verify.noise import each, noise_along, norm
from tinygrad_edu.verify.numerical import Estimate
from tinygrad_edu.verify.pair import Pair
from tinygrad_edu.verify.replay import beside
from tinygrad_edu.verify.steps import ATTEMPTS, search

Moves = Sequence[dict[int, Array]]


class Weighted:
    """Σ g · f at a point and around it.

    Attributes:
        pair, inputs, g: the functions, the point, and the weights of the output.
    """

    def __init__(self, pair: Pair, inputs: list[Array], g: Array) -> None:
        self.pair, self.inputs, self.g = pair, inputs, g
        self._batch = self._together()

    def __call__(self, moves: Moves) -> Array:
        """The numbers, NaN where the function is not defined."""
        if self._batch is None:
            return each(self._alone, moves)
        values = []
        for first in range(0, len(moves), self._batch.at_once):
            chunk = moves[first : first + self._batch.at_once]
            points = [
                np.stack([move.get(i, x) for move in chunk]) if any(i in move for move in chunk) else x[None]
                for i, x in enumerate(self.inputs)
            ]
            values.append(np.broadcast_to(self._batch(points), (len(chunk),)))
        return np.concatenate(values)

    def _alone(self, move: dict[int, Array]) -> float:
        y = np.asarray(
            self.pair.f(*[move[i] if i in move else np.array(x) for i, x in enumerate(self.inputs)])
        )
        return float(np.sum(self.g * y)) if y.shape == self.g.shape else float("nan")

    def _together(self) -> Batch | None:
        """The graph of the sum, if there is one that gives the same."""
        if self.pair.record is None:
            return None
        try:
            with recording(NEEDED), np.errstate(all="ignore"):
                y, leaves = self.pair.record(self.inputs)
                output = ops.sum(y * self.g) if np.shape(y.value) else y * float(self.g)
            batch = Batch(output, leaves)
            points = beside(self.inputs)
            same = agrees(batch, points, each(lambda xs: self._alone(dict(enumerate(xs))), points))
        except Exception:  # whatever it is, called one by one it may be none
            return None
        return batch if same else None

    @cached_property
    def middle(self) -> float:
        """The number at the point itself."""
        return float(self([{}])[0])

    @cached_property
    def noise(self) -> float:
        """The rounding errors, measured along a line on which everything moves."""
        rng = np.random.default_rng(1)
        moving = {i: x for i, x in enumerate(self.inputs) if x.dtype.kind == "f"}
        directions = {i: (norm(x) / max(x.size, 1) ** 0.5 or 1.0) * rng.uniform(0.5, 1.0, x.shape)
                      for i, x in moving.items()}  # fmt: skip

        def along(at: Array) -> Array:
            return self([{i: x + t * directions[i] for i, x in moving.items()} for t in at.tolist()])

        return noise_along(along, 0.0, 1.0)

    def slope(
        self, moved: Callable[[float], dict[int, Array]], at: float, scale: float, attempts: int = ATTEMPTS
    ) -> Estimate:
        """The slope along a line: `moved(t)` is where the inputs are after t."""
        found = search(
            lambda _, to: self([moved(t) for t in to.tolist()]), np.array([at]), scale=np.array([scale]),
            middle=float(self([moved(at)])[0]), noise=self.noise, attempts=attempts,
        )  # fmt: skip
        return Estimate(*(float(column[0]) for column in found))
