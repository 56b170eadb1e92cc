"""Expressions: what a node computes, in a few characters that can be read in one way only.

    w₁·x₁ + b       (−a)²       (A @ B)·A       a / (b·c)

Every notation has a strength, and asks for one from its operands; a weaker operand is put in brackets. Operations of
equal strength are read from the left, so only an operand that does not come first needs them. What readers mix up is
put in brackets although Python would not need them: (a / b)·c, and a matrix product within another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.look.style import clean, number, typeset

SHORT = 22  # characters of a derived name
_SUPERSCRIPTS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_OPERATORS = frozenset(" +-−*/·×^@=<>,;")  # a name with one of these is read as an expression


@dataclass(frozen=True, slots=True)
class _Form:
    """How strongly a notation holds together, and how strongly its operands have to: in front, and elsewhere."""

    strength: int
    front: int
    other: int


_LOOSE, _SIGNED, _RAISED, _LEAF = 0, 30, 35, 50
_CALL = _Form(40, _LOOSE, _LOOSE)  # it has brackets of its own
_PRODUCTS = range(20, 23)
_INFIX = {
    " + ": _Form(10, 10, 11), " − ": _Form(10, 10, 11), " ⋆ ": _Form(18, 23, 23), " ⋆ᵀ ": _Form(18, 23, 23),
    " @ ": _Form(20, 20, 23), " / ": _Form(21, 21, 23), " · ": _Form(22, 22, 23), "^": _Form(_RAISED, 40, 40),
}  # fmt: skip
_POSTFIX = {"ᵀ": _Form(36, 36, 36), "[…]": _Form(40, 36, 36)}


@dataclass(frozen=True, slots=True)
class _Text:
    """An expression, its strength, and of a sum the first term, the last one, and how many there are."""

    text: str
    strength: int
    terms: tuple[str, str, int] | None = None


def derived_names(
    order: list[Node], ids: dict[Node, int], given: dict[Node, str], limit: int = SHORT,
    parts: Mapping[Node, str] = MappingProxyType({}),
) -> dict[Node, str]:  # fmt: skip
    """What the expressions of the nodes say, at most `limit` characters each; operands come before their users.

    Args:
        order: the nodes.
        ids: their numbers, for leaves about which nothing is known.
        given: their names.
        limit: how long an expression may be.
        parts: leaves of which is known that they are a part of something: see the chapter `views`.
    """
    texts: dict[Node, _Text] = {}
    inner = _inner(order)
    for node in order:
        if node in parts:
            texts[node] = _name(parts[node], ())
        elif node.op is None:
            texts[node] = _leaf(node, ids[node])
        else:
            layer = None if node in inner or not node.scope else node.scope.rpartition(".")[2]
            texts[node] = _expression(node, given, texts, limit, layer)
    return {node: said.text for node, said in texts.items()}


def _inner(order: list[Node]) -> set[Node]:
    """The nodes that their own module goes on with, so that they are not its result."""
    return {
        x for node in order if node.scope for x in node.args
        if x.scope and f"{node.scope}.".startswith(f"{x.scope}.")
    }  # fmt: skip


def local_name(name: str, scope: tuple[str, ...]) -> str:
    """A name as one says it within a module: `weight`, not `fc1.weight`; typeset."""
    for end in range(len(scope), 0, -1):
        prefix = ".".join(scope[:end]) + "."
        if name.startswith(prefix) and len(name) > len(prefix):
            return typeset(name[len(prefix) :])
    return typeset(name)


def power(base: str, exponent: str) -> str:
    """`x²`, `x⁻¹`; `x^0.5` where the exponent has no raised form."""
    return base + exponent.translate(_SUPERSCRIPTS) if _is_whole(exponent) else f"{base}^{exponent}"


def _is_whole(text: str) -> bool:
    return text.removeprefix("−").isdecimal()


def _leaf(node: Node, i: int) -> _Text:
    single = np.size(node.value) == 1 and np.asarray(node.value).dtype.kind in "biuf"
    if node.requires_grad or not single:
        return _Text(f"n{i}", _LEAF)
    text = number(float(np.asarray(node.value).reshape(())))
    return _Text(text, _SIGNED if "−" in text or "e" in text else _LEAF)


def _name(name: str, scope: tuple[str, ...]) -> _Text:
    text = clean(local_name(name, scope))
    if not _OPERATORS.isdisjoint(re.sub(r"\[[^\[\]]*\]|\([^()]*\)", "", text)):
        return _Text(text, _LOOSE)
    return _Text(text, _RAISED if text.endswith(tuple("⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ")) else _LEAF)


def _expression(
    node: Node, given: dict[Node, str], texts: dict[Node, _Text], limit: int, layer: str | None
) -> _Text:
    """What a node computes; if that is too long, as a result of a layer `head(…)`, since much is `linear(…)`."""
    op: Any = node.op
    scope = tuple(node.scope.split(".")) if node.scope else ()
    args = [_name(given[a], scope) if a in given else texts[a] for a in node.args]
    known = [a in given or a.op is None for a in node.args]
    if op.notation == "{0}":  # a change of shape alone
        return args[0]
    terms = _terms(args, node, given) if op.name == "add" else None
    shortened = [x if k else _Text("…", _LEAF) for x, k in zip(args, known, strict=True)]
    notation, form = op.notation, _form(op.notation)
    if op.symbol == "^" and node.args[1] not in given and _is_whole(args[1].text):
        notation, form = power("{0}", args[1].text), _form("{0}²")
    if terms and any(x.terms and x.strength == _LOOSE for x in args):  # what was cut once stays cut
        return _Text(_sum(terms, limit), _LOOSE, terms)
    for operands in (args, shortened):
        text = _written(notation, form, operands) or _called(op, operands)
        if len(text) <= limit:
            return _Text(text, form.strength, terms)
        if terms:
            return _Text(_sum(terms, limit), _LOOSE, terms)
    if form is _CALL and layer and not layer.isdecimal() and len(layer) < limit - 3:
        return _Text(f"{clean(layer)}(…)", _LEAF)
    return _Text(f"{_symbol(op)}(…)" if form is _CALL else op.name, _LEAF)


def _written(notation: str | None, form: _Form, operands: list[_Text]) -> str:
    """The notation with its operands, or nothing if they do not fit: it may be anyone's."""
    if not notation:
        return ""
    infix = notation.startswith("{0}")
    try:
        text = notation.format(*(_bracketed(x, form, infix and not i) for i, x in enumerate(operands)))
    except (IndexError, KeyError, ValueError, AttributeError):
        return ""
    return text.replace(" · ", "·")


def _called(op: Any, operands: list[_Text]) -> str:
    return f"{_symbol(op)}({', '.join(x.text for x in operands)})"


def _symbol(op: Any) -> str:
    return " ".join(op.symbol.split())


def _bracketed(x: _Text, form: _Form, front: bool) -> str:
    if x.strength in _PRODUCTS and form.strength in _PRODUCTS and front:
        fits = x.strength == form.strength or (x.strength, form.strength) == (22, 21)  # a·b / c
    else:
        fits = x.strength >= (form.front if front else form.other)
    # A sign in front of everything is read well; behind another sign it is not, however much it holds together.
    signed = x.text.startswith(("−", "-")) and not front and form is not _CALL
    return x.text if fits and not signed else f"({x.text})"


def _terms(args: list[_Text], node: Node, given: dict[Node, str]) -> tuple[str, str, int]:
    """The first term of a sum of sums, the last one, and how many there are."""
    parts = [
        x.terms if x.terms and a not in given else (x.text, x.text, 1)
        for a, x in zip(node.args, args, strict=True)
        if x.text != "0" or a in given  # Python's sum begins with it
    ] or [("0", "0", 1)]
    return parts[0][0], parts[-1][1], sum(count for _, _, count in parts)


def _sum(terms: tuple[str, str, int], limit: int) -> str:
    first, last, count = terms
    if count == 1:
        return "0 + …"
    text = f"Σ {first} … {last}"
    nested = "…" in first + last
    return text if count > 2 and len(text) <= limit and not nested else f"sum of {count}"


@cache
def _form(notation: str | None) -> _Form:
    """How a notation holds together: a sum less than a product, a product less than a sign, a call most."""
    before, *between = re.split(r"\{\d*\}", notation or "f(")
    if re.search(r"[(\[|]", before):
        return _CALL
    if len(between) > 1:  # what nobody knows, such as a ⊕ b, leaves no doubt only with brackets
        return _INFIX.get(between[0], _Form(5, 23, 23))
    if before.endswith(" / "):
        return _INFIX[" / "]
    if before == "−":
        return _Form(_SIGNED, _SIGNED, _SIGNED)
    if before:  # Σ a·b, but √(a·b)
        return _Form(15, 15, 15) if before.endswith(" ") else _Form(33, 40, 40)
    return _POSTFIX.get("".join(between), _Form(_RAISED, 40, 40))
