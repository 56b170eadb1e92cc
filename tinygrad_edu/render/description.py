"""A picture in a few sentences, for those who hear it: what was computed, from what, and what is wrong with it.

"Computation graph of o = tanh(n), 0.7071. It has 2 inputs (x₁, x₂),
3 parameters (w₁, w₂, b) and 5 operations (2 mul, 2 add, tanh). The gradients were computed."
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tinygrad_edu.render.folding import wording
from tinygrad_edu.render.folding.fold import Board, grouped
from tinygrad_edu.render.graph.model import GraphModel, NodeModel
from tinygrad_edu.render.look.style import clean, shape

NAMED = 4  # of a list; the others are counted
PROBLEMS = {
    "nonfinite": "NaN or infinite", "dead": "Dead, as the gradient is nearly 0",
    "stale": "Assigned after it had been used", "wrong": "Of a wrong derivative",
}  # fmt: skip


def describe(graph: GraphModel, board: Board) -> str:
    """Say what a picture shows, in plain sentences."""
    root = graph.nodes[graph.root]
    made = f" = {clean(root.derived)}" if root.op is not None and root.name is not None else ""
    said = wording.value(root.value)
    what = f"of shape {shape(root.value.shape)}, {said}" if root.value.shape else said
    sentences = [f"Computation graph of {_name(root)}{made}, {what}"]
    if parts := _parts(graph.nodes):
        sentences.append(f"It has {_listed(parts)}")
    inner = [node.gradient is not None for node in graph.nodes if node.requires_grad]
    if inner:
        sentences.append(f"The gradients were {'computed' if any(inner) else 'not computed yet'}")
    if graph.findings:
        sentences += [finding.words.rstrip(".") for finding in graph.findings]
    else:
        found = {
            words: [_name(x) for x in graph.nodes if flag in x.flags] for flag, words in PROBLEMS.items()
        }
        sentences += [f"{words}: {_some(names)}" for words, names in found.items() if names]
    if len(board.cards) < len(graph.nodes):
        drawn = f"{grouped(len(graph.nodes))} nodes are drawn as {_count(len(board.cards), 'card')}"
        sentences.append(drawn + (f": {'; '.join(board.folded)}" if board.folded else ""))
    return ". ".join(sentences) + "."


def _name(node: NodeModel) -> str:
    return clean(wording.title(node))


def _parts(nodes: Iterable[NodeModel]) -> list[str]:
    """`2 inputs (x, y)`, … and the operations."""
    roles: dict[str, list[str]] = {}
    operations: Counter[str] = Counter()
    for node in nodes:
        if node.op is None:
            roles.setdefault(node.role, []).append(_name(node))
        else:
            operations[clean(node.op)] += 1
    parts = [
        f"{_count(len(roles[role]), role)} ({_some(roles[role])})" for role in wording.ROLES if role in roles
    ]
    if operations:
        each = [op if n == 1 else f"{grouped(n)} {op}" for op, n in operations.most_common()]
        parts.append(f"{_count(operations.total(), 'operation')} ({_some(each)})")
    return parts


def _count(n: int, thing: str) -> str:
    if thing == "frozen":
        thing = "frozen parameter"
    return f"{grouped(n)} {thing}{'s' * (n != 1)}"


def _some(names: Sequence[str]) -> str:
    """The first few of a list, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:NAMED])} and {grouped(more)} more"


def _listed(parts: Sequence[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
