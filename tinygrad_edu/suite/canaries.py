"""Canaries: rules with errors that are often made, each with the witnesses that must see it.

A suite that has stopped looking reports what a suite of right rules reports: nothing. So in every run there is
something to see. The canaries are made for the run and never registered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import Primitive, elementwise, multilinear, primitive, registry


def canaries() -> Iterator[tuple[Primitive, tuple[str, ...]]]:
    """(the wrong primitive, the names of the witnesses that it is meant for)."""
    for function, witnesses in _declared():
        yield registry.pop(function.op.name), witnesses


def _declared() -> Iterator[tuple[Any, tuple[str, ...]]]:
    # Each is taken out of the registry before the next is declared.

    @elementwise(
        partials=(lambda y, a, b: b, lambda y, a, b: -a),
        cases=[case(real(2, 3), real(2, 3))],
        name="canary: sign",
    )
    def sign(a: Any, b: Any) -> Any:
        return a * b

    yield sign, ("vjp", "jvp")

    @elementwise(partials=(lambda y, x: 2 * y,), cases=[case(real(3))], name="canary: factor")
    def factor(x: Any) -> Any:
        return np.exp(x)

    yield factor, ("vjp", "jvp", "second order")

    # Below what a numerical derivative is judged by, and the same in both modes.
    @elementwise(partials=(lambda y, x: (1 + 3e-10) * y,), cases=[case(real(3))], name="canary: tenth digit")
    def tenth_digit(x: Any) -> Any:
        return np.exp(x)

    yield tenth_digit, ("complex step",)

    @multilinear(
        transposes=(lambda g, y, a, b: g @ b, lambda g, y, a, b: a.T @ g),
        cases=[case(real(3, 3), real(3, 3))],
        name="canary: transpose",
    )
    def transpose(a: Any, b: Any) -> Any:
        return a @ b

    yield transpose, ("vjp", "adjoint")

    @primitive(vjps=(lambda g, y, x: g + 0 * x,), cases=[case(real(2, 3))], name="canary: mean")
    def mean(x: Any) -> Any:
        return np.mean(x)

    yield mean, ("vjp", "jvp")

    @elementwise(partials=(1,), cases=[case(real(3))], on_floats=lambda x: x + 1e-9, name="canary: value")
    def value(x: Any) -> Any:
        return x + 0

    yield value, ("value",)

    @elementwise(partials=(1,), cases=[case(real(3))], name="canary: in place")
    def in_place(x: Any) -> Any:
        if x.flags.writeable:
            x += 1
        return x + 0

    yield in_place, ("unmodified",)

    @elementwise(
        partials=(lambda y, x: ops.cos(x) * np.float64(1),), cases=[case(real(3))], name="canary: dtype"
    )
    def dtype(x: Any) -> Any:
        return np.sin(x)

    yield dtype, ("dtype",)
