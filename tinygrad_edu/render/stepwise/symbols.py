"""Symbols: the derivative rule of one operation in the graph, written with the names of its own operands.

    o = tanh(n)     ∂o/∂n = 1 − o²            elementwise: the factor that the gradient of o is multiplied by
    H = X @ W       ∂L/∂X = G @ Wᵀ            any other: what G, the gradient of H, is turned into

As in the chapter `formula`, nothing of this is written anywhere: the rule runs on symbols, and what it records is
printed. Here the numbers are known, so the text is shorter: of `where` the branch that was taken is left, and what
consists of constants is a number: x³ has 3 · x², and not the rule for every power that there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, leaf
from tinygrad_edu.core.primitive import MINUS_ONE, ONE, registry
from tinygrad_edu.core.recording import EVERYTHING, recording
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.formula import expression

UPSTREAM = "G"  # the gradient that the result of the operation has received
_FIRST = 0xE000  # private characters stand for the names until the end, so that a formula serves many nodes


class Symbols:
    """Writes the rules of the operations of one graph; what is said of one product is said of all of them."""

    def __init__(self, names: Mapping[Node, str]) -> None:
        self.names = names
        self._written: dict[Any, str] = {}

    def __call__(self, node: Node, i: int) -> str:
        """The rule for operand i of a node.

        Args:
            node: the result of an operation.
            i: the number of an operand that requires a gradient.
        """
        op: Any = node.op
        rule = op.rule(i)
        if rule is ONE or rule is MINUS_ONE:
            return "1" if rule is ONE else "−1"
        shapes = tuple(map(self._kind, node.args)), np.shape(node.value)
        key = op, i, type(node), _places(node), shapes, _text(node)
        text = self._written.get(key)
        if text is None:
            text, general = self._write(node, i)
            if general:
                self._written[key] = text
        operands = enumerate((*node.args, node), _FIRST)
        return bare(text.translate({place: factor(self.names[x]) for place, x in operands}))

    def _is_number(self, x: Node) -> bool:
        """Whether a node is a constant without a name: it stands in formulas as the number that it is."""
        return x.op is None and not x.requires_grad and x.name is None and np.size(x.value) == 1

    def _kind(self, x: Node) -> Any:
        return (np.shape(x.value), float(np.asarray(x.value).item()) if self._is_number(x) else None)

    def _write(self, node: Node, i: int) -> tuple[str, bool]:
        """The rule with private characters for names, and whether it holds for other values, too."""
        op: Any = node.op
        kind: Any = type(node)
        symbols: dict[Node, Node] = {}
        names: dict[Node, str] = {}
        for place, x in enumerate(node.args):
            if x not in symbols:
                # A plain number among arrays is held as a float, which a variable must not be.
                symbols[x] = leaf(kind, x.value if type(node.value) is float else np.asarray(x.value), True)
                if not self._is_number(x):
                    names[symbols[x]] = chr(_FIRST + place)
        xs = [symbols[x] for x in node.args]
        y, g = leaf(kind, node.value, True), leaf(kind, node.ones(), True)
        names |= {y: chr(_FIRST + len(xs)), g: UPSTREAM}
        try:
            with recording(EVERYTHING), np.errstate(all="ignore"):
                given = (y, *xs) if op.elementwise else (g, y, *xs)
                found = op.rule(i)(*given, **node.params)
                if not isinstance(found, Node):
                    return f"{found:g}".replace("-", "−"), False
                made = topological_order([found])
                names |= {
                    x: _marks(x.value) for x in made if x.op is None and x not in names and np.ndim(x.value)
                }
                general = all(x.op is None or x.op.name != "where" for x in made)
                return expression(simplified(found, names), names), general
        except (ArithmeticError, ValueError, TypeError):  # the rule of a user may be no expression
            return ("∂{1}/∂{0}" if op.elementwise else "vjp({2}, {0})").format(
                chr(_FIRST + i), chr(_FIRST + len(xs)), UPSTREAM
            ), False


def _marks(array: Any) -> str:
    """An array that the rule made past the graph: often it says where something is."""
    if not np.isin(array, (0, 1)).all():
        return "constant"
    return "one-hot" if (np.sum(array, axis=-1) == 1).all() else "mask"


def _places(node: Node) -> tuple[int, ...]:
    """Which operands are the same: x · x is derived like any product, but written otherwise."""
    first: dict[Node, int] = {}
    return tuple(first.setdefault(x, place) for place, x in enumerate(node.args))


def _text(node: Node) -> str:
    """The parameters, apart from what the forward kept for the rule."""
    return repr({key: x for key, x in node.params.items() if key != "saved"})


def simplified(end: Node, names: Mapping[Node, str]) -> Node:
    """A recorded formula as short as the values in it allow."""
    new: dict[Node, Node] = {}
    for x in topological_order([end]):
        new[x] = x if x.op is None else _simpler(x, [new[a] for a in x.args], names)
    return new[end]


def _simpler(x: Node, args: list[Node], names: Mapping[Node, str]) -> Any:
    """One operation of it, whose operands are simple by now."""
    op: Any = x.op
    kind: Any = type(x)

    def known(a: Node) -> bool:
        return a.op is None and a not in names and np.size(a.value) == 1

    def equals(a: Node, n: float) -> bool:
        return known(a) and bool(np.all(a.value == n))

    if op.name == "where":
        for taken, told in ((1, np.all), (2, lambda c: not np.any(c))):
            if told(args[0].value):
                return args[taken]
    if np.size(x.value) == 1 and all(map(known, args)):
        return leaf(kind, x.value, False)
    if op.name == "power":
        if equals(args[1], 1):
            return args[0]
        if equals(args[1], 2):
            return registry["square"].call(args[0])
    if op.name == "mul":
        for one, other in (args, args[::-1]):
            if equals(one, 1) and np.shape(other.value) == np.shape(x.value):
                return other
        if args[0] is args[1]:
            return registry["square"].call(args[0])
    if all(a is b for a, b in zip(args, x.args, strict=True)):
        return x
    return op.call(*args, **{key: value for key, value in x.params.items() if key != "saved"})


def bare(text: str) -> str:
    """An expression without brackets around the whole of it."""
    return text[1:-1] if text.startswith("(") and _is_call(text) else text


def factor(text: str) -> str:
    """An expression as part of another: in brackets, unless it holds together by itself."""
    return f"({text})" if any(sign in text for sign in "·×/@+− ") and not _is_call(text) else text


def _is_call(text: str) -> bool:
    """`tanh(a + b)` and `[a > b]` need no brackets, `(a + b) · (c + d)` does."""
    name, bracket, _ = text.partition("(")
    if text.startswith("[") and text.find("]") == len(text) - 1:
        return True
    if not bracket or not text.endswith(")") or (name and not name.isidentifier()):
        return False
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter == ")":
            return place == len(text) - 1
    return False
