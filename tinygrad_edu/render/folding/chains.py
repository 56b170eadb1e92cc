"""Equal parts one after the other: the blocks of a deep network, the steps of an unrolled loop.

    x₀ → [f] → x₁ → [f] → x₂ → …        a period of the operations, listed by falling height

In that list a chain of equal parts is a stretch with a period p: unit i is like unit i + p. Every window of p units is
one part, if the arrows agree as well: what comes from the window before comes from the same place in it, and what
comes from outside is for each window a leaf of the same kind, or the very same for all.

A stretch of a list in topological order can become one card without a cycle: a path that leaves it does not return.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from tinygrad_edu.render.folding.units import LEARNED, Units, common
from tinygrad_edu.types import Array

LONGEST = 512  # units of a part
DEEP = 8  # operations on parameters alone that count as preparing them
TRIALS = 40  # stretches whose arrows are looked at in vain, before the search ends


def chains(units: Units, level: int, least: int) -> list[list[list[int]]]:
    """Groups of at least `least` equal parts, as lists of units; `level` is that of the modules that may differ.

    At level 0 `fc1` and `fc2` count as the same, at level 1 `blocks.0` and `blocks.1`.
    """
    order = _listed(units)
    scopes = [units.scope(unit) for unit in order]
    masked = [(*s[:level], "*", *s[level + 1 :]) if s[level:] else s for s in scopes]
    labels = np.array(
        [units.number((units.labels[unit], scope)) for unit, scope in zip(order, masked, strict=True)]
    )
    free = np.ones(len(order), dtype=bool)
    groups: list[list[list[int]]] = []
    vain = 0
    for _, period, start, length in _stretches(labels, least):
        if not free[start : start + length].all():
            continue
        first = _rotation(scopes, period, start, length)
        windows = [order[i : i + period] for i in range(first, start + length - period + 1, period)]
        found = _connected(units, windows, least)
        if found:
            known = dict(zip(order, labels.tolist(), strict=True))
            groups += [_finest(units, group, known, least) for group in found]
            free[start : start + length] = False
        else:
            vain += 1
            if vain == TRIALS:
                break
    return groups


def _listed(units: Units) -> list[int]:
    """The operations by falling height; beside each other, by what they compute and what it is used for."""
    uses: dict[int, dict[int, int]] = {unit: {} for unit in units.operations}
    for user in units.operations:
        for place, a in enumerate(units.operands[user]):
            if not units.is_leaf(a):
                uses[a].setdefault(user, place)
    use = units.labels
    for _ in range(3):
        use = {
            unit: units.number(
                (units.labels[unit], *sorted((use[user], place) for user, place in uses[unit].items()))
            )
            for unit in units.operations
        }
    places = _places(units)
    return sorted(units.order, key=lambda unit: (places[unit], units.labels[unit], use[unit], unit))


def _places(units: Units) -> dict[int, tuple[int, int]]:
    """Where a unit stands: by falling height, but what is made of parameters alone just before it is first used.

    Else the slice of a weight would stand beside the end of the block before the one that it belongs to.
    """
    prepared: dict[int, int] = {}
    for unit in units.order:
        learned = [
            prepared.get(a, 0 if units.model.nodes[a].role in LEARNED else DEEP) for a in units.operands[unit]
        ]
        if unit != units.root and max(learned, default=0) < DEEP:
            prepared[unit] = max(learned, default=0) + 1
    found: dict[int, tuple[int, int]] = {}
    for unit in reversed(units.order):
        if unit in prepared:
            height, before = min(found[user] for user in units.users[unit])
            found[unit] = height, before - 1
        else:
            found[unit] = -units.heights[unit], 0
    return found


def _stretches(labels: Array, least: int) -> list[tuple[int, int, int, int]]:
    """(units saved, period, start, length) of the stretches with a period, the most rewarding first."""
    found = []
    for period in range(1, min(LONGEST, len(labels) // least) + 1):
        equal = np.concatenate(([False], labels[period:] == labels[:-period], [False]))
        starts, ends = np.flatnonzero(equal[1:] != equal[:-1]).reshape(-1, 2).T
        enough = ends - starts >= (least - 1) * period
        for start, end in zip(starts[enough].tolist(), ends[enough].tolist(), strict=True):
            length = end - start + period
            found.append(((length // period - 1) * period, period, start, length))
    return sorted(found, key=lambda stretch: (-stretch[0], *stretch[1:]))


def _rotation(scopes: Sequence[tuple[str, ...]], period: int, start: int, length: int) -> int:
    """Where the first window begins: windows should keep modules whole, and begin with one."""

    def torn(first: int) -> tuple[float, bool, int]:
        begins = range(first, start + length - period + 1, period)
        cuts = [len(common([scopes[i - 1], scopes[i]])) if i else 0 for i in begins]
        return sum(cuts) / len(cuts), not scopes[first], first

    return min(range(start, start + min(period, length - period + 1)), key=torn)


def _connected(units: Units, windows: list[list[int]], least: int) -> list[list[list[int]]]:
    """The chains in windows of equal units: of the longest stretch with equal arrows, each connected component."""
    place = {unit: (w, j) for w, window in enumerate(windows) for j, unit in enumerate(window)}

    def arrow(a: int, w: int) -> tuple[Any, ...]:
        return ("part", w - place[a][0], place[a][1]) if a in place else units.kind(a)

    arrows = [
        [[arrow(a, w) for a in units.operands[unit]] for unit in window] for w, window in enumerate(windows)
    ]
    first, last = 0, 1
    for _, run in groupby(range(len(windows)), key=lambda w: units.number(str(arrows[w]))):
        stretch = list(run)
        if len(stretch) >= last - first:
            first, last = stretch[0], stretch[-1] + 1
    pattern = arrows[first]
    for _ in range(max((arrow[1] for unit in pattern for arrow in unit if arrow[0] == "part"), default=0)):
        if first and _begins(arrows[first - 1], pattern):
            first -= 1
    if last - first < least:
        return []
    return [
        [[windows[w][j] for j in component] for w in range(first, last)]
        for component in _components(pattern)
        if any(arrow[0] == "part" and arrow[1] for j in component for arrow in pattern[j])
    ]


def _finest(units: Units, parts: list[list[int]], labels: Mapping[int, int], least: int) -> list[list[int]]:
    """The same chain in smaller parts, if they are equal: one beside which another has run in larger steps."""
    chain = [unit for part in parts for unit in part]
    size = len(parts[0])
    for period in range(1, size):
        if size % period or any(labels[a] != labels[b] for a, b in zip(chain, chain[period:], strict=False)):
            continue
        windows = [chain[i : i + period] for i in range(0, len(chain), period)]
        found = _connected(units, windows, least)
        if len(found) == 1 and sum(map(len, found[0])) == len(chain):
            return found[0]
    return parts


def _begins(arrows: list[list[tuple[Any, ...]]], pattern: list[list[tuple[Any, ...]]]) -> bool:
    """Whether a part is like the later ones, but gets from elsewhere what they get from those before them."""
    return all(
        here == there or (there[0] == "part" and there[1] > 0)
        for unit, like in zip(arrows, pattern, strict=True)
        for here, there in zip(unit, like, strict=True)
    )


def _components(pattern: list[list[tuple[Any, ...]]]) -> list[list[int]]:
    """The places in a window that arrows connect, within it or through the next one."""
    beside: list[list[int]] = [[] for _ in pattern]
    for j, unit in enumerate(pattern):
        for arrow in unit:
            if arrow[0] == "part":
                beside[j].append(arrow[2])
                beside[arrow[2]].append(j)
    found, seen = [], set[int]()
    for j in range(len(pattern)):
        component, stack = [], [j]
        while stack:
            i = stack.pop()
            if i not in seen:
                seen.add(i)
                component.append(i)
                stack += beside[i]
        if component:
            found.append(sorted(component))
    return found
