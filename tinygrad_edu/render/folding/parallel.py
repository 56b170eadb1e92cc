"""Equal parts beside each other: samples computed one by one, the neurons of a layer, the heads of attention.

A unit d dominates u if every way from u to the root goes through d. What one unit dominates is a part of the graph
with a single exit. Parts under the same dominator, of the same height, are parallel: no path leads from one to
another (Lengauer and Tarjan 1979 find dominators in any graph; without cycles, one sweep does).
"""

from __future__ import annotations

from collections.abc import Hashable

from tinygrad_edu.render.folding.units import Units


def dominators(units: Units) -> dict[int, int]:
    """For each operation the nearest one that all its ways to the root go through; the root is its own."""
    above = {units.root: units.root}
    depth = {units.root: 0}
    jump = {
        units.root: units.root
    }  # far up, so that a common ancestor is found in O(log n) steps (Myers 1983)

    def meet(a: int, b: int) -> int:
        while a != b:
            if depth[a] < depth[b]:
                a, b = b, a
            if depth[a] > depth[b]:
                a = jump[a] if depth[jump[a]] >= depth[b] else above[a]
            elif jump[a] != jump[b]:
                a, b = jump[a], jump[b]
            else:
                a, b = above[a], above[b]
        return a

    for unit in reversed(units.order):
        if unit == units.root:
            continue
        first, *others = units.users[unit]
        parent = first
        for other in others:
            parent = meet(parent, other)
        above[unit], depth[unit] = parent, depth[parent] + 1
        far = jump[parent]
        jump[unit] = jump[far] if depth[parent] - depth[far] == depth[far] - depth[jump[far]] else parent
    return above


def parallel_parts(units: Units, least: int) -> list[list[list[int]]]:
    """Groups of at least `least` equal parts, as lists of units; the outermost are found first."""
    above = dominators(units)
    below: dict[int, list[int]] = {}
    size = dict.fromkeys(units.operations, 1)
    for unit in units.order:
        if unit != units.root:
            below.setdefault(above[unit], []).append(unit)
            size[above[unit]] += size[unit]
    groups: list[list[list[int]]] = []
    waiting = [units.root]
    while waiting:
        dominator = waiting.pop()
        alike: dict[Hashable, list[int]] = {}
        for unit in below.get(dominator, ()):
            alike.setdefault((units.labels[unit], units.heights[unit], size[unit]), []).append(unit)
        for candidates in alike.values():
            found: dict[Hashable, list[list[int]]] = {}
            if len(candidates) >= least:
                for unit in candidates:
                    part, code = _encoded(units, unit, below)
                    found.setdefault(code, []).append(part)
            else:
                waiting += candidates
            for parts in found.values():
                if len(parts) >= least:
                    groups.append(parts)
                else:
                    waiting += [part[-1] for part in parts]
    return groups


def _encoded(units: Units, exit_: int, below: dict[int, list[int]]) -> tuple[list[int], Hashable]:
    """The units of a part in an order that depends on its structure alone, and that structure.

    Operands have an order, so walking from the exit meets equal parts in equal order.
    """
    inside: set[int] = set()
    stack = [exit_]
    while stack:
        unit = stack.pop()
        inside.add(unit)
        stack += below.get(unit, ())
    place: dict[int, int] = {}
    seen: set[int] = set()
    walk: list[tuple[int, bool]] = [(exit_, False)]
    while walk:
        unit, done = walk.pop()
        if done:
            place[unit] = len(place)
        elif unit not in seen:
            seen.add(unit)
            walk.append((unit, True))
            walk += [(a, False) for a in reversed(units.operands[unit]) if a in inside]
    code = tuple(
        (
            units.labels[unit],
            *(("in", place[a]) if a in place else units.kind(a) for a in units.operands[unit]),
        )
        for unit in place
    )
    return list(place), code
