"""Diagnosis: where is this graph ill?

    tg.diagnose(loss, names=net)

The drawing of the graph, with its findings in sentences above it and at the nodes that they are about: the first NaN or
infinity in pink and what came of it along red arrows; parameters that learn nothing, or that lead nowhere; and how the
gradient fades or grows from layer to layer. It is drawn by the same means as every drawing, from a model that knows
more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tinygrad_edu.core.node import Node
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.render.diagnosing.dead_units import dead_activations
from tinygrad_edu.render.diagnosing.findings import findings, healthy
from tinygrad_edu.render.forms import Drawing
from tinygrad_edu.render.graph.backward import watch
from tinygrad_edu.render.graph.flags import is_broken
from tinygrad_edu.render.graph.model import GraphModel, describe
from tinygrad_edu.render.graph.naming import Choice, Names
from tinygrad_edu.render.options import Options

TITLES = {
    "nonfinite": "Where did the {} come from?", "gradient": "Where did the gradient break?",
    "vanishing": "Where does the gradient vanish?", "exploding": "Where does the gradient explode?",
    "dead": "What does not learn?", "unused": "What does not learn?", "detached": "Where does the gradient end?",
    "frozen": "What is frozen?", "accumulated": "What has been added up?",
    "stale": "What is out of date?",
}  # fmt: skip


def examine(
    x: Node, *, names: Names = None, parameters: Choice = None, highlight: Choice = None
) -> GraphModel:
    """The model of a graph with its findings.

    The gradients are looked at even if `backward` has not run, as long as the output is one number: as if it had.
    Nothing of that is kept.

    Raises:
        TypeError: `x` is not a node.
        GraphCycleError: a node was made its own operand by hand.
    """
    if not isinstance(x, Node):
        raise TypeError(f"diagnose: a Scalar or a Tensor was expected, {type(x).__name__} came")
    seen = watch(x, always=True)
    model = describe([x], lambda _: seen, idle=True, names=names, parameters=parameters, highlight=highlight)
    order = topological_order([x])
    found = findings(model, order, seen)
    dead = dead_activations(model, order)
    nodes = [
        replace(node, note=f"{dead[node.id].dead} of {dead[node.id].units} units dead")
        if node.id in dead
        else node
        for node in model.nodes
    ]
    return replace(model, nodes=tuple(nodes), findings=tuple(found))


def diagnose(
    x: Node, *, names: Names = None, parameters: Choice = None, highlight: Choice = None, **options: Any
) -> Drawing:
    """Draw a graph with what is wrong in it.

        tg.diagnose(loss, names=net).save("why.svg")

    Args:
        x: the root, such as a loss. It makes no difference whether `backward` has run, if it is one number.
        names: as for `draw`; of modules in it, parameters that are not in the graph are drawn as unused.
        parameters: as for `draw`.
        highlight: as for `draw`.
        **options: of `draw`, that are about the picture: title, theme, depth, …

    Returns:
        The drawing. Its `findings` are in `drawing.findings`, and in `.text()`; if there are none, it says what was
        looked for.

    Raises:
        TypeError: `x` is not a node.
        ValueError: an option is none of those of `draw`.
        GraphCycleError: a node was made its own operand by hand.
    """
    Options(**options)
    model = examine(x, names=names, parameters=parameters, highlight=highlight)
    ill = [finding for finding in model.findings if finding.kind != "frozen"]
    caption = None if ill else healthy(model)
    options.setdefault("title", _title(model))
    return Drawing.from_model(model, caption=caption, **options)


def _title(model: GraphModel) -> str:
    """The question that the worst finding answers; what is not finite and does no harm comes last."""
    if not model.findings:
        return "Nothing found"
    kinds = [finding.kind for finding in model.findings]
    if kinds[0] == "nonfinite" and not is_broken(model.nodes[model.root].value):
        return TITLES["gradient"] if "gradient" in kinds else "What is not finite?"
    bad = "NaN" if any(node.value.nan for node in model.nodes) else "∞"
    return TITLES[kinds[0]].format(bad)
