"""A board as DOT: cards, the boxes of the modules around them, arrows, heading and legend.

The text depends on the board alone, byte for byte. Whatever a user wrote goes through `escape` or `quoted`,
and no attribute that could load or link to anything is ever written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from tinygrad_edu.render.folding import wording
from tinygrad_edu.render.folding.fold import Board, Card, Link, grouped
from tinygrad_edu.render.graph.flags import look_of
from tinygrad_edu.render.layout.cards import Columns, card_label, columns_of, shades
from tinygrad_edu.render.look.markup import cell, heading, legend, row, table, text
from tinygrad_edu.render.look.style import FONT, Palette, clean, quoted

BROKEN = {  # the flags that the legend explains
    "first": "first NaN or ∞", "first_backward": "gradient breaks here", "wrong": "✗ wrong derivative",
    "failed": "✗ failed",
}  # fmt: skip
LARGE = 150  # cards, from which on a good layout would take Graphviz minutes
DEEP = 3  # a graph this many times deeper than wide is drawn from top to bottom
WIDE_ENOUGH = 7  # as long as it has fewer ranks than this, it fits from left to right
HALF = 20  # letters of a label that fill half of a card, where arrows from above come in
Scope = tuple[str, ...]  # the path of a box; that of the inputs starts with ""
TREE = tuple[list[Card], dict[str, "TREE"]]  # the cards of a module, and the modules in it


def dot(
    board: Board, palette: Palette, *, title: str | None = None, subtitle: str | None = None,
    rankdir: str = "auto", local: bool = False, columns: Columns | None = None,
) -> str:  # fmt: skip
    """Write a board as DOT; `rankdir` is "LR", "TB" or "auto", `local` puts ∂head/∂tail on the arrows.

    The cards of several pictures share the `columns` that are given; by default they are those of this board.
    """
    down = goes_down(board, rankdir)
    columns = columns or columns_of(board, down)
    above = heading(palette, title, subtitle, board.caption, board.urgent)
    out = [
        "digraph tinygrad_edu {",
        f'graph [rankdir={"TB" if down else "LR"} bgcolor="{palette.paper}" fontname="{FONT}" pad=0.3 '
        f"{spacing(board, down)} outputorder=edgesfirst "
        f"labelloc=b label=<{legend(palette, **legend_entries(board))}>{effort(board)}]",
        f'node [shape=box style="rounded,filled" margin="0.075,0.055" fontname="{FONT}"]',
        f'edge [color="{palette.line}" penwidth=1.1 arrowsize=0.7 fontname="{FONT}" fontsize=9 '
        f'fontcolor="{palette.gradient}" {ports(down)}]',
    ]
    label = f" labelloc=t labeljust=l label=<{above}>" if above else ' label=""'
    out.append(f"subgraph cluster_all {{ graph [peripheries=0 margin=11{label}]")
    out += _groups(board, palette, columns, down)
    broken = any("backward" in card.flags for card in board.cards)
    out += [_edge(link, local, palette, broken) for link in board.links]
    out += _unreached(board, palette, columns)
    if board.stubs:
        out.append(_rest(board, palette))
    return "\n".join([*out, "}}", ""])


def goes_down(board: Board, rankdir: str) -> bool:
    """Whether the arrows go from top to bottom."""
    return (rankdir == "auto" and _is_deep(board)) or rankdir == "TB"


def spacing(board: Board, down: bool) -> str:
    """The gaps between cards, and between ranks of them."""
    gap = (0.6 if max(Counter(_ranks(board).values()).values()) > 1 else 0.35) if down else 0.5
    return f"nodesep={0.3 if down else 0.22} ranksep={gap}"


def effort(board: Board) -> str:
    """How hard Graphviz is to try."""
    return " nslimit=1 nslimit1=1" if len(board.cards) > LARGE else ""


def ports(down: bool) -> str:
    """Where arrows leave a card, and where they reach one: fans instead of spaghetti."""
    return "tailport=s headport=n" if down else "tailport=e headport=w"


def _ranks(board: Board) -> dict[int, int]:
    """How many arrows lead to a card at most."""
    operands: dict[int, list[int]] = {}
    for link in board.links:
        operands.setdefault(link.dst, []).append(link.src)
    ranks: dict[int, int] = {}
    for card in board.cards:
        ranks[card.id] = max((1 + ranks[i] for i in operands.get(card.id, ())), default=0)
    return ranks


def _is_deep(board: Board) -> bool:
    widths = Counter(_ranks(board).values())
    return len(widths) > WIDE_ENOUGH and len(widths) > DEEP * max(widths.values())


def legend_entries(board: Board) -> dict[str, Any]:
    """What occurs on a board, for its legend: the arguments of `markup.legend`."""
    nodes = [node for card in board.cards for node in (card.node, *card.insets)]
    compared = [flag for flag in ("added", "removed") if any(flag in node.flags for node in nodes)]
    plain = [
        card.node for card in board.cards if not look_of(card.flags)
    ]  # the others have colours of their own
    plain += [node for card in board.cards for node in card.insets]
    occurring = {node.role for node in plain if not set(node.flags).intersection(compared)}
    graded = [node for node in nodes if node.gradient is not None and "grad" in board.rows]
    return {
        "roles": [role for role in wording.ROLES if role in occurring],
        "chip": any(card.operations for card in board.cards),
        "value": "value" in board.rows,
        "gradient": bool(graded),
        "broken": [words for flag, words in BROKEN.items() if any(flag in card.flags for card in board.cards)],
        "compared": compared,
        "tainted": any(look_of(card.flags) == "tainted" for card in board.cards),
        "scale": shades(board, graded),
    }  # fmt: skip


def boxes(board: Board, down: bool) -> Iterator[Card | Scope | None]:
    """What is written in turn: a scope as its box opens, a card, None as a box closes.

    There is a box for each module, and one for the inputs if there is any other. Graphviz puts what is written first
    at the top; but from left to right, and within a cluster, at the bottom.
    """
    inputs = [card for card in board.cards if card.node.role == "input" and not card.scope]
    boxed = any(card.scope for card in board.cards) and len(inputs) > 1
    tree: TREE = ([], {})
    for card in board.cards if down else reversed(board.cards):
        place = tree
        for part in ("", "inputs") if boxed and card in inputs else card.scope:
            place = place[1].setdefault(part, ([], {}))
        place[0].append(card)
    stack: list[tuple[Scope, TREE] | None] = [((), tree)]
    while stack:
        item = stack.pop()
        if item is None:
            yield None
            continue
        scope, (cards, children) = item
        if scope and scope != ("",):
            yield scope
            stack.append(None)
        yield from cards
        stack += [((*scope, name), child) for name, child in reversed(children.items())]


def _groups(board: Board, palette: Palette, columns: Columns, down: bool) -> list[str]:
    """The cards, with a box around those of a module, and one around the inputs."""
    out: list[str] = []
    count = 0
    for item in boxes(board, down):
        if item is None:
            out.append("}")
        elif isinstance(item, Card):
            out.append(_node(item, board, palette, columns))
        else:
            level = 0 if item[0] == "" else len(item) - 1
            label = _group_label(item, board, palette, down)
            out.append(
                f'subgraph cluster_{count} {{ graph [style="rounded,filled" peripheries=1 '
                f'pencolor="{palette.group_border}" '
                f'fillcolor="{palette.groups[level % 2]}" margin={10 if down else 9} labelloc=t labeljust=l '
                f"label=<{label}> tooltip={quoted('.'.join(filter(None, item)))}]"
            )
            count += 1
    return out


def _group_label(scope: tuple[str, ...], board: Board, palette: Palette, down: bool) -> str:
    """The name of a box and the kind of module; from top to bottom in lines that end left of the arrow into it."""
    name = text(scope[-1], 11, palette.dim, bold=True)
    kind = clean(board.modules.get(".".join(scope), ""))
    if not down or len(scope[-1]) + len(kind) <= HALF:
        lines = [name + (text("  " + kind, 9, palette.dim) if kind else "")]
    else:
        lines = [name, *(text(line, 9, palette.dim) for line in wrap(kind, HALF, break_long_words=False))]
    return table(*(row(cell(line, align="LEFT", cellpadding=1)) for line in lines))


def _node(card: Card, board: Board, palette: Palette, columns: Columns) -> str:
    node = card.node
    look = palette.roles[node.role]
    border, fill, width = look.border, look.fill, look.width
    dashed = look.dashed or not {"unused", "removed"}.isdisjoint(card.flags)
    out = look_of(card.flags)
    if "added" in card.flags:
        border, fill, width = palette.roles["output"].border, palette.roles["output"].fill, 2.2
    elif "removed" in card.flags:
        border, fill = palette.roles["omitted"].border, palette.roles["omitted"].fill
    elif out == "bad":
        border, fill, width = palette.bad, palette.bad_fill, 3.0
    elif out:
        border, fill, width = palette.bad, palette.pale, 1.2
    if "highlight" in card.flags:
        border, width = palette.accent, 3.0
    style = "rounded,filled,dashed" if dashed else "rounded,filled"
    return (
        f'n{card.id} [class="{node.role}" style="{style}" fillcolor="{fill}" color="{border}" '
        f"penwidth={width} "
        f"tooltip={quoted(_tooltip(card))} label=<{card_label(card, board, palette, columns)}>]"
    )


def _tooltip(card: Card) -> str:
    node = card.node
    name = node.name if node.name is not None else node.derived
    made = f" = {node.op}" if node.op else ""
    return f"{clean(name, 700)}{made}, value {wording.node_value(node)}, gradient {wording.gradient(node)}"


def _edge(link: Link, local: bool, palette: Palette, broken: bool) -> str:
    """An arrow; a red one where NaN goes on, and back along a red one where the gradient has broken."""
    attributes = []
    if local and link.local is not None:
        attributes.append(f'label="{wording.factor(link.local)}"')
    elif said := wording.arrow(link):
        attributes.append(f'label={quoted(said)} fontcolor="{palette.dim}"')
    back = broken and "gradient" in link.flags
    if "added" in link.flags:
        attributes.append(f'color="{palette.roles["output"].border}" penwidth=2.2')
    elif "removed" in link.flags:
        attributes.append("style=dashed")
    elif "tainted" in link.flags or back:
        attributes.append(f'color="{palette.bad}" penwidth=2.2{" dir=back" * ("tainted" not in link.flags)}')
    return f"n{link.src}->n{link.dst}" + (f" [{' '.join(attributes)}]" if attributes else "")


def _unreached(board: Board, palette: Palette, columns: Columns) -> list[str]:
    """Dotted arrows where a value goes on without its gradient, and parameters that lead nowhere."""
    out = []
    if board.unused:
        label = table(row(cell(text("no path to the output", 11, palette.dim, bold=True), cellpadding=1)))
        out.append(
            f'subgraph cluster_unused {{ graph [style="rounded,dashed" peripheries=1 pencolor="{palette.group_border}" '
            f"margin=9 labelloc=t labeljust=l label=<{label}>]"
        )
        out += [*(_node(card, board, palette, columns) for card in board.unused), "}"]
    for link in board.detached:
        free = " constraint=false" if link.dst < link.src < board.cards[-1].id else ""
        out.append(
            f'n{link.src}->n{link.dst} [style=dotted penwidth=1.8 label=" ✂ detach "{free} color="{palette.dim}" '
            f'fontcolor="{palette.dim}"]'
        )
    return out


def _rest(board: Board, palette: Palette) -> str:
    look = palette.roles["omitted"]
    words = text(f"… {grouped(board.omitted)} more nodes", 11, look.tag, bold=True)
    links = "".join(f"\nrest->n{i} [style=dashed]" for i in board.stubs)
    return (
        f'rest [style="rounded,filled,dashed" fillcolor="{look.fill}" color="{look.border}" '
        f"label=<{words}> margin=0.15]{links}"
    )
