"""Averages of the parameters over the steps: the noise of single batches cancels, and what they share stays.

    EMA     w̄ ← decay · w̄ + (1 − decay) · w         the last 1 / (1 − decay) steps, fading     Polyak and Juditsky 1992
    SWA     w̄ ← w̄ + (w − w̄) / n                     all of the n steps alike                   Izmailov et al. 2018

    average = Average(model, decay=0.999)
    for each batch: …, optimizer.step(), average.update()
    with average.applied():
        evaluate(model, …)

A step of constant length never settles: the parameters wander around the minimum, and their mean is nearer to it than
any of them. The average learns nothing itself, and the training does not notice it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.core.node import assign
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.optim.options import in_range
from tinygrad_edu.types import Array


class Average:
    """The average of a model's parameters. The first update takes them as they are.

    Buffers, such as the running statistics of a batch normalization, are not averaged: they belong to the parameters of
    the last steps. With averages that lie far from those, let the model see some batches in training mode, without
    steps.

    Args:
        model: anything with `named_parameters()`.
        decay: in [0, 1), how slowly the past fades; None for the mean of all updates alike.

    Attributes:
        n: how many updates there have been.

    Raises:
        TypeError: the model names no parameters.
        ValueError: the decay is outside its range.
    """

    def __init__(self, model: Any, decay: float | None = 0.999) -> None:
        if not hasattr(model, "named_parameters"):
            raise TypeError(
                f"Average: a model with named_parameters() was expected, {type(model).__name__} came"
            )
        self.decay = None if decay is None else in_range("Average", "decay", decay, 0, 1)
        self.n = 0
        self._leaves = dict(model.named_parameters())
        self._mean: dict[str, Any] = {}

    def update(self) -> None:
        """Take the present parameters into account: call it after every step, or after every epoch."""
        self.n += 1
        for name, leaf in self._leaves.items():
            w = leaf.value
            if self.n == 1:
                self._mean[name] = w
            elif self.decay is None:
                self._mean[name] = self._mean[name] + (w - self._mean[name]) / self.n
            else:
                self._mean[name] = self.decay * self._mean[name] + (1 - self.decay) * w

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the model has the averages for its parameters, afterwards its own again.

        Raises:
            ValueError: there has been no update.
        """
        self._refuse_nothing()
        own = [(leaf, leaf.value) for leaf in self._leaves.values()]
        self.assign()
        try:
            yield
        finally:
            assign(own)

    def assign(self) -> None:
        """Give the model the averages for good, as at the end of a training.

        Raises:
            ValueError: there has been no update.
        """
        self._refuse_nothing()
        assign([(leaf, self._mean[name]) for name, leaf in self._leaves.items()])

    def state_dict(self) -> dict[str, Array]:
        """A copy of the averages by the names of the parameters, and of `n`."""
        return {name: np.array(value) for name, value in self._mean.items()} | {"n": np.array(self.n)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict()`.

        Raises:
            ShapeError: an average of another shape.
            ValueError: other names.
        """
        expected = set(self._leaves) if int(state.get("n", 0)) else set()
        if state.keys() != expected | {"n"}:
            raise ValueError(
                f"Average: averages of {', '.join(self._leaves)}, and n, were expected, those of "
                f"{', '.join(state) or 'nothing'} came"
            )
        for name in expected:
            if np.shape(state[name]) != np.shape(self._leaves[name].value):
                raise ShapeError(
                    f"Average: {name} of shape {np.shape(self._leaves[name].value)} was expected, "
                    f"{np.shape(state[name])} came"
                )
        self.n = int(state["n"])
        self._mean = {name: np.array(state[name])[()] for name in expected}

    def _refuse_nothing(self) -> None:
        if not self.n:
            raise ValueError(
                "Average: an average was expected, there has been no update: call update() after a step"
            )
