"""A primitive: an operation declared once, with its derivative, its notation and its verification cases.

What is stated for each operand x of y = f(..., x, ...), where ȳ is the derivative of the result by y:

    elementwise   y_i depends on x_i alone     the partial    (y, *xs) -> ∂y/∂x       x̄ = ȳ · ∂y/∂x
    multilinear   linear in each operand       the transpose  (g, y, *xs) -> x̄        g stands for ȳ
    primitive     anything else                the vjp        (g, y, *xs) -> x̄

A partial that is 1 or -1 everywhere is written as that number; an operand that is never differentiated has
None. Rules are ordinary expressions: on plain values they compute, on nodes they record, which gives
derivatives of derivatives, and on symbols they print their formula. An operation on any number of operands
has one rule for all, which is also told the operand's number i: (i, g, y, *xs) -> x̄. No rule knows of
broadcasting: the sweeps undo it where an elementwise operation met unequal shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, ParamSpec, Protocol, TypeVar

import numpy as np

from tinygrad_edu.core import node as graph
from tinygrad_edu.core.cases import Case
from tinygrad_edu.core.node import Node, describe, new, record
from tinygrad_edu.core.recording import current
from tinygrad_edu.errors import GraphLostError, NotDifferentiableError, RegistrationError
from tinygrad_edu.types import Rule

P = ParamSpec("P")
R = TypeVar("R")


class Declare(Protocol):
    """A decorator that leaves a function of the same signature."""

    def __call__(self, forward: Callable[P, R], /) -> Callable[P, R]:
        """Declare the primitive whose forward this is."""


registry: dict[str, Primitive] = {}
ONE, MINUS_ONE = 1, -1  # the constant partials: recognised by identity, and not multiplied by


class Primitive:
    """An operation with its rules. Users call the function that the declaration leaves behind, not this."""

    __slots__ = (
        "builtin", "call", "cases", "doc", "elementwise", "forward", "linear", "name", "notation", "on_floats", "rule",
        "rules", "symbol", "variadic",
    )  # fmt: skip

    call: Callable[..., Any]
    rule: Callable[[int], Any]
    rules: Any  # a sequence, or the one rule of a variadic operation

    def __init__(
        self, forward: Callable[..., Any], rules: Any, cases: Sequence[Case], *,
        name: str | None, elementwise: bool = False, linear: bool = False,
        on_floats: Callable[..., float] | None = None, builtin: Callable[..., Any] | None = None,
        symbol: str | None = None, notation: str | None = None,
    ) -> None:  # fmt: skip
        self.name, self.doc = name or forward.__name__, forward.__doc__ or ""
        if rules and not cases:
            raise RegistrationError(
                f"primitive '{self.name}' declares no cases, so its derivative could not be verified: "
                f"state at least one, such as cases=[case(real(3))]"
            )
        if self.name in registry:
            raise RegistrationError(f"there is a primitive '{self.name}' already: choose another name")
        self.forward, self.on_floats, self.builtin = forward, on_floats or forward, builtin
        self.variadic = callable(rules)  # any number of operands, and one rule for all
        self.rules, self.cases = rules if self.variadic else _refusing(self.name, rules), tuple(cases)
        # The rule for operand i. It is asked for at every visit of a node: of a sequence, by its own lookup.
        self.rule = partial(partial, rules) if self.variadic else self.rules.__getitem__
        self.elementwise, self.linear = elementwise, linear
        self.symbol, self.notation = symbol or self.name, notation
        registry[self.name] = self

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def _refusing(name: str, rules: Sequence[Any]) -> tuple[Any, ...]:
    """The rules, and for an operand without one a function that says so."""

    def refuse(i: int) -> Rule:
        def rule(*args: Any, **params: Any) -> Any:
            raise NotDifferentiableError(f"{name}: there is no derivative with respect to operand {i}")

        return rule

    return tuple(refuse(i) if rule is None else rule for i, rule in enumerate(rules))


def elementwise(
    *, partials: Sequence[Rule | int | None], cases: Sequence[Case], name: str | None = None,
    on_floats: Callable[..., float] | None = None, builtin: Callable[..., Any] | None = None,
    symbol: str | None = None, notation: str | None = None,
) -> Declare:  # fmt: skip
    """Declare by the local partial derivatives.

    `on_floats` is the forward on Python floats, if another. `builtin` is the same as the forward, but without a Python
    frame of its own; a graph of a million scalars feels the difference.
    """

    def declare(forward: Callable[P, R]) -> Callable[P, R]:
        op = Primitive(
            forward,
            partials,
            cases,
            name=name,
            elementwise=True,
            on_floats=on_floats,
            builtin=builtin,
            symbol=symbol,
            notation=notation,
        )
        short = forward.__code__.co_argcount + forward.__code__.co_kwonlyargcount == len(partials)
        function: Callable[P, R] = _function(
            ({1: _unary, 2: _binary}.get(len(partials)) if short else None) or _general, op
        )
        return function

    return declare


def multilinear(
    *, transposes: Sequence[Rule] | Rule, cases: Sequence[Case], name: str | None = None, symbol: str | None = None,
    notation: str | None = None,
) -> Declare:  # fmt: skip
    """Declare by the transposes of a map that is linear in each of its operands."""
    return lambda f: _function(
        _general, Primitive(f, transposes, cases, name=name, linear=True, symbol=symbol, notation=notation)
    )


def primitive(
    *, vjps: Sequence[Rule | None] | Rule = (), cases: Sequence[Case] = (), name: str | None = None,
    on_floats: Callable[..., float] | None = None, symbol: str | None = None, notation: str | None = None,
) -> Declare:  # fmt: skip
    """Declare by the vector-Jacobian products, one for each operand.

    Without any it is recorded, but not differentiable. A forward may return `(y, saved)`: then its rules
    find `saved` among their parameters.
    """
    return lambda f: _function(
        _general, Primitive(f, vjps, cases, name=name, on_floats=on_floats, symbol=symbol, notation=notation)
    )


def _function(make_call: Callable[[Primitive], Any], op: Primitive) -> Any:
    """What the reader calls: a plain function, which serves as a method as it stands (`__add__ = add`)."""
    function: Any = wraps(op.forward)(make_call(op))
    function.op, op.call = op, function
    return function


# Three ways to do the same: run the forward on plain values and, if an operand is a node, record.


def _general(op: Primitive) -> Callable[..., Any]:
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


def _unary(op: Primitive) -> Callable[..., Any]:
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


def _binary(op: Primitive) -> Callable[..., Any]:
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
