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

from tinygrad_edu.render.folding import wording
from tinygrad_edu.render.folding.board import Board, Card, Link, grouped
from tinygrad_edu.render.graph.flags import look_of
from tinygrad_edu.render.graph.model import NodeModel
from tinygrad_edu.render.layout.dot import boxes, goes_down
from tinygrad_edu.render.look.style import CLIP, Palette, clean

BREAK = "<br/>"
# All signs that may mean something: not brackets and commas, nor the point of 0.5.
SIGNS = re.compile(r"(?<![0-9])\.|\.(?![0-9])|[!\"#$%&'*+\-/:;<=>?@\[\\\]^_`{|}~]")
# What is read even so: \n as a line break, $$ as a formula, and ﬂ° as the start of an entity, in its own shorthand.
READ = (("\\", "∖"), ("$$", "$\u2060$"), ("ﬂ", "fl"))


def mermaid(
    board: Board, palette: Palette, *, title: str | None = None, rankdir: str = "auto", local: bool = False
) -> str:
    """Write a board as a Mermaid flowchart; `local` puts ∂head/∂tail on the arrows."""
    out = [f"---\ntitle: {_scalar(title)}\n---"] if title else []
    out.append(f"flowchart {'TB' if goes_down(board, rankdir) else 'LR'}")
    out += _groups(board)
    out += [_card(card, board) for card in board.unused]
    red = [i for i, link in enumerate(board.links) if "tainted" in link.flags]
    out += [_arrow(link, local) for link in board.links]
    out += [f"n{link.src} -.->|{label('✂ detach')}| n{link.dst}" for link in board.detached]
    if board.stubs:
        out.append(f"rest[{label(f'… {grouped(board.omitted)} more nodes')}]:::omitted")
        out += [f"rest -.-> n{i}" for i in board.stubs]
    if red:
        out.append(f"linkStyle {','.join(map(str, red))} stroke:{palette.bad},stroke-width:2px")
    return "\n".join([*out, *_classes(board, palette), ""])


def _classes(board: Board, palette: Palette) -> Iterator[str]:
    """How the roles look, and what is pointed at."""
    cards = (*board.cards, *board.unused)
    occurring = {card.node.role for card in cards} | ({"omitted"} if board.stubs else set())
    for role, look in palette.roles.items():
        if role in occurring:
            dashed = ",stroke-dasharray:5 3" if look.dashed else ""
            yield f"classDef {role} fill:{look.fill},stroke:{look.border},color:{palette.ink}{dashed}"
    for name, style, those in (
        ("bad", f"fill:{palette.bad_fill},stroke:{palette.bad},stroke-width:3px",
         [card for card in cards if look_of(card.flags) == "bad"]),
        ("tainted", f"fill:{palette.pale},stroke:{palette.bad}",
         [card for card in cards if look_of(card.flags) == "tainted"]),
        ("highlight", f"stroke:{palette.accent},stroke-width:3px",
         [card for card in cards if "highlight" in card.flags]),
    ):  # fmt: skip
        if those:
            yield f"classDef {name} {style}"
            yield f"class {','.join(f'n{card.id}' for card in those)} {name}"


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
    count = 0
    for item in boxes(board, True):
        if item is None:
            yield "end"
        elif isinstance(item, Card):
            yield _card(item, board)
        else:
            kind = board.modules.get(".".join(item))
            yield f"subgraph m{count} [{label(f'{item[-1]}  {kind}' if kind else item[-1])}]"
            count += 1


def _card(card: Card, board: Board) -> str:
    return f"n{card.id}[{label(*_lines(card, board))}]:::{card.node.role}"


def _lines(card: Card, board: Board) -> Iterator[str]:
    """The name with the operation, the value, the gradient, and a line for each leaf inside."""
    operation = " ".join(wording.symbols(card, board.modules))
    name = " ".join(filter(None, (clean(wording.headline(card)), wording.tag(card))))
    yield f"{operation} │ {name}" if operation else name
    yield from _numbers(card, card.node, board)
    scope = tuple(card.module.split(".")) if card.module else card.scope
    for leaf in card.insets:
        words = f"{wording.role(leaf)} {clean(wording.title(leaf, scope))}"
        yield " · ".join([words, *_numbers(card, leaf, board)])


def _numbers(card: Card, node: NodeModel, board: Board) -> Iterator[str]:
    value, gradient = wording.said(card, node)
    bars = wording.histogram(node.value) if card.repeats is None else ""
    if "value" in board.rows:
        yield f"{bars or 'value'} {value}"
    if "grad" in board.rows and node.requires_grad:
        yield f"{wording.gradient_label(node)} {gradient}"


def _arrow(link: Link, local: bool) -> str:
    said = wording.factor(link.local) if local and link.local is not None else wording.arrow(link)
    return f"n{link.src} -->{f'|{label(said)}|' if said else ''} n{link.dst}"
