"""The scribe: writes operations down with the names of their operands, and with their numbers.

    q = a × b       2 × (−3) = −6       0.5 × (−3)
    H = X @ W       (8×4) @ (4×3) → 8×3     (8×4)ᵀ @ (8×3)

An operation is written as its declaration says, and its derivative as `symbols` finds it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.graph.expressions import derived_names, power
from tinygrad_edu.render.graph.naming import Names, given_names
from tinygrad_edu.render.look.style import clean, number, shape, typeset
from tinygrad_edu.render.stepwise.symbols import UPSTREAM, Symbols, factor


class Scribe:
    """Writes operations down, in symbols and in numbers."""

    def __init__(self, order: list[Node], ids: dict[Node, int], names: Names) -> None:
        self.ids = ids
        given = given_names(order, names)
        self.names = derived_names(order, ids, given) | {
            node: typeset(clean(name)) for node, name in given.items()
        }
        self.given = given.keys()
        self.symbols = Symbols(self.names)
        self._shapes = Symbols({node: _in_brackets(node.value) for node in order})

    def numbers(self, node: Node, i: int, cotangent: Any, local: Any) -> str:
        """The share that operand i receives: upstream × local, or the rule with shapes in the place of names."""
        upstream = _in_brackets(cotangent)
        if type(local) is float and not np.ndim(cotangent):
            return f"{upstream} × {_signed(number(local))}"
        rule = self._shapes(node, i)
        if local is None:
            return re.sub(rf"\b{UPSTREAM}(?=\b|ᵀ)", upstream, rule)
        return upstream if rule == "1" else f"{upstream} × {factor(rule)}"

    def expression(self, node: Node) -> str:
        """`q = a × b`; just `a × b` if the result has no name."""
        formula = applied(node, [_operand(node, i, self.names[a]) for i, a in enumerate(node.args)])
        return f"{self.names[node]} = {formula}" if node in self.given else formula


def _operand(node: Node, i: int, text: str) -> str:
    """An operand in brackets, if it needs them: not in f(…), nor a product within a sum."""
    op: Any = node.op
    if _encloses(op.notation):
        return text
    if op.name in ("add", "sub"):
        return f"({text})" if i and (" + " in text or " − " in text) else text
    return factor(text)


def _encloses(notation: str | None) -> bool:
    """Whether a notation has brackets of its own."""
    return not notation or "(" in notation or notation.startswith("|")


def applied(node: Node, operands: list[str]) -> str:
    """The operation of a node, applied to these texts: `a × b`, `tanh(n)`."""
    op: Any = node.op
    if op.symbol == "^" and operands[1].lstrip("−").isdecimal():
        return power(*operands)
    notation = (op.notation or "").replace(" · ", " × ")
    try:
        text = notation.format(*operands) if notation else ""
    except (IndexError, KeyError, ValueError, AttributeError):  # a notation may be anything
        text = ""
    return text or f"{op.name}({', '.join(operands)})"


def in_numbers(node: Node) -> str:
    """`2 × (−3) = −6`; with arrays the shapes, `(8×4) @ (4×3) → 8×3`."""
    values = [a.value for a in node.args]
    single = all(np.ndim(value) == 0 for value in (node.value, *values))
    op: Any = node.op
    texts = [_in_brackets(value) for value in values]
    if not _encloses(op.notation):
        leading = op.notation.startswith("{0} ")  # as in {0} + {1}: a sign in front is not misread
        texts = [t if i == 0 and leading else _signed(t) for i, t in enumerate(texts)]
    if single:
        return f"{applied(node, texts)} = {number(float(np.asarray(node.value)))}"
    return f"{applied(node, texts)} → {shape(np.shape(node.value))}"


def _in_brackets(x: Any) -> str:
    """`(8×3)`; a single number by itself."""
    return f"({shape(np.shape(x))})" if np.ndim(x) else number(float(np.asarray(x)))


def _signed(text: str) -> str:
    """A number as a factor: a negative one in brackets."""
    return f"({text})" if text.startswith("−") else text
