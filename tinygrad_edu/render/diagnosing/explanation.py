"""What happened, in words: how a number ceased to be one, at the first element where it did.

    forward     log(0) = −∞ at element (3, 1)
    backward    ∂y/∂x = 0.5 / y = ∞ at x = 0, y = 0, and 1 · ∞ = ∞, at element 2
    overflow    1e200 · 1e200 = ∞: more than float64 holds, 1.8e308

Values are those of the element itself, with broadcasting undone, so the sentence can be recomputed by hand.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.core.primitive import registry
from tinygrad_edu.formula import formula
from tinygrad_edu.render.graph.backward import Birth, finite
from tinygrad_edu.render.look.style import clean, number, shape

Place = tuple[int, ...]
LARGE = 0.25  # numbers above this power of the largest one can overflow when a few of them are multiplied


def forward_birth(node: Node) -> str:
    """How the value of a node came to be not finite: of one whose operands are finite, or of a leaf."""
    place = first_place(node.value)
    bad = number(_at(node.value, place))
    if node.op is None:
        return f"it came into the graph as {bad}{at_element(node.value, place)}"
    if not node.op.elementwise:
        return _of_many(node, bad, place)
    operands = [_at(x.value, place) for x in node.args]
    return (
        f"{_expression(node, operands)} = {bad}{at_element(node.value, place)}{_reason(node, operands, bad)}"
    )


def _of_many(node: Node, bad: str, place: Place) -> str:
    """The words for an operation that makes an element out of many."""
    op: Any = node.op
    if any(np.size(x.value) == 0 for x in node.args):
        return f"{op.name} of no elements is {bad}"
    largest = max(float(np.max(np.abs(np.asarray(x.value, np.float64)))) for x in node.args)
    overflow = "∞" in bad and largest > _largest(node) ** LARGE
    reason = f": more than {_kind(node)} holds" if overflow else ""
    return f"{op.name} gives {bad}{at_element(node.value, place)}, of finite elements up to {number(largest)}{reason}"


def turned(node: Node) -> str:
    """How infinities became a NaN: `∞ − ∞ = NaN`."""
    array = np.asarray(node.value)
    place = tuple(map(int, np.argwhere(np.isnan(array))[0])) if array.ndim else ()
    where = _at_place(place)
    if node.op is None or not node.op.elementwise:
        return f"NaN{where}"
    return f"{_expression(node, [_at(x.value, place) for x in node.args])} = NaN{where}"


def _reason(node: Node, operands: list[float], bad: str) -> str:
    """Overflow, or a point where the function has none: an infinite limit is only at 0 and ±1."""
    if bad == "NaN":
        return ": it is not defined there"
    if any(x in (0.0, 1.0, -1.0) for x in operands):
        return ""
    return f": more than {_kind(node)} holds, {number(_largest(node))}"


def _kind(node: Node) -> str:
    return "a float" if type(node.value) is float else str(np.asarray(node.value).dtype)


def _largest(node: Node) -> float:
    dtype = np.asarray(node.value).dtype
    return float(np.finfo(dtype).max) if dtype.kind == "f" else float("inf")


def _expression(node: Node, operands: list[float]) -> str:
    """The operation with numbers in the place of its operands: `0 / 0`, `log(0)`, `(−8)^0.3333`."""
    op: Any = node.op
    notation = op.notation
    if not notation or "(" in notation or "|" in notation:
        words = [number(x) for x in operands]
    else:
        words = [f"({number(x)})" if x < 0 else number(x) for x in operands]
    if notation:
        with suppress(IndexError, KeyError, ValueError):
            return str(notation.format(*words))
    return f"{op.name}({', '.join(words)})"


def backward_birth(birth: Birth, name: str) -> str:
    """How a gradient came to be not finite.

    Args:
        birth: where the sweep saw it.
        name: of the operand that it was sent to.
    """
    node, op = birth.node, birth.node.op
    if birth.arg is None:
        if birth.error is not None:
            return f"its derivative cannot be computed: {clean(birth.error)}"
        place = first_place(birth.cotangent)
        bad = number(_at(birth.cotangent, place))
        return f"what arrives here is finite, and adds up to {bad}{at_element(birth.cotangent, place)}"
    assert op is not None
    if not op.elementwise:
        return f"the vjp of {op.name} makes a gradient for {name} that is not finite, out of one that is"
    rule = _rule(op.name, birth.arg)
    if birth.error is not None:
        values = _values(node, birth.arg, ())
        return f"{rule} cannot be computed at {values}: {clean(birth.error)}"
    partial = _partial(node, birth.arg)
    with np.errstate(all="ignore"):
        product = np.asarray(birth.cotangent * partial)
    if finite(product):  # then it is the sum over what was broadcast that overflows
        return f"the sum of what is sent to {name} is more than its precision holds"
    return f"{rule} = {_product(node, birth.arg, birth.cotangent, partial, first_place(product))}"


def backward_turned(node: Node, arg: int, cotangent: Any) -> str:
    """How an infinite gradient became a NaN on its way to an operand: `∂y/∂a = b = 0 at …, and ∞ · 0 = NaN`."""
    op: Any = node.op
    if not op.elementwise:
        return f"the vjp of {op.name} is given {number(float('inf'))}"
    partial = _partial(node, arg)
    with np.errstate(all="ignore"):
        bad = np.argwhere(np.isnan(np.asarray(cotangent * partial)))
    if not len(bad):  # then it is the sum over what was broadcast
        return "infinities of both signs are added up"
    place = tuple(map(int, bad[0]))
    return f"{_rule(op.name, arg)} = {_product(node, arg, cotangent, partial, place)}"


def _product(node: Node, arg: int, cotangent: Any, partial: Any, place: Place) -> str:
    """`∞ at x = 0, y = 0, and 1 · ∞ = ∞ at element 0`: what is multiplied by the slope at one place."""
    with np.errstate(all="ignore"):
        product = np.asarray(cotangent * partial)
    operand = node.args[arg].value
    g, slope, sent = _at(cotangent, place), _at(partial, place), _at(product, place)
    values = _values(node, arg, place)
    product_words = f"{_signed(g, first=True)} · {_signed(slope)} = {number(sent)}"
    return f"{number(slope)} at {values}, and {product_words}{at_element(operand, place, product.shape)}"


def _rule(name: str, arg: int) -> str:
    """`∂y/∂x = 0.5 / y`, as the rule itself prints it."""
    if name in registry:
        with suppress(Exception):  # a rule of a user's own may refuse symbols in any way it likes
            return formula(name).splitlines()[arg]
    return f"the derivative of {name} by operand {arg + 1}"


def _values(node: Node, arg: int, place: Place) -> str:
    """`x = 0, y = 0`: the numbers that the rule was given, by the letters of its declaration."""
    op: Any = node.op
    letters = op.forward.__code__.co_varnames[: len(node.args)]
    values = [
        f"{letter} = {number(_at(x.value, place))}" for letter, x in zip(letters, node.args, strict=False)
    ]
    return ", ".join([*values, f"y = {number(_at(node.value, place))}"])


def _partial(node: Node, arg: int) -> Any:
    op: Any = node.op
    rule = op.rule(arg)
    if not callable(rule):
        return rule
    with np.errstate(all="ignore"):
        return value_of(rule(node.value, *[x.value for x in node.args], **node.params))


def _signed(x: float, *, first: bool = False) -> str:
    words = number(x)
    return f"({words})" if words.startswith("−") and not first else words


# ---- elements ----


def first_place(x: Any) -> Place:
    """The index of the first element that is not finite; () if there is none, or no axis."""
    array = np.asarray(x)
    bad = np.argwhere(~np.isfinite(array)) if array.dtype.kind == "f" else np.empty((0, array.ndim))
    return tuple(map(int, bad[0])) if len(bad) else ()


def _at(x: Any, place: Place) -> float:
    """The element that broadcasting brings to a place."""
    array = np.asarray(value_of(x))
    lengths = array.shape
    if not place and array.size == 1:
        return float(array.reshape(()))
    index = place[len(place) - len(lengths) :]
    return float(array[tuple(0 if n == 1 else i for i, n in zip(index, lengths, strict=True))])


def _at_place(place: Place) -> str:
    return f" at element {place[0] if len(place) == 1 else place}" if place else ""


def at_element(x: Any, place: Place, broadcast: tuple[int, ...] | None = None) -> str:
    """` at element (3, 1)`, and how many there are of its kind; nothing for a single number."""
    if not place:
        return ""
    array = np.asarray(value_of(x))
    where = _at_place(place)
    if broadcast is not None:
        return where
    bad = np.argwhere(~np.isfinite(array))
    if len(bad) < 2:
        return f"{where} of {shape(array.shape)}"
    columns = {int(i) for i in bad[:, -1]}
    column = f", all in column {columns.pop()}" if array.ndim == 2 and len(columns) == 1 else ""
    return f"{where} ({len(bad)} of {array.size} elements{column})"
