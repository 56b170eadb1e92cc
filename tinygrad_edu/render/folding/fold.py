"""Folding: from the nodes of a graph to the cards of a picture.

Drawn node for node, a small network has nearly twice as many shapes as there is something to say, and a large one has
no layout at all. So, in this order,

1. chains of `+` become one Σ, and in all but small pictures changes of shape become words on an arrow;
2. equal parts of the graph become one card, `blocks.0 … blocks.11`, with a bar for each of them;
3. a module becomes one card, when a depth is given or the graph is large, the deepest first;
4. a leaf that one card alone uses becomes a row inside that card, and a plain number a part of its chip;
5. what is still too much for a layout is cut off, and the picture says how much.

Every step is O(nodes + edges), what it did is reported in words, and no node that is pointed at disappears: the card
that stands for it says so, and where it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Literal

from tinygrad_edu.render.folding.arrange import Plan, arrange, count
from tinygrad_edu.render.folding.board import Board, Card, Link, Repeats, grouped
from tinygrad_edu.render.folding.cut import crossings, cut
from tinygrad_edu.render.folding.modules import path, whole_modules
from tinygrad_edu.render.folding.repeats import find_repeats
from tinygrad_edu.render.folding.sums import sums, views
from tinygrad_edu.render.graph.collector import at_rest
from tinygrad_edu.render.graph.gradients import more_than_one_pass
from tinygrad_edu.render.graph.model import GraphModel, NodeModel
from tinygrad_edu.render.graph.stale import sentence
from tinygrad_edu.render.look.style import clean

__all__ = ["Board", "Card", "Expand", "Fold", "Leaves", "Link", "Repeats", "fold", "grouped"]

Leaves = Literal["auto", "cards", "inset"]
Fold = Literal["auto", True, False]
Expand = Collection[str] | Callable[[NodeModel], bool]
AUTO_INSET = 12  # more cards than this, and leaves move into their consumers, changes of shape onto arrows
READABLE = 25  # cards that are read at a glance: more, and chains of at least 4 equal parts are folded
CROWDED = 60  # more, and those of 3 are, and parts beside each other, too
TANGLED = 3000  # ranks that all links cross together: seconds for Graphviz, and minutes for six times as many
TITLES = 3  # of folded parts that a caption names


@at_rest()
def fold(
    model: GraphModel,
    *,
    depth: int | None = None,
    leaves: Leaves = "auto",
    arrows: bool = False,
    max_cards: int = 300,
    folding: Fold = "auto",
    expand: Expand = (),
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
        folding: True draws equal parts once, wherever there are two; False draws everything, however much it is;
            "auto" draws chains of 4 parts once in pictures of more than 25 cards, and above 60 cards those of 3, and
            parts beside each other.
        expand: what is not folded: modules and names, as patterns, or a function that says so of a node.
    """
    above = {"inset": 0, "cards": None, "auto": math.inf if arrows else AUTO_INSET}[leaves]
    apart = _apart(model, expand)
    owner, notes = sums(model), dict[int, str]()
    plan = _at_depth(model, Plan(owner), depth, apart)
    cards = count(model, plan, above)
    if above is not None and cards > above:
        owner, notes = views(model, owner)
        plan = _at_depth(model, Plan(owner, views=notes), depth, apart)
        cards = count(model, plan, above)
    if folding is True or (folding == "auto" and cards > READABLE):
        owner, groups = find_repeats(
            model, owner, least=2 if folding is True else 3 if cards > CROWDED else 4,
            parallel=folding is True or cards > CROWDED, apart=apart,
        )  # fmt: skip
        plan = _at_depth(model, Plan(owner, groups=groups, views=notes), depth, apart)
    if depth is None and folding is not False:
        repeated = plan
        for level in range(max((len(path(node.scope)) for node in model.nodes), default=0), 0, -1):
            if count(model, plan, above) <= max_cards:
                break
            plan = _at_depth(model, repeated, level, apart)
    board = arrange(model, plan, above)
    board = replace(board, caption=_caption(model, board))
    if folding is not False:
        whole = board
        if len(board.cards) > max_cards:
            board = cut(whole, model, max_cards)
        while crossings(board) > TANGLED and len(board.cards) > READABLE:
            board = cut(whole, model, len(board.cards) // 2)
    said = [finding.words for finding in model.findings]
    if (stale := out_of_date(model)) and stale not in said:
        said.append(stale)
    more = [node.name or node.derived for node in model.nodes if "accumulated" in node.flags]
    if more and all(finding.kind != "accumulated" for finding in model.findings):
        said.append(more_than_one_pass(more))
    urgent = "\n".join(said) or None
    return replace(board, caption="\n".join(filter(None, (urgent, board.caption))) or None, urgent=urgent)


def out_of_date(model: GraphModel) -> str | None:
    """That leaves were assigned after they had been used, and what that costs; None if none was."""
    stale = [node.name or node.derived for node in model.nodes if "stale" in node.flags]
    graded = any(node.gradient is not None for node in model.nodes)
    missing = any(
        node.requires_grad and node.op is not None and node.gradient is None for node in model.nodes
    )
    return sentence(stale, lost=graded and missing) if stale else None


def unmatched(model: GraphModel, expand: Expand) -> list[str]:
    """The patterns of what is not to be folded that mean nothing in this graph, in words."""
    patterns = [] if callable(expand) else [expand] if isinstance(expand, str) else list(expand)
    return [
        f"expand: no module and no node has a name like '{clean(each)}'"
        for each in patterns
        if not _apart(model, each)
    ]


def _apart(model: GraphModel, expand: Expand) -> set[int]:
    """The nodes that are not to be folded away."""
    if callable(expand):
        return {node.id for node in model.nodes if expand(node)}
    patterns = [expand] if isinstance(expand, str) else list(expand)
    found = set()
    for node in model.nodes if patterns else ():
        scope = path(node.scope)
        known = [".".join(scope[:k]) for k in range(1, len(scope) + 1)] + [node.name or ""]
        if any(fnmatchcase(name, pattern) for name in known for pattern in patterns):
            found.add(node.id)
    return found


def _at_depth(model: GraphModel, plan: Plan, depth: int | None, apart: set[int]) -> Plan:
    """The plan with the modules of a depth as one card each, but for those that are folded already."""
    if depth is None:
        return plan
    folded = {i for group in plan.groups.values() for part in group.parts for i in part}
    owner, modules = whole_modules(model, plan.owner, depth, apart | folded)
    views = {i: words for i, words in plan.views.items() if owner[i] not in modules}
    return replace(plan, owner=owner, modules=modules, depth=depth, views=views)


def _caption(model: GraphModel, board: Board) -> str | None:
    """What was folded, if it is equal parts: `436 nodes shown as 4 cards: blocks.0 … blocks.11 drawn once`."""
    titles = [card.repeats.title for card in board.cards if card.repeats]
    if not titles:
        return None
    what = ", ".join(titles) if len(titles) <= TITLES else f"{len(titles)} groups of equal parts"
    return f"{grouped(len(model.nodes))} nodes shown as {grouped(len(board.cards))} cards: {what} drawn once"
