"""Inputs: which arguments of a function it is differentiated by, and as what nodes it gets them.

    a number    a Scalar; beside arrays, which no Scalar meets, a Tensor without axes
    an array    a Tensor; so is a list of numbers
    a node      if it depends on others an equal node; else a leaf of its kind

The derivative ends at these nodes, which nobody else has seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.node import Node
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.tensor import Tensor


def places(argnums: Any) -> tuple[int, ...]:
    """The numbers of the arguments to differentiate by."""
    found = tuple(argnums) if isinstance(argnums, Iterable) else (argnums,)
    for i in found:
        if isinstance(i, bool) or not isinstance(i, SupportsIndex):
            raise TypeError(
                f"the arguments to differentiate by were expected as integers, counted from 0, {i!r} came"
            )
    return tuple(int(i) for i in found)


def refuse_places(chosen: Sequence[int], n: int) -> None:
    """Every chosen argument must be there, and be chosen once."""
    came = f"only {n} argument{'s' * (n > 1)}" if n else "no argument"
    if not chosen:
        raise ValueError(
            f"at least one argument to differentiate by was expected, none {'was chosen' if n else 'came'}"
        )
    seen = set()
    for i in chosen:
        if not -n <= i < n:
            raise ValueError(
                f"argument {i} is to be differentiated by, but {came} came: they are counted from 0, and those given "
                f"by name do not count"
            )
        if i % n in seen:
            raise ValueError(
                f"different arguments to differentiate by were expected, argument {i % n} came twice in {tuple(chosen)}"
            )
        seen.add(i % n)


def fresh(x: Any, beside_arrays: bool) -> Any:
    """An input of our own: for a node that depends on others an equal one, else a leaf."""
    if not isinstance(x, Node):
        return input_leaf(x, beside_arrays)
    return ops.identity(x) if x.uses is not None else input_leaf(x.value, isinstance(x, Tensor))


def among_arrays(values: Iterable[Any]) -> bool:
    """Whether a number among these values stands beside arrays."""
    return any(isinstance(x, np.ndarray | np.floating | Tensor) for x in values)


def input_leaf(x: Any, beside_arrays: bool) -> Any:
    """A plain value as a leaf to differentiate by."""
    if type(x) not in (int, float):
        return Tensor(x, requires_grad=True)
    return Tensor(float(x), requires_grad=True) if beside_arrays else Scalar(x)
