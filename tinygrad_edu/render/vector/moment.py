"""A moment: what is known in the middle of a computation.

Before a step of the forward pass a value is `?`; before one of the backward pass a gradient is `—`, not 0: nothing has
arrived yet. Where several users send their shares, it grows from moment to moment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tinygrad_edu.render.folding import wording
from tinygrad_edu.render.folding.board import Card
from tinygrad_edu.render.graph.model import NodeModel
from tinygrad_edu.render.graph.numbers import Numbers
from tinygrad_edu.render.look.style import shade

UNKNOWN = "?"  # a value that is still to be computed


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known in the middle of a computation, and what is going on; by default everything, and nothing.

    Attributes:
        values: the nodes that have been computed; None: all of them.
        gradients: what the nodes have received so far; None: what the model says.
        active: the nodes that take part in the step.
        acting: the node whose operation is carried out.
        arrows: along which something flows, as (operand, user) of cards.
        backward: it flows against them.
    """

    values: Collection[int] | None = None
    gradients: Mapping[int, Numbers | None] | None = None
    active: Collection[int] = ()
    acting: int | None = None
    arrows: Collection[tuple[int, int]] = ()
    backward: bool = False

    def seen(self, card: Card, node: NodeModel) -> tuple[str, str]:
        """What is written as the value and as the gradient of a card, or of a leaf in it."""
        value, gradient = wording.said(card, node)
        if self.values is not None:
            value = wording.value(node.value) if node.id in self.values else UNKNOWN
        return value, gradient if self.gradients is None else wording.gradient(self.graded(node))

    def graded(self, node: NodeModel) -> NodeModel:
        """A node with the gradient that it has at this moment."""
        return node if self.gradients is None else replace(node, gradient=self.gradients.get(node.id))


FINISHED = Moment()


def state(node: NodeModel) -> str:
    """The class of a gradient: `bad`, `dead`, or its place on the scale, `s3`; nothing special of a single number."""
    g = node.gradient
    if g is None:
        return "plain"
    if g.nan or g.infinite:
        return "bad"
    if "dead" in node.flags:
        return "dead"
    return f"s{shade(g.norm)}" if g.norm is not None and node.kind != "Scalar" else "plain"
