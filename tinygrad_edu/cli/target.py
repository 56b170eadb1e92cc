"""What a name in a user's file stands for, and what is needed to check it.

    a pair              f and f_vjp, or what custom_vjp has made      inputs
    a function          of nodes                                      inputs
    a loss              a function of no arguments                    parameters
    a module            or its class                                  inputs
    a computed node     such as the loss that a training ends with    nothing

Inputs come from the command line, or the file says what they are.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.cli.user_file import Refusal, find
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.custom import CustomFunction, custom_vjp
from tinygrad_edu.errors import NotDifferentiableError, StaleValueError
from tinygrad_edu.nn import Module
from tinygrad_edu.verify.leaves import leaves_of_graph
from tinygrad_edu.verify.replay import replay

Shapes = Sequence[tuple[int, ...]]


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
        return f"a pair, {name}{_signature(value)}"
    if isinstance(value, Module):
        return f"a module, {type(value).__name__}"
    own = getattr(value, "__module__", None) in (module.__name__, "__main__")
    if inspect.isclass(value):
        return "a class of modules" if own and issubclass(value, Module) else ""
    if not own or not inspect.isfunction(value):
        return ""
    takes = _signature(value)
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
    chosen = _parameters(module, parameters, there_are)
    if isinstance(found, Node):
        if found.op is None and found.requires_grad:
            raise Refusal(
                f"{name} is a leaf, {found!r}: something computed of it was expected, such as a loss"
            )
        if not found.requires_grad:
            raise Refusal(
                f"{name} depends on nothing that requires a gradient: say tg.tensor(…, requires_grad=True)"
            )
        if shapes:
            raise Refusal(f"{name} was computed already, so it takes no --input")
        names = chosen or dict(_leaves(vars(module)))
        anew = _anew(found)
        said = "a computed node" if anew is None else "a computed node, at the present values of its leaves"
        return Target(found if anew is None else anew, [], names, said)
    if inspect.isclass(found):
        found = _instance(found, name, rng)
    if not callable(found):
        can = ", ".join(there_are) or "nothing of that kind"
        raise Refusal(
            f"{name} is of type {type(found).__name__}: a function, a module or a computed node was expected; "
            f"there is {can}"
        )
    beside = _beside(module, f"{name}_vjp")
    if beside is not None and not isinstance(found, CustomFunction | Module):
        found = custom_vjp(found, beside)
    takes = _signature(found)
    stated = None if shapes else _stated(module, name, found, rng)
    inputs = _inputs(name, takes, stated, shapes, rng)
    written = f"{name}{takes}" if takes is not None else name
    if isinstance(found, CustomFunction):
        return Target(found, inputs, chosen, f"a pair, {written} and its vjp")
    if isinstance(found, Module):
        return Target(found, inputs, chosen, f"a module, {type(found).__name__}")
    said = f"a function, {written}" if inputs else f"a loss, {written}"
    guess = {} if shapes or chosen is not None or stated else dict(_leaves(vars(module)))
    if not (inputs or guess or chosen):
        raise Refusal(
            f"{name} takes no inputs, so it is a loss, and among the names of {module.__file__} there is neither a "
            f"module nor a leaf that requires a gradient: say which are its parameters, --parameters NAME"
        )
    return Target(found, inputs, guess or chosen, said, guessed=bool(guess))


def _anew(node: Node) -> Any:
    """If leaves were assigned since, as after the last step of a training: what the graph computes of them now."""
    try:
        leaves_of_graph(node, None)
    except StaleValueError:
        leaves = [each for each in topological_order([node]) if each.op is None and each.requires_grad]
        return replay(node, leaves)(*leaves)
    except NotDifferentiableError:  # which the check will say
        pass
    return None


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


# ---- inputs ----


def _inputs(
    name: str,
    takes: inspect.Signature | None,
    stated: list[Any] | None,
    shapes: Shapes,
    rng: np.random.Generator,
) -> list[Any]:
    """What to call it with: as the command line says, or the file, or as its arguments default to."""
    if shapes:
        inputs = [rng.normal(size=shape) if shape else float(rng.normal()) for shape in shapes]
    elif stated is not None:
        inputs = stated
    else:
        defaults = [each.default for each in takes.parameters.values()] if takes is not None else []
        inputs = list(takewhile(_is_float, defaults))
    if takes is None:  # a ufunc of NumPy, for one, cannot be asked
        return inputs
    try:
        takes.bind(*inputs)
    except TypeError as error:
        came = f"{len(inputs)} input{'s' * (len(inputs) != 1)} came" if inputs else "no inputs came"
        raise Refusal(
            f"{name}{takes}: {error}; {came}. Say --input SHAPE for each, such as --input 3,4, or write "
            f"{name.rpartition('.')[2]}_inputs = [array, …] into the file, or a function of an rng that returns them"
        ) from None
    return inputs


def _stated(module: ModuleType, name: str, found: Any, rng: np.random.Generator) -> list[Any] | None:
    """The inputs that the file states, or None."""
    held = None if isinstance(found, Module) else getattr(getattr(found, "f", found), "inputs", None)
    stated = _beside(module, f"{name}_inputs") if held is None else held
    if callable(stated):
        stated = stated(rng)
    return [*stated] if isinstance(stated, list | tuple) else None if stated is None else [stated]


def _signature(found: Any) -> inspect.Signature | None:
    """What it takes, without annotations; None if it cannot be asked."""
    call = (
        found.f
        if isinstance(found, CustomFunction)
        else found.forward
        if isinstance(found, Module)
        else found
    )
    try:
        takes = inspect.signature(call)
    except (TypeError, ValueError):  # such as a ufunc of NumPy
        return None
    plain = [each.replace(annotation=each.empty) for each in takes.parameters.values()]
    return inspect.Signature(plain)


def _is_float(x: Any) -> bool:
    """Whether a default is a value to differentiate by."""
    return isinstance(x, float | Node) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def _beside(module: ModuleType, name: str) -> Any:
    """What stands in the file under another name, or None; of `layers.f_vjp` it is looked up in `layers`."""
    owner, _, last = name.rpartition(".")
    return getattr(find(module, owner, ()) if owner else module, last, None)


# ---- parameters ----


def _parameters(module: ModuleType, names: Sequence[str], there_are: Mapping[str, str]) -> Any:
    if not names:
        return None
    found = {name: find(module, name, there_are) for name in names}
    leaves = dict(_leaves(found))
    if not leaves:
        raise Refusal(f"there is no leaf that requires a gradient in {', '.join(names)}")
    return leaves


def _leaves(
    names: Mapping[Any, Any], path: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, Any]]:
    """(path, leaf) of all that require a gradient, also in modules, lists and dictionaries; each of them once."""
    seen = set() if seen is None else seen
    for name, value in names.items():
        here = f"{path}{name}"
        if str(name).startswith("_") or id(value) in seen:
            continue
        if isinstance(value, Node):
            if value.op is None and value.requires_grad:
                seen.add(id(value))
                yield here, value
            continue
        if isinstance(value, Module):
            yield from _leaves(dict(value.named_parameters()), f"{here}.", seen)
        elif isinstance(value, list | tuple | dict):
            seen.add(id(value))
            inside = value if isinstance(value, dict) else dict(enumerate(value))
            yield from _leaves(inside, f"{here}.", seen)
