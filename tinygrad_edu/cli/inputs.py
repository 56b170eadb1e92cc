"""What a user's function is called with, and the leaves that it may depend on.

on the command line     --input 3,4 --input 4          standard normal, of these shapes
in the file             f_inputs = [x, w]              or f.inputs, or a function of an rng that returns them
in the function         def f(x=np.ones(3)): …         as its first arguments default to
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.cli.user_file import Refusal, find
from tinygrad_edu.core.node import Node
from tinygrad_edu.custom import CustomFunction
from tinygrad_edu.nn import Module

Shapes = Sequence[tuple[int, ...]]


def inputs_of(
    found: Any, name: str, shapes: Shapes, stated: list[Any] | None, rng: np.random.Generator
) -> list[Any]:
    """The inputs of a function, pair or module.

    Args:
        found: what is to be called.
        name: of it.
        shapes: as the command line says.
        stated: as the file says, or None.
        rng: of the values.

    Raises:
        Refusal: there are too few, or too many.
    """
    takes = signature_of(found)
    if shapes:
        inputs = [rng.normal(size=shape) if shape else float(rng.normal()) for shape in shapes]
    elif stated is not None:
        inputs = stated
    else:
        defaults = [each.default for each in takes.parameters.values()] if takes else []
        inputs = list(takewhile(_is_float, defaults))
    try:
        if takes is not None:
            takes.bind(*inputs)
    except TypeError as error:
        came = f"{len(inputs)} input{'s' * (len(inputs) != 1)} came" if inputs else "no inputs came"
        raise Refusal(
            f"{name}{takes}: {error}; {came}. Say --input SHAPE for each, such as --input 3,4, or write "
            f"{name.rpartition('.')[2]}_inputs = [array, …] into the file, or a function of an rng that returns them"
        ) from None
    return inputs


def stated_inputs(found: Any, name: str, module: ModuleType, rng: np.random.Generator) -> list[Any] | None:
    """The inputs that the file states, or None."""
    held = None if isinstance(found, Module) else getattr(getattr(found, "f", found), "inputs", None)
    stated = beside(module, f"{name}_inputs") if held is None else held
    if callable(stated):
        stated = stated(rng)
    if stated is None or isinstance(stated, list):
        return stated
    return [*stated] if isinstance(stated, tuple) else [stated]


def signature_of(found: Any) -> inspect.Signature | None:
    """What it takes, without annotations; None if it cannot be asked, as some that are written in C."""
    inner = (
        "f" if isinstance(found, CustomFunction) else "forward" if isinstance(found, Module) else "__call__"
    )
    try:
        takes = inspect.signature(found if inner == "__call__" else getattr(found, inner))
    except (TypeError, ValueError):
        return None
    return inspect.Signature([each.replace(annotation=each.empty) for each in takes.parameters.values()])


def beside(module: ModuleType, name: str) -> Any:
    """What stands in the file under another name, or None; of `layers.f_vjp` it is looked up in `layers`."""
    owner, _, last = name.rpartition(".")
    return getattr(find(module, owner, ()) if owner else module, last, None)


def leaves_in(
    names: Mapping[Any, Any], path: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, Any]]:
    """(path, leaf) of all that require a gradient, also in modules, lists and dictionaries; each of them once."""
    seen = set() if seen is None else seen
    for name, value in names.items():
        if id(value) in seen:
            continue
        if isinstance(value, Node):
            if value.op is None and value.requires_grad:
                seen.add(id(value))
                yield f"{path}{name}", value
        elif isinstance(value, Module):
            yield from leaves_in(dict(value.named_parameters()), f"{path}{name}.", seen)
        elif isinstance(value, list | tuple | dict):
            seen.add(id(value))  # a list may hold itself
            inside = value if isinstance(value, dict) else dict(enumerate(value))
            yield from leaves_in(inside, f"{path}{name}.", seen)


def leaves_of_file(module: ModuleType) -> dict[str, Any]:
    """{path: leaf} of all among the names of a file, but for private ones."""
    return dict(leaves_in({name: value for name, value in vars(module).items() if not name.startswith("_")}))


def _is_float(x: Any) -> bool:
    """Whether a default is a value to differentiate by."""
    return isinstance(x, float | Node) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")
