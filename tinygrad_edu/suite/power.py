"""The power of a gradient check: which mistakes it would have missed at these inputs.

    power = mistakes that the check sees / mistakes that there could be

A check that passes shows that the rules are right, or that the inputs are such that nothing can be seen: relu on
positive numbers, a maximum without ties, a symmetric matrix, a batch of 1. To tell which, every operation of the graph
is broken in every typical way, and the same numerical gradient judges again: it does not depend on the rules, so once
is enough.

A mistake counts only if there could be one: if the wrong rule differs from the right one for some values of the same
operands, where axes of length 1 may be longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.recording import NEEDED, recording
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.errors import GradientMismatch, NotDifferentiableError
from tinygrad_edu.state import state_restored
from tinygrad_edu.suite.mutation.graph import mistakes_at, quietly, with_mistake
from tinygrad_edu.suite.mutation.reasons import shows_at, why
from tinygrad_edu.verify.chance import generator
from tinygrad_edu.verify.compare import Weights, steady
from tinygrad_edu.verify.leaves import leaves_of, output_of
from tinygrad_edu.verify.report import judge
from tinygrad_edu.verify.sides import backward_side, numerical_side
from tinygrad_edu.verify.steps import Gradient


class Caught(NamedTuple):
    """A mistake that the check sees.

    Attributes:
        operation: where, such as "matmul 3": the third operation of the graph, a product.
        operand: in whose rule.
        mistake: what is wrong with it.
    """

    operation: str
    operand: int
    mistake: str


class Missed(NamedTuple):
    """A mistake that the check does not see.

    Attributes:
        operation: where, as above.
        operand: in whose rule.
        mistake: what is wrong with it.
        diff: the source of the rule before and after, if that is what was changed, or "".
        why: what hides it, or "" if that is not known.
        shows_at: the hazard point made of these inputs at which it is seen, or "" if there is none.
    """

    operation: str
    operand: int
    mistake: str
    diff: str
    why: str
    shows_at: str


@dataclass(frozen=True, slots=True)
class PowerReport:
    """What a gradient check sees, and what it misses; true only if it misses nothing.

    Attributes:
        operations: those of the graph, in order.
        caught: the mistakes that are seen.
        missed: those that are not.
    """

    operations: tuple[str, ...]
    caught: tuple[Caught, ...]
    missed: tuple[Missed, ...]

    @property
    def power(self) -> float:
        """The part of the mistakes that is seen, in [0, 1]."""
        return len(self.caught) / (len(self.caught) + len(self.missed))

    def __bool__(self) -> bool:
        return not self.missed

    def __str__(self) -> str:
        n = len(self.caught) + len(self.missed)
        lines = [f"POWER {self.power:.1%}   {len(self.caught)} of {n} mistakes would be seen at these inputs"]
        width = max([*map(len, self.operations), 9])
        lines.append(f"  {'operation':{width}}  mistakes  missed")
        for name in self.operations:
            missed = sum(each.operation == name for each in self.missed)
            seen = sum(each.operation == name for each in self.caught)
            lines.append(f"  {name:{width}}  {missed + seen:8}  {missed or '–':>6}")
        for each in self.missed:
            lines.append(f"missed: {each.operation}, operand {each.operand}: {each.mistake}")
            lines += [f"    {line}" for line in each.diff.splitlines()]
            lines += [f"    hidden, since {each.why}"] * bool(each.why)
            lines += [f"    it would show at: {each.shows_at}"] * bool(each.shows_at)
        if self.missed:
            lines.append("tg.check(f, …, hazards=True) goes to such points by itself")
        return "\n".join(lines)

    __repr__ = __str__


def power(
    f: Callable[..., Any], *inputs: Any, parameters: Any = None, rng: np.random.Generator | None = None
) -> PowerReport:  # fmt: skip
    """Which typical mistakes of its derivative rules `tg.check(f, *inputs)` would have missed.

        tg.check_power(lambda x: tg.relu(x), np.array([0.5, 1.5]))

    Args:
        f: a function of nodes that returns one, or a module.
        inputs: what to call it with, as for `check`.
        parameters: further leaves that are checked, as for `check`.
        rng: of the random weights and points; by default always the same ones.

    Raises:
        NotDifferentiableError: there is nothing to check, or no operation in which a mistake could be made.
        GradientMismatch: the gradients are wrong as they are.
        ValueError: the function is not deterministic, or its value is not finite.
    """
    rng = generator(rng, "check_power")
    arguments, leaves = leaves_of(f, inputs, parameters)
    if not leaves:
        raise NotDifferentiableError(
            "check_power: there is nothing to check: pass inputs of floats, or a module"
        )
    weights = Weights(rng)
    recorded: list[Any] = []

    def objective() -> Any:
        with state_restored():
            y = output_of(f, arguments)
        recorded[:] = [y]
        return weights(y)

    steady(objective)
    rounding = {name: side.rounding for name, side in backward_side(objective, leaves).items()}
    with numerical_side(objective, leaves, list(leaves)) as theta:
        numeric = dict(zip(leaves, theta.gradients(), strict=True))
    with recording(NEEDED):
        output = objective()
    if not output.requires_grad or recorded[0].op is None:
        raise NotDifferentiableError(
            "check_power: the function does not depend on its inputs by any operation"
        )
    check = _Check(output, leaves, numeric, rounding)
    if wrong := check.wrong():
        raise GradientMismatch(
            f"check_power: right gradients were expected; that of {wrong} is wrong as it is: see tg.check"
        )
    checked = _depending(recorded[0], leaves.values())
    places: list[str] = []
    caught: list[Caught] = []
    missed: list[Missed] = []
    for number, node in _operations(recorded[0]):
        (upstream,) = gradients(output, [node], 1.0)
        place = (f"{node.scope}/" if node.scope else "") + f"{node.op.name} {number}"
        place += f" '{node.name}'" if node.name else ""
        places.append(place)
        for mistake in mistakes_at(node):
            with with_mistake(node, mistake):
                seen = check.wrong()
            if seen:
                caught.append(Caught(place, mistake.operand, mistake.name))
            elif node.args[mistake.operand] not in checked:
                reason = f"nothing that is checked lies behind operand {mistake.operand}"
                missed.append(Missed(place, mistake.operand, mistake.name, mistake.diff, reason, ""))
            else:
                reason = why(node, mistake, np.asarray(upstream))
                at = shows_at(f, arguments, leaves, number, mistake)
                missed.append(Missed(place, mistake.operand, mistake.name, mistake.diff, reason, at))
    if not caught and not missed:
        raise NotDifferentiableError(
            "check_power: there is no operation here in which a mistake could be made"
        )
    return PowerReport(tuple(places), tuple(caught), tuple(missed))


def _operations(y: Node) -> Iterator[tuple[int, Any]]:
    """(number, node) of those operations of a graph that pass a gradient on; all are counted, as `check_graph` does."""
    computed = [node for node in topological_order([y]) if node.op is not None]
    yield from ((number, node) for number, node in enumerate(computed, 1) if node.requires_grad)


def _depending(y: Node, leaves: Iterable[Node]) -> set[Node]:
    """The nodes of a graph that depend on some leaves."""
    found = set(leaves)
    for node in topological_order([y]):
        if not found.isdisjoint(node.args):
            found.add(node)
    return found


class _Check(NamedTuple):
    """A gradient check whose numerical side is done."""

    output: Any
    leaves: dict[str, Any]
    numeric: dict[str, Gradient]
    rounding: dict[str, float]

    def wrong(self) -> str:
        """The first leaf whose gradient is seen to be wrong, or ""; an error is seen, too."""
        try:
            sides = quietly(lambda: backward_side(lambda: self.output, self.leaves))
        except Exception as error:
            return type(error).__name__
        for (name, leaf), side in zip(self.leaves.items(), sides.values(), strict=True):
            if side.gradient.shape != np.shape(leaf.value) or not side.linear:
                return name
            if judge(name, side.gradient, self.numeric[name], self.rounding[name]).verdict == "wrong":
                return name
        return ""
