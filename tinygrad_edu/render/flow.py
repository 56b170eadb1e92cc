"""Flow: how large gradients are, layer by layer, from the output to the input.

    ‖gradient of layer k‖ / ‖gradient of layer k + 1‖        the factor of one layer

Backward multiplies by the Jacobian of every layer. If all factors are near 1/4, as with σ′ ≤ 1/4, thirty layers leave
4⁻³⁰ (Hochreiter 1991; Glorot and Bengio 2010); a factor of 4 explodes as fast. So it is the factor that is judged, by
its geometric mean, and the median beside it, for which one unusual layer does not count.

A layer is a module with parameters. Without modules each matrix is one, and without parameters each operation on the
longest way down.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from tinygrad_edu.render.model import GraphModel, NodeModel
from tinygrad_edu.render.style import GRADIENT_BOUNDS, number

FEW = 3  # layers, without which there is no "per layer"
STEPS = 8  # operations of a chain, likewise: a mean or a product may change the size at once
FACTOR = 1.5  # of one layer
TOTAL = 100.0  # and of all of them
STEADY = 1.25  # the median, at least: half of the layers do it, not one
VANISHING, EXPLODING = GRADIENT_BOUNDS[0], GRADIENT_BOUNDS[-1]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer, and the Euclidean norm of the gradients of its parameters together."""

    name: str
    norm: float
    node: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Layers from the output to the input."""

    layers: tuple[Layer, ...]
    what: str  # "layers", "parameters" or "operations"

    @property
    def ratios(self) -> list[float]:
        """The factor of each layer after the first."""
        norms = [layer.norm for layer in self.layers]
        return [b / a for a, b in pairwise(norms)]

    @property
    def factor(self) -> float:
        """The geometric mean of the factors; 1 if there are none."""
        n = len(self.layers) - 1
        return float(np.exp(np.log(self.layers[-1].norm / self.layers[0].norm) / n)) if n > 0 else 1.0


def flow(model: GraphModel) -> Flow:
    """The layers of a graph that have a gradient: a finite one, which is not 0."""
    learned = [node for node in model.nodes if node.role == "parameter" and _norm(node)]
    place: dict[int, int] = {}
    scope: dict[int, str | None] = {}
    for edge in model.edges:
        if edge.src not in place:
            place[edge.src], scope[edge.src] = edge.dst, model.nodes[edge.dst].scope
    groups: dict[str, list[NodeModel]] = {}
    for node in learned:
        path = (node.name or "").rpartition(".")[0] or scope.get(node.id)
        if path:
            groups.setdefault(path, []).append(node)
    if len(groups) >= FEW:
        layers = [
            (min(place[node.id] for node in nodes), Layer(name, _together(nodes), nodes[0].id))
            for name, nodes in groups.items()
        ]
        return Flow(_ordered(layers), "layers")
    matrices = [node for node in learned if len(node.value.shape) > 1]
    each = matrices if len(matrices) >= FEW else [node for node in learned if "dead" not in node.flags]
    if len(each) >= FEW:
        layers = [(place.get(node.id, 0), Layer(_title(node), _norm(node), node.id)) for node in each]
        return Flow(_ordered(layers), "parameters")
    return Flow(_way_down(model), "operations")


def _ordered(layers: list[tuple[int, Layer]]) -> tuple[Layer, ...]:
    return tuple(layer for _, layer in sorted(layers, key=lambda pair: -pair[0]))


def _way_down(model: GraphModel) -> tuple[Layer, ...]:
    """The operations on the longest way from the output to a leaf that has a gradient."""
    operands: dict[int, list[int]] = {}
    for edge in model.edges:
        operands.setdefault(edge.dst, []).append(edge.src)
    height: list[int] = []  # the longest way below each node; operands come before their users
    for node in model.nodes:
        height.append(max((1 + height[i] for i in operands.get(node.id, ())), default=0))
    layers = []
    i: int | None = model.root
    while i is not None:
        node = model.nodes[i]
        if _norm(node):
            layers.append(Layer(_title(node), _norm(node), i))
        below = [k for k in operands.get(i, ()) if model.nodes[k].requires_grad]
        i = max(below, key=lambda k: (height[k], k)) if below else None
    return tuple(layers)


def verdicts(found: Flow) -> list[tuple[str, int, str]]:
    """(kind, id, sentence) of what is far from 1 per layer, and of what is out of scale."""
    layers = found.layers
    if not layers:
        return []
    first, last = layers[0], layers[-1]
    said: list[tuple[str, int, str]] = []
    factor, total = found.factor, last.norm / first.norm
    enough = STEPS if found.what == "operations" else FEW
    if len(layers) >= enough:
        way = (
            f"×{number(factor)} per {found.what[:-1]} in the mean, "
            f"from {number(first.norm)} at {first.name} to {number(last.norm)} at {last.name}, over {len(layers)} "
            f"{found.what}"
        )
        usual = median(found.ratios)
        if factor < 1 / FACTOR and total < 1 / TOTAL and usual < 1 / STEADY:
            said.append(("vanishing", last.node, f"vanishing gradients: {way}"))
        elif factor > FACTOR and total > TOTAL and usual > STEADY:
            said.append(("exploding", last.node, f"exploding gradients: {way}"))
    smallest, largest = min(layers, key=lambda x: x.norm), max(layers, key=lambda x: x.norm)
    if said:  # both ends are told
        return said
    if smallest.norm < VANISHING:
        everywhere = ", and nowhere larger than that" if largest.norm < VANISHING else ""
        said.append((
            "vanishing", smallest.node,
            f"vanishing gradient: |grad| of {smallest.name} is {number(smallest.norm)}, below {number(VANISHING)}"
            f"{everywhere}",
        ))  # fmt: skip
    if largest.norm > EXPLODING:
        said.append((
            "exploding", largest.node,
            f"exploding gradient: |grad| of {largest.name} is {number(largest.norm)}, above {number(EXPLODING)}",
        ))  # fmt: skip
    return said


def _title(node: NodeModel) -> str:
    return node.derived if node.name is None else node.name


def _norm(node: NodeModel) -> float:
    g = node.gradient
    return 0.0 if g is None or g.norm is None else g.norm


def _together(nodes: list[NodeModel]) -> float:
    norms = np.array([_norm(node) for node in nodes])
    return float(norms.max() * np.linalg.norm(norms / norms.max()))
