"""The measures of a card, in points: where its chip, its rows and its insets are.

    ┌─────────────────────────────┐  ↕ PAD_Y
    │ ┌────┐  name            tag │  HEAD
    │ │chip│  value       numbers │  ROW
    │ └────┘  grad    ( numbers ) │  ROW
    │ ┌─────────────────────────┐ │  GAP above
    │ │ name    numbers  numbers│ │  INSET each
    │ └─────────────────────────┘ │
    └─────────────────────────────┘

They are those that Graphviz arrives at for the cards of `cards.py`, so that both look alike. Who draws by them can tell
an engine the sizes beforehand, and needs nothing from it but where the cards are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap

from tinygrad_edu.render.folding import profile, wording
from tinygrad_edu.render.folding.fold import Board, Card
from tinygrad_edu.render.graph.model import NodeModel
from tinygrad_edu.render.layout.cards import LINE, NOTE, Columns
from tinygrad_edu.render.look.metrics import text_width
from tinygrad_edu.render.look.style import clean, shape

PAD_X, PAD_Y = 6.0, 4.5
HEAD, ROW, GAP, INSET = 20.0, 21.0, 5.0, 17.0
BAR, REMARK = 8.0, 12.5
NAME, DERIVED, NUMBER, TAG, SMALL, REMARK_SIZE = 13, 11, 12, 9, 11, 10  # sizes of type


@dataclass(frozen=True, slots=True)
class Inset:
    """A box of leaves of one role; `columns` are the widths of name, shape, value and gradient."""

    top: float
    nodes: tuple[NodeModel, ...]
    columns: tuple[float, float, float, float]

    @property
    def height(self) -> float:
        """Of the box."""
        return INSET * len(self.nodes) + 4


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of one card; x and y from its left top corner."""

    width: float
    height: float
    chip: float  # the width; 0: none
    left: float  # where the rows begin
    label: float  # the width of what stands before the numbers
    body: float  # the height without the insets
    insets: tuple[Inset, ...]
    remarks: tuple[str, ...] = ()  # lines below the numbers: what went wrong

    @property
    def right(self) -> float:
        """Where the rows end."""
        return self.width - PAD_X


def measure(card: Card, board: Board, columns: Columns) -> Measures:
    """Measure a card that shares its columns with those of its board."""
    lines = wording.symbols(card, board.modules)
    chip = max(columns.chip, *(text_width(line, SMALL, bold=True) + 10 for line in lines)) if lines else 0.0
    left = PAD_X + (chip + 8 if chip else 0)
    node = card.node
    tag = wording.tag(card)
    head = text_width(headline(card), NAME if is_named(card) else DERIVED, bold=is_named(card))
    head += 10 + text_width(tag, TAG) if tag else 0
    number = max(text_width(words, NUMBER, bold=True) for words in wording.said(card, node)) + 6
    label = float(columns.label)
    if card.repeats is not None:  # bars stand between the label and the numbers
        label = text_width(profile.label(card.repeats), TAG) + 6 + BAR * min(card.repeats.count, profile.MOST)
    shown = shows_value(card, board) + ("grad" in board.rows and node.requires_grad)
    body = HEAD + ROW * shown
    words = node.note if card.repeats is None else profile.remarks(card.repeats)
    remarks = tuple(wrap(clean(words, NOTE), LINE)) if words else ()
    body += REMARK * len(remarks) + 2 * bool(remarks)
    if chip:
        body = max(body, 16.0 * len(lines) + 8)
    insets = []
    top = PAD_Y + body
    for _, nodes in groupby(card.insets, key=lambda inset: inset.role):
        top += GAP
        insets.append(_inset(top, tuple(nodes), card, board, columns))
        top += insets[-1].height
    longest = max((text_width(line, REMARK_SIZE) for line in remarks), default=0.0)
    widths = [left + max(label + 6 + max(columns.value, number), head, longest) + PAD_X]
    widths += [sum(inset.columns) + 8 + 2 * PAD_X for inset in insets]
    return Measures(max(widths), top + PAD_Y, chip, left, label, body, tuple(insets), remarks)


def shows_value(card: Card, board: Board) -> bool:
    """Whether a card has a row for its value; an operation that failed has none."""
    return "value" in board.rows and "failed" not in card.flags


def _inset(top: float, nodes: tuple[NodeModel, ...], card: Card, board: Board, columns: Columns) -> Inset:
    names, shapes, values, gradients = [0.0], [0.0], [0.0], [0.0]
    for node in nodes:
        single = node.kind == "Scalar"
        names.append(text_width(inset_name(node, card), SMALL, bold=True) + 8)
        shapes.append(0.0 if single else text_width(shape(node.value.shape), TAG) + 8)
        if "value" in board.rows:
            values.append(text_width(wording.said(card, node)[0], SMALL, bold=True) + 8)
            values.append(columns.inset_value if single else 0.0)
        if "grad" in board.rows and node.requires_grad:
            gradients.append(text_width(wording.said(card, node)[1], SMALL, bold=True) + 8)
            gradients.append(columns.inset_gradient if single else 30.0)
    return Inset(top, nodes, (max(names), max(shapes), max(values), max(gradients)))


def headline(card: Card) -> str:
    """The name of a card, as it is drawn."""
    return clean(wording.headline(card))


def is_named(card: Card) -> bool:
    """Whether the user has named it; what the expression says is set in a lighter type."""
    return card.node.name is not None or card.module is not None or card.repeats is not None


def inset_name(node: NodeModel, card: Card) -> str:
    """The name of a leaf within a card, as it is drawn."""
    return clean(wording.title(node, tuple(card.module.split(".")) if card.module else card.scope))
