"""The operators and methods that both kinds of node share: the primitives themselves, under Python's names."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu import ops
from tinygrad_edu.core.broadcasting import shape_of
from tinygrad_edu.core.node import Node, describe, leaf
from tinygrad_edu.core.primitive import registry
from tinygrad_edu.core.sweep import reverse_sweep
from tinygrad_edu.errors import NotDifferentiableError, ShapeError
from tinygrad_edu.types import Operand, Shape


class Operators(Node):
    """Arithmetic, comparison and the functions of one variable, for `Scalar` and `Tensor` alike."""

    __slots__ = ()

    __add__, __sub__, __mul__, __truediv__ = ops.add, ops.sub, ops.mul, ops.div
    __pow__, __neg__ = ops.power, ops.neg
    __gt__, __ge__, __lt__, __le__ = ops.greater, ops.greater_equal, ops.less, ops.less_equal
    __abs__ = abs = ops.absolute
    exp, log, sqrt, square = ops.exp, ops.log, ops.sqrt, ops.square
    sin, cos, tanh = ops.sin, ops.cos, ops.tanh
    relu, sigmoid = ops.relu, ops.sigmoid

    def __radd__(self, other: Operand) -> Any:
        return ops.add(other, self)

    def __rmul__(self, other: Operand) -> Any:
        return ops.mul(other, self)

    def __rsub__(self, other: Operand) -> Any:
        return ops.sub(other, self)

    def __rtruediv__(self, other: Operand) -> Any:
        return ops.div(other, self)

    def __rpow__(self, other: Operand) -> Any:
        return ops.power(other, self)

    def __pos__(self) -> Any:
        return self

    def __eq__(self, other: object) -> Any:
        try:
            return ops.equal(self, other)
        except TypeError:  # not a number: then they are not equal
            return NotImplemented

    def __ne__(self, other: object) -> Any:
        try:
            return ops.not_equal(self, other)
        except TypeError:
            return NotImplemented

    __hash__ = Node.__hash__  # nodes are keys by identity; `==` compares values

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """`np.exp(node)`, and an array on the left of an operator: the primitive of the same name."""
        name = _UFUNCS.get(ufunc.__name__, ufunc.__name__)
        if "out" in kwargs:  # array -= node
            raise NotDifferentiableError(
                f"np.{ufunc.__name__} is not recorded with out, an array is not changed in place by a node: "
                f"write w.data = w.data - lr * w.grad, or use tg.optim"
            )
        if method != "__call__" or kwargs or name not in registry:
            raise NotDifferentiableError(
                f"np.{ufunc.__name__}{'' if method == '__call__' else '.' + method} is not recorded"
                f"{' with ' + ', '.join(kwargs) if kwargs else ''}: use a function of tinygrad_edu, or "
                f"x.detach().numpy() to compute outside the graph"
            )
        return registry[name].call(*inputs)

    if TYPE_CHECKING:  # the package adds it, since pictures are above the nodes

        def render(self, path: str | PathLike[str], **options: Any) -> Path:
            """Draw the graph that this node was computed by into a file."""

    def detach(self) -> Any:
        """The same value as a leaf without gradient, the very same object: the graph ends here."""
        return leaf(type(self), self.value, False)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def item(self) -> Any:
        """The one number in it, as Python's."""
        number: Any = self
        return float(number)

    def backward(
        self, cotangent: Any = None, *, create_graph: bool = False, keep: Node | Iterable[Node] = ()
    ) -> None:
        """Add the derivative of this node to `grad` of every leaf that it depends on.

        Args:
            cotangent: of the shape of this node; may be left out where it is one number, for 1.
            create_graph: make the gradients nodes that can be differentiated again.
            keep: inner nodes, or one, that get their `grad`, too. `keep=tg.topological_order([x])` keeps them all.

        Raises:
            NotDifferentiableError: nothing here requires a gradient.
            ShapeError: there is no cotangent and more than one number, or it has another shape.
            StaleValueError: a leaf was assigned after the forward pass had used it.
        """
        if self.uses is None:
            raise NotDifferentiableError(
                f"backward: {describe(self)} depends on nothing that requires a gradient: "
                f"make a leaf with requires_grad=True, and do not compute within no_grad()"
            )
        g = self.seed(cotangent, as_node=create_graph)
        found = reverse_sweep(
            self, g, create_graph=create_graph, keep={keep} if isinstance(keep, Node) else set(keep)
        )
        if self.op is not None:
            found.pop(self, None)
            if getattr(self, "_seed", None) is not None and any(node.grad is not None for node in found):
                warnings.warn(
                    f"backward: a second call on {describe(self)}: gradients add up, so leaves now hold the sum of "
                    f"both. Set them to None between calls, or compute the result anew",
                    stacklevel=2,
                )
            self._grad = self._seed = g
        for node, derivative in found.items():
            held = getattr(node, "_grad", None)
            node._grad = derivative if held is None else held + derivative

    def seed(self, cotangent: Any, *, as_node: bool) -> Any:
        """The cotangent to start a sweep with, of the shape and form of this node."""
        if cotangent is None:
            if shape_of(self.value) != ():
                raise ShapeError(
                    f"backward: {describe(self)} has shape {self.shape}, and a derivative is of one number. "
                    f"Sum it (.sum()), pick one (x[0]), or give the cotangent, of that shape"
                )
            return self.ones()
        g = cotangent if isinstance(cotangent, Node) else self.beside(cotangent)
        if type(g) is not type(self) or shape_of(g.value) != self.shape:
            raise ShapeError(
                f"backward: for {describe(self)}, a cotangent of shape {self.shape} was expected, "
                f"{type(g).__name__} of {shape_of(g.value)} came"
            )
        return g if as_node else g.value

    @property
    def shape(self) -> Shape:
        """The lengths of the axes; () of one number."""
        return shape_of(self.value)


# Where NumPy's name of a ufunc is not that of the primitive.
_UFUNCS = {"subtract": "sub", "multiply": "mul", "divide": "div", "negative": "neg"}
