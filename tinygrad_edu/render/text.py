"""The graph as text: for terminals, for readers who cannot see the picture, and for notebooks without one.

    o = tanh(n)              value 0.7071    grad 1
      n = x₁·w₁ + x₂·w₂ + b  value 0.8814    grad 0.5

An operand stands below its user, further in. What is used again is written out once, and referred to by name.
"""

from __future__ import annotations

from tinygrad_edu.render.folding import profile, wording
from tinygrad_edu.render.folding.fold import Board, Card, Repeats
from tinygrad_edu.render.graph.model import NodeModel
from tinygrad_edu.render.look.style import NOT_COMPUTED, clean, lines_of, shape

LINES = 400  # after that, the outline says how much is left
INDENT = 40  # levels; deeper ones stay there and carry their number


def outline(board: Board, *, title: str | None = None, subtitle: str | None = None) -> str:
    """The cards as an indented table, from the root down."""
    cards = {card.id: card for card in board.cards}
    operands: dict[int, list[int]] = {}
    for link in board.links:
        operands.setdefault(link.dst, []).append(link.src)
    lines: list[tuple[str, str, str, str]] = []
    written: set[int] = set()
    stack = [(board.cards[-1].id, 0)]
    while stack and len(lines) < LINES:
        i, depth = stack.pop()
        card = cards[i]
        inside = operands.get(i, [])
        again = i in written and bool(inside)
        lines.append(_line(card, depth, "  (above)" if again else ""))
        if again or i in written:
            continue
        written.add(i)
        lines += [_leaf(node, depth + 1, card) for node in card.insets]
        stack += [(operand, depth + 1) for operand in reversed(inside)]
    lines += [_line(card, 0, "  (no path to the output)") for card in board.unused]
    value, grad = ("value" in board.rows, "grad" in board.rows)
    lines = [(name, kind, v if value else "", g if grad else "") for name, kind, v, g in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [
        "  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True) if width).rstrip()
        for line in lines
    ]
    said = (title, subtitle, *lines_of(board.caption))
    head = [clean(words, 200) for words in said if words]
    rest = [f"… {len(cards) - len(written)} more cards"] if stack else []
    return "\n".join([*head, *([""] if head else []), *table, *rest, ""])


def _line(card: Card, depth: int, note: str) -> tuple[str, str, str, str]:
    node = card.node
    name = clean(
        wording.headline(card) if card.module is not None or card.repeats is not None else wording.title(node)
    )
    if card.module is not None:
        name += f"  [module, {card.operations} operation{'s' * (card.operations != 1)}]"
    elif card.repeats is not None:
        return _repeats(card, card.repeats, name + note, depth)
    elif node.op is not None and name != node.derived:
        name += f" = {clean(node.derived)}"
    if (remark := wording.mark(card)) and "unused" not in card.flags:  # which the note says
        name += f"  {remark}"
    return _columns(node, name + note, depth)


def _repeats(card: Card, repeats: Repeats, name: str, depth: int) -> tuple[str, str, str, str]:
    """Equal parts: bars for all of them, and the first and the last in words."""
    value, gradient = wording.said(card, card.node)
    first, kind, _, graded = _columns(card.node, f"{name}  [×{repeats.count}: {wording.tag(card)}]", depth)
    if remark := wording.mark(card):
        first += f"  {remark}"
    said = f"{profile.label(repeats)} {profile.bars(profile.spreads(repeats))} {value}"
    words = f"{wording.gradient_label(card.node)} {profile.bars(profile.gradients(repeats))} {gradient}"
    return first, kind, said, words if graded else ""


def _leaf(node: NodeModel, depth: int, card: Card) -> tuple[str, str, str, str]:
    scope = (
        tuple(card.module.split(".")) if card.module else ()
    )  # there are no boxes here that would say the rest
    line = _columns(node, clean(wording.title(node, scope)), depth)
    if card.repeats is None or node.id not in card.repeats.stacked:
        return line
    value, gradient = wording.said(card, node)
    return line[0], line[1], f"value {value}", f"|grad| {gradient}" if line[3] else ""


def _columns(node: NodeModel, name: str, depth: int) -> tuple[str, str, str, str]:
    indent = "  " * min(depth, INDENT) + (f"[{depth}] " if depth > INDENT else "")
    kind = node.op or wording.role(node)
    if node.kind != "Scalar":
        kind += f" {shape(node.value.shape)}"
    bars = wording.histogram(node.value)
    value = f"{bars} {wording.node_value(node)}" if bars else wording.node_value(node)
    words = wording.gradient(node) if node.requires_grad else NOT_COMPUTED
    return (
        indent + name,
        kind,
        f"value {value}",
        f"{wording.gradient_label(node)} {words}" if node.requires_grad else "",
    )
