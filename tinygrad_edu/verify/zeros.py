"""Why a derivative is 0: where the gradient of a leaf is lost on its way back from the output.

no use          the output does not depend on the leaf
ȳ = 0           nothing arrives where it is used
∂y/∂x = 0       what arrives is multiplied by 0, as by a relu below 0
Σ ȳ ∂y/∂x = 0   it adds up to 0, as for a bias whose effect the next normalization takes away
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.verify.report import Row


def why_zero(output: Node, leaf: Any) -> str:
    """The reason, in words, why the derivative of an output by one of its leaves cannot be told from 0."""
    uses = [node for node in topological_order([output]) if any(x is leaf for x in node.args)]
    if not uses or not output.requires_grad:
        return "the function does not depend on it"
    found, *arriving = gradients(output, [leaf, *uses], output.ones())
    names = "where it is used, at " + ", ".join(
        sorted({str(node.op.name) for node in uses if node.op is not None})
    )
    if not any(map(np.any, arriving)):
        return f"no gradient arrives {names}: what follows does not move there"
    passed = max(map(_passed, uses, [leaf] * len(uses), arriving))
    if not passed:
        return f"what arrives {names}, is multiplied by 0"
    if _size(found) > 1e-9 * passed:
        return f"its gradient, at most {_size(found):.0e}, is too small beside the function's own value"
    return f"what arrives {names}, adds up to 0, as for a bias whose effect a normalization takes away"


def _passed(use: Node, leaf: Any, arriving: Any) -> float:
    """How much an operation would pass on of cotangents of such a size, if they did not cancel."""
    rng = np.random.default_rng(6)
    chance = _size(arriving) * rng.uniform(0.5, 1.5, np.shape(arriving))
    return _size(gradients(use, [leaf], chance)[0])


def _size(x: Any) -> float:
    return float(np.abs(x).max(initial=0.0))


def names_of(allow_zero: str | Iterable[str], known: Iterable[str]) -> set[str]:
    """The names of parameters whose derivative may be 0.

    Raises:
        KeyError: one that no parameter has.
    """
    names, known = {allow_zero} if isinstance(allow_zero, str) else set(allow_zero), list(known)
    for name in names.difference(known):
        raise KeyError(f"check: {name!r} came in allow_zero, but the parameters are {', '.join(known)}")
    return names


def settled(row: Row, allowed: set[str], output: Node, leaf: Any) -> Row:
    """A vacuous row with the reason, and verified if its derivative may be 0; any other as it is."""
    if row.verdict != "vacuous" or 0 in row.shape:
        return row
    reason = why_zero(output, leaf)
    if row.name in allowed:
        return replace(row, verdict="verified", undecided=0, note=f"0, as is allowed: {reason}")
    seen, _, _ = row.note.partition(":")
    return replace(row, note=f'{seen}: {reason}; allow_zero=["{row.name}"] lets that pass')
