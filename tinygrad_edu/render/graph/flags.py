"""Flags: what a picture has to point at. All of them follow from the numbers and the arrows of a graph.

    nonfinite        the value or the gradient has a NaN or an infinity
    origin, tainted  of values that are not finite: all operands are / an operand is not
    first            the origin that comes first
    backward         the rule of this node makes a gradient that is not finite out of one that is
    first_backward   the first of those, if it is no consequence of the forward pass
    dead             the gradient of a parameter is nothing beside the largest: it learns nothing
    vanished         the gradient of an array in between is rounding, beside the largest of a leaf
    accumulated      the gradient of a leaf is not that of one backward pass
    unused           a parameter from which no path leads to the output
    highlight, stale, wrong, failed, added, removed, changed    said by others

A value that is not finite has either only finite operands, or one that is not. So every NaN is an origin or comes from
one, and the first in the order of the graph is an origin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.graph.numbers import Numbers

DEAD = 1e-12  # a parameter whose gradient is smaller than this, relative to the largest, learns nothing
# What is never folded away in silence: a card carries these flags of all that it stands for.
POINTED_AT = frozenset(
    ("first", "origin", "first_backward", "backward", "highlight", "wrong", "failed", "added", "removed")
)


def look_of(flags: Iterable[str]) -> str:
    """How a card stands out: `bad` where something goes wrong, `tainted` where that has consequences, or not."""
    given = set(flags)
    if not given.isdisjoint(("origin", "backward", "wrong", "failed")):
        return "bad"
    return "tainted" if "tainted" in given else ""


def is_broken(x: Numbers | None) -> bool:
    """Whether there is a NaN or an infinity."""
    return x is not None and x.nan + x.infinite > 0


def flags(
    order: Sequence[Node],
    values: Mapping[Node, Numbers],
    gradients: Mapping[Node, Numbers],
    roles: Mapping[Node, str],
    births: Sequence[Node],
    marks: Mapping[str, set[Node]],
) -> dict[Node, tuple[str, ...]]:
    """The flags of every node.

    Args:
        order: all nodes, operands first.
        values: of all nodes.
        gradients: of those that have one.
        roles: of all nodes.
        births: nodes at which gradients cease to be finite, in the order of the sweep.
        marks: {flag: nodes} for the flags that others have found.
    """
    broken = {node for node in order if is_broken(values[node])}
    origins = [node for node in order if node in broken and broken.isdisjoint(node.args)]
    largest = max((g.norm or 0.0 for node, g in gradients.items() if node.op is None), default=0.0)
    sound = bool(order) and order[-1] not in broken  # else backward had to fail
    everything: dict[str, set[Node]] = {
        "nonfinite": broken | {node for node, g in gradients.items() if is_broken(g)},
        "first": set(origins[:1]),
        "origin": set(origins),
        "tainted": broken.difference(origins),
        "first_backward": set(births[:1]) if sound else set(),
        "backward": set(births) if sound else set(),
        "dead": {node for node, g in gradients.items() if roles[node] == "parameter" and _dead(g, largest)},
        "vanished": {node for node, g in gradients.items() if node.op and g.norm and _dead(g, largest)},
        **marks,
    }
    found: dict[Node, tuple[str, ...]] = dict.fromkeys(order, ())
    for flag, nodes in everything.items():
        for node in nodes:
            if node in found:
                found[node] += (flag,)
    return found


def _dead(gradient: Numbers, largest: float) -> bool:
    return bool(gradient.shape) and gradient.norm is not None and gradient.norm <= DEAD * largest
