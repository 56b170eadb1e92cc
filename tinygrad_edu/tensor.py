"""Tensor: a node that holds an array.

Arrays in a graph are read-only, so that NumPy itself refuses to change what a rule will read. A leaf gets a
new value as a whole, by `assign`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, Self

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.node import Node, describe, leaf, refuse_assignment, value_of
from tinygrad_edu.errors import GraphLostError, NotDifferentiableError, ShapeError
from tinygrad_edu.operators import Operators
from tinygrad_edu.types import Array, Operand


class Tensor(Operators):
    """An array in a graph; made by `tensor(…)`, and by every operation on tensors."""

    __slots__ = ()

    def __init__(
        self, value: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None
    ) -> None:
        if not isinstance(requires_grad, bool | np.bool_):
            raise TypeError(
                f"tensor: requires_grad is True or False, {requires_grad!r} came: write dtype=… or name=… for those"
            )
        array = _frozen(value, dtype)
        if requires_grad and array.dtype.kind != "f":
            raise NotDifferentiableError(
                f"tensor: {array.dtype} cannot require a gradient, only floating-point numbers can: "
                f"say dtype=float, or write 1.0 for 1"
            )
        self.become_leaf(array, requires_grad, name)

    @staticmethod
    def result(y: Any) -> Any:
        """The array, read-only from here on. What is left of a Python number stays one."""
        if type(y) not in _PYTHON_NUMBERS:
            y.setflags(False)  # by position: half the time of `write=False`
        return y

    @classmethod
    def constant(cls, x: Any) -> Self:
        """A plain operand as a leaf; a Python number stays one: as an array it would widen float32."""
        node: Self = leaf(cls, x if type(x) in _PYTHON_NUMBERS else _frozen(x), False)
        return node

    def like(self, g: Any) -> Any:
        """A derivative by this tensor in its own dtype: in mixed precision it may come in another."""
        dtype = self.value.dtype
        if isinstance(g, Node) or getattr(g, "dtype", None) is dtype:
            return g
        return np.asarray(g, dtype)[()]

    def beside(self, x: Any) -> Self:
        """A plain value as a leaf without gradient, in the dtype of this tensor."""
        return self.constant(_frozen(x, self.dtype))

    def ones(self) -> Any:
        """Ones of this shape and dtype."""
        y = self.value
        return y.dtype.type(1) if y.shape == () else np.ones(y.shape, y.dtype)

    def zeros(self) -> Array:
        """Zeros of this shape and dtype."""
        return np.zeros(self.shape, self.dtype)

    def replacement(self, value: Any, given: bool = False) -> Array:
        """The array to assign, of the same shape and dtype."""
        if self.op is not None:
            refuse_assignment(self)
        held = self.value
        if given and value.dtype is held.dtype:
            array: Array = self.result(value)
        else:
            array = _frozen(value_of(value), held.dtype)
        if array.shape != held.shape:
            raise ShapeError(f"assign: {describe(self)} has shape {held.shape}, {array.shape} came")
        return array

    @property
    def grad(self) -> Any:
        """What `backward` has added up here, a Tensor, or None: not computed, or not kept."""
        g = getattr(self, "_grad", None)
        if g is not None and not isinstance(g, Node):
            g = self._grad = leaf(Tensor, g, False)
        return g

    @grad.setter
    def grad(self, value: Any) -> None:
        self._grad = value

    # ---- what it holds ----

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements."""
        dtype: np.dtype[Any] = np.asarray(self.value).dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.size(self.value))

    def numpy(self) -> Array:
        """The array, read-only, outside the graph."""
        return np.asarray(self.value)

    def item(self) -> Any:
        """The one number in it, as Python's float, int or bool."""
        return self._one("item")

    def __len__(self) -> int:
        if self.shape == ():
            raise TypeError("len() of a tensor without axes")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def brief(self) -> str:
        """Its value if it is one number, else its shape."""
        return f"{self.value:.4g}" if self.size == 1 and self.shape == () else f"of shape {self.shape}"

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self.value), separator=", ", prefix="tensor(", threshold=100)
        dtype = "" if self.dtype in (np.float64, np.bool_, np.int64) else f", dtype={self.dtype}"
        grad = ", requires_grad=True" if self.requires_grad and self.op is None else ""
        made = f", op={self.op.name}" if self.op is not None else ""
        name = f", name={self.name!r}" if self.name else ""
        return f"tensor({text}{dtype}{grad}{made}{name})"

    # ---- conversions, which explain themselves where they would lose the graph ----

    def __float__(self) -> float:
        return float(self._one("float"))

    def __int__(self) -> int:
        return int(self._one("int"))

    def __bool__(self) -> bool:
        return bool(self._one("bool"))

    def _one(self, kind: str) -> Any:
        if self.size != 1:
            raise GraphLostError(
                f"{kind}() of {describe(self)}: one number was expected, {self.size} came. For a condition say "
                f"which are meant, as in (x > 0).numpy().all(); to choose element by element use tg.where"
            )
        return np.asarray(self.value).item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.uses is not None:
            raise GraphLostError(
                f"{describe(self)} would be turned into a plain array, and its gradient would be lost: compute with "
                f"the functions of tinygrad_edu, or say x.numpy() if the graph is meant to end here"
            )
        return np.array(self.value, dtype=dtype, copy=copy)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """`np.sum(x)`: the function of the same name here."""
        name = function.__name__
        if name in ("shape", "ndim", "size"):
            return getattr(self, name)
        if name not in ops.__all__:
            raise GraphLostError(
                f"{function.__module__.replace('numpy', 'np')}.{name} is not recorded: use a function of "
                f"tinygrad_edu, or say x.numpy() to leave the graph"
            )
        return getattr(ops, name)(*args, **kwargs)

    # ---- elements ----

    def __getitem__(self, index: Any) -> Tensor:
        parts = tuple(map(_plain, index)) if isinstance(index, tuple) else _plain(index)
        read: Tensor = ops.getitem(self, parts)
        return read

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "x[i] = v would change a value that derivatives depend on. Make a new tensor: "
            "tg.where(mask, v, x) to replace elements, x + tg.scatter_add(v, i, x.shape) to add to some; "
            "x.assign(array) replaces the value of a leaf as a whole"
        )

    # ---- methods, as NumPy and PyTorch call them ----

    __matmul__ = ops.matmul

    def __rmatmul__(self, other: Operand) -> Any:
        return ops.matmul(other, self)

    T = property(ops.transpose, doc="The axes in reverse.")
    sum, mean, max, min, prod = ops.sum, ops.mean, ops.max, ops.min, ops.prod
    var, std, logsumexp, cumsum = ops.var, ops.std, ops.logsumexp, ops.cumsum
    clip, softmax, log_softmax, flip, squeeze = ops.clip, ops.softmax, ops.log_softmax, ops.flip, ops.squeeze

    def reshape(self, *shape: Any) -> Any:
        """The same numbers in another shape: `x.reshape(2, -1)` or `x.reshape((2, -1))`."""
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order: `x.transpose(1, 0)` or `x.transpose((1, 0))`; in reverse if none are given."""
        return ops.transpose(self, (axes[0] if isinstance(axes[0], tuple | list) else axes) if axes else None)


_PYTHON_NUMBERS = (float, int, bool)


def _plain(index: Any) -> Any:
    """An index outside the graph: a tensor's array, a list as an array."""
    value = value_of(index)
    return np.asarray(value, None if value else int) if isinstance(value, list) else value


def _frozen(value: Any, dtype: Any = None) -> Array:
    """A read-only array of numbers: a copy, which nobody else can change; of a node, what it holds."""
    if isinstance(value, Node):
        if value.uses is not None:
            raise GraphLostError(
                f"{describe(value)} would lose its gradient: use it as it is, or say .detach() if the graph is meant "
                f"to end here"
            )
        held = np.asarray(value.value, dtype)
        held.setflags(write=False)
        return held
    if dtype is not None and isinstance(
        value, list | tuple
    ):  # NumPy would ask the nodes in it for plain numbers
        value = _frozen(value)
    try:
        array = np.array(value, dtype, order="C")
    except ValueError as error:
        raise ShapeError(f"tensor: rows of equal length were expected ({error})") from error
    if array.dtype.kind not in "fbiu":
        if any(isinstance(x, Node) for x in array.flat):
            raise GraphLostError(
                "tensor: a list of nodes would lose their gradients: join them with tg.stack([…])"
            )
        raise TypeError(f"tensor: numbers were expected, dtype {array.dtype} came")
    array.setflags(write=False)
    return array


def tensor(value: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None) -> Tensor:
    """A leaf with a copy of the values.

    Args:
        value: numbers: an array, a list of lists, one number.
        requires_grad: whether derivatives by it are wanted.
        dtype: of the elements; by default that of an array, and float64 of Python's numbers.
        name: what to call it in drawings and errors.

    Raises:
        NotDifferentiableError: integers are to require a gradient.
        ShapeError: rows of unequal length.
        TypeError: not numbers.
    """
    return Tensor(value, requires_grad, dtype, name)
