"""Flow: how large signals and gradients are, layer by layer.

    ‖gradient of layer k‖ / ‖gradient of layer k + 1‖        the factor of one layer, from the output to the input
    RMS of output k + 1 / RMS of output k                    and of a signal, from the input to the output

Backward multiplies by the Jacobian of every layer. If all factors are near 1/4, as with σ′ ≤ 1/4, thirty layers leave
4⁻³⁰ (Hochreiter 1991; Glorot and Bengio 2010); a factor of 4 explodes as fast. So it is the factor that is judged, by
its geometric mean, and the median beside it, for which one unusual layer does not count.

Three things flow: gradients of parameters, gradients of what the layers put out, and what they put out. The first is
the product of the other two: with W = ½ it is the same for all layers, though signals and gradients die on their ways.

A layer is a module with parameters. Without modules each matrix is one, and without parameters each operation on the
longest way down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from statistics import median

import numpy as np

from tinygrad_edu.render.graph.model import GraphModel, NodeModel
from tinygrad_edu.render.look.style import GRADIENT_BOUNDS, number

FEW = 3  # layers, without which there is no "per layer"
STEPS = 8  # operations of a chain, likewise: a mean or a product may change the size at once
FACTOR = 1.4  # of one layer; the lecture has 1.5
TOTAL = 100.0  # and of all of them
STEADY = 1.25  # the median, at least: half of the layers do it, not one
VANISHING, EXPLODING = GRADIENT_BOUNDS[0], GRADIENT_BOUNDS[-1]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer, and how large something is there: the gradients of its parameters together, by their Euclidean norm."""

    name: str
    norm: float
    node: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Layers in the order in which something flows; gradients go from the output to the input."""

    layers: tuple[Layer, ...]
    what: str  # "layers", "parameters" or "operations"
    sent: tuple[Layer, ...] = ()  # with the gradients of their outputs
    signals: tuple[Layer, ...] = ()  # with the root mean square of their outputs, from the input on

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
    matrices = [node for node in learned if len(node.value.shape) > 1]
    each = matrices if len(matrices) >= FEW else [node for node in learned if "dead" not in node.flags]
    if len(groups) >= FEW:
        what, parts = "layers", list(groups.items())
    elif len(each) >= FEW:
        what, parts = "parameters", [(_title(node), [node]) for node in each]
    else:
        return Flow(_way_down(model), "operations")
    first = {name: min(place.get(node.id, 0) for node in nodes) for name, nodes in parts}
    parts.sort(key=lambda part: -first[part[0]])
    last = _outputs(model, first)
    return Flow(
        tuple(Layer(name, _together(nodes), nodes[0].id) for name, nodes in parts), what,
        tuple(Layer(name, _norm(last[name]), last[name].id) for name, _ in parts if _norm(last[name])),
        tuple(Layer(name, _rms(last[name]), last[name].id) for name, _ in reversed(parts) if _rms(last[name])),
    )  # fmt: skip


def _outputs(model: GraphModel, first: dict[str, int]) -> dict[str, NodeModel]:
    """What each layer puts out: the last that is computed in the module; or, of a parameter, what it is used for."""
    found = {name: model.nodes[i] for name, i in first.items()}
    for node in model.nodes:
        if node.scope in found and node.op is not None:
            found[node.scope] = node
    return found


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
    enough = STEPS if found.what == "operations" else FEW
    said = [*_course("gradients", layers, found.what, enough)]
    said = said or [*_course("gradients", found.sent, f"{found.what[:-1]} outputs", enough)]
    said += _course("signals", found.signals, f"{found.what[:-1]} outputs", enough)
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


def _course(what: str, layers: tuple[Layer, ...], of: str, enough: int) -> Iterator[tuple[str, int, str]]:
    """What is to be said of how something grows or falls from the first layer to the last."""
    if len(layers) < enough:
        return
    first, last, way = layers[0], layers[-1], Flow(layers, of)
    factor, total, usual = way.factor, last.norm / first.norm, median(way.ratios)
    falls = factor < 1 / FACTOR and total < 1 / TOTAL and usual < 1 / STEADY
    grows = factor > FACTOR and total > TOTAL and usual > STEADY
    if falls or grows:
        kind = "vanishing" if falls else "exploding"
        yield kind, last.node, (
            f"{kind} {what}: ×{number(factor)} per layer in the mean, "
            f"from {number(first.norm)} at {first.name} to {number(last.norm)} at {last.name}, over {len(layers)} {of}"
        )  # fmt: skip


def _title(node: NodeModel) -> str:
    return node.derived if node.name is None else node.name


def _norm(node: NodeModel) -> float:
    g = node.gradient
    return 0.0 if g is None or g.norm is None else g.norm


def _rms(node: NodeModel) -> float:
    x = node.value
    return 0.0 if x.norm is None else x.norm / max(prod(x.shape), 1) ** 0.5


def _together(nodes: list[NodeModel]) -> float:
    norms = np.array([_norm(node) for node in nodes])
    return float(norms.max() * np.linalg.norm(norms / norms.max()))
