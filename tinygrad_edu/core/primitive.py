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
from tinygrad_edu.core.cases import Case, Domain
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
_TAKES_ANY_NUMBER = 0x04  # inspect.CO_VARARGS: a forward with *xs


class Primitive:
    """An operation with its rules. Users call the function that the declaration leaves behind, not this.

    Raises:
        RegistrationError: rules without cases, or fewer of either than operands: nothing could verify them. Or a rule
            that is none, or a name that is taken. The registry is left as it was.
    """

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
        if not hasattr(forward, "__code__"):  # it tells the operands from the parameters
            raise RegistrationError(
                f"a primitive is made of a function of Python, {forward!r} came: call it in one of your own, by def"
            )
        self.name, self.doc = name or forward.__name__, forward.__doc__ or ""
        self.variadic = callable(rules) and not elementwise  # any number of operands, and one rule for all
        self.rules = rules if self.variadic else _checked_rules(self.name, rules, elementwise)
        self.cases = _checked_cases(self, forward, cases)
        self.forward, self.on_floats, self.builtin = forward, on_floats or forward, builtin
        # The rule for operand i. It is asked for at every visit of a node: of a sequence, by its own lookup.
        self.rule = partial(partial, rules) if self.variadic else self.rules.__getitem__
        self.elementwise, self.linear = elementwise, linear
        self.symbol, self.notation = symbol or self.name, notation

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def _checked_rules(name: str, rules: Any, elementwise: bool) -> tuple[Any, ...]:
    """The rules, and for an operand without one a function that says so."""
    if not isinstance(rules, tuple | list):
        raise RegistrationError(
            f"primitive '{name}': a tuple with a rule for each operand was expected, {type(rules).__name__} came: "
            f"a single rule is written (rule,), with a comma"
        )

    def refuse(i: int) -> Rule:
        def rule(*args: Any, **params: Any) -> Any:
            raise NotDifferentiableError(f"{name}: there is no derivative with respect to operand {i}")

        return rule

    checked: list[Any] = []
    for i, rule in enumerate(rules):
        if rule is None:
            checked.append(refuse(i))
        elif callable(rule):
            checked.append(rule)
        elif elementwise and isinstance(rule, int | float) and rule in (1, -1):
            checked.append(ONE if rule == 1 else MINUS_ONE)
        else:
            raise RegistrationError(
                f"primitive '{name}': a function or None{', or 1 or -1,' if elementwise else ''} was expected as the "
                f"rule for operand {i}, {rule!r} came: for any other number write a function that returns it"
            )
    return tuple(checked)


def _checked_cases(op: Primitive, forward: Any, cases: Any) -> tuple[Case, ...]:
    """The cases, if each of them can be drawn and gives the forward what it needs."""
    given = cases if isinstance(cases, tuple | list) else (cases,)
    stray = [type(each).__name__ for each in given if not isinstance(each, Case)]
    if stray or given is not cases:
        raise RegistrationError(
            f"primitive '{op.name}': a list of cases was expected, {stray[0] if stray else 'a single Case'} came: "
            f"write cases=[case(real(3))]"
        )
    code = forward.__code__
    most, plain = code.co_argcount, code.co_argcount - len(forward.__defaults__ or ())
    by_name = code.co_varnames[most : most + code.co_kwonlyargcount]
    for each in cases:
        n = len(each.domains)
        for domain in each.domains:
            if not isinstance(domain, Domain):
                raise RegistrationError(
                    f"primitive '{op.name}': a domain for each operand was expected in a case, {domain!r} came: "
                    f"write case(real(3)) for three numbers"
                )
        if op.rules and (not n if op.variadic else n != len(op.rules)):
            raise RegistrationError(
                f"primitive '{op.name}': a case needs a domain for each operand that has a rule: "
                f"{'at least one' if op.variadic else len(op.rules)} expected, {n} came in case({each})"
            )
        if n > most and not code.co_flags & _TAKES_ANY_NUMBER:
            raise RegistrationError(
                f"primitive '{op.name}': no more operands than the {most} that its function takes were expected, "
                f"{n} came in case({each}): leave out a rule and a domain"
            )
        # What is left of the arguments are parameters, or operands whose rule was forgotten.
        needed = {*code.co_varnames[n:plain], *by_name} - {*(forward.__kwdefaults__ or {}), *each.params}
        if needed:
            names = ", ".join(sorted(needed))
            raise RegistrationError(
                f"primitive '{op.name}': case({each}) says nothing about {names}: if that is an operand, it needs a "
                f"rule and a domain; if a parameter, a value in the case"
            )
    return tuple(cases)


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
    if op.rules and not op.cases:
        raise RegistrationError(
            f"primitive '{op.name}' declares no cases, so its derivative could not be verified: "
            f"state at least one, such as cases=[case(real(3))]"
        )
    if op.name in registry:
        raise RegistrationError(
            f"there is a primitive '{op.name}' already: choose another name, or say "
            f"del tg.registry['{op.name}'] before it is declared anew, as in a notebook"
        )
    registry[op.name] = op
    function: Any = wraps(op.forward)(make_call(op))
    function.op, op.call = op, function
    return function
