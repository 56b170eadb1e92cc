"""The face of a card: its chip, its name, its numbers, and the leaves drawn within it.

Everything has an address: `n12` is the card or the row of node 12, `v12` its value, `g12` its gradient. What is said is
in `wording`, where it stands is in `measures`, what it looks like is in `sheet`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tinygrad_edu.render.folding import profile, wording
from tinygrad_edu.render.folding.board import Board, Card
from tinygrad_edu.render.graph.flags import look_of
from tinygrad_edu.render.graph.model import NodeModel
from tinygrad_edu.render.layout.measures import (
    BAR,
    GAP,
    HEAD,
    INSET,
    PAD_X,
    PAD_Y,
    REMARK,
    ROW,
    Inset,
    Measures,
    headline,
    inset_name,
    is_named,
    shows_value,
)  # fmt: skip
from tinygrad_edu.render.layout.positions import Positions
from tinygrad_edu.render.look.style import BARS, LIGHT, clean, escape, shape
from tinygrad_edu.render.vector.moment import Moment, state
from tinygrad_edu.render.vector.shapes import points, rectangle, text

RADIUS = 10


def face(card: Card, board: Board, places: Positions, moment: Moment, interactive: bool) -> str:
    """Draw a card at its place."""
    node, size, box = card.node, places.measures[card.id], places.cards[card.id]
    kinds = ["card", node.role, {"tainted": "pale"}.get(look := look_of(card.flags), look)]
    kinds += ["highlight"] * ("highlight" in card.flags)
    kinds += ["open"] * (not {"unused", "removed"}.isdisjoint(card.flags))
    kinds += ["active"] * (node.id in moment.active) + ["acting"] * (node.id == moment.acting)
    parts = [rectangle("box", 0, 0, size.width, size.height, RADIUS)]
    if lines := wording.symbols(card, board.modules):
        parts.append(rectangle("chip", PAD_X, PAD_Y, size.chip, size.body, 8))
        first = PAD_Y + size.body / 2 + 4 - 6.5 * (len(lines) - 1)
        parts += [text("symbol", PAD_X + size.chip / 2, first + 13 * i, line) for i, line in enumerate(lines)]
    base = PAD_Y + 14
    parts.append(text("name" if is_named(card) else "name derived", size.left, base, headline(card)))
    if tag := wording.tag(card):
        bad = " bad" if wording.mark(card) and card.repeats is None else ""
        parts.append(text(f"tag{bad}", size.right, base - 2, tag))
    parts += _numbers(card, board, size, moment)
    parts += [_inset(inset, card, board, places, moment, interactive) for inset in size.insets]
    module = f' data-module="{escape(card.module, 300)}"' if card.module is not None else ""
    return (
        f'<g class="{" ".join(filter(None, kinds))}" id="n{card.id}"{module} '
        f'transform="translate({points(box.x)} {points(box.y)})"'
        f"{_focus(spoken(node, card), 'group' if size.insets else 'button', interactive)}>{''.join(parts)}</g>"
    )


def _numbers(card: Card, board: Board, size: Measures, moment: Moment) -> Iterator[str]:
    """The rows of the value and of the gradient, and remarks below; of equal parts each row has a bar for each."""
    node, repeats, top = card.node, card.repeats, PAD_Y + HEAD
    value, gradient = moment.seen(card, node)
    if shows_value(card, board):
        bars = wording.histogram(node.value)
        if repeats is not None:
            words = profile.label(repeats)
            yield text("label", size.left, top + 14, words)
            yield _bars(
                "bars",
                profile.bars(profile.spreads(repeats)),
                size.left + size.label,
                top + 16,
                from_right=True,
            )
        else:
            yield (
                _bars("bars", bars, size.left, top + 16)
                if bars
                else text("label", size.left, top + 14, "value")
            )
        broken = " bad" if node.value.nan + node.value.infinite else ""
        yield text(f"value{broken}", size.right - 3, top + 15, value, f"v{node.id}")
        top += ROW
    if "grad" in board.rows and node.requires_grad:
        yield text("label grad", size.left, top + 14, wording.gradient_label(node))
        kind, start = state_of(card, moment.graded(node)), size.left + size.label + 6
        if repeats is not None:
            heights = profile.bars(profile.gradients(repeats))
            yield _bars("bars back", heights, size.left + size.label, top + 16, from_right=True)
        yield (
            f'<g class="{kind}">{rectangle("pill", start, top + 1.5, size.right - start, 18, 7)}'
            f"{text('grad', size.right - 3, top + 15, gradient, f'g{node.id}')}</g>"
        )
        top += ROW
    for line in size.remarks:
        top += REMARK
        yield text("remark", size.left, top, line)


def _focus(words: str, role: str, interactive: bool) -> str:
    """The name of something for those who cannot see it; a card with rows is a group, for no button is in a button."""
    act = f' tabindex="0" role="{role}"' if interactive else ""
    return f'{act} aria-label="{escape(words, 300)}"'


def spoken(node: NodeModel, card: Card | None = None) -> str:
    """A node in words, without its numbers: `z₁, the result of add, intermediate`."""
    if card is not None and card.repeats is not None:
        return f"{clean(card.repeats.title)}, {card.repeats.count} equal parts"
    if card is not None and card.module is not None:
        return f"module {clean(card.module)}, {card.operations} operations"
    name = clean(node.name if node.name is not None else node.derived)
    made = f", result of {node.op}" if node.op else ""
    kind = "" if node.kind == "Scalar" else f", shape {shape(node.value.shape)}"
    return f"{name}, {node.role}{made}{kind}"


def state_of(card: Card, node: NodeModel) -> str:
    """The class of a gradient on a card; of equal parts that of the one which is furthest from 1."""
    if card.repeats is None or node.id != card.id:
        return state(node)
    fill = profile.shade(card.repeats, LIGHT)
    return "plain" if fill is None else f"s{LIGHT.scale.index(fill)}"


def _bars(kind: str, words: str, x: float, base: float, *, from_right: bool = False) -> str:
    """Bars as one path, of the heights that stand in their text form; a dot where there is no number."""
    x -= BAR * len(words) if from_right else 0
    steps = []
    for i, letter in enumerate(words):
        height = 1.6 * (BARS.index(letter) + 1 if letter in BARS else 0.5)
        steps.append(
            f"M{points(x + BAR * i)} {points(base)}v{points(-height)}h{points(BAR - 1)}v{points(height)}z"
        )
    return f'<path class="{kind}" d="{"".join(steps)}"/>'


def _inset(
    inset: Inset, card: Card, board: Board, places: Positions, moment: Moment, interactive: bool
) -> str:
    size, role = places.measures[card.id], inset.nodes[0].role
    width = size.width - 2 * PAD_X
    parts = [rectangle("box", PAD_X, inset.top, width, inset.height, 5)]
    name, shapes, value_room, _ = inset.columns
    right = size.right - 5
    for i, node in enumerate(inset.nodes):
        top = inset.top + 2 + INSET * i
        base = top + 12.5
        value, gradient = moment.seen(card, node)
        row = [rectangle("hit", PAD_X + 1.5, top, width - 3, INSET, 4)]
        kind = "name" if node.name else "name derived"
        row.append(text(kind, PAD_X + GAP, base, inset_name(node, card)))
        if node.kind != "Scalar":
            row.append(text("shape", PAD_X + GAP + name, base, shape(node.value.shape)))
        room = right - PAD_X - GAP - sum(inset.columns)  # what is left is put before the values
        graded = "grad" in board.rows and node.requires_grad
        if "value" in board.rows:
            broken = " bad" if node.value.nan + node.value.infinite else ""
            end = PAD_X + GAP + name + shapes + value_room + max(0.0, room) / 2 if graded else right
            row.append(text(f"value{broken}", end, base, value, f"v{node.id}"))
        if graded:
            words = text("grad", right, base, gradient, f"g{node.id}")
            pill = inset.columns[3] - 2
            row.append(
                f'<g class="{state(moment.graded(node))}">'
                f"{rectangle('pill', right - pill + 3, top + 1.5, pill, INSET - 3, 5)}{words}</g>"
            )
        kinds = f"inset {role}" + " active" * (node.id in moment.active)
        focus = _focus(spoken(node), "button", interactive)
        parts.append(f'<g class="{kinds}" id="n{node.id}"{focus}>{"".join(row)}</g>')
    return f'<g class="leaves {role}">{"".join(parts)}</g>'
