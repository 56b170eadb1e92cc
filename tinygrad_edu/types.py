"""The types that signatures speak of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = Sequence[int]
Axis: TypeAlias = Any  # an integer, several, or None for all axes

#: What primitives and rules work on: a node, an array or a number. The type checker cannot follow an
#: expression that means all three, which is what makes a rule compute, record and print itself; so to it this
#: is `Any`.
Operand: TypeAlias = Any

#: A derivative rule, as core/primitive.py describes them.
Rule: TypeAlias = Callable[..., Any]
