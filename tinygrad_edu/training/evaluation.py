"""A model in use: what it says of many samples, and how good that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.data.loader import require_whole
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.tensor import tensor
from tinygrad_edu.types import Array

#: Of what is true, and of the outputs of a model, both arrays.
Metric: TypeAlias = Callable[[Any, Any], float]


@contextmanager
def mode(model: Any, training: bool) -> Iterator[None]:
    """Within it the model behaves as in training, or as in use; afterwards each module as it did before.

    A module that is in use while the model trains was put there on purpose, such as a BatchNorm whose statistics are
    to stay: it is left alone.
    """
    before = [(module, module.training) for _, module in model.named_modules()]
    kept = [module for module, was in before if model.training and not was]
    model.train(training)
    for module in kept:
        module.training = False
    try:
        yield
    finally:
        for module, was in before:
            module.training = was


def predict(model: Any, x: Array, *, batch_size: int = 256) -> Array:
    """The outputs of a model in use, (n, …), for samples x (n, …): computed in batches, and nothing is recorded.

    Raises:
        TypeError: a batch_size that is no whole number.
        ValueError: one below 1, or no samples.
    """
    require_whole("predict", "batch_size", batch_size)
    if not len(x):
        raise ValueError("predict: at least one sample was expected, none came")
    with mode(model, False), no_grad():
        pieces = [value_of(model(x[i : i + batch_size])) for i in range(0, len(x), batch_size)]
    return np.concatenate(pieces)


def evaluate(
    model: Any, loss: Callable[[Any, Any], Any], data: tuple[Array, Array], *,
    metrics: Mapping[str, Metric] | None = None, prefix: str = "",
) -> dict[str, float]:  # fmt: skip
    """The loss and the metrics of a model in use.

    Args:
        model: a module.
        loss: of (outputs, y).
        data: x and y.
        metrics: {name: metric of (y, outputs)}; outputs are an array.
        prefix: what the names in the result begin with.

    Raises:
        ShapeError: x and y differ in length, or the loss is not one number.
        ValueError: no samples.
    """
    x, y = data
    if len(x) != len(y):
        raise ShapeError(
            f"evaluate: as many samples as what belongs to them was expected, {len(x)} and {len(y)} came"
        )
    outputs = predict(model, x)
    with no_grad():
        found = {f"{prefix}loss": one_number("evaluate", loss(tensor(outputs), y))}
    return found | {f"{prefix}{name}": float(metric(y, outputs)) for name, metric in (metrics or {}).items()}


def one_number(name: str, loss: Any) -> float:
    """The value of a loss.

    Raises:
        ShapeError: it has several.
    """
    value = value_of(loss)
    if np.shape(value) != ():
        raise ShapeError(
            f"{name}: a loss of one number was expected, one of shape {np.shape(value)} came: take its mean, as "
            f"reduction='mean' does"
        )
    return float(value)
