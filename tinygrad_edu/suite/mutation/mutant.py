"""A mutant: an operation with one mistake in one of its derivative rules, made for a moment and never registered.

f with the rules (r₀, r₁, …)    →    f with (r₀, r₁′, …), the same forward, the same cases
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.core.calling import general
from tinygrad_edu.core.primitive import Primitive


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake.

    Attributes:
        operand: the number of the operand whose rule it is in; "all" where it is in what several rules share.
        name: what was done, in one line.
        diff: lines with "− " as they were and with "+ " as they are; of a mistake beside the source, what it returns.
        make: the operation with it; may raise what a wrong program raises.
    """

    operand: str
    name: str
    diff: str
    make: Callable[[], Primitive]


def with_rules(op: Primitive, rules: Any, *, as_vjps: bool = False) -> Primitive:
    """The operation with other rules, outside the registry.

    Args:
        op: what to copy.
        rules: in place of its own.
        as_vjps: the rules are vjps (g, y, *xs) that undo broadcasting by themselves, whatever `op` declares.
    """
    copy = copied(op, rules, op.elementwise and not as_vjps)
    copy.call = general(copy)
    if not as_vjps or not op.elementwise:
        return copy
    # To whoever examines it this is an elementwise operation still; what it records has vjps.
    outer = copied(op, op.rules, True)
    outer.call = copy.call
    return outer


def copied(op: Primitive, rules: Any, elementwise: bool) -> Primitive:
    """The operation with other rules, and no function to call it by yet."""
    return Primitive(
        op.forward, rules, op.cases, name=op.name, elementwise=elementwise, linear=op.linear, on_floats=op.on_floats,
        builtin=op.builtin, symbol=op.symbol, notation=op.notation,
    )  # fmt: skip


def differentiable(op: Primitive) -> list[int]:
    """The numbers of the operands that have a rule in some case; a condition, for one, has none."""
    n = max(len(each.domains) for each in op.cases)
    return [
        i
        for i in range(n)
        if any(len(each.domains) > i and each.domains[i].differentiable for each in op.cases)
    ]
