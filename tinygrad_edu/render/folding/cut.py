"""The last resort: what is still too much for a layout is left out, and the picture says how much."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from tinygrad_edu.render.folding.board import Board, grouped
from tinygrad_edu.render.graph.flags import POINTED_AT
from tinygrad_edu.render.graph.model import GraphModel


def crossings(board: Board) -> int:
    """How many ranks all the links cross together: what a layered layout spends its time on.

    One weight that every step of a long loop uses has links across half of the picture, on average.
    """
    operands: dict[int, list[int]] = {}
    for link in board.links:
        operands.setdefault(link.dst, []).append(link.src)
    ranks: dict[int, int] = {}
    for card in board.cards:
        ranks[card.id] = max((1 + ranks[i] for i in operands.get(card.id, ())), default=0)
    return sum(ranks[link.dst] - ranks[link.src] for link in board.links)


def cut(board: Board, model: GraphModel, max_cards: int) -> Board:
    """Keep the cards nearest to the root and to what is pointed at; one more card stands for the rest."""
    operands: dict[int, list[int]] = {}
    for link in board.links:
        operands.setdefault(link.dst, []).append(link.src)
    marked = [card.id for card in board.cards if not POINTED_AT.isdisjoint(card.flags)]
    queue = deque([board.cards[-1].id, *marked[: max_cards // 4]])
    kept: set[int] = set()
    room = max(1, max_cards - 1)
    while queue and len(kept) < room:
        card = queue.popleft()
        if card not in kept:
            kept.add(card)
            queue += operands.get(card, ())
    cards = tuple(card for card in board.cards if card.id in kept)
    shown = sum(len(card.members) + len(card.within) for card in cards)
    omitted = len(model.nodes) - shown
    sentence = (
        f"{grouped(len(model.nodes))} nodes: the {grouped(shown)} nearest to the output are drawn, "
        f"{grouped(omitted)} are left out"
    )
    return replace(
        board, cards=cards, links=tuple(link for link in board.links if link.src in kept and link.dst in kept),
        folded=(*board.folded, sentence), omitted=omitted,
        stubs=tuple(card.id for card in cards if any(x not in kept for x in operands.get(card.id, ()))),
        caption=sentence, detached=tuple(link for link in board.detached if link.src in kept and link.dst in kept),
    )  # fmt: skip
