"""The learning rate finder: raise the rate from step to step, and look when the loss falls and when it explodes.

    lrₖ = start · (end / start)^(k / (steps − 1))                     Smith 2015, section 3.3

Far below the right rate the loss stands still, far above it explodes. Where it falls fastest is a good rate to start
with. All this is a trial: afterwards the model, the optimizer and the generators are what they were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.node import preserved
from tinygrad_edu.core.recording import NEEDED, recording
from tinygrad_edu.data import batches
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.state import state_restored
from tinygrad_edu.training.arguments import pair
from tinygrad_edu.training.checkpoint import all_generators
from tinygrad_edu.training.evaluation import mode, one_number
from tinygrad_edu.types import Array


@dataclass(frozen=True)
class LRCurve:
    """The loss by the learning rate.

    Attributes:
        lrs: (steps,) the rates that were tried, ascending; fewer than asked for if the loss exploded before.
        losses: (steps,) of the batch before the step with that rate.
        smoothed: (steps,) their fading mean, corrected for its start at 0.
    """

    lrs: Array
    losses: Array
    smoothed: Array

    @property
    def suggestion(self) -> float:
        """The rate where the smoothed loss falls fastest by log lr, before its minimum."""
        end = max(int(self.smoothed.argmin()) + 1, 2)
        slopes = np.gradient(self.smoothed[:end], np.log(self.lrs[:end]))
        return float(self.lrs[int(slopes.argmin())])


def find_lr(
    model: Any, loss: Callable[[Any, Any], Any], data: tuple[Array, Array], *, optimizer: Optimizer,
    start: float = 1e-6, end: float = 10.0, steps: int = 100, batch_size: int = 32,
    rng: np.random.Generator | None = None, smoothing: float = 0.9, divergence: float = 4.0,
) -> LRCurve:  # fmt: skip
    """Try rising learning rates.

    Args:
        model: a module.
        loss: of (model(x), y), one number.
        data: x (n, …) and y (n, …).
        optimizer: of the parameters of the model; not L-BFGS, which chooses the lengths of its steps itself.
        start: the first rate, > 0.
        end: the last one, > start.
        steps: how many are tried, ≥ 3; if an epoch is shorter, others follow.
        batch_size: ≥ 1.
        rng: shuffles the samples.
        smoothing: in [0, 1): how slowly the mean of the losses fades.
        divergence: it stops where the smoothed loss is this many times its smallest value.

    Raises:
        ShapeError: x and y differ in length, or the loss is not one number.
        TypeError: data that are no pair of arrays.
        ValueError: a number outside its range, no samples, or a loss that explodes at once.
    """
    if not 0 < start < end or steps < 3 or not 0 <= smoothing < 1 or not divergence > 1:
        raise ValueError(
            f"find_lr: 0 < start < end, steps ≥ 3, smoothing in [0, 1) and divergence > 1 were expected, "
            f"{start}, {end}, {steps}, {smoothing} and {divergence} came"
        )
    data = pair("find_lr", data)
    rates = np.geomspace(start, end, steps)
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    with _untouched(model, optimizer, {} if rng is None else {"rng": rng}), mode(model, True):
        stream = _endless(data, batch_size, rng)
        for k, (rate, (x, y)) in enumerate(zip(rates, stream, strict=False), start=1):
            optimizer.lr = float(rate)
            optimizer.zero_grad()
            value = loss(model(x), y)
            number = one_number("find_lr", value)
            mean = smoothing * mean + (1 - smoothing) * number
            estimate = mean / (1 - smoothing**k)
            if not math.isfinite(number) or (smoothed and estimate > divergence * min(smoothed)):
                break
            losses.append(number)
            smoothed.append(estimate)
            value.backward()
            optimizer.step()
    if len(losses) < 3:
        raise ValueError(
            f"find_lr: a loss that stays finite for a while was expected, it exploded after {len(losses)} steps: lower "
            f"start={start}"
        )
    return LRCurve(rates[: len(losses)], np.array(losses), np.array(smoothed))


def _endless(
    data: tuple[Array, Array], size: int, rng: np.random.Generator | None
) -> Iterator[tuple[Array, Array]]:
    while True:
        yield from batches(*data, size=size, rng=rng)


@contextmanager
def _untouched(model: Any, optimizer: Optimizer, others: dict[str, np.random.Generator]) -> Iterator[None]:
    """At the end all that a training changes is what it was."""
    remembered = optimizer.state_dict()
    gradients = [(leaf, leaf.grad) for leaf in model.parameters()]
    drawn = [(rng, rng.bit_generator.state) for rng in all_generators(model, others).values()]
    try:
        with preserved(model.parameters()), recording(NEEDED), state_restored():
            yield
    finally:
        optimizer.load_state_dict(remembered)
        for leaf, gradient in gradients:
            leaf.grad = gradient
        for rng, was in drawn:
            rng.bit_generator.state = was
