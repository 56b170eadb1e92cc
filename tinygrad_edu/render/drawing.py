"""Draw: the whole way from a node to a picture.

tg.draw(loss, title="A single neuron", parameters="w* b").save("neuron.svg")
"""

from __future__ import annotations

from typing import Any, Literal

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.folding.fold import Expand, Fold, Leaves
from tinygrad_edu.render.forms import Drawing
from tinygrad_edu.render.graph.model import capture
from tinygrad_edu.render.graph.naming import Choice, Names
from tinygrad_edu.render.options import Options


def draw(
    x: Node, *, title: str | None = None, subtitle: str | None = None, names: Names = None,
    parameters: Choice = None,
    depth: int | None = None, local: bool = False, leaves: Leaves = "auto",
    rankdir: Literal["auto", "LR", "TB"] = "auto", theme: Literal["auto", "light", "dark"] = "auto",
    show: str = "value,grad",
    highlight: Choice = None, report: Any = None, engine: Literal["auto", "embedded", "dot"] = "auto",
    max_cards: int = 300, fold: Fold = "auto", expand: Expand = (),
) -> Drawing:  # fmt: skip
    """Draw the graph that a node was computed by.

        o.backward()
        tg.draw(o, names=locals(), parameters="w* b").save("neuron.svg")

    If a leaf was assigned after it had been used, the picture mixes old values and new ones, and a caption says so.

    Args:
        x: the root, such as a loss. After `x.backward()` every card shows its gradient; before, `—`.
        title: over the picture.
        subtitle: below the title, smaller.
        names: names for nodes that have none: `locals()`, a module (paths such as `fc1.weight`), or a list of
            such.
        parameters: which leaves are parameters: a module, nodes, or patterns of names such as `"w* b"`.
            Default: those of the modules in `names`; if there are none, tensors that require a gradient, and
                no scalars.
        depth: draw modules at this depth, counted from 1, as one card each.
        local: put the local derivative ∂head/∂tail on the arrows, where it is one number.
        leaves: "inset" draws a leaf as a row in its only user, "cards" draws it for itself; "auto" insets
            above 12 cards, and never with `local`, since a row has no arrow.
        rankdir: "LR" from left to right, "TB" from top to bottom, "auto" by the proportions.
        theme: "light", "dark", or "auto": light, and as SVG and HTML dark for readers who have chosen that.
        show: the rows of a card: "value", "grad", or both.
        highlight: nodes to emphasise: nodes, or patterns of names.
        report: of a gradient check, `tg.check(…)` or `tg.check_graph(…)`: what it calls wrong becomes red, and says so.
        engine: "auto", "embedded" or "dot"; see `engines()`.
        max_cards: of more cards than this, the nearest to the root are drawn, and a caption says how many are
            not.
        fold: "auto" draws chains of at least 4 equal parts, such as blocks of a network or steps of a loop, as one
            card with a bar for each, in pictures of more than 25 cards. In those of more than 60 cards 3 parts are
            enough, and equal parts beside each other, such as samples, are folded as well. True folds wherever there
            are two equal parts, False never, and then nothing is left out, however much it is.
        expand: what is not folded: modules such as `"fc1"` and names, as patterns in a list, or a function that says
            so of a node of the model.

    Raises:
        TypeError: `x` is not a node.
        ValueError: an option is none of those above.
    """
    if not isinstance(x, Node):
        raise TypeError(f"draw: a Scalar or a Tensor was expected, {type(x).__name__} came")
    options: dict[str, Any] = dict(
        title=title, subtitle=subtitle, depth=depth, local=local, leaves=leaves, rankdir=rankdir, theme=theme,
        show=show, engine=engine, max_cards=max_cards, fold=fold, expand=expand,
    )  # fmt: skip
    Options(**options)  # what is wrong with them is said before a long capture
    graph = capture(x, names=names, parameters=parameters, highlight=highlight, report=report)
    return Drawing.from_model(graph, **options)
