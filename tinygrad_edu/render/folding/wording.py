"""Wording: what a card says, in the same words for pictures and for text.

A single number is shown as it is. An array is shown by its shape, the histogram of its elements, their mean ±
their standard deviation, and the Euclidean norm of its gradient.
"""

from __future__ import annotations

import math
import re

from tinygrad_edu.render.folding import profile
from tinygrad_edu.render.folding.fold import Card, Link
from tinygrad_edu.render.graph.expressions import local_name, power
from tinygrad_edu.render.graph.model import NodeModel, Numbers
from tinygrad_edu.render.look.style import NOT_COMPUTED, bars, clean, number, shape

LONGEST = 40  # characters of a name on a card; its tooltip has all of them
ROLES = ("input", "parameter", "frozen", "constant", "intermediate", "output")  # as the legend lists them


def title(node: NodeModel, scope: tuple[str, ...] = ()) -> str:
    """The name of a node; within a module without the path of the module (`weight`, not `fc1.weight`)."""
    return node.derived if node.name is None else clean(local_name(node.name, scope), LONGEST)


def headline(card: Card) -> str:
    """The name of a card: of the module, or of the node that it shows."""
    if card.repeats is not None:
        return card.repeats.title
    if card.module is not None:
        return card.module.split(".")[-1]
    return title(card.node, card.scope)


def symbols(card: Card, modules: dict[str, str]) -> tuple[str, ...]:
    """The lines of the chip: the class of a module, or what is computed; none for a leaf."""
    if card.repeats is not None:
        return (f"×{card.repeats.count}",)
    if card.module is not None and card.module in modules:
        return tuple(_lines(modules[card.module].partition("(")[0]))
    lines = [line for symbol in card.symbols[:3] for line in _lines(symbol)] + ["…"] * (len(card.symbols) > 3)
    if card.symbols == ("^",) and card.after:  # a power of a plain number is read as one
        return (power("( )", title(card.after[0])),)
    around = [[title(node) for node in nodes] for nodes in (card.before, card.after)]
    return (*around[0], *lines, *around[1])


def _lines(symbol: str) -> list[str]:
    """`BatchNorm1d` in lines that a chip has room for; a symbol may have its own."""
    if len(symbol) > 8:
        symbol = re.sub(r"(?<=[a-z])(?=[A-Z])", "\n", symbol.replace("_", "\n"))
    return [line for line in symbol.split("\n") if line.strip()] or [symbol]


def role(node: NodeModel) -> str:
    """The role in a word; nothing for what lies between."""
    return {"intermediate": "", "constant": "const"}.get(node.role, node.role)


def tag(card: Card) -> str:
    """What stands in the corner: the role of a single number, the shape of an array."""
    node = card.node
    if card.repeats is not None:
        return profile.tag(card, card.repeats)
    said, words = mark(card), list[str]()
    if "failed" in card.flags:  # it has neither
        return said
    if node.kind == "Scalar" and not card.module:
        words.append(role(node))
    else:
        words.append(shape(node.value.shape))
        if node.role == "frozen":
            words.append("frozen")
    if card.module and card.operations > 1:
        words.append(f"· {card.operations} ops")
    return " · ".join(filter(None, (said, " ".join(filter(None, words)))))


def infinity(x: Numbers) -> str:
    """`∞` or `−∞`, if all infinities of an array have one sign, and it is small enough to know that."""
    signs = {y > 0 for y in x.items or () if math.isinf(y)}
    return number(math.inf if signs == {True} else -math.inf) if len(signs) == 1 else "±∞"


def mark(card: Card) -> str:
    """What is the matter with a card; nothing if nothing is."""
    flags, x = card.flags, card.node.value
    bad = "NaN" if x.nan else infinity(x) if x.infinite else "NaN or ∞"
    marks = {
        "first": f"⚠ first {bad}", "origin": f"⚠ {bad} by itself", "first_backward": "⚠ gradient breaks here",
        "backward": "⚠ gradient breaks", "wrong": "✗ WRONG", "failed": "✗ failed", "unused": "unused",
        "added": "+ added", "removed": "− removed",
    }  # fmt: skip
    if card.repeats is not None:
        return profile.remarks(card.repeats)
    words = next((words for flag, words in marks.items() if flag in flags), "")
    if "origin" in flags and "backward" in flags:
        words += ", gradient breaks"
    return f"{words} inside" if words and card.module else words


def said(card: Card, node: NodeModel) -> tuple[str, str]:
    """The value and the gradient of a card, or of a leaf in it: of equal parts those of the first and the last."""
    repeats = card.repeats
    if repeats is None:
        return node_value(node), gradient(node)
    if node is card.node:
        return profile.words(profile.spreads(repeats)), profile.words(profile.gradients(repeats))
    nodes = repeats.stacked.get(node.id, ())
    if not nodes:
        return node_value(node), gradient(node)
    many = nodes[0].kind != "Scalar" and not node.value.nan + node.value.infinite
    return profile.stacked_value(nodes) if many else value(node.value), profile.stacked_gradient(nodes)


def arrow(link: Link) -> str:
    """What stands on an arrow: a change of shape, and how many arrows of equal parts it is."""
    many = f"{link.count} arrows" if link.count > 1 else ""
    return ", ".join(filter(None, (link.note, many)))


def value(x: Numbers) -> str:
    """The value in a few characters."""
    if x.item is not None:
        return number(x.item)
    size = 1
    for n in x.shape:
        size *= n
    if not size:
        return "empty"
    if x.nan or x.infinite:
        counts = ((x.nan, "NaN"), (x.infinite, infinity(x)))
        return ", ".join(f"{n} {word}" for n, word in counts if n) + f" of {size}"
    if x.mean is None:
        return x.dtype
    if x.dtype == "bool":
        return f"bool, {number(100 * x.mean)} % true"
    if "int" in x.dtype:
        return f"{x.dtype} {number(x.smallest)}…{number(x.largest)}"
    return f"{number(_rounded(x.mean, x))} ± {number(_rounded(x.std, x))}"


def _rounded(m: float | None, x: Numbers) -> float:
    """Statistics to three decimals of the largest element: beyond that a mean is rounding noise."""
    assert m is not None
    assert x.smallest is not None
    assert x.largest is not None
    size = max(abs(x.smallest), abs(x.largest))
    return 0.0 if abs(m) < 5e-4 * size else float(f"{m:.3g}")


def node_value(node: NodeModel) -> str:
    """The value of a node; `before → after` if it is compared with another graph, where it was not the same."""
    return _arrow(value(node.before[0]) if node.before else "", value(node.value))


def _arrow(before: str, after: str) -> str:
    return f"{before} → {after}" if before not in ("", after) else after


def histogram(x: Numbers) -> str:
    """The bars of the histogram; empty for a single number, or if all elements are equal."""
    return bars(x.histogram) if x.histogram else ""


def gradient(node: NodeModel) -> str:
    """The gradient of a single number, or the norm of an array's; `—` if it was not computed."""
    if "dead" in node.flags and node.gradient is not None:
        return "0 dead" if not node.gradient.norm else "≈ 0 dead"
    if "vanished" in node.flags and not node.before:
        return "≈ 0"
    return _arrow(_size(node.before[1], node.kind) if node.before else "", _size(node.gradient, node.kind))


def _size(g: Numbers | None, kind: str) -> str:
    if g is None:
        return NOT_COMPUTED
    if g.nan or g.infinite:
        return value(g)
    return number(g.item if kind == "Scalar" else g.norm)


def factor(local: float) -> str:
    """A local derivative, as what the gradient is multiplied by on its way back: `×2`, `×(−3)`."""
    return f"×({number(local)})" if local < 0 else f"×{number(local)}"


def gradient_label(node: NodeModel) -> str:
    """`grad` of a single number, `|grad|` of an array."""
    return "grad" if node.kind == "Scalar" else "|grad|"
