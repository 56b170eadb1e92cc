"""The blackboard above a frame: what happens in one step, in symbols and in numbers.

    Backward step 4 of 5  ●●●●○
    Through q = a × b  —  each input receives (upstream gradient) × (local derivative)
    ∂L/∂a  =  ∂L/∂q × ∂q/∂a  =  0.5 × b  =  0.5 × (−3)  =  −1.5

The same lines make up a label for Graphviz, and the room that it needs: a blackboard is of one size for all steps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from tinygrad_edu.render.folding import wording
from tinygrad_edu.render.graph.model import GraphModel
from tinygrad_edu.render.look.markup import cell, row, table, text
from tinygrad_edu.render.look.metrics import text_width
from tinygrad_edu.render.look.style import Palette, clean, number, typeset
from tinygrad_edu.render.stepwise.single import AT_A_KINK
from tinygrad_edu.render.stepwise.steps import Contribution, Quantity, Step
from tinygrad_edu.render.stepwise.symbols import UPSTREAM, factor

DOTS = 20  # steps that are counted in dots
SHOWN = 6  # operands whose shares are written out
WIDE, LARGEST = 1100.0, 2.0  # points from which on the type grows, and how much
_NUMERAL = re.compile(r"−?[\d.]+")
LINE, TITLE, FORMULA = 22.0, 32.0, 27.0  # heights
INK, DIM, VALUE, GRADIENT, BAD, PILL = "ink", "dim", "value", "gradient", "bad", "pill"


class Piece(NamedTuple):
    """A few words in one kind of type: a colour of the palette, or `pill` for a result."""

    words: str
    look: str = INK
    size: int = 14
    bold: bool = False

    def width(self, scale: float) -> float:
        """The room that it takes, with what is around it."""
        return 1.06 * scale * text_width(self.words, self.size, bold=self.bold) + (
            26 if self.look == PILL else 8
        )

    def cell(self, palette: Palette, scale: float) -> str:
        """As a cell of Graphviz."""
        colour = palette.gradient if self.look == PILL else getattr(palette, self.look)
        words = text(self.words, round(self.size * scale), colour, bold=self.bold, limit=400)
        if self.look == PILL:
            pill = table(row(cell(words, style="ROUNDED", bgcolor=palette.pill, cellpadding=4)))
            return cell(pill, align="LEFT", cellpadding=1)
        return cell(words, align="LEFT", cellpadding=2)


Row = list[Piece]


class Board(NamedTuple):
    """Lines that begin where they like, and below them lines whose pieces stand below each other."""

    lines: list[Row]
    formulas: list[Row]

    def width(self, scale: float) -> float:
        """The room from left to right."""
        return max(_width(block, scale) for block in [*([line] for line in self.lines), self.formulas])

    def label(self, palette: Palette, width: float, scale: float) -> str:
        """As a label of Graphviz, of that width."""
        rows = [row(cell(_aligned([line], palette, width, scale), align="LEFT")) for line in self.lines]
        rows += [row(cell(height=6)), row(cell(_aligned(self.formulas, palette, width, scale), align="LEFT"))]
        return table(*rows)


def _width(block: list[Row], scale: float) -> float:
    """The room that lines take whose pieces stand below each other."""
    return sum(max(piece.width(scale) for piece in column if piece) for column in zip_longest(*block))


def _aligned(block: list[Row], palette: Palette, width: float, scale: float) -> str:
    """Such lines as a table; its last column takes up the room that is left, or Graphviz would give it to all."""
    columns = max(map(len, block))
    rest = cell(width=max(0, round(width - _width(block, scale))))
    rows = [
        row(*(piece.cell(palette, scale) for piece in pieces), *[cell()] * (columns - len(pieces)), rest)
        for pieces in block
    ]
    return table(*rows)


def scale_for(width: float) -> float:
    """How much larger the type is above a wide picture, which is seen from farther away."""
    return min(max(1.0, width / WIDE), LARGEST)


def height(formulas: int, title: str | None, scale: float) -> float:
    """The height of a blackboard with room for that many formulas."""
    return scale * ((TITLE if title else 0) + 2 * LINE + 8 + FORMULA * max(1, formulas))


def blackboard(step: Step, model: GraphModel, title: str | None, place: str | None = None) -> Board:
    """What is written for a step, and in which of equal parts its place is."""
    lines = [[Piece(clean(title, 200), INK, 20, True)]] if title else []
    phase = step.phase.capitalize()
    lines.append([Piece(f"{phase} step {step.k} of {step.n}", GRADIENT if step.contributions else VALUE, 14, True),
                  Piece(dots(step), GRADIENT if step.contributions else VALUE, 12),
                  *([Piece(clean(place, 60), DIM)] if place else [])])  # fmt: skip
    if step.phase == "forward":
        lines.append([Piece("Compute", DIM), Piece(step.expression, INK, 14, True),
                      Piece("— the value of an operation, from those of its inputs", DIM)])  # fmt: skip
        before, sign, result = step.numbers.rpartition(" = ")
        formula = [Piece(step.numbers, VALUE, 15, True)]
        if sign:
            formula = [Piece(before, VALUE, 15), Piece("=", DIM), Piece(result, VALUE, 15, True)]
        return Board(lines, [[Piece(name(model, step.node), VALUE, 15, True), Piece("=", DIM), *formula]])
    end = name(model, model.root)
    arrays = not all(isinstance(c.share, float) and isinstance(c.upstream, float) for c in step.contributions)
    if all(c.local is not None for c in step.contributions):
        rule = f"(upstream gradient{f' {UPSTREAM}' * arrays}) × (local derivative)"
    else:
        rule = f"its share of the upstream gradient {UPSTREAM} = {partial(end, name(model, step.node))}"
    each = "each input receives" if len(step.operands) > 1 else "the input receives"
    lines.append(
        [Piece("Through", DIM), Piece(step.expression, INK, 14, True), Piece(f"— {each} {rule}", DIM)]
    )
    symbolic = arrays or not all(_NUMERAL.fullmatch(c.local_symbols) for c in step.contributions)
    formulas = [_formula(c, step, model, symbolic) for c in step.contributions[:SHOWN]]
    if len(step.contributions) > SHOWN:
        formulas[-1] = [Piece(f"… and {len(step.contributions) - SHOWN + 1} more inputs", DIM)]
    return Board(lines, formulas)


def dots(step: Step) -> str:
    """`●●●○○`: a dot for a step, or if they are many for a share of them."""
    whole = min(step.n, DOTS)
    done = max(1, step.k * whole // step.n)
    return "●" * done + "○" * (whole - done)


def name(model: GraphModel, i: int) -> str:
    """What a node is called in formulas; an end without a name is L, as in every textbook."""
    node = model.nodes[i]
    if node.name is not None:
        return typeset(clean(node.name))
    return "L" if i == model.root else node.derived


def partial(of: str, by: str) -> str:
    """`∂L/∂a`, `∂L/∂(w·x)`: a name of more than one letter is put into brackets."""
    return "/".join(f"∂{each if _is_letter(each) else _bracketed(each)}" for each in (of, by))


def _is_letter(words: str) -> bool:
    return bool(re.fullmatch(r"\w[₀-₉]*", words))


def _bracketed(words: str) -> str:
    return words if factor(words) == words and words.startswith("(") else f"({words})"


def _formula(c: Contribution, step: Step, model: GraphModel, symbolic: bool) -> Row:
    """The chain rule for one input, from the symbols to the number."""
    end, y, x = (name(model, i) for i in (model.root, step.node, c.to))
    equals = Piece("=", DIM)
    pieces = [Piece(partial(end, x), GRADIENT, 15, True), Piece("=" if c.before is None else "+=", DIM)]
    if c.local is not None:
        pieces += [Piece(f"{partial(end, y)} × {partial(y, x)}"), equals]
        if symbolic:
            upstream = number(c.upstream) if isinstance(c.upstream, float) else UPSTREAM
            one = c.local_symbols == "1" and upstream == UPSTREAM
            pieces += [Piece(upstream if one else f"{upstream} × {factor(c.local_symbols)}"), equals]
    else:
        pieces += [Piece(c.local_symbols), equals]
    single = isinstance(c.share, float)
    pieces += [
        Piece(c.numbers),
        equals if single else Piece("norm", DIM),
        Piece(size(c.share), PILL, 15, True),
    ]
    return [*pieces, Piece(_remark(c), DIM, 11), *_verdict(c)]


def _remark(c: Contribution) -> str:
    words = [c.note] if c.note else []
    if c.before is not None:
        words.append(f"already had {size(c.before)} → now {size(c.after)}")
    return ", ".join(words)


def _verdict(c: Contribution) -> Row:
    """What the numerical derivative says."""
    if c.check is None:
        return []
    if c.check.kink:
        return [Piece(AT_A_KINK, DIM, 10)]
    if c.check.agrees:
        return [Piece("✓ by differences", DIM, 10)]
    return [Piece(f"✗ by differences {number(c.check.numeric)}", BAD, 11, True)]


def size(x: Quantity) -> str:
    """A single number, or the norm of an array."""
    if isinstance(x, float):
        return number(x)
    return number(x.norm) if x.norm is not None else wording.value(x)


def widest(
    steps: Sequence[Step], model: GraphModel, title: str | None, scale: float, places: Mapping[int, str]
) -> float:
    """The room from left to right that every step has enough of."""
    return max(
        (blackboard(step, model, title, places.get(step.node)).width(scale) for step in steps), default=0
    )
