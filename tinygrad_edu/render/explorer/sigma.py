"""One step for one Σ: the additions that are drawn as a single card are told as a single step.

    z = (w₁x₁ + w₂x₂) + b    engine    two steps forward, and two backward
                             page      z = w₁x₁ + w₂x₂ + b, and every term receives the gradient of z

The engine visits the inner addition at some later time; here it sends its shares together with the outer one. Where one
of the terms has other users as well, its sum may then grow in another order, so it is added up anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tinygrad_edu.render.folding.fold import Board
from tinygrad_edu.render.graph.model import GraphModel
from tinygrad_edu.render.look.style import number
from tinygrad_edu.render.stepwise.steps import Contribution, Step


def joined(steps: list[Step], board: Board, model: GraphModel, names: list[str]) -> list[Step]:
    """The steps with those of each Σ as one, numbered anew.

    A Σ stays in single steps if a term of it is an array with several users: of arrays only norms are known here, which
    cannot be added up in another order.
    """
    inner = _inner(steps, board, model)
    if not inner:
        return steps
    by_node = {(step.phase, step.node): step for step in steps}
    found = []
    for step in steps:
        if step.node in inner:
            continue
        chain = sorted(
            [step.node, *(i for i, outer in inner.items() if outer == step.node)]
        )  # innermost first
        if len(chain) > 1:
            terms = tuple(_terms(step.node, set(chain), model))
            parts = [by_node[step.phase, i] for i in chain if (step.phase, i) in by_node]
            shares = [c for part in parts for c in part.contributions if c.to not in chain]
            expression, numbers = _sum(step, terms, model, names)
            step = replace(
                step, operands=terms, contributions=tuple(shares), expression=expression, numbers=numbers
            )
        found.append(step)
    return _counted(_added_up(found))


def _inner(steps: list[Step], board: Board, model: GraphModel) -> dict[int, int]:
    """{inner addition: the outer one whose card it is drawn in}."""
    received: dict[int, int] = {}
    for step in steps:
        for c in step.contributions:
            received[c.to] = received.get(c.to, 0) + 1
    found: dict[int, int] = {}
    for card in board.cards:
        members = [i for i in card.members if model.nodes[i].op == "add"]
        if card.module is not None or len(members) < 2 or len(members) != card.operations:
            continue
        terms = _terms(card.id, set(members), model)
        if all(received.get(i, 0) < 2 or not model.nodes[i].value.shape for i in terms):
            found.update({i: card.id for i in members if i != card.id})
    return found


def _terms(end: int, chain: set[int], model: GraphModel) -> list[int]:
    """What a chain of additions adds, from left to right."""
    operands: dict[int, list[int]] = {}
    for edge in model.edges:
        if edge.dst in chain:
            operands.setdefault(edge.dst, []).append(edge.src)
    found, stack = [], [end]
    while stack:
        i = stack.pop()
        if i in chain:
            stack += reversed(operands[i])
        else:
            found.append(i)
    return found


def _sum(step: Step, terms: Iterable[int], model: GraphModel, names: list[str]) -> tuple[str, str]:
    """The sum in symbols and in numbers; of arrays the last addition has to do."""
    node, numbers = model.nodes[step.node], step.numbers
    left = f"{names[node.id]} = " if node.name is not None else ""
    values = [model.nodes[i].value.item for i in terms]
    if node.value.item is not None and all(value is not None for value in values):
        texts = [number(value) for value in values]
        added = " + ".join(
            f"({text})" if text.startswith("−") and i else text for i, text in enumerate(texts)
        )
        numbers = f"{added} = {number(node.value.item)}"
    return left + " + ".join(names[i] for i in terms), numbers


def _added_up(steps: list[Step]) -> list[Step]:
    """What every single number had before each share and has after it, in the order of these steps."""
    held: dict[int, float] = {}
    found = []
    for step in steps:
        contributions: list[Contribution] = []
        for c in step.contributions:
            if isinstance(c.share, float):
                before = held.get(c.to)
                held[c.to] = c.share if before is None else before + c.share
                c = replace(c, before=before, after=held[c.to])
            contributions.append(c)
        found.append(replace(step, contributions=tuple(contributions)))
    return found


def _counted(steps: list[Step]) -> list[Step]:
    """Number the steps of each phase from 1."""
    total = {phase: sum(step.phase == phase for step in steps) for phase in ("forward", "backward")}
    count = dict.fromkeys(total, 0)
    found = []
    for step in steps:
        count[step.phase] += 1
        found.append(replace(step, k=count[step.phase], n=total[step.phase]))
    return found
