"""A check of every node of a graph by itself: not only that a gradient is wrong, but where.

    y = f(a, b)        ā against ⟨ȳ, ∂f/∂a⟩, b̄ against ⟨ȳ, ∂f/∂b⟩, at the very values that were recorded

The gradient of a leaf is a product of many rules, and one wrong rule spoils the gradients of all that lies behind it.
Asked one by one, each with a random cotangent ȳ, only the guilty one is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, describe, leaf
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.errors import NotDifferentiableError
from tinygrad_edu.verify.chance import generator
from tinygrad_edu.verify.compare import Weights, compare
from tinygrad_edu.verify.report import Report, Row


def check_graph(output: Node, *, rng: np.random.Generator | None = None) -> Report:
    """Check the rule of every operation in a graph, at the values that it was recorded with.

    Args:
        output: the end of the graph.
        rng: of the random cotangents; by default always the same ones.

    Returns:
        A report with a row for each operand that requires a gradient: "matmul 3 'h', operand 1" is the second operand
        of the third operation, a product whose result is called h. `tg.draw(output, report=…)` marks the wrong ones.

    Raises:
        NotDifferentiableError: the node is a leaf, or needs no gradient.
    """
    if not isinstance(output, Node) or output.op is None or not output.requires_grad:
        came = describe(output) if isinstance(output, Node) else type(output).__name__
        raise NotDifferentiableError(
            f"check_graph: a node that was computed from leaves with requires_grad was expected, {came} came"
        )
    rng = generator(rng, "check_graph")
    rows: list[Row] = []
    nodes: dict[str, Node] = {}
    computed = [node for node in topological_order([output]) if node.op is not None]
    for number, node in enumerate(computed, 1):
        if node.requires_grad:
            for row in _rows(node, number, rng):
                rows.append(row)
                nodes[row.name] = node
    return Report(rows, None, None, nodes)


def _rows(node: Node, number: int, rng: np.random.Generator) -> Iterator[Row]:
    """A row for each operand of a node that requires a gradient."""
    op: Any = node.op
    wanted = [i for i, x in enumerate(node.args) if x.requires_grad]
    place = f"{node.scope}/" if node.scope else ""
    name = f"{place}{op.name} {number}" + (f" '{node.name}'" if node.name else "")
    xs = [leaf(type(node), x.value, i in wanted) for i, x in enumerate(node.args)]
    params = {key: value for key, value in node.params.items() if key != "saved"}
    leaves = {name + (f", operand {i}" if len(xs) > 1 else ""): xs[i] for i in wanted}
    weights = Weights(rng)
    try:
        yield from compare(lambda: weights(op.call(*xs, **params)), leaves, rng=rng)[0]
    except ValueError as error:
        yield from (_unknown(name, x, str(error).removeprefix("check: ")) for name, x in leaves.items())


def _unknown(name: str, x: Any, why: str) -> Row:
    """Where the value is not finite, or differs from call to call, nothing can be compared."""
    shape = np.shape(x.value)
    nan = float("nan")
    return Row(name, shape, "inconclusive", nan, (0,) * len(shape), nan, nan, float("inf"), 0, int(np.prod(shape)),
               why, (0.0, 0.0, 0.0))  # fmt: skip
