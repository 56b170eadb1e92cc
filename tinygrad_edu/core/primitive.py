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

from tinygrad_edu.core.calling import binary, general, unary
from tinygrad_edu.core.cases import Case
from tinygrad_edu.errors import NotDifferentiableError, RegistrationError
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
            ({1: unary, 2: binary}.get(len(partials)) if short else None) or general, op
        )
        return function

    return declare


def multilinear(
    *, transposes: Sequence[Rule] | Rule, cases: Sequence[Case], name: str | None = None, symbol: str | None = None,
    notation: str | None = None,
) -> Declare:  # fmt: skip
    """Declare by the transposes of a map that is linear in each of its operands."""
    return lambda f: _function(
        general, Primitive(f, transposes, cases, name=name, linear=True, symbol=symbol, notation=notation)
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
        general, Primitive(f, vjps, cases, name=name, on_floats=on_floats, symbol=symbol, notation=notation)
    )


def _function(make_call: Callable[[Primitive], Any], op: Primitive) -> Any:
    """What the reader calls: a plain function, which serves as a method as it stands (`__add__ = add`)."""
    function: Any = wraps(op.forward)(make_call(op))
    function.op, op.call = op, function
    return function
