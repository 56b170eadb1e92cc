"""Replaying a graph at many points at once: what moves has one axis more, the first.

    W (out, in)    →    points (P, out, in)        y () → (P,)

A check of n numbers evaluates its function about 6 n times, and a call of NumPy costs as much for one small array as
for a thousand numbers. So the points go through the graph together. Elementwise operations and sums hardly notice;
most others are told where their axes have gone. What is not mentioned here is done one point after the other.

What does not move has an axis of length 1 in front, and stands for all points.

The last digits may differ from those of the function, since many points may be added up in another order than one. So
`agrees` compares the two before this is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.primitive import registry
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.types import Array

BYTES = 2**23  # that the values under way take, about: more would not fit the processor's cache


class Batch:
    """A graph as a function of many values of its leaves: for each leaf (P, *shape) or (1, *shape) → (P,).

    Attributes:
        output: the node at its end, of one number.
        at_once: how many points take about `BYTES`.
    """

    def __init__(self, output: Node, leaves: Iterable[Node]) -> None:
        slots = {leaf: i for i, leaf in enumerate(leaves)}
        self._steps: list[Callable[[list[Array]], Array]] = []
        for node in topological_order([output]):
            moving = [(i, slots[x]) for i, x in enumerate(node.args) if x in slots]
            if moving:
                self._steps.append(_step(node, moving))
                slots[node] = len(slots)
        self.output, self._slot = output, slots.get(output)
        self.at_once = max(BYTES // (8 * sum(np.size(node.value) for node in slots)), 1)

    def __call__(self, points: Sequence[Array]) -> Array:
        """The output at every point."""
        held = list(points)
        rows = max(map(len, held))
        with np.errstate(all="ignore"):
            for step in self._steps:
                held.append(step(held))
        y = np.asarray(self.output.value)[None] if self._slot is None else held[self._slot]
        return np.broadcast_to(y, (rows,))


def agrees(batch: Batch, points: Sequence[Sequence[Array]], values: Array) -> bool:
    """Whether many points at once give these values, but for the order in which numbers are added."""
    got = batch([np.stack(column) for column in zip(*points, strict=True)])
    terms = sum(float(np.abs(y.value).max(initial=0.0)) for y in batch.output.args)  # which may cancel
    return bool(np.all(np.abs(got - values) <= 1e-12 * np.maximum(terms, np.abs(values))))


def _step(node: Node, moving: list[tuple[int, int]]) -> Callable[[list[Array]], Array]:
    """One operation of the graph, on operands of which some are held for many points: with their axis in front."""
    op: Any = node.op
    params = {name: value for name, value in node.params.items() if name != "saved"}
    shape: Any = np.shape(node.value)
    still = [np.asarray(x.value) for x in node.args]
    ours = registry.get(op.name) is op  # a function of the user may have the same name
    pointwise = op.elementwise or (ours and op.name in COMPARISONS)
    shifted: Callable[..., Array] = SHIFTED.get(op.name, _one_by_one) if ours else _one_by_one
    if not pointwise:  # an operand that does not move is the same at one point that stands for all
        still = [x[None] for x in still]

    def step(held: list[Array]) -> Array:
        xs = still.copy()
        for i, slot in moving:
            xs[i] = _ranked(held[slot], len(shape)) if pointwise else held[slot]
        y: Array = op.forward(*xs, **params) if pointwise else shifted(op, *xs, shape=shape, params=params)
        return y

    return step


def _ranked(x: Array, rank: int) -> Array:
    """Broadcasting aligns the last axes: axes of length 1 keep the points in front, (P, n) → (P, 1, n)."""
    return x if x.ndim > rank else x.reshape(len(x), *(1,) * (rank + 1 - x.ndim), *x.shape[1:])


# ---- where the axes have gone; `shape` is that of the result at one point ----


def _one_by_one(op: Any, *xs: Array, shape: Any, params: dict[str, Any]) -> Array:
    points = max(map(len, xs))
    return np.stack([op.call(*(x[p % len(x)] for x in xs), **params) for p in range(points)])


def _behind(axis: Any, rank: int) -> Any:
    """An axis of an array that has one more in front."""
    if axis is None:
        return tuple(range(1, rank + 1))
    if isinstance(axis, tuple | list):
        return tuple(_behind(a, rank) for a in axis)
    return axis if axis < 0 else axis + 1


def _along(default: Any) -> Callable[..., Array]:
    def shifted(op: Any, x: Array, *, shape: Any, params: dict[str, Any]) -> Array:
        axis = _behind(params.get("axis", default), x.ndim - 1)
        y: Array = op.forward(x, **(params | {"axis": axis}))
        return y

    return shifted


def _joined(op: Any, *xs: Array, shape: Any, params: dict[str, Any]) -> Array:
    points = max(map(len, xs))
    whole = [np.broadcast_to(x, (points, *x.shape[1:])) for x in xs]
    y: Array = op.forward(*whole, **(params | {"axis": _behind(params.get("axis", 0), len(shape))}))
    return y


def _reshaped(op: Any, x: Array, *, shape: Any, params: dict[str, Any]) -> Array:
    return x.reshape(len(x), *shape)


def _transposed(op: Any, x: Array, *, shape: Any, params: dict[str, Any]) -> Array:
    rank = x.ndim - 1
    axes = params.get("axes")
    return x.transpose(0, *(a % rank + 1 for a in (range(rank)[::-1] if axes is None else axes)))


def _broadcast(op: Any, x: Array, *, shape: Any, params: dict[str, Any]) -> Array:
    return np.broadcast_to(_ranked(x, len(shape)), (len(x), *shape))


def _indexed(op: Any, x: Array, *, shape: Any, params: dict[str, Any]) -> Array:
    index = params["index"]
    parts = index if isinstance(index, tuple) else (index,)
    arrays = sum(isinstance(part, np.ndarray | list) for part in parts)
    if (
        arrays and arrays + sum(isinstance(part, int) for part in parts) > 1
    ):  # their axes might be put in front
        return _one_by_one(op, x, shape=shape, params=params)
    y: Array = x[(slice(None), *parts)]
    return y


def _padded(op: Any, x: Array, *, shape: Any, params: dict[str, Any]) -> Array:
    return np.pad(x, ((0, 0), *params["widths"]))


def _multiplied(op: Any, a: Array, b: Array, *, shape: Any, params: dict[str, Any]) -> Array:
    a = a[:, None] if a.ndim == 2 else a  # a vector on the left is a row, one on the right a column
    b = b[..., None] if b.ndim == 2 else b
    rank = max(a.ndim, b.ndim) - 1
    y: Array = _ranked(a, rank) @ _ranked(b, rank)
    return y.reshape(len(y), *shape)


def _linear(op: Any, x: Array, W: Array, b: Array, *, shape: Any, params: dict[str, Any]) -> Array:
    W = W if params.get("transposed") else W.swapaxes(1, 2)  # (points, out, in)
    rows = x.reshape(len(x), -1, x.shape[-1])
    if len(W) == 1:
        y = rows @ W[0].T
    elif len(x) == 1:  # all weights under one another: a single product
        y = (rows[0] @ W.reshape(-1, W.shape[-1]).T).reshape(rows.shape[1], *W.shape[:2]).swapaxes(0, 1)
    else:
        y = rows @ W.swapaxes(1, 2)
    y = y + b[:, None]
    return np.asarray(y.reshape(len(y), *shape))


def _cross_entropy(op: Any, x: Array, *, shape: Any, params: dict[str, Any]) -> Array:
    labels = params["labels"]
    logarithms: Any = ops.log_softmax(x)
    y: Array = -logarithms[:, np.arange(len(labels)), labels].mean(axis=1)
    return y


def _natively(op: Any, *xs: Array, shape: Any, params: dict[str, Any]) -> Array:
    y: Array = op.forward(*xs, **params)
    return y


COMPARISONS = {
    "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "logical_not", "sign", "above",
}  # fmt: skip
SHIFTED: dict[str, Callable[..., Array]] = {
    **dict.fromkeys(("sum", "mean", "var", "max", "min", "prod", "logsumexp", "flip"), _along(None)),
    **dict.fromkeys(("softmax", "log_softmax", "cumsum"), _along(-1)),
    **dict.fromkeys(("concatenate", "stack"), _joined),
    **dict.fromkeys(("identity", "windows"), _natively),
    "reshape": _reshaped, "transpose": _transposed, "broadcast_to": _broadcast, "getitem": _indexed, "pad": _padded,
    "matmul": _multiplied, "linear": _linear, "softmax_cross_entropy": _cross_entropy,
}  # fmt: skip
