"""A layout without any engine: cards in layers, and every layer in an order with few crossings.

    rank(y) = 1 + max rank(x) over the operands x of y

After Sugiyama, Tagawa and Toda (1981): an arrow over several layers goes through a joint in each; the layers are swept
to and fro, and sorted by the mean place of the neighbours. Then every card moves as close to its neighbours as
the others let it: the sum of the squared distances is least for the isotonic regression (Barlow 1972). The boxes around
modules are left to engines.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from tinygrad_edu.render.folding.board import Board
from tinygrad_edu.render.layout.measures import Measures
from tinygrad_edu.render.layout.positions import MARGIN, Arrow, Box, Point, Positions

SWEEPS = 8
BETWEEN, BESIDE = 40.0, 18.0  # gaps: from layer to layer, and within one
Joint = tuple[int, ...]  # (card,), or (link, rank) where an arrow passes a layer


def layered(board: Board, measures: dict[int, Measures], down: bool, notes: tuple[str, ...]) -> Positions:
    """Lay out a board; cards are in the order in which they were computed."""
    rank: dict[int, int] = {}
    operands: dict[int, list[int]] = {}
    for link in board.links:
        operands.setdefault(link.dst, []).append(link.src)
    for card in (*board.cards, *board.unused):
        rank[card.id] = 1 + max((rank[i] for i in operands.get(card.id, ())), default=-1)
    users: dict[int, list[int]] = {}
    for link in board.links:
        users.setdefault(link.src, []).append(link.dst)
    for card in board.cards:  # a leaf stands right before its first user
        if card.id not in operands and card.id in users:
            rank[card.id] = min(rank[i] for i in users[card.id]) - 1
    layers: list[list[Joint]] = [[] for _ in range(1 + max(rank.values()))]
    neighbours: dict[Joint, list[Joint]] = {}
    for card in (*board.cards, *board.unused):
        layers[rank[card.id]].append((card.id,))
    chains = []
    for k, link in enumerate(board.links):
        joints: list[Joint] = [(k, r) for r in range(rank[link.src] + 1, rank[link.dst])]
        chain: list[Joint] = [(link.src,), *joints, (link.dst,)]
        chains.append(chain)
        for joint in joints:
            layers[joint[1]].append(joint)
        for a, b in pairwise(chain):
            neighbours.setdefault(a, []).append(b)
            neighbours.setdefault(b, []).append(a)

    def across(joint: Joint) -> float:
        """How much room a card needs within its layer; an arrow needs little."""
        size = measures[joint[0]] if len(joint) == 1 else None
        return 0.0 if size is None else size.width if down else size.height

    place = {joint: float(i) for layer in layers for i, joint in enumerate(layer)}
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 else layers[::-1]:
            wished = {joint: _mean(place, neighbours.get(joint, ()), place[joint]) for joint in layer}
            layer.sort(key=lambda joint: wished[joint])
            if sweep < SWEEPS // 2:
                place.update({joint: float(i) for i, joint in enumerate(layer)})
            else:
                place.update(_apart(layer, [wished[j] for j in layer], [across(j) for j in layer]))
    along, starts = MARGIN, []
    for layer in layers:
        sizes = [measures[j[0]] for j in layer if len(j) == 1]
        thick = max((size.height if down else size.width for size in sizes), default=0.0)
        starts.append((along, thick))
        along += thick + BETWEEN
    low = min(place[j] - across(j) / 2 for j in place) - MARGIN
    high = max(place[j] + across(j) / 2 for j in place) + MARGIN - low

    def turned(x: float, y: float) -> Point:
        return (y, x) if down else (x, y)

    cards = {}
    for i, size in measures.items():
        start, thick = starts[rank[i]]
        inside = (thick - (size.height if down else size.width)) / 2
        x, y = turned(start + inside, place[i,] - low - across((i,)) / 2)
        cards[i] = Box(x, y, size.width, size.height)
    arrows = []
    for link, chain in zip(board.links, chains, strict=True):
        source, target = cards[link.src], cards[link.dst]
        ends = [source.y + source.height, target.y] if down else [source.x + source.width, target.x]
        stops = [(ends[0], place[chain[0]] - low)]
        for joint in chain[1:-1]:
            start, thick = starts[joint[1]]
            stops += [(start, place[joint] - low), (start + thick, place[joint] - low)]
        stops.append((ends[1], place[chain[-1]] - low))
        arrows.append(Arrow(link.src, link.dst, tuple(turned(*point) for point in _curve(stops))))
    width, height = turned(along - BETWEEN + MARGIN, high)
    return Positions(width, height, down, cards, measures, (), tuple(arrows), notes=notes)


def _mean(place: dict[Joint, float], joints: Iterable[Joint], otherwise: float) -> float:
    found = [place[joint] for joint in joints]
    return sum(found) / len(found) if found else otherwise


def _apart(layer: list[Joint], wished: list[float], room: list[float]) -> dict[Joint, float]:
    """Middles in the given order, as near to the wishes as the room of each allows.

    Without the room before it, a card may stand anywhere not before its forerunner; where two wishes contradict that,
    both are granted their mean (pool adjacent violators).
    """
    before, blocks = 0.0, list[tuple[float, int]]()
    offsets = []
    for i, wish in enumerate(wished):
        before += (room[i - 1] + room[i]) / 2 + BESIDE if i else 0.0
        offsets.append(before)
        total, count = wish - before, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            more, others = blocks.pop()
            total, count = total + more, count + others
        blocks.append((total, count))
    middles = [total / count for total, count in blocks for _ in range(count)]
    return {joint: middle + offset for joint, middle, offset in zip(layer, middles, offsets, strict=True)}


def _curve(stops: list[Point]) -> list[Point]:
    """A Bézier curve through the stops that leaves and reaches each along the layers' direction."""
    curve = [stops[0]]
    for (x, y), (u, v) in pairwise(stops):
        curve += [((x + u) / 2, y), ((x + u) / 2, v), (u, v)]
    return curve
