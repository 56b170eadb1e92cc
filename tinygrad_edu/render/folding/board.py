"""The board: what a picture consists of, before it has any coordinates.

    nodes of a graph  --fold-->  cards and links

Every node is drawn with exactly one card: as the card itself, as a row in it, or as one of those that it stands for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from tinygrad_edu.render.graph.model import NodeModel


@dataclass(frozen=True, slots=True)
class Repeats:
    """The equal parts of a graph that one card stands for.

    A chain hands a value from each part to the next, like the blocks of a network or the steps of a loop; parallel
    parts have the same place beside each other, like the samples of a batch that is computed one by one.
    """

    kind: str  # "chain" or "parallel"
    labels: tuple[str, ...]  # of the parts, in order: `blocks.0`, or `step 1`
    title: str  # `blocks.0 … blocks.11`
    outputs: tuple[NodeModel, ...]  # of the parts, in order
    operations: int  # of each part
    stacked: Mapping[int, tuple[NodeModel, ...]] = field(
        default_factory=dict
    )  # what the rows with this id stand for
    where: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # {flag: labels of the parts that have it}
    parts: tuple[tuple[int, ...], ...] = ()  # the numbers of the nodes in each part

    @property
    def count(self) -> int:
        """How many parts there are."""
        return len(self.outputs)


@dataclass(frozen=True, slots=True)
class Card:
    """What is drawn as one shape: a node, with the others that it stands for."""

    node: NodeModel  # whose numbers are shown
    insets: tuple[NodeModel, ...]
    scope: tuple[str, ...]  # the modules around it
    operations: int
    module: str | None = None  # the path, if a whole module is one card
    symbols: tuple[str, ...] = ()  # of the operations in it, in order, each once
    flags: tuple[str, ...] = ()
    before: tuple[NodeModel, ...] = ()  # constants left of the symbol, as in 1 ÷ x
    after: tuple[NodeModel, ...] = ()  # and right of it
    members: tuple[int, ...] = ()  # the numbers of the nodes that it stands for, without those in its rows
    within: tuple[
        int, ...
    ] = ()  # and of the leaves in its rows and beside its symbol, or too plain for a row
    repeats: Repeats | None = None  # if equal parts are one card; `node` is the output of the last

    @property
    def id(self) -> int:
        """The number of the node that it shows."""
        return self.node.id


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow from card to card; `local` is ∂dst/∂src where that is one number."""

    src: int
    dst: int
    local: float | None = None
    flags: tuple[str, ...] = ()  # of the edges that it stands for
    note: str = ""  # what only changes the shape on the way: `reshape, transpose`
    count: int = 1  # pairs of parts that it connects, if equal parts are at an end


@dataclass(frozen=True, slots=True)
class Board:
    """The cards of a picture, operands first, with what was folded in words."""

    cards: tuple[Card, ...]
    links: tuple[Link, ...]
    modules: dict[str, str]
    folded: tuple[str, ...] = ()
    omitted: int = 0  # nodes that are not in the picture
    stubs: tuple[int, ...] = ()  # cards that have operands among those
    caption: str | None = None
    urgent: str | None = None  # the first lines of the caption, that warn; the others say what was folded
    rows: tuple[str, ...] = ("value", "grad")  # that the cards show
    detached: tuple[Link, ...] = ()  # no gradient goes there, and no order of the cards follows from it
    unused: tuple[Card, ...] = ()  # beside the graph: parameters without a path to the output


def topological(items: Iterable[int], links: Iterable[tuple[int, int]]) -> list[int]:
    """The items with sources before targets, and the smallest first where that leaves a choice.

    Items on cycles, and those behind them, are missing in the result.
    """
    onward: dict[int, list[int]] = {item: [] for item in items}
    waiting: Counter[int] = Counter()
    for source, target in links:
        onward[source].append(target)
        waiting[target] += 1
    ready = [item for item in onward if not waiting[item]]
    heapify(ready)
    order = []
    while ready:
        order.append(item := heappop(ready))
        for target in onward[item]:
            waiting[target] -= 1
            if not waiting[target]:
                heappush(ready, target)
    return order


def grouped(n: int) -> str:
    """`9 412`: digits in threes, with a narrow space that does not break."""
    return f"{n:,}".replace(",", "\u202f")
