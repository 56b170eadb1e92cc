"""Scalar: a node that holds one number, for learning on the smallest graph there is.

    x = Scalar(2.0)
    y = x * x + 1
    y.backward()
    x.grad          4.0

Its value is a Python float, never NumPy's: those would be slower, and drag in NumPy's silent infinities. So a
division by zero, or the logarithm of a negative number, raises.
"""

from __future__ import annotations

from typing import Any, Self

from tinygrad_edu.core.node import Node, leaf, refuse_assignment, value_of
from tinygrad_edu.operators import Operators


class Scalar(Operators):
    """A number in a graph. As in micrograd, its derivative is wanted unless said otherwise.

    Args:
        data: the number.
        name: what to call it in drawings and errors.
        requires_grad: True for a variable (the default), False for a constant.

    Raises:
        TypeError: not one number.
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None, *, requires_grad: bool = True) -> None:
        self.become_leaf(_number(data), requires_grad, name)

    @staticmethod
    def result(y: Any) -> float:
        """The number, as Python's float; what a comparison gives stays True or False."""
        return y if type(y) is float or type(y) is bool else _number(y)

    @classmethod
    def constant(cls, x: Any) -> Self:
        """A plain number as a leaf without gradient."""
        node: Self = leaf(cls, x if type(x) is bool else _number(x), False)
        return node

    def like(self, g: Any) -> Any:
        """A derivative as a float."""
        return g if type(g) is float or isinstance(g, Node) else _number(g)

    def beside(self, x: Any) -> Self:
        """A plain number as a leaf without gradient."""
        return self.constant(x)

    def ones(self) -> float:
        """1."""
        return 1.0

    def zeros(self) -> float:
        """0."""
        return 0.0

    def replacement(self, value: Any, given: bool = False) -> float:
        """The number to assign."""
        if self.op is not None:
            refuse_assignment(self)
        return _number(value_of(value))

    def brief(self) -> str:
        """The number, with four digits."""
        return f"{self.value:.4g}"

    def __float__(self) -> float:
        return float(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        grad = "" if self.grad is None else f", grad={value_of(self.grad)!r}"
        return f"Scalar({self.value!r}{name}{grad})"


def _number(x: Any) -> float:
    shape = getattr(x, "shape", ())
    if isinstance(x, str | bytes) or shape != ():
        came = repr(x) if shape == () else f"array of shape {shape}"
        raise TypeError(f"a Scalar holds one number, {came} came: use tg.tensor(…) for arrays")
    try:
        return float(x)
    except TypeError as error:
        raise TypeError(
            f"a Scalar holds one number, {type(x).__name__} came: use tg.tensor(…) for arrays"
        ) from error
