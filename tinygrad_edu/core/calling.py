"""What happens when a primitive is called: run the forward on plain values and, if an operand is a node, record.

There are three ways to do this same thing. `general` does it for any operation. `unary` and `binary` do it for
elementwise operations of one and two operands, of which a scalar graph makes millions: without a list, a
dictionary or a tuple, and `binary` without a call of `record`.
"""

from __future__ import annotations

from collections.abc import Callable
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
            params.update(zip(names, args[operands:], strict=False))
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
            y = on_floats(value)
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

    def call(a: Any, b: Any) -> Any:
        try:
            y = forward(a.value, b.value)
        except AttributeError:  # a constant: at most one of the two is a node
            if isinstance(a, Node) and isinstance(b, Node):
                raise
            kind = type(a) if isinstance(a, Node) else type(b)
            if not issubclass(kind, Node):
                return forward(a, b)
            return call(
                a if kind is type(a) else kind.constant(a), b if kind is type(b) else kind.constant(b)
            )
        kind = type(a)
        if type(y) is not float:
            if kind is not type(b):
                raise _mixed(op)
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


def _mixed(op: Primitive) -> TypeError:
    return TypeError(
        f"{op.name}: a graph holds Scalars or Tensors, not both; make Scalars of one-element tensors by .item()"
    )
