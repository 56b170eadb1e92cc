"""Cards: the HTML-like label of a node.

    ┌──────────────────────────┐
    │ ┌───┐  w₁·x₁         tag │     chip: the operation
    │ │ × │  value          −6 │     first row: the value
    │ └───┘  grad         (0.5)│     second row: the gradient, in a pill
    │ ( w₁        −3        1 )│     rows of leaves that only this card uses
    └──────────────────────────┘

All cards of a picture share their columns, so that numbers stand below each other wherever the cards do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import Any

from tinygrad_edu.render.folding import profile, wording
from tinygrad_edu.render.folding.fold import Board, Card, Repeats
from tinygrad_edu.render.graph.model import NodeModel
from tinygrad_edu.render.look.markup import cell, row, table, text
from tinygrad_edu.render.look.style import Palette, clean, gradient_fill, shade, shape

NOTE, LINE = 200, 36  # characters of a remark on a card, and of a line of it


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in points: cards of the same content are of the same width, whatever their numbers."""

    chip: int
    label: int
    value: int
    inset_name: int
    inset_value: int
    inset_gradient: int


def columns_of(board: Board, down: bool) -> Columns:
    """The columns that all cards of a board share."""
    nodes = [card.node for card in board.cards]
    insets = [(card, node) for card in board.cards for node in card.insets if node.kind == "Scalar"]
    chips = [len(line) for card in board.cards for line in wording.symbols(card, board.modules)]
    chip = max(30, min(_width(chips, 8), 64)) if down else 30
    label = 68 if any(wording.histogram(node.value) for node in nodes) else 30
    value = min(
        _width((len(words(node)) for node in nodes for words in (_value, wording.gradient)), 8.4), 150
    )
    inset = (
        min(_width((len(wording.title(node, card.scope)) for card, node in insets), 8), 30),
        min(_width((len(_value(node)) for _, node in insets), 7.7), 120),
        min(_width((len(wording.gradient(node)) for _, node in insets), 7.7), 120),
    )
    return Columns(chip, label, max(46, value, sum(inset) + 16 - chip - label if insets else 0), *inset)


def _value(node: NodeModel) -> str:
    return wording.node_value(node)


def _width(lengths: Iterable[int], letter: float) -> int:
    """Room for the longest of some texts: never too little in Helvetica, and about right in wider fonts."""
    return round(max(lengths, default=0) * letter) + 6


def card_label(card: Card, board: Board, palette: Palette, columns: Columns) -> str:
    """The label of a card."""
    chip = wording.symbols(card, board.modules)
    numbers = _numbers(card, board.rows, palette, columns)
    cells = [cell(numbers)]
    if chip:
        words = "<BR/>".join(text(line, 11, palette.chip_text, bold=True) for line in chip)
        colour = palette.accent_text if "acting" in card.flags else palette.chip  # see `frames`
        cells = [
            cell(words, width=columns.chip, style="ROUNDED", bgcolor=colour, cellpadding=5),
            cell(width=8), cell(numbers),
        ]  # fmt: skip
    rows = [row(*cells)]
    for role, nodes in groupby(card.insets, key=lambda inset: inset.role):
        box = _insets(list(nodes), role, card, board.rows, palette, columns)
        rows += [row(cell(height=5, colspan=len(cells))), row(cell(box, colspan=len(cells)))]
    return table(*rows)


def _numbers(card: Card, shown: Sequence[str], palette: Palette, columns: Columns) -> str:
    node = card.node
    bad = node.value.nan + node.value.infinite > 0
    given = node.name is not None or card.module is not None or card.repeats is not None
    name = text(
        wording.headline(card), 13 if given else 11, palette.ink if given else palette.dim, bold=given
    )
    corner = wording.tag(card)
    colour = palette.bad if wording.mark(card) and not card.repeats else palette.roles[node.role].tag
    for flag, role in (("added", "output"), ("removed", "omitted"), ("unused", "omitted")):
        colour = palette.roles[role].tag if flag in card.flags else colour
    top = cell(name, align="LEFT", height=19)
    if corner:
        top += cell(width=10) + cell(text(corner, 9, colour), align="RIGHT", cellpadding=3)
    if card.repeats is not None:
        return _profile(card, card.repeats, top, shown, palette, columns)
    bars = wording.histogram(node.value)
    left = text(bars, 11, palette.value) if bars else text("value", 9, palette.value)
    value = text(wording.node_value(node), 12, palette.bad if bad else palette.value, bold=True)
    gap = cell(width=6)
    rows = [row(cell(table(row(top)), colspan=3))]
    if "value" in shown and "failed" not in card.flags:
        number = cell(value, align="RIGHT", cellpadding=3, width=columns.value)
        rows.append(row(cell(left, align="LEFT", width=columns.label), gap, number))
    if "grad" in shown and node.requires_grad:
        label = text(wording.gradient_label(node), 9, palette.gradient)
        alone: dict[str, Any] = {} if "value" in shown else {"width": columns.value}
        rows.append(row(cell(label, align="LEFT"), gap, _pill(node, palette, 12, **alone)))
    if node.note:
        lines = [text(line + "\u2002", 10, palette.bad) for line in wrap(clean(node.note, NOTE), LINE)]
        rows.append(
            row(cell('<BR ALIGN="LEFT"/>'.join([*lines, ""]), align="LEFT", balign="LEFT", colspan=3))
        )
    return table(*rows, cellspacing=1)


def _profile(
    card: Card, repeats: Repeats, top: str, shown: Sequence[str], palette: Palette, columns: Columns
) -> str:
    """The numbers of equal parts: bars for all of them, and the first and the last in words."""
    value, gradient = wording.said(card, card.node)
    rows = [row(cell(table(row(top)), colspan=4))]
    gap = cell(width=6)
    if "value" in shown:
        bars, label = profile.bars(profile.spreads(repeats)), profile.label(repeats)
        number = text(value, 12, palette.value, bold=True)
        rows.append(
            row(
                cell(text(label, 9, palette.value), align="LEFT"),
                cell(text(bars, 11, palette.value), align="LEFT", cellpadding=2), gap,
                cell(number, align="RIGHT", cellpadding=3, width=columns.value),
            )
        )  # fmt: skip
    if "grad" in shown and card.node.requires_grad:
        bars, fill = profile.bars(profile.gradients(repeats)), profile.shade(repeats, palette)
        words = text(gradient, 12, palette.scale_text if fill else palette.gradient, bold=True)
        rows.append(
            row(
                cell(text(wording.gradient_label(card.node), 9, palette.gradient), align="LEFT"),
                cell(text(bars, 11, palette.gradient), align="LEFT", cellpadding=2), gap,
                cell(words, align="RIGHT", style="ROUNDED", bgcolor=fill or palette.pill, cellpadding=3,
                     width=columns.value),
            )
        )  # fmt: skip
    if remark := profile.remarks(repeats):
        lines = [text(line, 10, palette.bad, bold=True) for line in wrap(clean(remark, NOTE), LINE)]
        rows.append(
            row(cell('<BR ALIGN="LEFT"/>'.join([*lines, ""]), align="LEFT", balign="LEFT", colspan=4))
        )
    return table(*rows, cellspacing=1)


def _pill(node: NodeModel, palette: Palette, size: int, said: str = "", **attributes: int) -> str:
    fill, colour = palette.pill, palette.gradient
    g = node.gradient
    if g is not None and (g.nan or g.infinite):
        fill, colour = palette.bad_fill, palette.bad
    elif g is not None and "dead" in node.flags:
        fill, colour = palette.paper, palette.bad
    elif g is not None and g.norm is not None and node.kind != "Scalar":
        fill, colour = gradient_fill(palette, g.norm), palette.scale_text
    words = text(said or wording.gradient(node), size, colour, bold=True)
    return cell(words, align="RIGHT", style="ROUNDED", bgcolor=fill, cellpadding=3, **attributes)


def shades(board: Board, graded: Iterable[NodeModel]) -> range:
    """The places on the scale of gradients from the smallest that occurs to the largest, three at least.

    Where all have one shade, it tells nothing, and there is none.
    """
    norms = [
        node.gradient.norm for node in graded
        if node.gradient and node.gradient.norm is not None and node.kind != "Scalar" and "dead" not in node.flags
    ]  # fmt: skip
    for card in board.cards:
        if card.repeats is not None:
            norms += [norm for norm in profile.gradients(card.repeats) if norm and math.isfinite(norm)]
    found = set(map(shade, norms))
    if len(found) < 2:
        return range(0)
    end = max(3, max(found) + 1)
    return range(min(min(found), end - 3), end)


def _name_colour(node: NodeModel, palette: Palette) -> str:
    """That of a row: a derived name is dim, and one that is pointed at stands out."""
    if "highlight" in node.flags:
        return palette.accent_text
    return palette.ink if node.name else palette.dim


def _insets(
    nodes: list[NodeModel], role: str, card: Card, shown: Sequence[str], palette: Palette, columns: Columns
) -> str:
    """Leaves of one role as a rounded box with a row each, their numbers in columns."""
    look = palette.roles[role]
    scope = tuple(card.module.split(".")) if card.module else card.scope
    rows = []
    for node in nodes:
        single = node.kind == "Scalar"
        name = text(wording.title(node, scope), 11, _name_colour(node, palette), bold=bool(node.name))
        bad = node.value.nan + node.value.infinite > 0
        said, graded_as = wording.said(card, node)
        value = text(said, 11, palette.bad if bad else palette.value, bold=True)
        cells = [cell(name, align="LEFT", cellpadding=2, width=columns.inset_name)]
        if not single:
            cells.append(cell(text(shape(node.value.shape), 9, look.tag), align="LEFT", cellpadding=2))
        cells.append(cell(width=3))
        if "value" in shown:
            cells += [cell(value, align="RIGHT", cellpadding=2, width=columns.inset_value), cell(width=5)]
        graded = "grad" in shown and node.requires_grad
        if graded and not single:
            cells.append(_pill(node, palette, 11, graded_as))
        elif graded:
            words = text(wording.gradient(node), 11, palette.gradient, bold=True)
            cells.append(cell(words, align="RIGHT", cellpadding=2, width=columns.inset_gradient))
        rows.append(row(*cells))
    style = "ROUNDED,DASHED" if look.dashed else "ROUNDED"
    return table(*rows, border=1, style=style, color=look.border, bgcolor=look.fill, cellspacing=1)
