"""Folding: from the nodes of a graph to the cards of a picture.

Drawn node for node, a small network has nearly twice as many shapes as there is something to say. So

1. chains of `+` become one Σ: its terms all receive the same gradient;
2. a module becomes one card, when a depth is given or the graph is large;
3. a leaf that one card alone uses becomes a row inside that card, and a plain number a part of its chip;
4. what is still too much for a layout is cut off, and the picture says how much.

Every step is O(nodes + edges), and what it left out is reported in words.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import Literal

from tinygrad_edu.render.flags import POINTED_AT
from tinygrad_edu.render.model import GraphModel, NodeModel
from tinygrad_edu.render.modules import path, whole_modules
from tinygrad_edu.render.stale import sentence

Leaves = Literal["auto", "cards", "inset"]
AUTO_INSET = 12  # more cards than this, and leaves move into their consumers
LEARNED = ("parameter", "frozen", "constant")


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


@dataclass(frozen=True, slots=True)
class Board:
    """The cards of a picture, with what was folded in words."""

    cards: tuple[Card, ...]
    links: tuple[Link, ...]
    modules: dict[str, str]
    folded: tuple[str, ...] = ()
    omitted: int = 0  # nodes that are not in the picture
    stubs: tuple[int, ...] = ()  # cards that have operands among those
    caption: str | None = None
    rows: tuple[str, ...] = ("value", "grad")  # that the cards show
    detached: tuple[Link, ...] = ()  # no gradient goes there, and no order of the cards follows from it
    unused: tuple[Card, ...] = ()  # beside the graph: parameters without a path to the output


def fold(
    model: GraphModel,
    *,
    depth: int | None = None,
    leaves: Leaves = "auto",
    arrows: bool = False,
    max_cards: int = 300,
) -> Board:
    """Arrange a graph on at most `max_cards` cards.

    Args:
        model: what `capture` found.
        depth: modules at this depth, counted from 1, become one card each; None: none, unless the graph is
            too large.
        leaves: "inset" draws a leaf inside its only user, "cards" draws it for itself, "auto" decides by the
            number.
        arrows: "auto" keeps the leaves outside, since each arrow has something to say.
        max_cards: how many cards a layout is asked for.
    """
    sums = _sums(model)
    deepest = max((len(path(node.scope)) for node in model.nodes), default=0)
    owner, whole = (sums, set[int]()) if depth is None else whole_modules(model, sums, depth)
    above = {"inset": 0, "cards": None, "auto": math.inf if arrows else AUTO_INSET}[leaves]
    board = _arrange(model, owner, whole, depth, above)
    if depth is None:
        for level in range(deepest, 0, -1):
            if len(board.cards) <= max_cards:
                break
            board = _arrange(model, *whole_modules(model, sums, level), level, above)
    if len(board.cards) > max_cards:
        board = _cut(board, model, max_cards)
    stale = [node.name or node.derived for node in model.nodes if "stale" in node.flags]
    captions = ([sentence(stale)] if stale else []) + ([board.caption] if board.caption else [])
    lines = [*(finding.words for finding in model.findings), ". ".join(captions)]
    return replace(board, caption="\n".join(filter(None, lines)) or None)


def _sums(model: GraphModel) -> list[int]:
    """For each node the node it is drawn with: inner additions without a name go with their last."""
    owner = list(range(len(model.nodes)))
    uses = Counter(edge.src for edge in model.edges)
    user = {edge.src: edge.dst for edge in model.edges}
    for inner in reversed(model.nodes):
        if (
            inner.op != "add"
            or inner.name is not None
            or uses[inner.id] != 1
            or not POINTED_AT.isdisjoint(inner.flags)
        ):
            continue
        outer = model.nodes[user[inner.id]]
        if outer.op == "add" and outer.scope == inner.scope and outer.value.shape == inner.value.shape:
            owner[inner.id] = owner[outer.id]
    return owner


def _arrange(
    model: GraphModel, owner: list[int], whole: set[int], depth: int | None, above: float | None
) -> Board:
    members: dict[int, list[NodeModel]] = {}
    for node in model.nodes:
        members.setdefault(owner[node.id], []).append(node)
    inset = set() if above is None else _insets(model, owner, whole, len(members) > above)
    rows: dict[int, list[NodeModel]] = {}
    before: dict[int, list[NodeModel]] = {}
    after: dict[int, list[NodeModel]] = {}
    home: dict[int, set[tuple[str, ...]]] = {}
    links: dict[tuple[int, ...], Link] = {}
    for edge in model.edges:
        src, dst = owner[edge.src], owner[edge.dst]
        home.setdefault(edge.src, set()).add(path(model.nodes[dst].scope))
        if edge.src in inset:
            leaf = model.nodes[edge.src]
            plain = leaf.role == "constant" and leaf.value.item is not None and len(members[dst]) == 1
            place = (after if edge.arg else before) if plain else rows
            if leaf not in place.setdefault(dst, []) and not (dst in whole and leaf.role == "constant"):
                place[dst].append(leaf)
        elif src != dst:
            place_of = (src, dst) if dst in whole else (src, dst, edge.dst, edge.arg)
            held = links.setdefault(place_of, Link(src, dst, edge.local, edge.flags))
            if held.flags != edge.flags:
                links[place_of] = replace(held, flags=tuple(dict.fromkeys(held.flags + edge.flags)))
    cards = []
    for i, nodes in members.items():
        if i in inset:
            continue
        node, operations = model.nodes[i], sum(member.op is not None for member in nodes)
        scope = path(node.scope)
        if node.role in LEARNED and len(home.get(i, ())) == 1:
            (scope,) = home[i]
        module = ".".join(scope[:depth]) if i in whole else None
        flags = dict.fromkeys(f for member in nodes for f in member.flags)
        cards.append(
            Card(
                node, tuple(rows.get(i, ())), scope[: depth - 1] if depth and module else scope,
                operations, module,
                ("Σ",) if operations > 1 and not module else tuple(
                    dict.fromkeys(member.symbol for member in nodes if member.symbol)
                ), tuple(flags), tuple(before.get(i, ())), tuple(after.get(i, ())),
                tuple(member.id for member in nodes),
            )
        )  # fmt: skip
    cards.sort(key=lambda card: card.id)
    user = {edge.src: owner[edge.dst] for edge in model.edges if edge.src in inset}
    unused = tuple(Card(node, (), (), 0, flags=node.flags) for node in model.unused)
    owner = [*owner, *(card.id for card in unused)]
    detached = tuple(Link(owner[a], user.get(b, owner[b]), None, ("detached",)) for a, b in model.detached)
    return Board(
        tuple(cards), tuple(links.values()), dict(model.modules),
        *_words(cards, len(whole), len(inset), depth), detached=detached, unused=unused,
    )  # fmt: skip


def _insets(model: GraphModel, owner: list[int], whole: set[int], always: bool) -> set[int]:
    """The leaves to draw as rows: learned ones and constants with one user, and inputs beside a result."""
    users: dict[int, list[int]] = {}
    for edge in model.edges:
        users.setdefault(edge.src, []).append(owner[edge.dst])
    anchored = {  # cards that keep an arrow: from an operation, or from a leaf that others use too
        owner[edge.dst] for edge in model.edges
        if owner[edge.src] != owner[edge.dst]
        and (model.nodes[edge.src].op is not None or len(users[edge.src]) > 1)
    }  # fmt: skip
    found = set()
    for node in model.nodes:
        cards = users.get(node.id, [])
        if node.op is not None or not cards or not POINTED_AT.isdisjoint(node.flags):
            continue
        single = len(cards) == 1 or (cards[0] in whole and len(set(cards)) == 1)
        wanted = always or cards[0] in whole or node.role == "constant"
        if single and wanted and (node.role in LEARNED or cards[0] in anchored):
            found.add(node.id)
    return found


def _words(cards: list[Card], modules: int, insets: int, depth: int | None) -> tuple[tuple[str, ...]]:
    words = []
    if sums := sum(card.operations > 1 and not card.module for card in cards):
        words.append(f"{sums} chain{'s' * (sums > 1)} of + drawn as Σ")
    if modules:
        operations = sum(card.operations for card in cards if card.module)
        words.append(f"{operations} operations folded into {modules} modules (depth {depth})")
    if insets:
        words.append(
            f"{insets} leaves drawn inside the card that uses them"
            if insets > 1
            else "1 leaf drawn inside its card"
        )
    return (tuple(words),)


def _cut(board: Board, model: GraphModel, max_cards: int) -> Board:
    """Keep the cards nearest to the root and to what is highlighted; one more card stands for the rest."""
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
    shown = sum(max(1, card.operations) + len((*card.insets, *card.before, *card.after)) for card in cards)
    omitted = len(model.nodes) - shown
    sentence = (
        f"{grouped(len(model.nodes))} nodes: the {grouped(shown)} nearest to the output are drawn, "
        f"{grouped(omitted)} are left out"
    )
    return Board(
        cards, tuple(link for link in board.links if link.src in kept and link.dst in kept), board.modules,
        (*board.folded, sentence), omitted,
        tuple(card.id for card in cards if any(x not in kept for x in operands.get(card.id, ()))), sentence,
        board.rows, tuple(link for link in board.detached if link.src in kept and link.dst in kept), board.unused,
    )  # fmt: skip


def grouped(n: int) -> str:
    """`9 412`: digits in threes, with a narrow space that does not break."""
    return f"{n:,}".replace(",", "\u202f")
