"""Layers of a model, and what they return: seen without a hook.

A *layer* here is a module that holds a weight of at least two axes by itself. To see its output while the whole model
runs, its `forward` is replaced for a moment by one that remembers what it returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.nn.init.assigning import Where, named, role, selected
from tinygrad_edu.state import state_restored
from tinygrad_edu.types import Array


@dataclass(slots=True)
class Layer:
    """A module with one weight."""

    path: str
    module: Any
    weight: Any
    bias: Any | None

    def output(self, model: Any, inputs: tuple[Any, ...]) -> Array:
        """What it returns when the model runs; of several calls, all of it."""
        with watched([self]) as seen:
            model(*inputs)
        outputs = seen[self.path]
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)


@contextmanager
def watched(layers: list[Layer]) -> Iterator[dict[str, list[Array]]]:
    """{path: outputs}, in the order of the first calls, that are filled while the model runs."""
    seen: dict[str, list[Array]] = {}
    held = [(vars(layer.module), vars(layer.module).get("forward")) for layer in layers]

    def watching(layer: Layer, forward: Callable[..., Any]) -> Callable[..., Any]:
        def remembering(*args: Any, **params: Any) -> Any:
            y = forward(*args, **params)
            seen.setdefault(layer.path, []).append(np.asarray(value_of(y)))
            return y

        return remembering

    try:
        for layer in layers:
            layer.module.forward = watching(layer, layer.module.forward)
        with no_grad(), state_restored():  # a batch norm that is looked at has not been trained
            yield seen
    finally:
        for attributes, before in held:
            attributes.pop("forward")
            if before is not None:
                attributes["forward"] = before


def layers_of(name: str, model: Any, where: Where | None) -> list[Layer]:
    """The modules that hold a weight that is meant; each has one."""
    parameters, modules = named(name, model), dict(model.named_modules())
    found: dict[str, Layer] = {}
    for path, leaf in parameters.items():
        if role(path, np.shape(leaf.value)) != "weight" or not selected(path, leaf, where):
            continue
        owner = path
        while owner not in modules:
            owner = owner.rpartition(".")[0]
        if owner in found:
            raise ValueError(
                f"{name}: a module with one weight was expected, '{owner or type(model).__name__}' has several: its "
                f"output does not say which of them is too large. Make each a layer, or choose by where="
            )
        biases = (
            held
            for other, held in parameters.items()
            if other.rpartition(".")[0] == owner and role(other, np.shape(held.value)) == "bias"
        )
        found[owner] = Layer(owner or type(model).__name__, modules[owner], leaf, next(biases, None))
    if not found:
        raise ValueError(
            f"{name}: weights were expected, none of {', '.join(parameters)} is one that is meant"
        )
    return list(found.values())
