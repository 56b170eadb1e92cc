"""A tree of modules as text: each on a line of its own, with its name, indented by its depth."""

from __future__ import annotations

from collections.abc import Iterable


def outline(modules: Iterable[tuple[str, str]]) -> str:
    """The lines of (path, what is said of it), owners first; the path of the root is empty."""
    lines, depth = [], {"": -1}
    for path, said in modules:
        owner = path
        while owner not in depth:
            owner = owner.rpartition(".")[0]
        depth[path] = depth[owner] + 1
        name = path[len(owner) :].lstrip(".")
        lines.append("  " * depth[path] + (f"{name}: " if name else "") + said)
    return "\n".join(lines)
