"""Cases of layers: what a layer is verified on, stated beside it, as a primitive states its own.

    @verified(layer(lambda rng: Linear(3, 5, rng=rng), real(7, 3)))
    class Linear(Module): ...

A case says how to make the layer and draws a value for each of its operands. The suite finds it by its class's name
and does the rest: training and eval, batches of 1, tied weights, and so on. So a new layer touches one file, its own.

A function of `nn.functional` is a layer without parameters, and nothing has to be made: `layer(itself, real(7, 3))`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeVar

import numpy as np

from tinygrad_edu.core.cases import Case, Domain, real
from tinygrad_edu.errors import RegistrationError
from tinygrad_edu.types import Array, Shape

Subject = TypeVar("Subject", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class LayerCase:
    """One layer, and what it is called with.

    Attributes:
        make: from a generator, a layer as it starts out.
        operands: a domain for each operand. Those that nothing is differentiated by are passed on as plain arrays. If
            all are single numbers, the layer is one of Scalars.
        call: (layer, *operands) → one node.
        batch: the axis of the samples, of every operand; None for a layer that takes no batches.
        least: how many samples training needs, ≥ 1; fewer must be refused.
        first_order: whether its backward pass is written by hand (`custom_vjp`), so that second derivatives and the
            forward mode do not exist, and must be refused.
    """

    make: Callable[[np.random.Generator], Any]
    operands: Case
    call: Callable[..., Any]
    batch: int | None
    least: int
    first_order: bool


layers: dict[str, tuple[LayerCase, ...]] = {}


def layer(
    make: Callable[[np.random.Generator], Any], *domains: Domain, call: Callable[..., Any] | None = None,
    batch: int | None = 0, least: int = 1, first_order: bool = False, **params: Any,
) -> LayerCase:  # fmt: skip
    """A case: how to make the layer, a domain for each operand, and parameters of the call by name.

    The other arguments are those of `LayerCase`; by default the layer is called with its operands.
    """
    call = call or (lambda layer, *operands, **params: layer(*operands, **params))
    return LayerCase(make, Case(domains, params), call, batch, least, first_order)


def of_numbers(make: Callable[[np.random.Generator], Any], n: int) -> LayerCase:
    """A case of a layer of Scalars, which takes a sequence of n numbers and returns one or several."""

    def call(layer: Any, *x: Any) -> Any:
        y = layer(x)
        return sum(i * one for i, one in enumerate(y, 1)) if isinstance(y, list) else y

    return layer(make, *[real()] * n, call=call, batch=None)


def verified(*cases: LayerCase) -> Callable[[Subject], Subject]:
    """Declare what a layer, a loss or a function is verified on.

    Raises:
        RegistrationError: there are no cases, or the name is taken.
    """

    def declare(subject: Subject) -> Subject:
        name = subject.__name__
        if not cases:
            raise RegistrationError(
                f"verified: '{name}' declares no cases, so nothing would be verified: state at least one, such as "
                f"layer(lambda rng: {name}(), real(7, 3))"
            )
        if name in layers:
            raise RegistrationError(
                f"verified: there is a layer '{name}' already: choose another name, or say del layers['{name}'] "
                f"before it is declared anew, as in a notebook"
            )
        layers[name] = tuple(
            replace(each, make=lambda rng: subject) if each.make is itself else each for each in cases
        )
        return subject

    return declare


def itself(rng: np.random.Generator) -> NoReturn:
    """In the place of `make`: what the declaration stands above."""
    raise NotImplementedError("itself: `verified` puts the function that it declares in this place")


def labels(classes: int, *shape: int) -> Domain:
    """Integers in [0, classes), which nothing is differentiated by."""

    def sample(rng: np.random.Generator, shape: Shape) -> Array:
        return rng.integers(classes, size=shape)

    return Domain(f"labels below {classes}", sample, shape, differentiable=False)
