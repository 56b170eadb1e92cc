"""Scales measured on data: where no formula knows the gain of a layer, its output is looked at.

A layer y = W x is linear in W, so dividing W by the standard deviation of y makes that 1, whatever x is. What comes
after the layer then sees another input. So layers are taken in the order in which the forward pass calls them, and for
each the whole model runs again:

    lsuv              Var y = 1 over all numbers of the output        Mishkin and Matas 2015, algorithm 1
    data_dependent    E y_k = 0 and Var y_k = 1 for each unit k       Krähenbühl et al. 2015, algorithm 1

What a layer is, and how its output is seen, says `watching`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.core.node import assign
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.init.assigning import Where, named
from tinygrad_edu.nn.init.structured import orthogonal
from tinygrad_edu.nn.init.watching import Layer, layers_of, watched
from tinygrad_edu.types import Array


@dataclass(frozen=True, slots=True)
class Observed:
    """A layer's output on the batch, before anything was changed and at the end.

    Attributes:
        path: of the layer.
        before: (mean, variance) over all numbers of the output.
        after: the same at the end.
        steps: how often its weight was rescaled.
    """

    path: str
    before: tuple[float, float]
    after: tuple[float, float]
    steps: int


class Table(list[Observed]):
    """One row for each layer, in the order of the forward pass; printed as a table."""

    def __str__(self) -> str:
        wide = max(len("layer"), *(len(row.path) for row in self))
        lines = [f"{'layer':<{wide}}  mean before    after   variance before   after   steps"]
        for row in self:
            (mean, variance), (mean_after, variance_after) = row.before, row.after
            lines.append(
                f"{row.path:<{wide}}  {mean:11.3g} {round(mean_after, 6) + 0:8.3g}   {variance:15.3g} "
                f"{variance_after:7.4f} {row.steps:7}"
            )
        return "\n".join(lines)


def lsuv(
    model: Any, *inputs: Any, rng: np.random.Generator | None = None,
    start: Callable[..., Array] | None = orthogonal, tolerance: float = 1e-3, most: int = 10,
    where: Where | None = None,
) -> Table:  # fmt: skip
    """Layer-sequential unit variance (Mishkin and Matas 2015): every layer's output gets the variance 1 on a batch.

    Args:
        model: a module, in the mode (train or eval) that it is to be looked at. Dropout draws anew in each pass, so
            with it take `eval()`.
        inputs: what it is called with, a batch.
        rng: where chance comes from, if there is a start.
        start: how the weights start, a function (shape, *, rng, layout); None leaves them as they are.
        tolerance: how far the variance may be from 1, > 0. The authors take 0.1.
        most: rescalings of one layer, ≥ 1. One is enough where the bias is 0 and the layer is called once.
        where: which weights are meant, see `apply`.

    Returns:
        A table of the layers; `print` shows it. The variance after is that of a last pass through the whole model.

    Raises:
        ShapeError, TypeError: no generator, and whatever the model itself refuses.
        ValueError: no weight is meant; a layer with several, or one that the model does not call; an output without
            variance, or whose variance does not come to 1. Then all parameters are what they were.
    """
    if not 0 < tolerance < math.inf or most < 1:
        raise ValueError(f"lsuv: tolerance > 0 and most ≥ 1 were expected, {tolerance} and {most} came")

    def settle(layer: Layer) -> int:
        for step in range(most + 1):
            variance = _finite("lsuv", layer, float(layer.output(model, inputs).var()))
            if abs(variance - 1) <= tolerance:
                return step
            if not variance > 0:
                raise ValueError(
                    f"lsuv: an output that varies was expected of '{layer.path}', on this batch it is constant: it "
                    f"cannot be scaled"
                )
            if step < most:
                layer.weight.assign(layer.weight.value / math.sqrt(variance))
        raise ValueError(
            f"lsuv: the variance of '{layer.path}' was expected to come to 1 ± {tolerance:g} in {most} steps, it is "
            f"{variance:.4g}: give the layer a bias of 0, take eval() if there is dropout, or raise `most`"
        )

    return _in_order("lsuv", model, inputs, where, settle, start, rng)


def data_dependent(model: Any, *inputs: Any, where: Where | None = None) -> Table:
    """Every unit gets mean 0 and variance 1 on a batch, by its weights and its bias (Krähenbühl et al. 2015).

        W_k ← W_k / σ_k,    b_k ← (b_k − μ_k) / σ_k

    where μ_k and σ_k are the mean and the standard deviation of unit k over the batch, and over all positions of a
    convolution. Directions of the weights stay as they are.

    Args:
        model: a module, in the mode that it is to be looked at, see `lsuv`.
        inputs: what it is called with, a batch of at least 2.
        where: which weights are meant, see `apply`.

    Returns:
        A table of the layers.

    Raises:
        ShapeError: an output without an axis of the layer's units.
        ValueError: as of `lsuv`; also a layer without bias, and units that are constant on the batch.
    """

    def settle(layer: Layer) -> int:
        weight, bias = layer.weight.value, layer.bias
        if bias is None:
            raise ValueError(
                f"data_dependent: a bias that moves the mean was expected of '{layer.path}', it has none: use lsuv, or "
                f"leave the layer out by where="
            )
        y, units = layer.output(model, inputs), len(weight)
        # The units of a matrix are the last axis, (…, out), those of a kernel the second, (batch, out, *positions).
        axis = y.ndim - 1 if weight.ndim == 2 else 1
        if y.ndim <= axis or y.shape[axis] != units or np.size(bias.value) != units:
            raise ShapeError(
                f"data_dependent: an output of '{layer.path}' with {units} units on axis {axis} and a bias for each "
                f"were expected, outputs {y.shape} and a bias {np.shape(bias.value)} came"
            )
        others = tuple(i for i in range(y.ndim) if i != axis)
        mean, std = y.mean(axis=others), y.std(axis=others)
        _finite("data_dependent", layer, float(std.sum()))
        constant = int((std <= 1e-12 * np.abs(mean)).sum())
        if constant:
            raise ValueError(
                f"data_dependent: units that vary were expected of '{layer.path}', {constant} of {units} are constant "
                f"on this batch: give more samples, or another start"
            )
        column = std.reshape(units, *[1] * (weight.ndim - 1))
        moved = (bias.value - mean.reshape(bias.value.shape)) / std.reshape(bias.value.shape)
        assign([(layer.weight, weight / column), (bias, moved)])
        return 1

    return _in_order("data_dependent", model, inputs, where, settle)


def _in_order(
    name: str, model: Any, inputs: tuple[Any, ...], where: Where | None, settle: Callable[[Layer], int],
    start: Callable[..., Array] | None = None, rng: np.random.Generator | None = None,
) -> Table:  # fmt: skip
    """Settle the layers one after the other; if that fails, all parameters are what they were."""
    layers = layers_of(name, model, where)
    held = [(leaf, leaf.value) for leaf in named(name, model).values()]
    with watched(layers) as before:
        model(*inputs)
    missing = [layer.path for layer in layers if layer.path not in before]
    if missing:
        raise ValueError(
            f"{name}: layers that the model calls were expected, it did not call {', '.join(missing)}: leave them "
            f"out by where="
        )
    ordered = sorted(layers, key=lambda layer: list(before).index(layer.path))
    try:
        if start is not None:
            assign([(each.weight, start(each.weight.shape, rng=rng, layout="out_in")) for each in layers])
        steps = [settle(layer) for layer in ordered]
        with watched(layers) as after:
            model(*inputs)
    except BaseException:
        assign(held)
        raise
    moments = [[_moments(seen[each.path]) for each in ordered] for seen in (before, after)]
    return Table(
        Observed(each.path, old, new, n) for each, old, new, n in zip(ordered, *moments, steps, strict=True)
    )


def _moments(outputs: list[Array]) -> tuple[float, float]:
    numbers = np.concatenate([y.ravel() for y in outputs])
    return float(numbers.mean()), float(numbers.var())


def _finite(name: str, layer: Layer, number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(
            f"{name}: a finite output was expected of '{layer.path}', it overflows: let the weights start smaller"
        )
    return number
