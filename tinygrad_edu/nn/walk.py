"""The way through a module: whatever it holds, by the path that leads there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygrad_edu.core.node import Node
from tinygrad_edu.nn.parameter import Buffer


def walk(root: Any, module: type, aliases: dict[str, str] | None = None) -> Iterator[tuple[str, Any]]:
    """(path, thing) of all modules, containers, nodes and buffers, depth first; aliases get {further path: first}."""
    seen: dict[int, str] = {}
    # A name with a dot makes paths ambiguous, but not before something is found that has a path.
    stack: list[tuple[str, str, Any, str]] = [("", "", root, "")]
    while stack:
        owner, name, held, dotted = stack.pop()
        inside: list[tuple[Any, Any]] = []
        if isinstance(held, module):
            inside = list(vars(held).items())
        elif isinstance(held, dict):
            inside = list(held.items())
        elif isinstance(held, list | tuple):
            inside = list(enumerate(held))
        elif not isinstance(held, Node | Buffer):
            continue
        path = f"{owner}.{name}" if owner else name
        if id(held) in seen:
            if aliases is not None:
                aliases[path] = seen[id(held)]
            continue
        if "." in name and not dotted:
            dotted = f"a name without dots was expected in '{owner}', {name!r} came: dots are for paths"
        if dotted and isinstance(held, module | Node | Buffer):
            raise ValueError(dotted)
        seen[id(held)] = path
        yield path, held
        stack += [(path, str(key), value, dotted) for key, value in reversed(inside)]
