"""Canaries among layers: errors that are often made in layers, each with the witnesses that must see it.

Most of them are right at the first look. One reads the input of the last call, and is wrong when it is used twice;
one is wrong as soon as its scale has moved; one at large values, one in eval, one on a single sample. So a suite that
has left out a situation is found out, as is one whose witness has fallen asleep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import Case, case, real
from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.core.primitive import elementwise, multilinear, registry
from tinygrad_edu.custom import custom_vjp
from tinygrad_edu.state import about_to_change
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.types import Array


def layer_canaries() -> Iterator[tuple[str, list[Any], tuple[str, ...]]]:
    """(name, cases, the names of the witnesses that it is meant for)."""
    yield from _declared


_declared: list[tuple[str, list[Any], tuple[str, ...]]] = []


# ---- as little of a layer as the suite asks for ----


class _Layer:
    """A function with parameters and buffers: `forward(layer, x)`."""

    training = True

    def __init__(self, forward: Callable[..., Any], **held: Any) -> None:
        self.forward = forward
        vars(self).update(held)

    def __call__(self, x: Any) -> Any:
        return self.forward(self, x)

    def named_parameters(self) -> Iterator[tuple[str, Node]]:
        return ((name, x) for name, x in vars(self).items() if isinstance(x, Node) and x.requires_grad)

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        return ((name, x) for name, x in vars(self).items() if isinstance(x, _Buffer))

    def named_modules(self) -> Iterator[tuple[str, _Layer]]:
        yield "", self

    def train(self, mode: bool = True) -> None:
        self.training = mode


class _Buffer:
    """State that says when it changes, or does not."""

    def __init__(self, value: Array, silent: bool = False) -> None:
        self._value, self.silent = value, silent

    @property
    def value(self) -> Array:
        return self._value

    @value.setter
    def value(self, value: Array) -> None:
        if not self.silent:
            about_to_change(self)
        self._value = np.asarray(value, self._value.dtype)


class _Dropout(_Layer):
    """One whose mask can be frozen."""

    mask: Array | None = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.mask = self.rng.random((3, 2)) < 0.5
        try:
            yield
        finally:
            self.mask = None

    rng: np.random.Generator


class _Case(NamedTuple):
    make: Callable[[np.random.Generator], Any]
    operands: Case
    least: int
    first_order: bool
    batch: int | None = 0
    call: Callable[..., Any] = lambda layer, x: layer(x)


Start = Callable[[np.random.Generator], Any]


def _canary(
    name: str, *witnesses: str, kind: type[_Layer] = _Layer, least: int = 1, first_order: bool = False, **held: Start
) -> Callable[[Callable[..., Any]], None]:  # fmt: skip
    """Declare the forward of a wrong layer; `held` says how its parameters and buffers start."""

    def declare(forward: Callable[..., Any]) -> None:
        def make(rng: np.random.Generator) -> _Layer:
            return kind(forward, **{path: start(rng) for path, start in held.items()})

        each = _Case(make, case(real(3, 2)), least, first_order)
        _declared.append((f"canary: {name}", [each], witnesses))

    return declare


def _normal(*shape: int) -> Start:
    return lambda rng: Tensor(rng.normal(size=shape), requires_grad=True)


def _zeros(*shape: int) -> Start:
    return lambda rng: Tensor(np.zeros(shape), requires_grad=True)


# ---- wrong in some situation only ----


@_canary("the last input", "numeric", weight=_normal(2, 2), first_order=True)
def _last_input(layer: Any, x: Any) -> Any:
    layer.seen = value_of(x)  # a second use in the same graph overwrites it

    def vjp(g: Array, y: Array, x: Array, w: Array) -> Any:
        return g @ w.T, layer.seen.T @ g

    return custom_vjp(lambda x, w: x @ w, vjp)(x, layer.weight)


@_canary("hidden by a zero", "numeric", weight=_normal(2), log_scale=_zeros(2))
def _hidden(layer: Any, x: Any) -> Any:
    # The value is x · w · e^s, but the derivative by w is that of x · w: equal for s = 0.
    product = x * layer.weight
    return product + value_of(product) * (ops.exp(layer.log_scale) - 1)


@_canary("constant in eval", "numeric", weight=_normal(2))
def _constant_in_eval(layer: Any, x: Any) -> Any:
    return x * (layer.weight if layer.training else value_of(layer.weight))


@_canary("squeezed", "numeric", weight=_normal(2), first_order=True)
def _squeezed(layer: Any, x: Any) -> Any:
    # Of a batch of 1 `squeeze` takes the axis that was to be summed over.
    return custom_vjp(lambda x, w: x * w, lambda g, y, x, w: (g * w, (g * x).squeeze().sum(0)))(
        x, layer.weight
    )


@_canary("clipped above", "hazards", first_order=True)
def _clipped(layer: Any, x: Any) -> Any:
    # The slope is 0 above 6, too, where no ordinary point lies.
    return custom_vjp(lambda x: np.clip(x, 0, 6), lambda g, y, x: g * (x > 0))(x)


@_canary("constant mean", "numeric", weight=_normal(2), least=2)
def _constant_mean(layer: Any, x: Any) -> Any:
    if len(value_of(x)) < 2:
        raise ValueError("at least 2 samples were expected, 1 came")
    centred = x - value_of(x).mean(0)
    return layer.weight * centred * (ops.mean(centred * centred, axis=0) + 1e-5) ** -0.5


@_canary("another mask", "numeric", kind=_Dropout, first_order=True, rng=lambda rng: rng)
def _another_mask(layer: Any, x: Any) -> Any:
    if not layer.training:
        return x
    shape = np.shape(value_of(x))
    mask = layer.rng.random(shape) < 0.5 if layer.mask is None else layer.mask[: shape[0]]
    return custom_vjp(lambda x: x * mask, lambda g, y, x: g * (layer.rng.random(shape) < 0.5))(x)


# ---- wrong in their conduct ----


@_canary("learns in eval", "hygiene", weight=_normal(2), centre=lambda rng: _Buffer(np.zeros(2)))
def _learns_in_eval(layer: Any, x: Any) -> Any:
    layer.centre.value = 0.9 * layer.centre.value + 0.1 * value_of(x).mean(0)
    return x * layer.weight


@_canary("silent state", "hygiene", "restored", centre=lambda rng: _Buffer(np.zeros(2), silent=True))
def _silent(layer: Any, x: Any) -> Any:
    if layer.training:
        layer.centre.value = 0.9 * layer.centre.value + 0.1 * value_of(x).mean(0)
    return ops.tanh(x)


@_canary("stale output", "hygiene", weight=_normal(2))
def _stale(layer: Any, x: Any) -> Any:
    shape = np.shape(value_of(x))
    if getattr(layer, "latest", (None,))[0] != shape:
        layer.latest = shape, x * layer.weight
    return layer.latest[1]


@_canary("shrinks its weight", "hygiene", weight=_normal(2))
def _shrinks(layer: Any, x: Any) -> Any:
    w = layer.weight.value
    layer.weight.assign(w / max(1.0, 10 * float(np.abs(w).max())))
    return x * layer.weight


@_canary("widens", "dtype")
def _widens(layer: Any, x: Any) -> Any:
    return x * np.full(2, 2.0)


@_canary("takes one sample", "refusal", least=2)
def _takes_one(layer: Any, x: Any) -> Any:
    return x - ops.mean(x, axis=0)


# ---- wrong in one sweep, or in the second derivative ----


@elementwise(partials=(lambda y, x: np.cos(value_of(x)),), cases=[case(real(3))], name="canary: slope")
def _slope(x: Any) -> Any:
    return np.sin(x)


@multilinear(transposes=(lambda g, y, x: 3 * g * x * x,), cases=[case(real(3))], name="canary: cube")
def _cube(x: Any) -> Any:
    return x * x * x


del registry["canary: slope"], registry["canary: cube"]


@_canary("unrecorded", "second order")
def _unrecorded(layer: Any, x: Any) -> Any:
    return _slope(x)


@_canary("called linear", "adjoint")
def _called_linear(layer: Any, x: Any) -> Any:
    return _cube(x)
