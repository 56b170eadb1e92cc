"""Functions with a backward pass of their own: a pair of plain NumPy functions becomes an operation of the graph.

    f(*xs) → y                  the forward pass
    vjp(g, y, *xs) → [x̄, …]     the backward pass: one gradient for each input

Neither has to know of this library. That is how a rule that was written by hand, or by another library, takes part in a
graph, and how it is brought before `tg.check`. A primitive has more to offer: its rules are made of primitives, so
they can be differentiated again and print themselves.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.core.calling import general
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.errors import NotDifferentiableError

Forward = Callable[..., Any]
Backward = Callable[..., Any]


class CustomFunction:
    """A differentiable function of `f` and its `vjp`; made by `custom_vjp`."""

    def __init__(self, f: Forward, vjp: Backward) -> None:
        self.f, self.vjp = f, vjp
        self.name = getattr(f, "__name__", type(f).__name__)
        self._latest: tuple[Any, ...] = ()

        def forward(*xs: Any) -> Any:
            return np.array(self.value(*map(np.asarray, xs)))[()]

        self.op = Primitive(forward, self._rule, (), name=self.name)
        self._call = general(self.op)
        self.op.call = self._call

    def __call__(self, *xs: Any) -> Any:
        """f(*xs), recorded where an operand is a node."""
        return self._call(*xs)

    def __repr__(self) -> str:
        return f"<custom_vjp {self.name}>"

    def value(self, *xs: Any) -> Any:
        """What the forward pass returns, a number or an array.

        Raises:
            TypeError: it returns something else, or takes another number of inputs.
            ValueError: it changes an input that is kept in a graph.
        """
        y = self._ask(self.f, xs, "the forward pass is called as f(*xs)")
        if isinstance(y, tuple) or np.asarray(y).dtype.kind not in "biufc":
            raise TypeError(
                f"custom_vjp: a number or an array was expected of the forward pass of {self.name}, "
                f"{type(y).__name__} came: let it return one array"
            )
        return y

    def gradients(self, g: Any, y: Any, *xs: Any) -> list[Any]:
        """What the backward pass returns, one gradient for each input; None stands for zeros.

        Raises:
            TypeError: not one gradient for each input, or it takes another number of arguments.
            ValueError: it changes an array that is kept in a graph.
        """
        found = self._ask(self.vjp, (g, y, *xs), "the backward pass is called as vjp(g, y, *xs)")
        if len(xs) == 1 and not isinstance(found, tuple | list):
            return [found]
        if not isinstance(found, tuple | list) or len(found) != len(xs):
            came = f"{len(found)}" if isinstance(found, tuple | list) else type(found).__name__
            raise TypeError(
                f"custom_vjp: {self.name} has {len(xs)} input{'s' * (len(xs) != 1)}, so as many gradients were "
                f"expected, {came} came: return a tuple of arrays, one for each input"
            )
        return list(found)

    def _ask(self, function: Callable[..., Any], given: tuple[Any, ...], how: str) -> Any:
        """Call one of the two, and say in the words of this chapter what cannot go well."""
        try:
            return function(*given)
        except TypeError as error:
            if _takes(function, len(given)):
                raise
            n = len(given)
            raise TypeError(
                f"custom_vjp: {how}, here with {n} argument{'s' * (n != 1)}; that of {self.name} has other "
                f"parameters: {error}"
            ) from None
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise ValueError(
                f"custom_vjp: {self.name} changes an array in place that other operations use, too: "
                f"let it work on a copy, x = x.copy()"
            ) from error

    def _rule(self, i: int, g: Any, y: Any, *xs: Any) -> Any:
        if isinstance(g, Node) or isinstance(y, Node):
            raise NotDifferentiableError(
                f"custom_vjp: the backward pass of {self.name} works on plain arrays, so it has no derivative of its "
                f"own: for second derivatives, and for the forward mode, declare a primitive"
            )
        asked = (g, y, *xs)
        latest = self._latest
        # The sweep asks for each operand by itself; the backward pass gives them all at once.
        if len(latest) != len(asked) + 1 or any(a is not b for a, b in zip(asked, latest, strict=False)):
            latest = self._latest = (*asked, self.gradients(*map(_lent, asked)))
        found = latest[-1][i]
        return (
            np.zeros(np.shape(xs[i]), np.asarray(xs[i]).dtype)[()] if found is None else np.asarray(found)[()]
        )


def _lent(x: Any) -> Any:
    """A value to be read: others work on it, too."""
    array = np.asarray(x).view()
    array.flags.writeable = False
    return array


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments; one that does not say, such as a ufunc, may be."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def custom_vjp(f: Forward, vjp: Backward) -> CustomFunction:
    """A differentiable function of a forward and a backward pass, both on NumPy arrays.

    Args:
        f: of arrays; it returns an array, or a number.
        vjp: of the cotangent g, of the shape of y, of y itself, and of the inputs. It returns a gradient of the shape
            of each input, in a tuple or list (of one input also as it is); None stands for zeros.

    Returns:
        A function that can be called on arrays, which computes, and on nodes, which records.

    Raises:
        TypeError: something that cannot be called.
    """
    for name, function in (("f", f), ("vjp", vjp)):
        if not callable(function):
            raise TypeError(f"custom_vjp: a function was expected as {name}, {type(function).__name__} came")
    return CustomFunction(f, vjp)
