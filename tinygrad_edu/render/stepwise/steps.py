"""Steps: the forward and the backward pass, one operation at a time, as a teacher writes them on the board.

    forward     q = a × b       = 2 × (−3) = −6
    backward    ∂L/∂a  +=  ∂L/∂q × ∂q/∂a  =  0.5 × b  =  0.5 × (−3)  =  −1.5

The forward steps come in the order in which the expression was written. The backward steps are those of the engine
itself: `reverse_sweep` tells an observer what it sends where, and nothing is computed a second time but the local
derivatives, which the sweep does not keep. Each share is compared with the numerical derivative of that one operation,
so a step does not only say what happens but that it is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.core.primitive import MINUS_ONE, ONE
from tinygrad_edu.core.sweep import Step as Visit
from tinygrad_edu.core.sweep import reverse_sweep, topological_order
from tinygrad_edu.errors import NotDifferentiableError, StaleValueError
from tinygrad_edu.render.graph.cycle import refuse_cycles
from tinygrad_edu.render.graph.naming import Names
from tinygrad_edu.render.graph.numbers import Numbers
from tinygrad_edu.render.graph.numbers import numbers as numbers_of
from tinygrad_edu.render.graph.stale import sentence, stale_leaves
from tinygrad_edu.render.look.style import shape
from tinygrad_edu.render.stepwise.scribe import Scribe, in_numbers
from tinygrad_edu.render.stepwise.single import Check, compare

Phase = Literal["forward", "backward"]
Quantity = (
    float | Numbers
)  # a single number as it is; an array by its shape, its norm, and its elements if few
PHASES = ("forward", "backward", "both")


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one operand receives in one backward step.

    Attributes:
        to: the operand, by its number in the `GraphModel`.
        arg: its position among the operands; x · x gives x two contributions.
        upstream: the gradient that the result has received.
        local: the local derivative of an elementwise operation, so that share = upstream × local, summed over what was
            broadcast. None for any other operation, whose rule turns the upstream gradient into the share as a whole.
        share: what is sent.
        local_symbols: the local derivative, `1 − o²`; or without one the rule for the share, `G @ Wᵀ`, where G is the
            upstream gradient.
        numbers: the same with numbers, `0.5 × (−3)`; with arrays the shapes, `(8×3) @ (4×3)ᵀ`.
        before: what the operand had received before; None: nothing.
        after: what it has received now: before + share.
        check: the share by a numerical derivative of this one operation; None where that cannot be had.
        note: what else happens on the way, such as `summed over axis 0`.
    """

    to: int
    arg: int
    upstream: Quantity
    local: Quantity | None
    share: Quantity
    local_symbols: str
    numbers: str
    before: Quantity | None
    after: Quantity
    check: Check | None
    note: str = ""

    @property
    def numeric(self) -> float | None:
        """The share by central differences, if it is a single number; see `check` for arrays."""
        return None if self.check is None else self.check.numeric


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, on the way forward or backward.

    Attributes:
        phase: "forward" or "backward".
        k: which step of the phase, from 1.
        n: how many steps the phase has.
        node: the result of the operation, by its number in the `GraphModel`.
        operands: the operands, in their order, repeated if they are.
        expression: `q = a × b`; just `a × b` if the result has no name.
        numbers: `2 × (−3) = −6`; of arrays the shapes, `(8×4) @ (4×3) → (8×3)`.
        contributions: of a backward step, one for each operand that requires a gradient.
    """

    phase: Phase
    k: int
    n: int
    node: int
    operands: tuple[int, ...]
    expression: str
    numbers: str
    contributions: tuple[Contribution, ...] = ()


def trace_steps(
    x: Node,
    phase: Literal["forward", "backward", "both"] = "both",
    *,
    names: Names = None,
    check: bool = True,
) -> list[Step]:
    """Take a computation apart into its steps; nothing in the graph is changed.

    The backward pass starts with the gradient that `x` has; before `x.backward()` with 1. So the shares of a leaf add
    up to its `.grad`.

    Args:
        x: the end of the computation, such as a loss.
        phase: "forward", "backward", or "both": then the backward steps follow, if there are any.
        names: names for nodes that have none, as in `draw`.
        check: compare every share with a numerical derivative.

    Raises:
        TypeError: `x` is not a node.
        ValueError: there is no such phase; or backward steps of an array that has no gradient yet, so that nobody
            knows what to start with.
        NotDifferentiableError: the backward steps of what requires no gradient.
        StaleValueError: a leaf was assigned after it had been used.
    """
    if not isinstance(x, Node):
        raise TypeError(f"trace_steps: a Scalar or a Tensor was expected, {type(x).__name__} came")
    if phase not in PHASES:
        raise ValueError(f"trace_steps: phase is one of {', '.join(PHASES)}; {phase!r} came")
    order = topological_order([x])
    ids = {node: i for i, node in enumerate(order)}
    refuse_cycles(order, ids)
    scribe = Scribe(order, ids, names)
    if stale := stale_leaves(order):
        raise StaleValueError(
            f"trace_steps: {sentence([scribe.names[node] for node in order if node in stale])}"
        )
    steps: list[Step] = []
    if phase != "backward":
        made = [node for node in order if node.op is not None]
        steps = [_step("forward", k, len(made), node, scribe) for k, node in enumerate(made, 1)]
    known = x.grad is not None or np.size(x.value) == 1  # what to start with
    if phase == "backward" or (phase == "both" and x.requires_grad and known):
        steps += _backward(x, scribe, check)
    return steps


def _backward(x: Node, scribe: Scribe, check: bool) -> list[Step]:
    """Watch the reverse sweep."""
    if not x.requires_grad:
        raise NotDifferentiableError(
            f"trace_steps: {scribe.names[x]} requires no gradient, so there are no backward steps: say "
            f'requires_grad=True for a leaf, or phase="forward"'
        )
    start = value_of(x.grad)
    if start is None:
        if np.size(x.value) != 1:
            raise ValueError(
                f"trace_steps: {scribe.names[x]} has shape {shape(np.shape(x.value))}, so its gradient is not just 1: "
                f"call .backward(…) with one first, or trace a single number, such as a loss"
            )
        start = x.ones()
    visits: list[Visit] = []
    held: dict[Node, Any] = {}  # what has arrived
    steps = []
    with np.errstate(all="ignore"):
        reverse_sweep(x, start, observe=visits.append)
        for k, visit in enumerate(visits, 1):
            node, g = visit.node, visit.cotangent
            contributions = []
            places = [i for i, a in enumerate(node.args) if a.requires_grad]
            for i, (a, share) in zip(places, visit.sent, strict=True):
                before, local = held.get(a), _local(node, i)
                held[a] = share if before is None else before + share
                contributions.append(
                    Contribution(
                        to=scribe.ids[a], arg=i, upstream=quantity(g), local=local, share=quantity(share),
                        local_symbols=scribe.symbols(node, i), numbers=scribe.numbers(node, i, g, local),
                        before=None if before is None else quantity(before), after=quantity(held[a]),
                        check=compare(node, i, g, share) if check else None, note=_summed(node, a),
                    )
                )  # fmt: skip
            steps.append(_step("backward", k, len(visits), node, scribe, contributions))
    return steps


def quantity(x: Any) -> Quantity:
    """A number as a float, an array in numbers."""
    x = value_of(x)
    return float(np.asarray(x)) if np.ndim(x) == 0 else numbers_of(x)


def _local(node: Node, i: int) -> Quantity | None:
    """∂y/∂x of an elementwise operation."""
    op: Any = node.op
    if not op.elementwise:
        return None
    rule = op.rule(i)
    if rule is ONE or rule is MINUS_ONE:
        return float(rule)
    return quantity(rule(node.value, *(a.value for a in node.args), **node.params))


def _summed(node: Node, a: Node) -> str:
    """Over which axes of the result the operand had been repeated."""
    op: Any = node.op
    to, given = np.shape(a.value), np.shape(node.value)
    if not op.elementwise or to == given:
        return ""
    new = len(given) - len(to)
    axes = [*range(new), *(new + i for i, n in enumerate(to) if n != given[new + i])]
    return f"summed over ax{'is' if len(axes) == 1 else 'es'} {', '.join(map(str, axes))}"


def _step(
    phase: Phase, k: int, n: int, node: Node, scribe: Scribe, contributions: Sequence[Contribution] = ()
) -> Step:
    operands = tuple(scribe.ids[a] for a in node.args)
    return Step(
        phase,
        k,
        n,
        scribe.ids[node],
        operands,
        scribe.expression(node),
        in_numbers(node),
        tuple(contributions),
    )
