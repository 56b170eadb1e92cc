"""What happens when a primitive is called: run the forward on plain values and, if an operand is a node, record.

There are three ways to do this same thing. `general` does it for any operation. `unary` and `binary` do it for
elementwise operations of one and two operands, of which a scalar graph makes millions: without a list, a
dictionary or a tuple, and `binary` without a call of `record`.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.core import node as graph
from tinygrad_edu.core.node import Node, describe, new, record
from tinygrad_edu.core.recording import current
from tinygrad_edu.errors import GraphLostError

if TYPE_CHECKING:
    from tinygrad_edu.core.primitive import Primitive


def general(op: Primitive) -> Callable[..., Any]:
    """Any operands, any parameters."""
    forward = _for_floats(op)
    differentiable = bool(op.rules)
    code: Any = op.forward.__code__
    # Names for what follows the operands, so that `sum(x, 0)` works like `sum(x, axis=0)`.
    operands = code.co_argcount if op.variadic or not op.rules else len(op.rules)
    names = code.co_varnames[operands : code.co_argcount]

    def call(*args: Any, **params: Any) -> Any:
        for x in args:
            if isinstance(x, Node):
                break
        else:
            y = forward(*args, **params)
            return y[0] if type(y) is tuple else y
        kind: Any = type(x)
        if names and len(args) > operands:
            by_place = dict(zip(names, args[operands:], strict=False))
            if len(args) > operands + len(names) or not by_place.keys().isdisjoint(params):
                signature(op.forward).bind(*args, **params)  # which raises a TypeError that says so
            params |= by_place
            args = args[:operands]
        values, needed = [], False
        for x in args:
            if type(x) is not kind:
                if isinstance(x, Node):
                    raise _mixed(op)
                # A constant becomes a node: a graph holds nothing else.
                return call(*[x if isinstance(x, Node) else kind.constant(x) for x in args], **params)
            if x.uses is not None:
                needed = True
            values.append(x.value)
        for name in params:
            if type(params[name]) not in _CONSTANT:  # an index, labels: whoever passed them may change them
                params[name] = _own(params[name], op)
        y = forward(*values, **params)
        if type(y) is tuple:  # (value, what the rule will want again)
            y, params["saved"] = y
        try:
            value = kind.result(y)
        except TypeError as error:
            raise TypeError(f"{op.name}: {error}") from error
        return record(kind, value, op, args, params, needed and differentiable)

    return call


_CONSTANT = frozenset((int, float, bool, str, type(None), slice))


def _own(x: Any, op: Primitive) -> Any:
    """A parameter that nobody else can change, outside the graph."""
    if isinstance(x, Node):
        if x.uses is not None:
            raise GraphLostError(
                f"{op.name}: {describe(x)} came as a parameter, by which there is no derivative: its gradient would be "
                f"lost; say .detach() if that is meant"
            )
        return x.value
    if isinstance(x, list):
        return [_own(part, op) for part in x]
    if isinstance(x, tuple):
        return tuple(_own(part, op) for part in x)
    return x.copy() if isinstance(x, np.ndarray) else x


def unary(op: Primitive) -> Callable[..., Any]:
    """Elementwise, of one operand."""
    forward = op.forward
    on_floats = op.builtin or op.on_floats
    if on_floats is forward:  # it may be NumPy's, and return a number of NumPy
        on_floats = _for_floats(op)

    def call(x: Any) -> Any:
        if not isinstance(x, Node):
            return on_floats(x) if type(x) is float else forward(x)
        value = x.value
        if type(value) is float:
            try:
                y = on_floats(value)
            except (ValueError, ArithmeticError) as error:
                _say_where(error, op, value)
                raise
        elif type(value) is bool:  # of a comparison of Scalars
            y = on_floats(float(value))
        else:
            y = forward(value)
            if type(y) is not int:  # what is left of a Python number stays one
                y.setflags(False)  # read-only; by position, in half the time of `write=False`
        return record(type(x), y, op, x, None, x.uses is not None)

    return call


def _for_floats(op: Primitive) -> Callable[..., Any]:
    """The forward, which on Python floats alone may be another, and returns Python floats in any case."""
    forward, on_floats = op.forward, op.on_floats
    if op.builtin or (on_floats is forward and not op.elementwise):
        return op.builtin or forward

    def either(*values: Any, **params: Any) -> Any:
        for x in values:
            if type(x) is not float and type(x) is not bool:
                return forward(*values, **params)
        y = on_floats(*(values if on_floats is forward else map(float, values)), **params)
        return float(y) if isinstance(y, np.floating) else y

    return either


def binary(op: Primitive) -> Callable[..., Any]:
    """Elementwise, of two operands."""
    forward = _for_floats(op)

    def unlike(a: Any, b: Any) -> Any:
        """A node beside a constant, which becomes a node; or two plain values."""
        if isinstance(a, Node):
            if isinstance(b, Node):
                raise _mixed(op)
            return call(a, a.constant(b))
        return call(b.constant(a), b) if isinstance(b, Node) else forward(a, b)

    def call(a: Any, b: Any) -> Any:
        kind = type(a)
        if kind is not type(b):
            return unlike(a, b)
        try:
            y = forward(a.value, b.value)
        except AttributeError:
            if isinstance(a, Node):
                raise
            return forward(a, b)
        except (ValueError, ArithmeticError) as error:
            _say_where(error, op, a.value, b.value)
            raise
        if type(y) is not float:
            shape = ()
            if type(y) is int:
                y = kind.result(y)
            else:
                y.setflags(False)
                shape = y.shape
            if (a.uses is not None and a.value.shape != shape) or (
                b.uses is not None and b.value.shape != shape
            ):
                return record(kind, y, op, (a, b), {}, True)
        # record(kind, y, op, a, b, ...), in place: a graph of scalars makes millions of these
        node = new(kind)
        node.value = y
        needed = a.uses is not None or b.uses is not None
        now = current()
        if needed >= now.threshold:
            node.op = op
            node.a = a
            node.b = b
            node.uses = 0 if needed else None
            if now.scope is not None:
                node._scope = now.scope
        else:
            node.op = node.a = node.b = node.uses = None
        node.era = graph.era
        return node

    return call


def _say_where(error: ValueError | ArithmeticError, op: Primitive, *values: Any) -> None:
    """Put `log(0) is not defined` in the place of Python's `math domain error`; what others say is kept."""
    ours = isinstance(op.builtin or op.on_floats, BuiltinFunctionType) and set(map(type, values)) == {float}
    if ours and len(error.args) == 1:
        written = op.notation or f"{op.name}({', '.join(['{}'] * len(values))})"
        call = written.format(*(f"({x:g})" if x < 0 and op.notation else f"{x:g}" for x in values))
        holds = "is more than a float holds" if isinstance(error, OverflowError) else "is not defined"
        error.args = (f"{call} {holds}",)


def _mixed(op: Primitive) -> TypeError:
    return TypeError(
        f"{op.name}: a graph holds Scalars or Tensors, not both: beside arrays, write "
        f"tg.tensor(2.0, requires_grad=True) or np.array(2.0) for a number"
    )
