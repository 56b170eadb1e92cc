"""The facts that a page knows: every node, every step, and where in the drawings each node is.

A large graph has more of them than a page can carry. So there are levels of detail, from everything down to the nodes
that are drawn, and of those to nothing but the picture; the page takes the first that fits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.errors import StaleValueError, TinygradEduError
from tinygrad_edu.formula import formula
from tinygrad_edu.render.explorer.inspection import compared, described, exact, local
from tinygrad_edu.render.explorer.recheck import recheck
from tinygrad_edu.render.explorer.sigma import joined
from tinygrad_edu.render.explorer.story import told
from tinygrad_edu.render.folding import wording
from tinygrad_edu.render.folding.fold import Board, grouped
from tinygrad_edu.render.graph.model import GraphModel, NodeModel
from tinygrad_edu.render.graph.naming import Names
from tinygrad_edu.render.graph.numbers import numbers
from tinygrad_edu.render.look.style import clean, shape, typeset
from tinygrad_edu.render.stepwise.places import places
from tinygrad_edu.render.stepwise.single import AT_A_KINK
from tinygrad_edu.render.stepwise.steps import Step, trace_steps
from tinygrad_edu.render.stepwise.symbols import factor
from tinygrad_edu.render.vector import face
from tinygrad_edu.render.vector.moment import state

LONGEST = 3000  # nodes whose steps are traced
LEAST = 200  # characters that a node takes, about, in the least detail


class Facts:
    """What is known of one graph.

    Attributes:
        notes: what could not be had, in words.
    """

    def __init__(
        self, x: Node, graph: GraphModel, boards: dict[str, Board], cotangents: dict[Node, Any], names: Names
    ) -> None:
        self.root, self.graph, self.boards = x, graph, boards
        self.order = topological_order([x])
        self.names = [
            typeset(clean(node.name)) if node.name is not None else node.derived for node in graph.nodes
        ]
        self.notes: list[str] = []
        self.traced = self._traced(names)
        self.steps = joined(self.traced, boards["full"], graph, self.names)
        self.cotangents = cotangents
        seed = value_of(x.grad) if x.grad is not None else x.ones()
        self.findings = recheck(self.order, x, seed, cotangents)
        self.symbols = {
            (step.node, c.arg): c.local_symbols
            for step in self.traced if step.phase == "backward"
            for c in step.contributions
        }  # fmt: skip
        self.operands: list[list[int]] = [[] for _ in graph.nodes]
        users: list[dict[int, None]] = [{} for _ in graph.nodes]
        for edge in graph.edges:
            self.operands[edge.dst].append(edge.src)
            users[edge.src][edge.dst] = None
        self.users = [list(each) for each in users]
        self.part_of = {i: words for board in reversed(boards.values()) for i, words in places(board).items()}

    def _traced(self, names: Names) -> list[Step]:
        """The steps, as far as there are any."""
        if len(self.order) > LONGEST:
            self.notes.append(
                f"{grouped(len(self.order))} nodes are too many to step through: all numbers are shown at once"
            )
            return []
        try:
            forward = trace_steps(self.root, "forward", names=names)
            return forward + (
                trace_steps(self.root, "backward", names=names) if self.root.requires_grad else []
            )
        except StaleValueError as error:
            self.notes.append(_reason(error))
            return []
        except (TinygradEduError, ValueError, ArithmeticError) as error:
            self.notes.append(f"there are no steps back: {_reason(error)}")
            return forward

    def levels(self, limit: int) -> Iterator[tuple[dict[str, Any], list[str]]]:
        """The data of a page of so many characters, in less and less detail, and what is left out in words."""
        nodes = self.graph.nodes
        if LEAST * len(nodes) < limit:
            yield self._data(nodes, details=True, steps=True), []
            for steps, what in ((True, "arrays"), (False, "steps, arrays")):
                words = f"{what} and local derivatives are left out: the page would be too large"
                yield self._data(nodes, details=False, steps=steps), [words]
        drawn = {i for board in self.boards.values() for i in _drawn(board)}
        some, rest = [nodes[i] for i in sorted(drawn)], grouped(len(nodes) - len(drawn))
        for details, what in ((True, "steps"), (False, "steps, arrays, local derivatives")):
            words = f"{what} and {rest} nodes that have no card are left out: the page would be too large"
            yield self._data(some, details=details, steps=False), [words]
        yield (
            self._data((), details=False, steps=False),
            ["only the picture is here: the page would be too large"],
        )

    def _data(self, nodes: Collection[NodeModel], *, details: bool, steps: bool) -> dict[str, Any]:
        traced = self.steps if steps else []
        known = {node.id for node in nodes}
        return {
            "root": self.graph.root,
            "kink": AT_A_KINK,
            "nodes": [self._node(node, known, details, not traced) for node in nodes],
            "steps": [self._step(step) for step in traced],
            "where": {
                view: {i: card for i, card in _where(board).items() if i in known}
                for view, board in self.boards.items()
            },
            "said": {
                view: _said(board, stepped=bool(traced)) if known else {}
                for view, board in self.boards.items()
            },
        }

    def _step(self, step: Step) -> dict[str, Any]:
        part = self.part_of.get(step.node)
        return told(step, self.graph, self.names) | ({} if part is None else {"part": part})

    def _node(self, node: NodeModel, known: Collection[int], details: bool, finished: bool) -> dict[str, Any]:
        """One node; of those around it only those that are `known` to the page, and how many others there are."""
        source, name = self.order[node.id], self.names[node.id]
        found: dict[str, Any] = {
            "id": node.id, "name": name, "role": node.role, "value": wording.value(node.value),
        }  # fmt: skip
        for side, ids in (("operands", self.operands[node.id]), ("users", self.users[node.id])):
            found[side] = [i for i in ids if i in known]
            if more := len(ids) - len(found[side]):
                found[f"more_{side}"] = more
        if node.value.shape:
            found["shape"] = shape(node.value.shape)
        if node.value.dtype != "float64":
            found["dtype"] = node.value.dtype
        if node.name is not None and node.name != name:
            found["plain"] = clean(node.name)
        found |= {key: value for key, value in (("op", node.op), ("module", node.scope)) if value is not None}
        if node.value.item is not None:
            found["exact"] = exact(node.value.item)
        elif details:
            found["array"] = described(node.value, source.value)
        if node.requires_grad:
            found["graded"] = True
            if finished:
                found["grad"] = [wording.gradient(node), state(node)]
            g = self.cotangents.get(source)
            if g is not None:
                found |= self._graded(source, node, g, details)
        if details and source.op is not None:
            found["locals"] = self._locals(source, node)
        return found

    def _graded(self, source: Node, node: NodeModel, g: Any, details: bool) -> dict[str, Any]:
        """What is known of a gradient g."""
        found: dict[str, Any] = {"check": compared(self.findings.get(source))}
        if np.ndim(g) == 0:
            found["gradient"] = {"exact": exact(float(np.asarray(g)))}
        elif details:
            found["gradient"] = {"array": described(numbers(g), g)}
        held = value_of(source.grad) if source.op is None else None
        if held is not None and not np.allclose(held, g, rtol=1e-6, atol=0, equal_nan=True):
            found["held"] = wording.gradient(replace(node, gradient=numbers(held)))  # after several passes
        return found

    def _locals(self, source: Node, node: NodeModel) -> list[dict[str, Any]]:
        op: Any = source.op
        listed = [
            local(source, i, (factor(self.names[node.id]), factor(self.names[a])), self._symbols(node.id, i))
            for i, a in enumerate(self.operands[node.id])
            if source.args[i].requires_grad
        ]
        if not listed and op.rules:
            listed.append({"title": f"the rule of {op.name}", "symbols": formula(op.name)})
        return listed

    def _symbols(self, node: int, i: int) -> str | None:
        found, op = self.symbols.get((node, i)), self.order[node].op
        if found is None or op is None or op.elementwise:
            return found
        return f"the rule: {found}, where G is the gradient of the result"


def _reason(error: Exception) -> str:
    return str(error).removeprefix("trace_steps: ")


def _drawn(board: Board) -> Iterator[int]:
    """The nodes that have a card or a row."""
    for card in board.cards:
        yield from (card.id, *(inset.id for inset in card.insets))


def _where(board: Board) -> dict[int, int]:
    """Of the nodes that have no card or row of their own, the card or the row that they are a part of."""
    found = {}
    for card in board.cards:
        rows = {card.id, *(inset.id for inset in card.insets)}
        found.update({i: card.id for i in (*card.members, *card.within) if i not in rows})
        if card.repeats is not None:
            stacked = card.repeats.stacked.items()
            found.update({leaf.id: row for row, leaves in stacked for leaf in leaves if leaf.id not in rows})
    return found


def _said(board: Board, stepped: bool) -> dict[int, tuple[str, str, str, list[int]]]:
    """What stands on the cards of equal parts once all are known; on a page with steps also which nodes these are."""
    found = {}
    for card in board.cards:
        if card.repeats is not None:
            parts = {**card.repeats.stacked, card.id: card.repeats.outputs}
            for node in (card.node, *card.insets):
                if node.id in parts:
                    ids = [part.id for part in parts[node.id] if stepped]
                    found[node.id] = (*wording.said(card, node), face.state_of(card, node), ids)
    return found
