"""What goes through a model and what comes back, at every layer: seen without hooks.

For one call the `forward` of each module at the end of a branch is replaced by one that remembers the node it
returned. Activations that are called as functions are found in the graph by their operation. Since the nodes are
those of the graph, one reverse sweep has the gradients at all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.nn import Module
from tinygrad_edu.nn.init.assigning import named, role
from tinygrad_edu.state import state_restored
from tinygrad_edu.types import Array

ACTIVATIONS = ("relu", "tanh", "sigmoid")  # the operations that are seen even where no module stands for them


@dataclass(frozen=True)
class Output:
    """What one module or activation returned.

    Attributes:
        name: its path.
        kind: "layer" if it holds a weight, else relu, tanh or sigmoid if it ends with that, else the module's class.
        value: any shape.
        gradient: of the same shape.
    """

    name: str
    kind: str
    value: Array
    gradient: Array


@dataclass(frozen=True)
class Observation:
    """One pass forward and backward.

    Attributes:
        outputs: in the order of the graph.
        parameters: {path: (value, gradient)}.
        inputs: the gradients of those inputs that require one.
        loss: its value, or None if there was none.
    """

    outputs: list[Output]
    parameters: dict[str, tuple[Array, Array]]
    inputs: list[Array]
    loss: float | None


def observe(
    model: Any,
    *inputs: Any,
    loss: Callable[[Any], Any] | None = None,
    cotangent: Array | np.random.Generator | None = None,
) -> Observation:
    """Run a model forward and backward; its state and the `.grad` of its parameters stay as they were.

    Args:
        model: a module with parameters.
        inputs: what it is called with.
        loss: a function of its output that returns one number; or
        cotangent: what comes back to its output, or to the first of several, of that shape; of a generator, standard
            normal numbers.

    Raises:
        TypeError: no module; or it, or the loss, returns something else than a node.
        ValueError: neither a loss nor a cotangent, or both.
    """
    if (loss is None) == (cotangent is None):
        raise ValueError("observe: either a loss or a cotangent was expected: what is to be sent back?")
    parameters = named("observe", model)
    with state_restored(), _remembered(model) as seen:
        y = model(*inputs)
    while loss is None and isinstance(y, tuple) and y:  # as of a recurrent layer: outputs, and the last state
        y = y[0]
    end = y if loss is None else loss(y)
    if not isinstance(end, Node):
        what, hint = ("model", ": give a loss of its outputs") if loss is None else ("loss", "")
        raise TypeError(
            f"observe: a {what} that returns one node was expected, {type(end).__name__} came{hint}"
        )
    if isinstance(cotangent, np.random.Generator):
        cotangent = cotangent.standard_normal(np.shape(end.value))
    found = _in_order(end, seen)
    given = [x for x in inputs if isinstance(x, Node) and x.requires_grad]
    back = map(
        np.asarray, gradients(end, [*(each[2] for each in found), *parameters.values(), *given], cotangent)
    )
    outputs = [Output(name, kind, np.asarray(node.value), next(back)) for name, kind, node in found]
    states = {path: (np.array(leaf.value), next(back)) for path, leaf in parameters.items()}
    return Observation(outputs, states, list(back), None if loss is None else float(value_of(end)))


def _in_order(end: Node, seen: list[tuple[str, str, Node]]) -> list[tuple[str, str, Node]]:
    """(name, kind, node) of all that was remembered, and of the activations between, in the order of the graph."""
    known: dict[Node, tuple[str, str]] = {}
    for name, kind, node in seen:
        known.setdefault(node, (name, kind))
    found, names = [], set()
    for node in topological_order([end]):
        operation = node.op.name if node.op is not None else ""
        if node in known:
            name, kind = known[node]
            kind = operation if operation in ACTIVATIONS and kind != "layer" else kind
        elif operation in ACTIVATIONS:
            name, kind = f"{node.scope}.{operation}" if node.scope else operation, operation
        else:
            continue
        times = 1
        while (unique := name if times == 1 else f"{name} ({times})") in names:
            times += 1
        names.add(unique)
        found.append((unique, kind, node))
    return found


@contextmanager
def _remembered(model: Module) -> Iterator[list[tuple[str, str, Node]]]:
    """Within it, calls of the modules at the ends of branches are remembered: (path, "layer" or the class, output)."""
    seen: list[tuple[str, str, Node]] = []
    modules = dict(model.named_modules())
    ends = {
        path: module
        for path, module in modules.items()
        if not any(other != path and (other.startswith(f"{path}.") or not path) for other in modules)
    }
    held = [(vars(module), vars(module).get("forward")) for module in ends.values()]

    def remembering(path: str, kind: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **params: Any) -> Any:
            y = forward(*args, **params)
            outputs = y if isinstance(y, tuple) else (y,)
            seen.extend(
                (path, kind, each) for each in outputs if isinstance(each, Node) and each.op is not None
            )
            return y

        return called

    try:
        for path, module in ends.items():
            own, roles = (
                type(module).__name__,
                {role(name, np.shape(x.value)) for name, x in module.named_parameters()},
            )
            seeing = remembering(path or own, "layer" if "weight" in roles else own, module.forward)
            vars(module)["forward"] = seeing
        yield seen
    finally:
        for attributes, before in held:
            attributes.pop("forward", None)
            if before is not None:
                attributes["forward"] = before
