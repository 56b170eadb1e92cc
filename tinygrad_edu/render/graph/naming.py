"""Names: what the user calls a node, and which nodes a choice means.

A given name comes from the node itself, then from the mapping or module that was passed as `names`. A node
without one is titled by its expression, `w₁·x₁`: see the chapter `expressions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.look.style import clean

Names = Any  # None, a mapping, a module, or a sequence of these
Choice = Any  # None, a module, a node, a string of patterns, or an iterable of these


def given_names(order: list[Node], names: Names, paths: Iterable[tuple[str, Node]] = ()) -> dict[Node, str]:
    """The names that nodes were given; blank ones do not count.

    Args:
        order: the nodes in question.
        names: see `Names`.
        paths: what else has a path in a module.
    """
    refuse_other_sources(names)
    wanted = set(order)
    found: dict[Node, str] = {}
    for node in order:
        _give(found, node, node.name)
    for path, node in (*named(names), *paths):
        if node not in wanted:
            continue
        module, dot, _ = path.rpartition(".")
        if node not in found:
            _give(found, node, path)
        elif (
            dot and found[node] == node.name
        ):  # a layer calls its own parameter γ: of which layer, the path says
            _give(found, node, f"{module}.{node.name}")
    return found


def _give(found: dict[Node, str], node: Node, name: str | None) -> None:
    if name is not None and clean(name).strip():
        found[node] = str(name)


def named(names: Names) -> Iterator[tuple[str, Node]]:
    """(name, node) of everything in mappings, sequences and modules, in their order."""
    stack: list[tuple[str, Any, int]] = [("", names, 0)]
    while stack:
        path, x, depth = stack.pop()
        inside: list[tuple[str, Any]] = []
        if isinstance(x, Node):
            yield path, x
        elif _is_module(x):
            yield from x.named_parameters()
        elif depth > 3 or isinstance(x, str):
            continue
        elif isinstance(x, Mapping):
            inside = [(f"{path}[{key!r}]" if path else str(key), value) for key, value in x.items()]
        elif isinstance(x, list | tuple):
            # A sequence of sources is not itself a name: only inside a mapping its items are `w[0]`, `w[1]`.
            inside = [(f"{path}[{i}]" if path else "", value) for i, value in enumerate(x)]
        stack += [(inner, value, depth + 1) for inner, value in reversed(inside)]


def refuse_other_sources(names: Names) -> None:
    """Raise a TypeError if names are to come from something that has none."""
    if not (names is None or isinstance(names, Mapping | list | tuple) or _is_module(names)):
        raise TypeError(
            f"names: locals(), a module, or a list of such was expected, {type(names).__name__} came"
        )


def _is_module(x: Any) -> bool:
    return not isinstance(x, type) and callable(getattr(x, "named_parameters", None))


def selected(
    order: list[Node], given: dict[Node, str], choice: Choice, *, modules_only: bool = False
) -> set[Node]:
    """The nodes that a choice means: modules, nodes, and patterns of names (`*`, `?`)."""
    found: set[Node] = set()
    stack = [choice]
    while stack:
        x = stack.pop()
        if _is_module(x):
            found.update(node for _, node in x.named_parameters())
        elif modules_only:
            stack += x if isinstance(x, list | tuple) else x.values() if isinstance(x, Mapping) else ()
        elif isinstance(x, Node):
            found.add(x)
        elif isinstance(x, str):
            patterns = x.replace(",", " ").split()
            found.update(n for n in order if n in given and any(fnmatchcase(given[n], p) for p in patterns))
        elif isinstance(x, Iterable):
            stack += x
        elif x is not None:
            raise TypeError(f"a module, nodes or patterns of names were expected, {type(x).__name__} came")
    return found.intersection(order)


def unmatched(order: list[Node], given: dict[Node, str], *, names: Names, **choices: Choice) -> list[str]:
    """What was asked for and is not in the graph, in words: patterns of names, and sources of names."""
    words = []
    for option, choice in choices.items():
        for text in (
            [choice] if isinstance(choice, str) else choice if isinstance(choice, list | tuple) else ()
        ):
            patterns = text.replace(",", " ").split() if isinstance(text, str) else ()
            words += [
                f"{option}: no node has a name like '{clean(pattern)}'"
                for pattern in patterns
                if not selected(order, given, pattern)
            ]
    if names is not None and not module_labels(order, names):
        wanted = set(order)
        if not any(node in wanted for _, node in named(names)):
            words.append("names: none of these nodes is in the graph")
    return words


def modules_in(names: Names) -> list[Any]:
    """The modules among the sources of names."""
    if isinstance(names, Mapping):
        names = list(names.values())
    return [x for x in (names if isinstance(names, list | tuple) else [names]) if _is_module(x)]


def parameters_in(choice: Choice) -> list[tuple[str, Node]]:
    """(path, leaf) of the parameters that a choice names for certain: those of modules, and nodes by themselves."""
    if isinstance(choice, Node):
        return [(choice.name or "a parameter", choice)]
    found = [pair for module in modules_in(choice) for pair in module.named_parameters()]
    if isinstance(choice, list | tuple | set):
        found += [(x.name or f"parameter {i}", x) for i, x in enumerate(choice) if isinstance(x, Node)]
    return found


def module_labels(order: list[Node], names: Names) -> tuple[tuple[str, str], ...]:
    """(path, class and sizes) of the scopes that are attributes of the modules in `names`."""
    modules = modules_in(names)
    labels = {}
    paths = dict.fromkeys(node.scope for node in order if node.scope is not None)
    for path in paths:
        parts = path.split(".")
        for end in range(1, len(parts) + 1):
            prefix = ".".join(parts[:end])
            for module in modules if prefix not in labels else ():
                child = _attribute(module, parts[:end])
                if child is not None:
                    labels[prefix] = _title(child)
                    break
    return tuple(labels.items())


def _title(module: Any) -> str:
    """`Linear(3 → 4)`: the class, and what the module says about itself."""
    details = module.extra_repr() if callable(getattr(module, "extra_repr", None)) else ""
    return f"{type(module).__name__}({details})" if details else type(module).__name__


def _attribute(module: Any, parts: list[str]) -> Any:
    for part in parts:
        if isinstance(module, Mapping):
            module = module.get(part)
        elif isinstance(module, list | tuple):
            module = module[int(part)] if part.isdecimal() and int(part) < len(module) else None
        else:
            module = getattr(module, "__dict__", {}).get(part)
    return module
