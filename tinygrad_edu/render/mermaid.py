"""A board as Mermaid, the language of flowcharts that forges and wikis draw inside their pages.

    flowchart LR
    n0["x₁<br/>value 2<br/>grad −1.5"]:::input
    n0 --> n2

Mermaid has no rows and columns, so a card is a few centred lines. In a quoted label its parser still looks for
entities, directives, lists, emphasis and formulas; so the signs of ASCII are written as `#code;`, which it turns into
those signs at the very end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tinygrad_edu.render import wording
from tinygrad_edu.render.dot import goes_down
from tinygrad_edu.render.fold import Board, Card, Link
from tinygrad_edu.render.model import NodeModel
from tinygrad_edu.render.style import CLIP, Palette, clean

BREAK = "<br/>"
# All signs that may mean something: not brackets and commas, nor the point of 0.5.
SIGNS = re.compile(r"(?<![0-9])\.|\.(?![0-9])|[!\"#$%&'*+\-/:;<=>?@\[\\\]^_`{|}~]")
# What is read even so: \n as a line break, $$ as a formula, and ﬂ° as the start of an entity, in its own shorthand.
READ = (("\\", "∖"), ("$$", "$\u2060$"), ("ﬂ", "fl"))
TREE = tuple[list[Card], dict[str, "TREE"]]  # the cards of a module, and the modules in it


def mermaid(
    board: Board, palette: Palette, *, title: str | None = None, rankdir: str = "auto", local: bool = False
) -> str:
    """Write a board as a Mermaid flowchart; `local` puts ∂head/∂tail on the arrows."""
    out = [f"---\ntitle: {_scalar(title)}\n---"] if title else []
    out.append(f"flowchart {'TB' if goes_down(board, rankdir) else 'LR'}")
    out += _groups(board)
    out += [_edge(link, local) for link in board.links]
    if board.stubs:
        out.append(f'rest["… {board.omitted} more nodes"]:::omitted')
        out += [f"rest -.-> n{i}" for i in board.stubs]
    occurring = {card.node.role for card in board.cards} | ({"omitted"} if board.stubs else set())
    out += [f"classDef {role} {_look(role, palette)}" for role in palette.roles if role in occurring]
    bad = [f"n{card.id}" for card in board.cards if not {"nonfinite", "wrong"}.isdisjoint(card.flags)]
    marked = [f"n{card.id}" for card in board.cards if "highlight" in card.flags]
    for cards, name, border, fill in (
        (bad, "bad", palette.bad, f"fill:{palette.bad_fill},"), (marked, "highlight", palette.accent, ""),
    ):  # fmt: skip
        if cards:
            out += [
                f"classDef {name} {fill}stroke:{border},stroke-width:3px",
                f"class {','.join(cards)} {name}",
            ]
    return "\n".join([*out, ""])


def label(*lines: str) -> str:
    """Lines of text as a quoted label that Mermaid takes for nothing but text."""
    return f'"{BREAK.join(_harmless(line) for line in lines)}"'


def _harmless(line: str) -> str:
    line = clean(line, 2 * CLIP)
    for read, instead in READ:
        line = line.replace(read, instead)
    return SIGNS.sub(lambda found: f"#{ord(found[0])};", line) or "#160;"


def _scalar(title: str) -> str:
    """A title as a string of YAML, which has no entities, but escapes."""
    words = SIGNS.sub(lambda found: f"\\u{ord(found[0]):04x}", clean(title, 200))
    return f'"{words}"'


def _groups(board: Board) -> Iterator[str]:
    """The cards, with a subgraph around those of a module."""
    tree: TREE = ([], {})
    for card in board.cards:
        place = tree
        for part in card.scope:
            place = place[1].setdefault(part, ([], {}))
        place[0].append(card)
    stack: list[tuple[tuple[str, ...], TREE] | None] = [((), tree)]
    count = 0
    while stack:
        item = stack.pop()
        if item is None:
            yield "end"
            continue
        scope, (cards, children) = item
        if scope:
            kind = board.modules.get(".".join(scope))
            yield f"subgraph m{count} [{label(f'{scope[-1]}  {kind}' if kind else scope[-1])}]"
            count += 1
            stack.append(None)
        for card in cards:
            yield f"n{card.id}[{label(*_lines(card, board))}]:::{card.node.role}"
        stack += [((*scope, name), child) for name, child in reversed(children.items())]


def _lines(card: Card, board: Board) -> Iterator[str]:
    """The name with the operation, the value, the gradient, and a line for each leaf inside."""
    node = card.node
    operation = " ".join(wording.symbols(card, board.modules))
    name = " ".join(filter(None, (clean(wording.headline(card)), wording.tag(card))))
    yield f"{operation} │ {name}" if operation else name
    bars = wording.histogram(node.value)
    if "value" in board.rows:
        yield f"{bars or 'value'} {wording.value(node.value)}"
    if "grad" in board.rows and node.requires_grad:
        yield f"{wording.gradient_label(node)} {wording.gradient(node)}"
    scope = tuple(card.module.split(".")) if card.module else card.scope
    for leaf in card.insets:
        yield _inset(leaf, scope, board)


def _inset(leaf: NodeModel, scope: tuple[str, ...], board: Board) -> str:
    said = [f"{wording.role(leaf)} {clean(wording.title(leaf, scope))}"]
    said += [wording.value(leaf.value)] if "value" in board.rows else []
    if "grad" in board.rows and leaf.requires_grad:
        said.append(f"{wording.gradient_label(leaf)} {wording.gradient(leaf)}")
    return " · ".join(said)


def _edge(link: Link, local: bool) -> str:
    words = f"|{label(wording.factor(link.local))}|" if local and link.local is not None else ""
    return f"n{link.src} -->{words} n{link.dst}"


def _look(role: str, palette: Palette) -> str:
    look = palette.roles[role]
    dashed = ",stroke-dasharray:5 3" if look.dashed else ""
    return f"fill:{look.fill},stroke:{look.border},color:{palette.ink}{dashed}"
