"""The formula of a rule: run the rule on recorded symbols, and print what it recorded.

    tanh    ∂y/∂x = 1 − y · y          matmul    ā = ȳ @ bᵀ,  b̄ = aᵀ @ ȳ

The text is not written anywhere: it is the rule that computes, so it cannot be out of date.
"""

from __future__ import annotations

from typing import Any

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
    """A recorded value as text, down to the named nodes and the constants."""
    written: dict[Node, tuple[str, int]] = {}
    for x in topological_order([node]):
        written[x] = (names[x], _ALONE) if x in names else _write(x, [written[a] for a in x.args])
    return written[node][0]


def _write(x: Node, operands: list[tuple[str, int]]) -> tuple[str, int]:
    op = x.op
    if op is None:
        value = np.asarray(x.value)
        return (f"{value:g}".replace("-", "−") if value.shape == () else "constant", _ALONE)
    if op.name in _SILENT:
        return operands[0]
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


def formula(name: str) -> str:
    """The derivative rules of a primitive as text, a line for each operand.

    Elementwise rules are written ∂y/∂x; the others as the cotangent x̄ that the operand receives when y has ȳ.

    Raises:
        KeyError: there is no primitive of that name.
    """
    if name not in registry:
        raise KeyError(f"there is no primitive '{name}': tg.registry lists them")
    return "\n".join(_lines(registry[name]))


def _lines(op: Primitive) -> list[str]:
    if not op.rules:
        return ["not differentiable"]
    case = op.cases[0]
    drawn = case.draw(np.random.default_rng(0))
    xs = [Tensor(x, domain.differentiable) for x, domain in zip(drawn, case.domains, strict=True)]
    letters = _letters(op, len(xs))
    with recording(EVERYTHING):
        y = op.call(*xs, **case.params)
        g = Tensor(y.ones(), True)
        names = dict(zip(xs, letters, strict=True)) | {y: "y", g: "ȳ"}
        lines = []
        for i, (x, letter) in enumerate(zip(xs, letters, strict=True)):
            if not x.requires_grad:
                continue
            rule = op.rule(i)
            if not op.elementwise:
                lines.append(f"{letter}\u0304 = {expression(rule(g, y, *xs, **y.params), names)}")
            elif rule is ONE or rule is MINUS_ONE:
                lines.append(f"∂y/∂{letter} = {'1' if rule is ONE else '−1'}")
            else:
                lines.append(f"∂y/∂{letter} = {expression(rule(y, *xs, **y.params), names)}")
    return lines


def _letters(op: Primitive, n: int) -> list[str]:
    """The names of the operands: those of the declaration."""
    code: Any = op.forward.__code__
    return [f"x{i}" for i in range(1, n + 1)] if op.variadic else list(code.co_varnames[:n])
