"""Reparametrization: a weight is computed anew at every call, from other parameters that are learned in its place.

    weight_norm     W = g · v / ‖v‖        how long, and in which direction, are learned by themselves
    spectral_norm   W = W₀ / σ             σ: the largest singular value of W₀, by how much it can stretch a vector

Both change a layer: the parameter `weight` makes room for `weight_g` and `weight_v`, or for `weight_orig` and two
buffers, as in PyTorch's functions of these names (and not its newer `parametrizations`, whose names differ). The layer
itself notices nothing: during a call, and only then, it has a `weight`, which is a node of the graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.custom import custom_vjp
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Buffer, parameter
from tinygrad_edu.types import Array, Operand


class Reparametrization:
    """In the place of a layer's `forward`: it makes the weight, calls the layer's own, and takes the weight away.

    Args:
        layer: what holds the weight.
        name: what it is called.

    Raises:
        ValueError: the layer has no parameter of this name, or is reparametrized already.
    """

    def __init__(self, layer: Module, name: str) -> None:
        weight = vars(layer).get(name)
        if "forward" in vars(layer) or not isinstance(weight, Node) or weight.op is not None:
            raise ValueError(
                f"{type(self).__name__}: a layer with a parameter '{name}', and no reparametrization yet, was "
                f"expected, {layer.brief()} has {', '.join(vars(layer)) or 'none'}"
            )
        self.layer, self.name = layer, name

    def weight(self) -> Operand:
        """The weight, from the parameters that are learned."""
        raise NotImplementedError(f"{type(self).__name__} says nothing of how the weight is made")

    def __call__(self, *args: Any, **params: Any) -> Any:
        """What the layer's own forward computes with that weight."""
        held = vars(self.layer)
        held[self.name] = self.weight()
        try:
            return type(self.layer).forward(self.layer, *args, **params)
        finally:
            del held[self.name]


def remove(layer: Module) -> Module:
    """Give the layer its plain parameter back, with the values that its weight has now.

    Raises:
        ValueError: it is not reparametrized.
    """
    made = vars(layer).get("forward")
    if not isinstance(made, Reparametrization):
        raise ValueError(f"remove: a layer with a reparametrization was expected, {layer.brief()} has none")
    values = value_of(made.weight())
    for name in [held for held in vars(layer) if held.startswith(f"{made.name}_")]:
        delattr(layer, name)
    del layer.forward
    setattr(layer, made.name, parameter(values, made.name))
    return layer


# ---- length and direction ----


class WeightNorm(Reparametrization):
    """W = g · v / ‖v‖, see `weight_norm`."""

    def __init__(self, layer: Module, name: str, dim: int | None) -> None:
        super().__init__(layer, name)
        v = value_of(vars(layer).pop(name))
        if dim is not None and not -v.ndim <= dim < v.ndim:
            raise ValueError(f"weight_norm: dim in [{-v.ndim}, {v.ndim}) or None was expected, {dim} came")
        kept = None if dim is None else dim % v.ndim
        self.axes = tuple(axis for axis in range(v.ndim) if axis != kept)
        length = np.sqrt((v * v).sum(self.axes, keepdims=dim is not None))
        setattr(layer, f"{name}_g", parameter(length, f"{name}_g"))
        setattr(layer, f"{name}_v", parameter(v, f"{name}_v"))

    def weight(self) -> Operand:
        """The direction of v, g long."""
        self.layer.require_nodes(f"{self.name}_g", f"{self.name}_v")
        g, v = (getattr(self.layer, f"{self.name}_{part}") for part in "gv")
        return g * v / ops.sqrt(ops.sum(v * v, self.axes, keepdims=True))


def _with_lengths(rng: np.random.Generator) -> Module:
    return weight_norm(Linear(3, 2, rng=rng))


def _with_one_length(rng: np.random.Generator) -> Module:
    return weight_norm(Linear(3, 2, rng=rng), dim=None)


@verified(layer(_with_lengths, real(5, 3)), layer(_with_one_length, real(5, 3)))
def weight_norm(layer: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the length g and the direction v of a weight, W = g · v / ‖v‖ (Salimans and Kingma 2016, eq. 2).

    The gradient by v is orthogonal to v: along v nothing changes. So v only grows, and the longer it is, the slower it
    turns.

    Args:
        layer: a layer with a parameter of this name; it is changed, and computes what it did.
        name: of the weight.
        dim: the axis that has a length of its own at every place: 0 for a length for each output of a linear layer or a
            convolution. None: one length for all.

    Returns:
        The layer, with `weight_g` and `weight_v` in the place of `weight`. `remove` undoes it.

    Raises:
        ValueError: there is no such parameter or axis, or the layer is reparametrized already.
    """
    layer.forward = WeightNorm(layer, name, dim)  # type: ignore[method-assign]
    return layer


# ---- the largest stretch ----


class SpectralNorm(Reparametrization):
    """W = W₀ / σ, see `spectral_norm`."""

    def __init__(
        self,
        layer: Module,
        name: str,
        n_power_iterations: int,
        eps: float,
        dim: int,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(layer, name)
        if n_power_iterations < 1 or not eps > 0:
            raise ValueError(
                f"spectral_norm: n_power_iterations ≥ 1 and eps > 0 were expected, {n_power_iterations} and {eps} came"
            )
        self.n_power_iterations, self.eps, self.dim = n_power_iterations, eps, dim
        original = vars(layer).pop(name)
        matrix = self.matrix(value_of(original))
        u, v = (self.unit(np.asarray(rng.normal(size=n), matrix.dtype)) for n in matrix.shape)
        setattr(layer, f"{name}_orig", original)
        setattr(layer, f"{name}_u", Buffer(u))
        setattr(layer, f"{name}_v", Buffer(v))
        self.iterate(15)  # as many as in PyTorch, so that it starts with a good estimate

    def matrix(self, w: Array) -> Array:
        """W₀ as a matrix: a row for each place along `dim`."""
        rows = np.moveaxis(w, self.dim, 0)
        return np.asarray(rows.reshape(len(rows), -1))

    def unit(self, x: Array) -> Array:
        """The vector of length 1 in this direction."""
        return np.asarray(x / max(float(np.linalg.norm(x)), self.eps))

    def iterate(self, steps: int) -> tuple[Array, Array]:
        """Power iteration: each step turns u and v towards the direction that is stretched most."""
        w = self.matrix(value_of(getattr(self.layer, f"{self.name}_orig")))
        kept_u, kept_v = (getattr(self.layer, f"{self.name}_{part}") for part in "uv")
        u, v = kept_u.value, kept_v.value
        for _ in range(steps):
            v = self.unit(w.T @ u)
            u = self.unit(w @ v)
        if steps:
            kept_u.value, kept_v.value = u, v
        return u, v

    def weight(self) -> Operand:
        """W₀ / σ with σ = uᵀ W₀ v; in training, u and v take their steps before."""
        self.layer.require_nodes(f"{self.name}_orig")
        u, v = self.iterate(self.n_power_iterations if self.layer.training else 0)
        original = getattr(self.layer, f"{self.name}_orig")

        def sigma(w: Array) -> Array:
            return np.asarray(u @ self.matrix(w) @ v)

        def slope(g: Array, y: Array, w: Array) -> Array:
            rows = np.moveaxis(w, self.dim, 0)
            return np.moveaxis(g * np.outer(u, v).reshape(rows.shape), 0, self.dim)

        return original / custom_vjp(sigma, slope)(original)


def _converged(rng: np.random.Generator) -> Module:
    """A layer that stretches one direction about three times as much as others, so that u and v soon stand still."""
    made = Linear(3, 2, rng=rng)
    made.weight.assign(np.diag([3.0, 1, 0])[:2] + 0.1 * made.weight.numpy())
    return spectral_norm(made, n_power_iterations=30, rng=rng)


@verified(layer(_converged, real(5, 3), first_order=True))
def spectral_norm(
    layer: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int = 0, *,
    rng: np.random.Generator,
) -> Module:  # fmt: skip
    """Divide a weight by its largest singular value, so that no vector gets longer (Miyato et al. 2018, algorithm 1).

    σ = uᵀ W₀ v, where u and v are found by power iteration: in training `n_power_iterations` further steps at each
    call, from where the last call got to. They are buffers, and a gradient check puts them back.

    The derivative takes u and v for constants. At the exact singular vectors σ has no slope by them, so that is right
    there, and nearly right on the way: in training, `tg.check` sees the difference as long as they still move. It is
    not right in a second derivative, so that, and the forward mode, are refused.

    Args:
        layer: a layer with a parameter of this name; it is changed.
        name: of the weight.
        n_power_iterations: ≥ 1.
        eps: > 0, the least length that u and v are divided by.
        dim: the axis of the outputs: 0 for linear layers and convolutions, 1 for transposed convolutions.
        rng: where u and v start.

    Returns:
        The layer, with the parameter `weight_orig` and the buffers `weight_u`, `weight_v` in the place of `weight`.
        `remove` undoes it.

    Raises:
        ValueError: there is no such parameter, a number is out of its range, or the layer is reparametrized already.
    """
    layer.forward = SpectralNorm(layer, name, n_power_iterations, eps, dim, rng)  # type: ignore[method-assign]
    return layer
