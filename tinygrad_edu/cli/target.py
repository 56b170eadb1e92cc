"""What a name in a user's file stands for, and what is needed to check it.

a pair              f and f_vjp, or what custom_vjp has made      inputs
a function          of nodes                                      inputs
a loss              a function of no arguments                    parameters
a module            or its class                                  inputs
a computed node     such as the loss that a training ends with    nothing
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.cli.inputs import (
    Shapes,
    beside,
    inputs_of,
    leaves_in,
    leaves_of_file,
    signature_of,
    stated_inputs,
)
from tinygrad_edu.cli.user_file import Refusal, find
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.custom import CustomFunction, custom_vjp
from tinygrad_edu.errors import StaleValueError
from tinygrad_edu.nn import Module
from tinygrad_edu.verify.leaves import leaves_of_graph
from tinygrad_edu.verify.replay import replay


class Target(NamedTuple):
    """What to check, `check(target, *inputs, parameters=parameters)`.

    Attributes:
        target: a node, a function, a pair or a module.
        inputs: what it is called with.
        parameters: {name: leaf} and the like, or None.
        said: what it is, in words.
        guessed: whether the parameters were chosen by us, who do not know which of them it depends on.
    """

    target: Any
    inputs: list[Any]
    parameters: Any
    said: str
    guessed: bool = False


def contents(module: ModuleType) -> dict[str, str]:
    """{name: what it is} of everything in a file that can be checked."""
    names = vars(module)
    return {name: said for name, value in names.items() if (said := _kind(name, value, module))}


def _kind(name: str, value: Any, module: ModuleType) -> str:
    if name.startswith("_") or name.endswith("_vjp") or name.endswith("_inputs"):
        return ""
    if isinstance(value, Node):
        return "" if value.op is None else "a computed node"
    if isinstance(value, CustomFunction):
        return f"a pair, {name}{signature_of(value)}"
    if isinstance(value, Module):
        return f"a module, {type(value).__name__}"
    own = getattr(value, "__module__", None) in (module.__name__, "__main__")
    if inspect.isclass(value):
        return "a class of modules" if own and issubclass(value, Module) else ""
    if not own or not inspect.isfunction(value):
        return ""
    takes = signature_of(value)
    if f"{name}_vjp" in vars(module):
        return f"a pair, {name}{takes} and {name}_vjp"
    return f"a function, {name}{takes}" if takes and takes.parameters else f"a loss, {name}{takes}"


def target_of(
    module: ModuleType, name: str, shapes: Shapes, parameters: Sequence[str], rng: np.random.Generator
) -> Target:
    """Find a name, and all that is needed to check it.

    Args:
        module: the user's file, which has been run.
        name: in it; it may be dotted.
        shapes: of the inputs, as far as the command line gives them.
        parameters: names of leaves, modules, or collections of them.
        rng: of the values of the inputs.

    Raises:
        Refusal: there is no such name, it is nothing to check, or it is not clear what to call it with.
    """
    there_are = contents(module)
    found = find(module, name, there_are)
    chosen = dict(leaves_in({each: find(module, each, there_are) for each in parameters}))
    if parameters and not chosen:
        raise Refusal(f"there is no leaf that requires a gradient in {', '.join(parameters)}")
    if isinstance(found, Node):
        return _of_node(found, name, shapes, chosen or leaves_of_file(module))
    if inspect.isclass(found):
        found = _instance(found, name, rng)
    if not callable(found):
        raise Refusal(
            f"{name} is of type {type(found).__name__}: a function, a module or a computed node was expected; there is "
            f"{', '.join(there_are) or 'nothing of that kind'}"
        )
    if (
        not isinstance(found, CustomFunction | Module)
        and (backward := beside(module, f"{name}_vjp")) is not None
    ):
        found = custom_vjp(found, backward)
    stated = None if shapes else stated_inputs(found, name, module, rng)
    inputs = inputs_of(found, name, shapes, stated, rng)
    if isinstance(found, Module):
        return Target(found, inputs, chosen or None, f"a module, {type(found).__name__}")
    written = f"{name}{signature_of(found) or '(…)'}"
    if isinstance(found, CustomFunction):
        return Target(found, inputs, chosen or None, f"a pair, {written} and its vjp")
    # Arguments that have defaults say little: `def loss(decay=0.01)` is a loss of the leaves around it.
    guess = {} if chosen or shapes or stated is not None else leaves_of_file(module)
    if not (inputs or chosen or guess):
        raise Refusal(
            f"{name} takes no inputs, so it is a loss, and among the names of {module.__file__} there is neither a "
            f"module nor a leaf that requires a gradient: say which are its parameters, --parameters NAME"
        )
    said = f"a function, {written}" if inputs else f"a loss, {written}"
    return Target(found, inputs, chosen or guess or None, said, guessed=bool(guess))


def _of_node(node: Node, name: str, shapes: Shapes, names: dict[str, Any]) -> Target:
    """A graph. If leaves were assigned since, as by the last step of a training, what it computes of them now."""
    if not node.requires_grad:
        raise Refusal(
            f"{name} depends on nothing that requires a gradient: say tg.tensor(…, requires_grad=True)"
        )
    if node.op is None:
        raise Refusal(f"{name} is a leaf, {node!r}: something computed of it was expected, such as a loss")
    if shapes:
        raise Refusal(f"{name} was computed already, so it takes no --input")
    try:
        leaves_of_graph(node, None)
    except StaleValueError:
        leaves = [each for each in topological_order([node]) if each.op is None and each.requires_grad]
        node = replay(node, leaves)(*leaves)
        return Target(node, [], names, "a computed node, at the present values of its leaves")
    return Target(node, [], names, "a computed node")


def _instance(kind: Any, name: str, rng: np.random.Generator) -> Any:
    """A module of a class: of no arguments, or of an rng alone."""
    if not issubclass(kind, Module):
        raise Refusal(
            f"{name} is a class, but not one of modules (tg.nn.Module): an instance can be checked if it is called"
        )
    required = [p.name for p in inspect.signature(kind).parameters.values()
                if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]  # fmt: skip
    if required not in ([], ["rng"]):
        raise Refusal(
            f"{name} cannot be made without {', '.join(required)}: make one in the file, net = {name}(…), and check net"
        )
    return kind(rng=rng) if "rng" in inspect.signature(kind).parameters else kind()
