"""Arrange: from what is drawn with what to the cards and the links of a board."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tinygrad_edu.render.folding.board import Board, Card, Link, topological
from tinygrad_edu.render.folding.insets import insets, rows_of
from tinygrad_edu.render.folding.modules import path
from tinygrad_edu.render.folding.repeats import Group, described
from tinygrad_edu.render.folding.units import LEARNED
from tinygrad_edu.render.graph.model import EdgeModel, GraphModel, NodeModel


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn with what."""

    owner: Sequence[int]  # for each node the node whose card it is on
    modules: Collection[int] = ()  # the nodes that stand for a module
    depth: int | None = None  # of these modules
    groups: Mapping[int, Group] = field(default_factory=dict)  # the nodes that stand for equal parts
    views: Mapping[int, str] = field(default_factory=dict)  # what the arrows from these nodes say


def rows(model: GraphModel, plan: Plan, above: float | None) -> set[int]:
    """The leaves that are drawn as rows, if there are more cards than `above`; None: never."""
    whole = {*plan.modules, *plan.groups}
    always = above is not None and len(set(plan.owner)) > above
    found = insets(model, plan.owner, whole, always, plan.groups)
    if above is None:  # but for those that equal parts have each for themselves
        found &= {i for group in plan.groups.values() for leaves in group.leaves for i in leaves}
    return found


def count(model: GraphModel, plan: Plan, above: float | None) -> int:
    """How many cards there will be."""
    return len(set(plan.owner)) - len(rows(model, plan, above))


def arrange(model: GraphModel, plan: Plan, above: float | None) -> Board:
    """Put a plan on a board; more cards than `above`, and leaves are drawn as rows of their user, None: never."""
    members: dict[int, list[NodeModel]] = {}
    for node in model.nodes:
        members.setdefault(plan.owner[node.id], []).append(node)
    whole = {*plan.modules, *plan.groups}
    single = {i for i, nodes in members.items() if sum(node.id not in plan.views for node in nodes) == 1}
    inset = rows(model, plan, above)
    leaves: dict[int, dict[int, NodeModel]] = {}
    sides: dict[int, tuple[list[NodeModel], list[NodeModel]]] = {}
    home: dict[int, set[tuple[str, ...]]] = {}
    arrows: dict[tuple[int | str, ...], list[EdgeModel]] = {}
    for edge in model.edges:
        src, dst = plan.owner[edge.src], plan.owner[edge.dst]
        home.setdefault(edge.src, set()).add(path(model.nodes[dst].scope))
        if edge.src in inset:
            leaf = model.nodes[edge.src]
            if leaf.role == "constant" and leaf.value.item is not None and dst in single:
                sides.setdefault(dst, ([], []))[bool(edge.arg)].append(leaf)
            else:
                leaves.setdefault(dst, {})[leaf.id] = leaf
        elif src != dst:
            joined = src in plan.groups or dst in whole
            place = (src, dst, plan.views.get(edge.src, ""))
            arrows.setdefault(place if joined else (*place, edge.dst, edge.arg), []).append(edge)
    part = {i: k for group in plan.groups.values() for k, nodes in enumerate(group.parts) for i in nodes}
    links = [_link(edges, plan, part) for edges in arrows.values()]
    around = Counter(
        scope[:k] for node in model.nodes if node.op
        for scope in [path(node.scope)] for k in range(1, len(scope) + 1)
    )  # fmt: skip
    cards = {}
    for i, nodes in members.items():
        if i in inset:
            continue
        before, after = (tuple(dict.fromkeys(side)) for side in sides.get(i, ((), ())))
        card = Card(
            model.nodes[i], tuple(leaves.get(i, {}).values()), path(model.nodes[i].scope),
            sum(member.op is not None and member.id not in plan.views for member in nodes),
            flags=tuple(dict.fromkeys(f for member in nodes for f in member.flags)),
            before=before, after=after, members=tuple(member.id for member in nodes),
            within=tuple(dict.fromkeys((*leaves.get(i, ()), *(leaf.id for leaf in (*before, *after))))),
        )  # fmt: skip
        if i in plan.groups:
            card = _of_repeats(card, model, plan, around)
        elif i in plan.modules:
            card = _of_module(card, nodes, plan.depth or 1)
        elif card.operations > 1:
            card = replace(card, symbols=("Σ",))
        else:
            if card.node.role in LEARNED and len(home.get(i, ())) == 1:
                card = replace(card, scope=next(iter(home[i])))
            card = replace(card, symbols=(card.node.symbol,) if card.node.symbol else ())
        cards[i] = card
    order = topological(cards, ((link.src, link.dst) for link in links))
    user = {edge.src: plan.owner[edge.dst] for edge in model.edges if edge.src in inset}
    unused = tuple(Card(node, (), (), 0, flags=node.flags) for node in model.unused)
    owner = [*plan.owner, *(card.id for card in unused)]
    detached = tuple(Link(owner[a], user.get(b, owner[b]), None, ("detached",)) for a, b in model.detached)
    return Board(
        tuple(cards[i] for i in order), tuple(links), dict(model.modules),
        _words(cards.values(), plan, len(inset)), detached=detached, unused=unused,
    )  # fmt: skip


def _link(edges: Sequence[EdgeModel], plan: Plan, part: Mapping[int, int]) -> Link:
    """The arrow for all edges between two cards; of equal parts it says how many of them have one."""
    first = edges[0]
    src, dst = plan.owner[first.src], plan.owner[first.dst]
    count = len({(part.get(edge.src), part.get(edge.dst)) for edge in edges})
    flags = tuple(dict.fromkeys(flag for edge in edges for flag in edge.flags))
    alone = count == 1 and not {src, dst} & plan.groups.keys()
    return Link(src, dst, first.local if alone else None, flags, plan.views.get(first.src, ""), count)


def _of_module(card: Card, nodes: Sequence[NodeModel], depth: int) -> Card:
    return replace(
        card, insets=tuple(leaf for leaf in card.insets if leaf.role != "constant" or leaf.flags),
        scope=card.scope[: depth - 1], module=".".join(card.scope[:depth]), symbols=_symbols(nodes),
    )  # fmt: skip


def _of_repeats(card: Card, model: GraphModel, plan: Plan, around: Counter[tuple[str, ...]]) -> Card:
    group = plan.groups[card.id]
    rows, stacks = rows_of(model, card.insets, group)
    first = [model.nodes[i] for i in group.parts[0] if i not in plan.views]
    size, scope = sum(len(part) for part in group.parts), card.scope
    while scope and around[scope] <= size:  # a box around this card alone would only repeat its title
        scope = scope[:-1]
    while scope and any(
        path(model.nodes[i].scope)[: len(scope)] != scope for i in card.members if model.nodes[i].op
    ):
        scope = scope[:-1]
    repeats = described(model, group, stacks, sum(node.op is not None for node in first))
    return replace(
        card, insets=tuple(rows), scope=scope, symbols=_symbols(first), repeats=repeats,
        flags=tuple(dict.fromkeys((*card.flags, *repeats.where))),
    )  # fmt: skip


def _symbols(nodes: Sequence[NodeModel]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(node.symbol for node in nodes if node.symbol))


def _words(cards: Collection[Card], plan: Plan, inset: int) -> tuple[str, ...]:
    words = []
    if sums := sum(card.operations > 1 and not card.module and not card.repeats for card in cards):
        words.append(f"{sums} chain{'s' * (sums > 1)} of + drawn as Σ")
    if plan.views:
        count = len(plan.views)
        words.append(f"{count} change{'s' * (count > 1)} of shape written on the arrows")
    for repeats in (card.repeats for card in cards if card.repeats):
        each = f"{repeats.operations} operation{'s' * (repeats.operations != 1)} each"
        words.append(f"{repeats.title}: {repeats.count} equal parts of {each} drawn as one card")
    if plan.modules:
        operations = sum(card.operations for card in cards if card.module)
        words.append(f"{operations} operations folded into {len(plan.modules)} modules (depth {plan.depth})")
    if inset:
        words.append(
            f"{inset} leaves drawn inside the card that uses them"
            if inset > 1
            else "1 leaf drawn inside its card"
        )
    return tuple(words)
