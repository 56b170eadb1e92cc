"""A model for a while in training or in use, and what it says of many samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.types import Array


@contextmanager
def mode(model: Any, training: bool) -> Iterator[None]:
    """Within it the model behaves as in training, or as in use; afterwards each module as it did before."""
    before = [(module, module.training) for _, module in model.named_modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, was in before:
            module.training = was


def predict(model: Any, x: Array, *, batch_size: int = 256) -> Array:
    """The outputs of a model in use, (n, …), for samples x (n, …): computed in batches, and nothing is recorded."""
    with mode(model, False), no_grad():
        pieces = [value_of(model(x[i : i + batch_size])) for i in range(0, len(x), batch_size)]
    return np.concatenate(pieces)
