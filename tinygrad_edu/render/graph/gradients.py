"""Gradients: which one a picture shows of a node, and whether it is that of one backward pass.

leaf        what it holds: the sum of all passes since it was cleared; nothing, if it was cleared after the last
in between  what a pass carries through it, see the chapter `backward`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.render.look.style import listed

SAME = 1e-5  # relative; gradients that differ by less differ by rounding, in float32 too


def shown(order: Sequence[Node], cotangents: Mapping[Node, Any]) -> dict[Node, Any]:
    """{node: its gradient}, of those that have one; operands first, so that the last is the root."""
    swept = bool(order) and order[-1].grad is not None  # else the pass was made for the picture alone
    found = {}
    for node in order:
        cleared = swept and node.op is None
        g = (None if cleared else cotangents.get(node)) if node.grad is None else value_of(node.grad)
        if g is not None:
            found[node] = g
    return found


def accumulated(order: Sequence[Node], cotangents: Mapping[Node, Any]) -> set[Node]:
    """The leaves that hold another gradient than one pass gives."""
    return {
        node for node in order
        if node.op is None and node.grad is not None and node in cotangents
        and _differ(value_of(node.grad), cotangents[node])
    }  # fmt: skip


def _differ(held: Any, once: Any) -> bool:
    with np.errstate(all="ignore"):
        off = np.abs(np.asarray(held, np.float64) - once).max(initial=0.0)
        size = max(np.abs(held).max(initial=0.0), np.abs(once).max(initial=0.0))
    return bool(off > SAME * size)  # with a NaN among them this says nothing, as NaN does of itself


def more_than_one_pass(names: Sequence[str]) -> str:
    """What has happened, in words."""
    return (
        f"{listed(names)} {'hold' if len(names) > 1 else 'holds'} another gradient than this backward pass "
        "gives: .grad adds up until zero_grad()"
    )
