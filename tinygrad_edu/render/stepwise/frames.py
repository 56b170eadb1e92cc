"""Frames: a computation step by step, in pictures that do not move.

    frames = Frames(loss);   frames[0], …, frames[-1]      each a Drawing of the same cards at the same places

In a frame of the forward pass a card that is not reached yet shows `?`, in one of the backward pass `—`: not 0, for
nothing has arrived. The operation of the step has an orange chip, and what takes part in it an orange border. Along the
arrows gradients flow backward, each multiplied by what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.folding import wording
from tinygrad_edu.render.folding.fold import Board, Card, fold
from tinygrad_edu.render.forms import Drawing
from tinygrad_edu.render.graph.model import GraphModel, NodeModel, capture
from tinygrad_edu.render.graph.naming import Choice, Names
from tinygrad_edu.render.graph.numbers import Numbers, numbers
from tinygrad_edu.render.layout.cards import columns_of
from tinygrad_edu.render.layout.dot import dot, goes_down, legend_entries
from tinygrad_edu.render.look.markup import legend
from tinygrad_edu.render.options import Options
from tinygrad_edu.render.stepwise.blackboard import SHOWN, blackboard, height, scale_for, widest
from tinygrad_edu.render.stepwise.pinned import Layout, lay_out, pin
from tinygrad_edu.render.stepwise.places import places
from tinygrad_edu.render.stepwise.steps import PHASES, Phase, Quantity, Step, trace_steps
from tinygrad_edu.render.vector.moment import UNKNOWN

FEW = 24  # nodes up to which every leaf has a card of its own, and so an arrow
LEFT = 16.0  # the blackboard begins where the cards do
GAP = 14.0  # below the blackboard


class Frames(Sequence[Drawing]):
    """All frames of a computation: those of the forward steps, then those of the backward steps.

    Args:
        x: the end of the computation.
        phase: "forward", "backward" or "both".
        title: above every frame.
        names: as in `draw`.
        parameters: as in `draw`.
        check: compare every share with a numerical derivative.
        options: those of `draw` that are about the picture: `leaves`, `rankdir`, `theme`, `engine`, `max_cards`.

    Raises:
        ValueError, TypeError, NotDifferentiableError, StaleValueError: as `trace_steps` and `draw`.
    """

    def __init__(
        self, x: Node, phase: Literal["forward", "backward", "both"] = "both", *, title: str | None = None,
        names: Names = None, parameters: Choice = None, check: bool = True, **options: Any,
    ) -> None:  # fmt: skip
        if not isinstance(x, Node):
            raise TypeError(f"frames: a Scalar or a Tensor was expected, {type(x).__name__} came")
        if phase not in PHASES:
            raise ValueError(f"frames: phase is one of {', '.join(PHASES)}; {phase!r} came")
        self.options = Options(title=title, **options)
        everything = trace_steps(x, phase if phase == "backward" else "both", names=names, check=check)
        self.all_steps = everything
        self.steps = [step for step in everything if phase in ("both", step.phase)]
        self.graph = capture(x, names=names, parameters=parameters)
        self._options: dict[str, Any] = {"title": title, **options}
        self._arrange()

    def _arrange(self) -> None:
        """One layout for all frames: with the longest numbers that any of them has."""
        o, graph = self.options, self.graph
        self.board = _board(graph, o)
        self._longest = replace(
            self.board, cards=tuple(_with_longest(card, self.all_steps) for card in self.board.cards)
        )
        self._columns = columns_of(self._longest, goes_down(self.board, o.rankdir))
        source = dot(self._longest, o.palette, rankdir=o.rankdir, local=True, columns=self._columns)
        self.layout: Layout = lay_out(source, [card.id for card in self.board.cards], o.engine)
        self._places = places(self.board)
        formulas = max((min(len(step.contributions), SHOWN) for step in self.all_steps), default=1)
        self.scale = scale_for(self.layout.width)
        wide = max(self.layout.width - LEFT, widest(self.all_steps, graph, o.title, self.scale, self._places))
        self.size = wide, height(formulas, o.title, self.scale)  # of the blackboard

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        return self._frame(range(len(self))[i])

    def __iter__(self) -> Iterator[Drawing]:
        return (self[i] for i in range(len(self)))

    def at(self, k: int, phase: Phase = "backward") -> Drawing:
        """Frame k of a phase, from 1.

        Raises:
            ValueError: there is no such step.
        """
        places = [i for i, step in enumerate(self.steps) if step.phase == phase]
        if phase not in ("forward", "backward"):
            raise ValueError(f"draw_step: phase is forward or backward; {phase!r} came")
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= len(places):
            there = f"there are {phase} steps 1 to {len(places)}" if places else f"there are no {phase} steps"
            raise ValueError(f"draw_step: {there}, k = {k!r} came")
        return self._frame(places[k - 1])

    def _frame(self, i: int) -> Drawing:
        step, o = self.steps[i], self.options
        board = self._at(step)
        owner = {
            i: card.id for card in board.cards for i in (card.id, *card.members, *(n.id for n in card.insets))
        }
        backward = step.phase == "backward"
        sources = [c.to for c in step.contributions] if backward else step.operands
        active = {(f"n{owner.get(i)}", f"n{owner.get(step.node)}") for i in sources}

        def arrow(tail: str, head: str) -> tuple[str, bool]:
            if (tail, head) in active:
                colours = (
                    f'color="{o.palette.accent}" penwidth=2.4 fontsize=11 fontcolor="{o.palette.accent_text}"'
                )
                return f" {colours}" + ("" if backward else ' label=""'), backward
            return f' fontcolor="{o.palette.dim}"' + ("" if backward else ' label=""'), False

        source = dot(board, o.palette, rankdir=o.rankdir, local=True, columns=self._columns)
        lines = pin(source, self.layout, arrow)
        (width, tall), top = self.size, self.layout.height + GAP
        written = blackboard(step, self.graph, o.title, self._places.get(step.node))
        words = written.label(o.palette, width, self.scale)
        middle = f'pos="{LEFT + width / 2:.2f},{top + tall / 2:.2f}"'
        box = f"{middle} width={width / 72:.4f} height={tall / 72:.4f} fixedsize=true"
        lines += [
            f"head [shape=none style=solid labelloc=t margin=0 {box} label=<{words}>]",
            'corner [pos="0,0" style=invis width=0.01 height=0.01 fixedsize=true label=""]',
        ]
        if self.layout.legend is not None:
            meaning = legend(o.palette, **legend_entries(self._longest))
            lines.append(f"legend [shape=none style=solid margin=0 {self.layout.legend} label=<{meaning}>]")
        options = {**self._options, "subtitle": f"{step.phase.capitalize()} step {step.k} of {step.n}"}
        return Drawing(self.graph, board, "\n".join([*lines, "}", ""]), **options)

    def _at(self, step: Step) -> Board:
        """The cards at the end of a step."""
        nodes = {node.id: node for node in self.graph.nodes}
        before = [s for s in self.all_steps if s.phase == step.phase and s.k <= step.k]
        known = {node.id for node in self.graph.nodes if node.op is None} | {s.node for s in before}
        received: dict[int, Quantity] = {}
        if step.phase == "backward":
            known = set(nodes)
            received[before[0].node] = before[0].contributions[0].upstream
            for s in before:
                received |= {c.to: c.after for c in s.contributions}
        taking_part = {step.node, *(step.operands if step.phase == "forward" else ())}
        taking_part |= {c.to for c in step.contributions}

        def seen(node: NodeModel) -> NodeModel:
            value = node.value if node.id in known else Numbers(node.value.shape, UNKNOWN, None)
            flags = ("highlight",) * (node.id in taking_part)
            return replace(node, value=value, gradient=as_numbers(received.get(node.id)), flags=flags)

        def card_at(card: Card) -> Card:
            mine = {card.id, *card.members}
            flags = [flag for flag in card.flags if flag != "dead"]
            flags += ["highlight"] * (not mine.union(n.id for n in card.insets).isdisjoint(taking_part))
            flags += ["acting"] * (step.node in mine)
            return replace(_changed(card, seen), flags=tuple(flags))

        return replace(self.board, cards=tuple(map(card_at, self.board.cards)), caption=None)


def draw_step(x: Node, k: int, phase: Phase = "backward", **options: Any) -> Drawing:
    """Draw step k of a computation, from 1; all frames of it have one geometry.

        tg.draw_step(loss, 4, title="Backpropagation through one neuron").save("step_4.svg")

    Args:
        x: the end of the computation, such as a loss. It does not matter whether `x.backward()` has been called.
        k: which step.
        phase: "forward" or "backward".
        **options: those of `Frames`: `title`, `names`, `parameters`, `theme`, `rankdir`, …

    Raises:
        ValueError: there is no such step or phase.
        NotDifferentiableError: the backward steps of what requires no gradient.
        StaleValueError: a leaf was assigned after it had been used.
    """
    if phase not in ("forward", "backward"):
        raise ValueError(f"draw_step: phase is forward or backward; {phase!r} came")
    if phase == "backward" and isinstance(x, Node) and not x.requires_grad:
        trace_steps(x, "backward")  # which says why not
    return Frames(x, **options).at(k, phase)


def as_numbers(x: Quantity | None) -> Numbers | None:
    """What a card shows of a gradient."""
    return numbers(x) if isinstance(x, float) else x


def _board(graph: GraphModel, o: Options) -> Board:
    """Every operation on a card of its own, as long as they are few enough: then it has a step to itself."""
    own = sum(node.op is not None for node in graph.nodes) <= o.max_cards
    marked = tuple(
        replace(node, flags=(*node.flags, "highlight")) if own and node.op is not None else node
        for node in graph.nodes
    )
    leaves = "inset" if o.leaves == "auto" and len(graph.nodes) > FEW else o.leaves
    model = replace(graph, nodes=marked)
    board = fold(
        model, depth=o.depth, leaves=leaves, arrows=True, max_cards=o.max_cards,
        folding=False if own else o.fold, expand=o.expand,
    )  # fmt: skip
    return replace(board, cards=tuple(_unmarked(card, graph) for card in board.cards), rows=o.rows)


def _unmarked(card: Card, graph: GraphModel) -> Card:
    mine = [graph.nodes[i] for i in (card.id, *card.members)]
    flags = tuple(dict.fromkeys(flag for node in mine for flag in node.flags if flag != "highlight"))
    return replace(card, node=graph.nodes[card.id], flags=flags)


def _with_longest(card: Card, steps: Sequence[Step]) -> Card:
    """The card with those gradients that take the most room of all that it shows in the steps."""
    longest = _longest(steps)

    def long(node: NodeModel) -> NodeModel:
        shown = [node, *(replace(node, gradient=as_numbers(x), flags=()) for x in longest.get(node.id, ()))]
        return max(shown, key=lambda each: len(wording.gradient(each)))

    return _changed(card, long)


def _changed(card: Card, change: Callable[[NodeModel], NodeModel]) -> Card:
    """A card with other numbers, and so the parts that it stands for."""
    parts = card.repeats
    if parts is not None:
        stacked = {i: tuple(map(change, nodes)) for i, nodes in parts.stacked.items()}
        parts = replace(parts, outputs=tuple(map(change, parts.outputs)), stacked=stacked)
    return replace(card, node=change(card.node), insets=tuple(map(change, card.insets)), repeats=parts)


def _longest(steps: Sequence[Step]) -> Mapping[int, list[Quantity]]:
    found: dict[int, list[Quantity]] = {}
    for step in steps:
        for c in step.contributions:
            found.setdefault(c.to, []).append(c.after)
    return found
