"""Backward, watched: the reverse sweep once more, to see what every node received and what it sent.

The gradients of leaves are what `backward` has added up. Those of the nodes between are not kept by anyone: they come
from carrying the root's cotangent through the graph again, which changes nothing in it.

    x̄ = Σ over the users y of x:  ȳ · ∂y/∂x

If something that is not finite arrives anywhere, the sweep is watched more closely: a *birth* is where a rule makes it
out of a finite ȳ. From there on every NaN has a mother.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from traceback import walk_tb
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.core.sweep import Step, reverse_sweep
from tinygrad_edu.errors import TinygradEduError
from tinygrad_edu.render.graph.stale import stale_operands


@dataclass(frozen=True, slots=True)
class Birth:
    """Where a gradient ceases to be finite.

    Attributes:
        node: whose rule did it, or which node had finite cotangents that overflowed in their sum.
        arg: the number of the operand that it was sent to; None for a sum.
        cotangent: what the node itself had received.
        error: what the rule raised instead, as Python's floats do.
    """

    node: Node
    arg: int | None
    cotangent: Any
    error: Exception | None = None


@dataclass(slots=True)
class Watched:
    """What a sweep showed.

    Attributes:
        cotangents: of every node that it reached.
        births: in the order of the sweep.
        sent: (user, number of the operand) of every arrow along which something not finite was sent.
        warnings: why there is no more, in words.
    """

    cotangents: dict[Node, Any] = field(default_factory=dict)
    births: list[Birth] = field(default_factory=list)
    sent: set[tuple[Node, int]] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


def finite(x: Any) -> bool:
    """Whether all elements are numbers proper."""
    if type(x) is float:
        return math.isfinite(x)
    array = np.asarray(x)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def watch(root: Node, *, always: bool = False) -> Watched:
    """Carry the cotangent of the root through its graph.

    Args:
        root: if `backward` has not run from here, there is nothing to carry.
        always: then carry the 1 that it would start with, if the root is one number that requires a gradient.
    """
    seen = Watched()
    start = root.grad
    if start is None and always and root.requires_grad and np.size(root.value) == 1:
        start = root.ones()
    if start is None:
        return seen

    def note(step: Step) -> None:
        seen.cotangents[step.node] = value_of(step.cotangent)

    cotangent = value_of(start)
    try:
        with np.errstate(all="ignore"):
            found = reverse_sweep(root, cotangent, observe=note)
    except (TinygradEduError, ArithmeticError, ValueError, TypeError) as error:
        seen.warnings.append(
            f"the gradients between the leaves and the output could not be computed: {error}"
        )
        node = _interrupted(error)
        if isinstance(error, ArithmeticError) and node is not None:
            seen.births.append(Birth(node, _culprit(node), None, error))
        seen.cotangents = {}
        return seen
    seen.cotangents |= {node: value_of(g) for node, g in found.items()}
    if not all(map(finite, seen.cotangents.values())):
        _watch_closely(root, cotangent, seen)
    return seen


def _watch_closely(root: Node, cotangent: Any, seen: Watched) -> None:
    """The sweep a second time, now looking at everything that is sent."""
    told: set[Node] = set()  # nodes that were sent something not finite

    def look(node: Node, g: Any) -> bool:
        whole = finite(g)
        if not whole and node not in told:
            seen.births.append(Birth(node, None, g))
        return whole

    def note(step: Step) -> None:
        whole = look(step.node, step.cotangent)
        places = [i for i, x in enumerate(step.node.args) if x.requires_grad]
        for i, (x, c) in zip(places, step.sent, strict=True):
            if not finite(c):
                told.add(x)
                seen.sent.add((step.node, i))
                if whole:
                    seen.births.append(Birth(step.node, i, value_of(step.cotangent)))

    with np.errstate(all="ignore"):
        for node, g in reverse_sweep(root, cotangent, observe=note).items():
            look(node, value_of(g))


def _interrupted(error: Exception) -> Node | None:
    """The node that the sweep was at: it says so in words only, but its frame is still there."""
    for frame, _ in walk_tb(error.__traceback__):
        node = frame.f_locals.get("node")
        if frame.f_code.co_name == "_pull" and isinstance(node, Node):
            return node
    return None


def _culprit(node: Node) -> int | None:
    """The operand by which the derivative raises."""
    for i, partial in enumerate(partials(node)):
        if partial is None and node.args[i].requires_grad:
            return i
    return None


def partials(node: Node) -> Iterator[Any]:
    """∂y/∂x of an elementwise operation, for each operand; None where there is none, or the rule raises."""
    op: Any = node.op
    values = [x.value for x in node.args]
    for i in range(len(values)):
        try:
            rule = op.rule(i)
            yield rule(node.value, *values, **node.params) if callable(rule) else rule
        except (ArithmeticError, ValueError, TypeError, IndexError, TinygradEduError):
            yield None


def local_derivatives(node: Node) -> list[float | None]:
    """∂y/∂x for each operand of an elementwise operation on single numbers; None where there is none."""
    op, args = node.op, node.args
    single = type(node.value) is float or not np.ndim(node.value)
    if op is None or not op.elementwise or op.variadic or not single or stale_operands(node):
        return [None] * len(args)
    return [None if partial is None else float(partial) for partial in partials(node)]
