"""Stale graphs: a leaf was assigned after its old value had been used.

    z = x * y;  x.assign(5)        z is still the product of the old x

A picture shows the values that the nodes have, so old ones would stand beside new ones. It says so in words, and gives
no local derivative of an operation whose operand has another value by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.look.style import listed


def stale_operands(node: Node) -> list[Node]:
    """The operands of a node that were assigned after it had been computed; only leaves can be."""
    return [x for x in node.args if x.op is None and x.era > node.era]


def stale_leaves(order: Iterable[Node]) -> set[Node]:
    """All leaves that were assigned after something had been computed of them."""
    return {x for node in order for x in stale_operands(node)}


def sentence(names: Sequence[str], *, lost: bool = False) -> str:
    """What has happened, in words: `x and y were assigned after this had been computed`.

    Args:
        names: of the leaves.
        lost: whether `backward` had run, so that the gradients in between are missing: nobody keeps them, and the
            operations have other operands by now.
    """
    so = ", so the gradients in between can no longer be recomputed" if lost else ""
    were = "were" if len(names) > 1 else "was"
    return f"{listed(names)} {were} assigned after this had been computed{so}: compute it anew"
