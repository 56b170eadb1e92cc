"""The profile of equal parts: a bar for each of them, and the numbers of the first and the last.

    |grad|  ▁▁▂▃▃▄▅▅▆▇▇█  9.3e−5 → 3.1

A gradient that vanishes or explodes does so by about the same factor in every part. So numbers that differ much are
drawn on a logarithmic scale, on which that is a straight line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinygrad_edu.render.folding.board import Card, Repeats
from tinygrad_edu.render.graph.model import NodeModel
from tinygrad_edu.render.look.style import BARS, NOT_COMPUTED, Palette, gradient_fill, number

MOST = 16  # bars; of more parts every so many are drawn, with the first and the last
STEEP = 20.0  # the largest by the smallest; more, and the scale is logarithmic
SYMBOLS = 3  # in a tag
PLACES = 3  # parts that a remark names
REMARKS = {  # what is said of a flag; of the first three only the first that there is
    "first": "⚠ first NaN or ∞", "origin": "⚠ NaN or ∞ by itself", "nonfinite": "⚠ NaN or ∞",
    "first_backward": "⚠ gradient breaks", "wrong": "✗ WRONG", "failed": "✗ failed", "dead": "dead parameter",
    "stale": "assigned after its use", "highlight": "★", "added": "+ added", "removed": "− removed",
    "changed": "changed",
}  # fmt: skip
BROKEN = ("first", "origin", "nonfinite")


def spreads(repeats: Repeats) -> tuple[float | None, ...]:
    """How far the outputs of the parts spread: the standard deviation, of single numbers the magnitude."""
    return tuple(_spread(node) for node in repeats.outputs)


def gradients(repeats: Repeats) -> tuple[float | None, ...]:
    """The norms of the gradients of the outputs."""
    return tuple(_norm(node) for node in repeats.outputs)


def _spread(node: NodeModel) -> float | None:
    x = node.value
    if x.nan or x.infinite:
        return math.nan
    return abs(x.item) if x.item is not None else x.std


def _norm(node: NodeModel) -> float | None:
    g = node.gradient
    return None if g is None else math.nan if g.norm is None else g.norm


def label(repeats: Repeats) -> str:
    """What the first row is about."""
    return "|value|" if repeats.outputs[0].value.item is not None else "output std"


def words(numbers: Sequence[float | None]) -> str:
    """The first and the last."""
    first, last = number(_short(numbers[0])), number(_short(numbers[-1]))
    return first if first == last and first in (NOT_COMPUTED, "NaN") else f"{first} → {last}"


def bars(numbers: Sequence[float | None]) -> str:
    """A bar for each, and a dot where there is no finite number."""
    if len(numbers) > MOST:
        numbers = [numbers[round(k * (len(numbers) - 1) / (MOST - 1))] for k in range(MOST)]
    known = [x for x in numbers if x is not None and math.isfinite(x)]
    if all(x is None for x in numbers) or (len(known) == len(numbers) and not any(known)):
        return ""
    high, low = max(known, default=1.0), min((x for x in known if x), default=1.0)
    logarithmic = high > STEEP * low

    def height(x: float | None) -> str:
        if x is None or not math.isfinite(x):
            return "·"
        if not logarithmic:
            share = x / high if high else 0.0
        else:
            share = (math.log(x) - math.log(low)) / (math.log(high) - math.log(low)) if x else 0.0
        return BARS[round(share * (len(BARS) - 1))]

    return "".join(map(height, numbers))


def shade(repeats: Repeats, palette: Palette) -> str | None:
    """The fill behind the gradients: that of the one which is furthest from 1."""
    known = [norm for norm in gradients(repeats) if norm and math.isfinite(norm)]
    worst = max(known, key=lambda norm: abs(math.log(norm)), default=None)
    return None if worst is None else gradient_fill(palette, worst)


def tag(card: Card, repeats: Repeats) -> str:
    """What a part does: its operations, and how many they are."""
    symbols = [" ".join(symbol.split()) for symbol in card.symbols]
    kind = " → ".join(symbols[:SYMBOLS]) + " …" * (len(symbols) > SYMBOLS)
    return f"{kind}, {repeats.operations} op{'s' * (repeats.operations != 1)} each"


def remarks(repeats: Repeats) -> str:
    """What is the matter, and in which part: `⚠ NaN or ∞ in blocks.7`; nothing if nothing is."""
    said = []
    broken = next((flag for flag in BROKEN if flag in repeats.where), None)
    for flag, words in REMARKS.items():
        at = repeats.where.get(flag, ())
        if at and (flag == broken or flag not in BROKEN):
            places = ", ".join(at[:PLACES]) + (f" and {len(at) - PLACES} more" if len(at) > PLACES else "")
            said.append(f"{words} in {f'all {len(at)}' if len(at) == repeats.count else places}")
    return "; ".join(said)


def stacked_value(nodes: Sequence[NodeModel]) -> str:
    """What the row of several leaves says: how many numbers in how many arrays."""
    total = sum(math.prod(node.value.shape) for node in nodes)
    return f"{total:,} in {len(nodes)} tensors".replace(",", "\u202f")


def stacked_gradient(nodes: Sequence[NodeModel]) -> str:
    """The smallest and the largest norm of their gradients."""
    norms = [_norm(node) for node in nodes]
    known = [norm for norm in norms if norm is not None]
    if len(known) < len(norms):
        return NOT_COMPUTED
    if broken := sum(math.isnan(norm) for norm in known):
        return f"{broken} of {len(nodes)} not finite"
    if dead := sum("dead" in node.flags for node in nodes):
        return f"{dead} of {len(nodes)} dead"
    low, high = number(_short(min(known))), number(_short(max(known)))
    return low if low == high else f"{low} … {high}"


def _short(x: float | None) -> float | None:
    return x if x is None or not math.isfinite(x) else float(f"{x:.3g}")
