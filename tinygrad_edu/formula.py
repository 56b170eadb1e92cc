"""The formula of a rule: run the rule on recorded symbols, and print what it recorded.

    tanh    ∂y/∂x = 1 − y · y          matmul    ā = ȳ @ bᵀ,  b̄ = aᵀ @ ȳ

The text is not written anywhere: it is the rule that computes, so it cannot be out of date.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.core.primitive import MINUS_ONE, ONE, Primitive, registry
from tinygrad_edu.core.recording import EVERYTHING, recording
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.tensor import Tensor

# How tightly the sign in a notation binds; a notation without any of these stands by itself, like f(x).
_BINDING = {
    " if ": 1, " > ": 3, " ≥ ": 3, " < ": 3, " ≤ ": 3, " = ": 3, " ≠ ": 3, " + ": 10, " − ": 10, "Σ ": 18, "Π ": 18,
    " · ": 20, " / ": 20, " @ ": 20, "−{0}": 22, "¬": 25, "√": 25, "^": 30, "²": 30, "ᵀ": 40,
}  # fmt: skip
_ALONE = 100


def _binding(op: Primitive) -> int:
    notation = op.notation or ""
    if notation.startswith(("|", "max", "min", "σ", "[", "log")):
        return _ALONE
    return next((tightness for sign, tightness in _BINDING.items() if sign in notation), _ALONE)


def expression(node: Node, names: dict[Node, str]) -> str:
    """A recorded value as text, down to the named nodes and the constants; 1 where [it holds], 0 elsewhere."""
    written: dict[Node, tuple[str, int]] = {}
    for x in topological_order([node]):
        written[x] = (names[x], _ALONE) if x in names else _write(x, [written[a] for a in x.args])
    text = written[node][0]
    return f"[{text}]" if _is_condition(node) else text


def _write(x: Node, operands: list[tuple[str, int]]) -> tuple[str, int]:
    op = x.op
    if op is None:
        value = np.asarray(x.value)
        return (f"{value:g}".replace("-", "−") if value.shape == () else "constant", _ALONE)
    if op.name in _SILENT or _sums_nothing(x):
        return operands[0]
    if not _is_condition(x) and op.name != "where":  # to compute with a condition takes Iverson's brackets
        operands = [
            (f"[{text}]", _ALONE) if _is_condition(a) else (text, binding)
            for a, (text, binding) in zip(x.args, operands, strict=True)
        ]
    mine = _binding(op)
    if op.notation is None:
        return f"{op.name}({', '.join(text for text, _ in operands)})", _ALONE
    parts = [
        f"({text})" if theirs < mine or (theirs == mine and i > 0) else text
        for i, (text, theirs) in enumerate(operands)
    ]
    if mine == _ALONE:
        parts = [text for text, _ in operands]
    return op.notation.format(*parts), mine


# What only arranges numbers is left out: a formula speaks of the values.
_SILENT = {"reshape", "identity", "broadcast_to"}


def _sums_nothing(x: Node) -> bool:
    """A sum that would undo broadcasting, where nothing was repeated."""
    return (
        x.op is not None and x.op.name in ("sum", "sum_to") and np.size(x.value) == np.size(x.args[0].value)
    )


def _is_condition(x: Node) -> bool:
    return np.asarray(x.value).dtype == np.bool_


def formula(name: str | Callable[..., Any]) -> str:
    """The derivative rules of a primitive as text, a line for each operand.

    Elementwise rules are written ∂y/∂x; the others as the cotangent x̄ that the operand receives when y has ȳ. What
    depends on the size of an array is written with n.

    Args:
        name: of the primitive, or its function: "tanh", tg.tanh.

    Raises:
        KeyError: there is no such primitive.
    """
    if callable(name):
        op = getattr(name, "op", None)
        called = getattr(name, "__name__", repr(name))
    else:
        op, called = registry.get(name), name
    if op is None:
        raise KeyError(f"there is no primitive '{called}': tg.registry lists them")
    return "\n".join(_lines(op))


def _lines(op: Primitive) -> list[str]:
    if not op.rules:
        return ["not differentiable"]
    rules = _recorded(op, 1)
    try:
        larger: list[_Rule] | None = _recorded(op, 2)
    except Exception:  # the parameters belong to one shape, and the forward may refuse others as it likes
        larger = None
    lines = []
    for i, rule in enumerate(rules):
        left = f"∂y/∂{rule.letter}" if op.elementwise else f"{rule.letter}\u0304"
        if not isinstance(rule.value, Node):  # a plain number, such as the constant partials
            lines.append(f"{left} = {rule.value:g}".replace("-", "−"))
            continue
        sizes, meaning = _sizes(rule, larger[i]) if larger else ({}, "")
        lines.append(f"{left} = {expression(rule.value, rule.names | _arrays(rule) | sizes)}{meaning}")
    return lines


class _Rule(NamedTuple):
    """What a rule recorded, and what the symbols are called."""

    letter: str
    x: Any
    y: Any
    value: Any  # 1 or −1 of the constant partials
    names: dict[Node, str]


def _recorded(op: Primitive, scale: int) -> list[_Rule]:
    """The rules of an operation, run on symbols of the shapes in its first case, times a number."""
    case, rng = op.cases[0], np.random.default_rng(0)
    domains = [domain.of_shape(*(scale * n for n in domain.shape)) for domain in case.domains]
    params = {
        name: np.tile(value, scale) if isinstance(value, np.ndarray) else value
        for name, value in case.params.items()
    }
    xs = [Tensor(domain.draw(rng), domain.differentiable) for domain in domains]
    letters = _letters(op, len(xs))
    found = []
    with recording(EVERYTHING):
        y = op.call(*xs, **params)
        g = Tensor(y.ones(), True)
        names = dict(zip(xs, letters, strict=True)) | {y: "y", g: "ȳ"}
        for i, (x, letter) in enumerate(zip(xs, letters, strict=True)):
            if x.requires_grad:
                rule = op.rule(i)
                constant = rule is ONE or rule is MINUS_ONE
                given = (y, *xs) if op.elementwise else (g, y, *xs)
                found.append(_Rule(letter, x, y, rule if constant else rule(*given, **y.params), names))
    return found


def _constants(rule: _Rule) -> list[Node]:
    return [c for c in topological_order([rule.value]) if c.op is None and c not in rule.names]


def _sizes(rule: _Rule, larger: _Rule) -> tuple[dict[Node, str], str]:
    """Names for the constants that are a size of x, told by an example of another size; and what n means."""
    names: dict[Node, str] = {}
    meaning = ""
    if not isinstance(larger.value, Node) or len(_constants(rule)) != len(_constants(larger)):
        return names, meaning
    shapes = [np.shape(each.x.value) for each in (rule, larger)]
    for a, b in zip(_constants(rule), _constants(larger), strict=True):
        if np.ndim(a.value) or np.ndim(b.value) or a.value == b.value:
            continue
        for what, measure in (("size", math.prod), ("length", lambda shape: math.prod(shape[:1]))):
            n, m = map(measure, shapes)
            if n == m or not n:
                continue
            if math.isclose(a.value / n, b.value / m):
                factor = a.value / n
                names[a] = "n" if factor == 1 else f"({factor:g} · n)"
            elif math.isclose(a.value * n, b.value * m):
                names[a] = f"({a.value * n:g} / n)"
            else:
                continue
            meaning = f"    with n the {what} of {rule.letter}"
            break
    return names, meaning


def _arrays(rule: _Rule) -> dict[Node, str]:
    """Names for arrays that the rule made past the graph, if they are what one often sees."""
    names = {}
    x, y = rule.x.value, rule.y.value
    for c in _constants(rule):
        if np.ndim(c.value) and np.ndim(y) == 0 and np.array_equal(c.value, x == y):
            names[c] = f"[{rule.letter} = y]"
        elif np.ndim(c.value) == 2 and _one_in_each_row(c.value):
            names[c] = "one-hot"
    return names


def _one_in_each_row(array: Any) -> bool:
    return bool(np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all())


def _letters(op: Primitive, n: int) -> list[str]:
    """The names of the operands: those of the declaration."""
    code: Any = op.forward.__code__
    return [f"x{i}" for i in range(1, n + 1)] if op.variadic else list(code.co_varnames[:n])
