"""One epoch: a step for each batch, and the loss of all of them together.

A batch's loss is a mean, as a rule. The mean over the epoch is then not that of the batches' means: each counts by what
it is a mean of. That is the number of its samples, or what `weight_of` knows better:

    mean of means    Σ_b w_b · loss_b / Σ_b w_b      w_b: the samples, or Σ w_y over the labels that count
    sum              Σ_b loss_b
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.nn import CrossEntropyLoss, NLLLoss
from tinygrad_edu.nn.functional import cross_entropy, nll_loss
from tinygrad_edu.optim import Average, Optimizer, clip_grad_norm_
from tinygrad_edu.optim.schedules import Schedule
from tinygrad_edu.training.evaluation import one_number
from tinygrad_edu.types import Array

Data = tuple[Array, Array]
NONE = -100  # the label that stands for none, if nothing else was said


def weight_of(loss: Any, y: Any, samples: int) -> float | None:
    """What a batch's loss is a mean of, or None if losses are to be added up.

    Known are the losses of `nn`, the functions that they call, also in a `partial`, and whatever has a `reduction` or
    says itself, in a method `weight_of(y)`. Anything else, such as a lambda, is taken for a mean over samples.

    Args:
        loss: of (outputs, y).
        y: (batch, …) what belongs to the samples.
        samples: how many they are.
    """
    own = getattr(loss, "weight_of", None)
    if callable(own):
        return float(own(y))
    said = _options(loss)
    if said.get("reduction") == "sum":
        return None
    function = loss.func if isinstance(loss, partial) else loss
    of_labels = function in (cross_entropy, nll_loss) or isinstance(function, CrossEntropyLoss | NLLLoss)
    labels = np.asarray(value_of(y)) if of_labels else np.empty(0)  # of another loss y may be anything
    if labels.dtype.kind not in "iu":
        return float(samples)
    counted = labels[labels != said.get("ignore_index", NONE)]
    weights = said.get("weight")
    return float(counted.size if weights is None else np.asarray(value_of(weights))[counted].sum())


def _options(loss: Any) -> dict[str, Any]:
    """What was chosen of a loss, by name."""
    if isinstance(loss, partial):
        return dict(loss.keywords)
    return dict(getattr(loss, "__dict__", {}))


def epoch(
    model: Any, loss: Callable[[Any, Any], Any], data: Iterable[Data], optimizer: Optimizer, *, first: int,
    factor: Schedule | None, clip: Any, average: Average | None,
) -> dict[str, float]:  # fmt: skip
    """Go through the batches: the number of steps after it, and their loss, each from before its step."""
    total, counted, step = 0.0, 0.0, first
    for x, y in data:
        if factor is not None:
            optimizer.lr = optimizer.initial_lr * factor(step)
        value = optimizer.step(closure_of(model, loss, x, y, optimizer, clip, step))
        if average is not None:
            average.update()
        weight = weight_of(loss, y, len(x))
        total, step = total + float(value_of(value)) * (1.0 if weight is None else weight), step + 1
        counted += weight or 0.0
    return {"step": step, "loss": total / (counted or 1.0)}


def closure_of(
    model: Any,
    loss: Callable[[Any, Any], Any],
    x: Array,
    y: Array,
    optimizer: Optimizer,
    clip: Any,
    step: int,
) -> Callable[[], Any]:
    """What an optimizer calls, once or, in a line search, several times; only the first loss must be finite."""
    calls = 0

    def closure() -> Any:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        value = loss(model(x), y)
        number = one_number("fit", value)
        if calls == 1 and not math.isfinite(number):
            raise FloatingPointError(
                f"fit: a finite loss was expected, {number} came at step {step}: lower the learning rate, "
                f"clip the gradients, or look for a log or a division at 0"
            )
        if not hasattr(value, "backward"):
            raise TypeError(
                f"fit: a loss that depends on the parameters was expected, {type(value).__name__} came: compute it "
                f"from what the model returns, without value_of, numpy() or item()"
            )
        value.backward()
        if callable(clip):
            clip(optimizer.parameters)
        elif clip is not None:
            clip_grad_norm_(optimizer.parameters, clip)
        return value

    return closure
