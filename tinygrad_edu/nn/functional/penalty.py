"""Penalties on large weights, to add to a loss: what is learned from few samples should be simple.

    l2    λ/2 · Σ w²             slope λ w: all weights shrink by the same fraction        (Hoerl and Kennard 1970)
    l1    λ · Σ |w|              slope ±λ: small weights become 0, and stay there          (Tibshirani 1996)
    elastic_net                  both: of features that say the same, it keeps all         (Zou and Hastie 2005)

A penalty is a term of the loss like any other, so its derivative is computed, and checked, with the rest. A backward
pass by hand that forgets it is off by λ w, and `tg.check` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import add

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import nonzero, real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.nn.cases import itself, layer, verified
from tinygrad_edu.types import Operand


@verified(layer(itself, real(5, 3), real(3), call=lambda f, *w: f(w, 0.1), batch=None))
def l2(parameters: Iterable[Operand], strength: float) -> Operand:
    """The sum λ/2 · Σ w²; its derivative is λ w.

    Args:
        parameters: what to keep small; as a rule the weights, without biases.
        strength: λ ≥ 0.

    Raises:
        TypeError: a model.
        ValueError: there are no parameters, or the strength is negative.
    """
    return strength / 2 * _total("l2", lambda w: w * w, parameters, strength)


@verified(layer(itself, nonzero(5, 3), nonzero(3), call=lambda f, *w: f(w, 0.1), batch=None))
def l1(parameters: Iterable[Operand], strength: float) -> Operand:
    """The sum λ · Σ |w|; its derivative is λ sign(w), and 0 at 0.

    Args:
        parameters: what to keep few of; as a rule the weights, without biases.
        strength: λ ≥ 0.

    Raises:
        TypeError: a model.
        ValueError: there are no parameters, or the strength is negative.
    """
    return strength * _total("l1", ops.absolute, parameters, strength)


@verified(layer(itself, nonzero(5, 3), nonzero(3), call=lambda f, *w: f(w, 0.1, 0.3), batch=None))
def elastic_net(parameters: Iterable[Operand], strength_1: float, strength_2: float) -> Operand:
    """The sum of `l1` and `l2`, each with a strength of its own.

    Raises:
        ValueError: there are no parameters, or a strength is negative.
    """
    parameters = parameters if hasattr(parameters, "named_parameters") else list(parameters)
    return l1(parameters, strength_1) + l2(parameters, strength_2)


def _total(
    name: str, f: Callable[[Operand], Operand], parameters: Iterable[Operand], strength: float
) -> Operand:
    if hasattr(parameters, "named_parameters"):
        raise TypeError(f"{name}: parameters were expected, a model came: say model.parameters()")
    terms = [ops.sum(f(w)) if np.shape(value_of(w)) else f(w) for w in parameters]
    if not terms or not strength >= 0:
        raise ValueError(
            f"{name}: parameters and a strength ≥ 0 were expected, {len(terms)} and {strength} came"
        )
    return reduce(add, terms)
