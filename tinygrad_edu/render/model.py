"""The model: everything that a picture may show of a graph, as plain data.

    graph  --capture-->  GraphModel  -->  DOT, text, JSON, ...

Every output is a function of the model alone, so a picture can be tested without an engine, saved, and
compared. Nodes are numbered with operands before their users, in the order in which the expression was
written; nothing depends on addresses or hashes, so the same graph gives the same bytes in every process.

The gradients of leaves are what `backward` has added up. Those of the nodes between are not kept by anyone:
they come from carrying the root's cotangent through the graph once more, which changes nothing in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.core.sweep import Step, reverse_sweep, topological_order
from tinygrad_edu.errors import TinygradEduError
from tinygrad_edu.render.naming import (
    Choice,
    Names,
    derived_names,
    given_names,
    module_labels,
    selected,
    unmatched,
)
from tinygrad_edu.render.stale import sentence, stale_leaves, stale_operands

SCHEMA = 1
BINS = 8
ITEMS = 64  # arrays up to this size are kept in full
DEAD = 1e-12  # a parameter whose gradient is smaller than this, relative to the largest, learns nothing


@dataclass(frozen=True, slots=True)
class Numbers:
    """An array in numbers: all of them if they are few, and their statistics over the finite ones."""

    shape: tuple[int, ...]
    dtype: str
    items: tuple[float, ...] | None  # flat, in C order
    mean: float | None = None
    std: float | None = None
    smallest: float | None = None
    largest: float | None = None
    norm: float | None = None  # Euclidean
    histogram: tuple[int, ...] = ()  # counts in 8 equal bins from the smallest to the largest
    nan: int = 0
    infinite: int = 0

    @property
    def item(self) -> float | None:
        """The number, if it is a single one."""
        return self.items[0] if self.items is not None and not self.shape else None


@dataclass(frozen=True, slots=True)
class NodeModel:
    """A node as pictures see it."""

    id: int
    name: str | None  # given by the user
    derived: str  # what the expression says, for a node without name
    op: str | None
    symbol: str | None
    role: str  # input, parameter, frozen, constant, intermediate, output
    scope: str | None
    kind: str  # "Scalar" or "Tensor"
    requires_grad: bool
    value: Numbers
    gradient: Numbers | None  # None: not computed
    flags: tuple[str, ...] = ()  # nonfinite, dead, highlight, stale, wrong


@dataclass(frozen=True, slots=True)
class EdgeModel:
    """The operand `src` of `dst`, at position `arg`; x·x has two edges."""

    src: int
    dst: int
    arg: int
    local: float | None = None  # ∂dst/∂src, of elementwise operations on single numbers


@dataclass(frozen=True, slots=True)
class GraphModel:
    """A graph as plain data."""

    schema: int
    root: int
    nodes: tuple[NodeModel, ...]
    edges: tuple[EdgeModel, ...]
    modules: tuple[tuple[str, str], ...] = ()  # (path, `Linear(3 → 4)`) of modules that were given
    warnings: tuple[str, ...] = ()


def capture(
    x: Node, *, names: Names = None, parameters: Choice = None, highlight: Choice = None, report: Any = None,
) -> GraphModel:  # fmt: skip
    """Describe the graph that a node was computed by.

    Args:
        x: the root, such as a loss.
        names: where names come from if a node has none itself: `locals()` or another mapping (lists in it
            give `w[0]`), a module (attribute paths such as `fc1.weight`), or several of these.
        parameters: which leaves are parameters: a module, nodes, or patterns such as `"w* b"`. Default: those
            of the modules in `names`; if there are none, the tensors that require a gradient.
        highlight: which nodes to emphasise, in the same way.
        report: of a gradient check; the nodes that it calls wrong are marked.

    Raises:
        TypeError: `x` is not a node.
    """
    if not isinstance(x, Node):
        raise TypeError(f"capture: a Scalar or a Tensor was expected, {type(x).__name__} came")
    order = topological_order([x])
    ids = {node: i for i, node in enumerate(order)}
    given = given_names(order, names)
    derived = derived_names(order, ids, given)
    told, trained = _parameters(order, given, names, parameters)
    emphasised = selected(order, given, highlight)
    stale, wrong = stale_leaves(order), _wrong(report)
    cotangents, warnings = _cotangents(x)
    if stale and not warnings:
        warnings = [sentence([given.get(node, derived[node]) for node in order if node in stale])]
    warnings += unmatched(order, given, names=names, parameters=parameters, highlight=highlight)
    gradients = {}
    for node in order:
        g = cotangents.get(node) if node.grad is None else node.grad
        if g is not None:
            gradients[node] = numbers(_raw(g))
    largest = max((g.norm or 0.0 for node, g in gradients.items() if node.op is None), default=0.0)
    nodes = []
    for node, i in ids.items():
        value, gradient = numbers(node.value), gradients.get(node)
        role = _role(node, x, told, node in trained)
        nodes.append(
            NodeModel(
                id=i, name=given.get(node), derived=derived[node], role=role, scope=node.scope,
                op=node.op.name if node.op else None, symbol=node.op.symbol if node.op else None,
                kind=type(node).__name__, requires_grad=node.requires_grad, value=value, gradient=gradient,
                flags=_flags(role, value, gradient, largest, node in emphasised, node in stale, node in wrong),
            )
        )  # fmt: skip
    with np.errstate(all="ignore"):
        edges = [
            EdgeModel(ids[a], i, k, local)
            for node, i in ids.items()
            for k, (a, local) in enumerate(zip(node.args, _locals(node), strict=True))
        ]
    return GraphModel(
        SCHEMA, ids[x], tuple(nodes), tuple(edges), module_labels(order, names), tuple(warnings)
    )


def numbers(array: Any) -> Numbers:
    """The statistics of a float or an array."""
    if type(array) is float:
        finite = math.isfinite(array)
        return Numbers(
            (), "float64", (array,), norm=abs(array) if finite else None,
            nan=int(array != array), infinite=int(math.isinf(array)),
        )  # fmt: skip
    array = np.asarray(array)
    dimensions, dtype = tuple(map(int, array.shape)), str(array.dtype)
    if array.dtype.kind not in "biuf":
        return Numbers(dimensions, dtype, None)
    flat = array.reshape(-1).astype(np.float64)  # a copy: float16 would overflow in the sums
    items = tuple(flat.tolist()) if flat.size <= ITEMS else None
    nan, infinite = int(np.isnan(flat).sum()), int(np.isinf(flat).sum())
    finite_part = flat[np.isfinite(flat)] if nan or infinite else flat
    if not finite_part.size:
        return Numbers(dimensions, dtype, items, norm=None if flat.size else 0.0, nan=nan, infinite=infinite)
    low, high = float(finite_part.min()), float(finite_part.max())
    scale = max(abs(low), abs(high)) or 1.0  # against overflow of the squares
    unit = finite_part / scale
    mean = unit.mean()
    return Numbers(
        dimensions, dtype, items, float(mean) * scale, float(unit.std()) * scale, low, high,
        None if nan or infinite else float(np.sqrt(unit @ unit)) * scale, _histogram(unit), nan, infinite,
    )  # fmt: skip


def _histogram(unit: Any) -> tuple[int, ...]:
    low, high = unit.min(), unit.max()
    if unit.size == 1 or low == high:
        return ()
    places = np.minimum((unit - low) / (high - low) * BINS, BINS - 1).astype(np.intp)
    return tuple(np.bincount(places, minlength=BINS).tolist())


def _raw(g: Any) -> Any:
    return g.value if isinstance(g, Node) else g


def _cotangents(root: Node) -> tuple[dict[Node, Any], list[str]]:
    """The cotangents of all nodes, if backward has run from the root; else none."""
    found: dict[Node, Any] = {}

    def note(step: Step) -> None:
        found[step.node] = step.cotangent

    if root.grad is None:
        return found, []
    try:
        with np.errstate(all="ignore"):
            reverse_sweep(root, _raw(root.grad), observe=note)
    except (TinygradEduError, ArithmeticError, ValueError, TypeError) as error:
        return {}, [f"the gradients between the leaves and the output could not be computed: {error}"]
    return found, []


def _locals(node: Node) -> list[float | None]:
    """∂y/∂x for each operand of an elementwise operation on single numbers; None where there is none."""
    op, args = node.op, node.args
    if op is None or not op.elementwise or op.variadic or np.ndim(node.value) or stale_operands(node):
        return [None] * len(args)
    values = [a.value for a in args]
    found: list[float | None] = []
    for rule, _ in zip(op.rules, args, strict=False):
        try:
            partial = rule(node.value, *values, **node.params) if callable(rule) else rule
            found.append(None if partial is None else float(partial))
        except (ArithmeticError, ValueError, TypeError):
            found.append(None)
    return found + [None] * (len(args) - len(found))


def _parameters(
    order: list[Node], given: dict[Node, str], names: Names, parameters: Choice
) -> tuple[bool, set[Node]]:
    """Whether we were told which leaves are parameters, and which they are."""
    if parameters is not None:
        return True, selected(order, given, parameters)
    modules = selected(order, given, names, modules_only=True)
    return bool(modules), modules


def _role(node: Node, root: Node, told: bool, trained: bool) -> str:
    if node.op is not None:
        return "output" if node is root else "intermediate"
    if trained:
        return "parameter" if node.requires_grad else "frozen"
    if node.requires_grad:
        return "input" if told or type(node.value) is float else "parameter"
    return "constant" if node.name is None and np.size(node.value) == 1 else "input"


def _wrong(report: Any) -> set[Node]:
    """The nodes whose gradients a check has found to be wrong."""
    if report is None:
        return set()
    return {
        report.nodes[row.name] for row in report.rows if row.verdict == "wrong" and row.name in report.nodes
    }


def _flags(
    role: str,
    value: Numbers,
    gradient: Numbers | None,
    largest: float,
    emphasised: bool,
    stale: bool,
    wrong: bool,
) -> tuple[str, ...]:
    broken = value.nan + value.infinite > 0 or (gradient is not None and gradient.nan + gradient.infinite > 0)
    dead = (
        role == "parameter" and bool(value.shape) and gradient is not None and gradient.norm is not None
        and gradient.norm <= DEAD * largest
    )  # fmt: skip
    flags = (("nonfinite", broken), ("dead", dead), ("highlight", emphasised), ("stale", stale),
             ("wrong", wrong))  # fmt: skip
    return tuple(flag for flag, holds in flags if holds)
