"""Wrong rules are found; each stands beside the right one, which is not accused, so it is the error that is found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.cases import case, interval, positive, real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.suite import examine

Declare = Callable[..., Any]


class Planted(NamedTuple):
    """One operation with a right and a wrong declaration.

    `by` names a witness that must be among those that see the error.
    """

    kind: Declare
    forward: Callable[..., Any]
    right: Sequence[Any]
    wrong: Sequence[Any]
    cases: list[Any]
    by: str = "vjp"
    wrong_forward: Callable[..., Any] | None = None
    wrong_kind: Declare | None = None
    wrong_extra: Mapping[str, Any] = MappingProxyType({})
    extra: Mapping[str, Any] = MappingProxyType({})


def elementwise(
    forward: Any, right: Sequence[Any], wrong: Sequence[Any], *domains: Any, **more: Any
) -> Planted:
    extra = {"on_floats": lambda *xs: float(forward(*xs))} | more.pop("extra", {})
    return Planted(
        tg.elementwise, forward, right, wrong, [case(*(domains or [real(3)]))], extra=extra, **more
    )


def multilinear(
    forward: Any, right: Sequence[Any], wrong: Sequence[Any], *domains: Any, **more: Any
) -> Planted:
    return Planted(tg.multilinear, forward, right, wrong, [case(*domains)], **more)


def primitive(
    forward: Any, right: Sequence[Any], wrong: Sequence[Any], *domains: Any, **more: Any
) -> Planted:
    return Planted(tg.primitive, forward, right, wrong, [case(*domains)], **more)


TWO = (real(3), real(3))
BELOW = np.tri(3, k=-1, dtype=bool)  # i > j
BELOW_OR_ON = np.tri(3, dtype=bool)  # i ≥ j
INDEX = np.array([2, 0, 2, 4])  # element 2 is read twice


def assigned(g: Any, y: Any, x: Any) -> Any:
    out = np.zeros(np.shape(value_of(x)))
    out[INDEX] = value_of(g)
    return out


def spread(g: Any, n: int) -> Any:
    return tg.broadcast_to(tg.reshape(g, (-1, 1)), (3, n))


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, -1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def doubling_in_place(x: Any) -> Any:
    if isinstance(x, np.ndarray) and x.flags.writeable:
        x *= 2
        return x.copy()
    return 2 * x


PLANTED: dict[str, Planted] = {
    # ---- signs and factors ----
    "a sign": elementwise(lambda a, b: a - b, (1, -1), (1, 1), *TWO),
    "both signs": elementwise(lambda x: -x, (-1,), (1,)),
    "the 2 of a square forgotten": elementwise(lambda x: x * x, (lambda y, x: 2 * x,), (lambda y, x: x,)),
    "a factor of 2 too many": elementwise(
        lambda x: np.exp(x), (lambda y, x: y,), (lambda y, x: 2 * y,)
    ),
    "the ½ of a root forgotten": elementwise(
        lambda x: np.sqrt(x), (lambda y, x: 0.5 / y,), (lambda y, x: 1 / y,), positive(3)
    ),
    "one percent": elementwise(
        lambda x: np.sin(x), (lambda y, x: tg.cos(x),), (lambda y, x: 1.01 * tg.cos(x),)
    ),
    "a constant, rounded to seven digits": elementwise(
        lambda x: np.exp(-x * x) / math.sqrt(math.pi),
        (lambda y, x: -2 / math.sqrt(math.pi) * x * tg.exp(-x * x),),
        (lambda y, x: -1.128379 * x * tg.exp(-x * x),),
    ),
    # ---- the wrong quantity ----
    "the input for the output": elementwise(
        lambda x: np.tanh(x), (lambda y, x: 1 - y * y,), (lambda y, x: 1 - x * x,)
    ),
    "the output for the input": elementwise(
        lambda x: np.log(x), (lambda y, x: 1 / x,), (lambda y, x: 1 / y,), interval(2, 4, 3)
    ),
    "the operands exchanged": elementwise(
        lambda a, b: a * b, (lambda y, a, b: b, lambda y, a, b: a), (lambda y, a, b: a, lambda y, a, b: b), *TWO
    ),
    "a summand of the product rule dropped": elementwise(
        lambda x: x * np.exp(x), (lambda y, x: y + tg.exp(x),), (lambda y, x: y,)
    ),
    "the inner derivative forgotten": elementwise(
        lambda x: np.sin(3 * x), (lambda y, x: 3 * tg.cos(3 * x),), (lambda y, x: tg.cos(3 * x),)
    ),
    "one operand ignored": elementwise(
        lambda a, b: a * b, (lambda y, a, b: b, lambda y, a, b: a), (lambda y, a, b: b, lambda y, a, b: 0 * a), *TWO
    ),
    "a derivative of 1 that is not": elementwise(
        lambda x: x + 0.01 * np.sin(x), (lambda y, x: 1 + 0.01 * tg.cos(x),), (1,)
    ),
    # ---- the upstream ----
    "the upstream ignored": primitive(
        lambda x: np.exp(x), (lambda g, y, x: g * y,), (lambda g, y, x: 0 * g + y,), real(2, 3)
    ),
    "the upstream squared": primitive(
        lambda x: 3 * x, (lambda g, y, x: 3 * g,), (lambda g, y, x: 3 * g * g,), real(2, 3)
    ),
    "the upstream clipped": primitive(
        lambda x: 3 * x, (lambda g, y, x: 3 * g,), (lambda g, y, x: 3 * tg.clip(g, -1, 1),), real(2, 3)
    ),
    # ---- products and their transposes ----
    "a transpose dropped": multilinear(
        lambda a, b: a @ b,
        (lambda g, y, a, b: g @ tg.transpose(b), lambda g, y, a, b: tg.transpose(a) @ g),
        (lambda g, y, a, b: g @ b, lambda g, y, a, b: tg.transpose(a) @ g),
        real(3, 3), real(3, 3),
    ),
    "factors in the wrong order": multilinear(
        lambda a, b: a @ b,
        (lambda g, y, a, b: g @ tg.transpose(b), lambda g, y, a, b: tg.transpose(a) @ g),
        (lambda g, y, a, b: g @ tg.transpose(b), lambda g, y, a, b: g @ tg.transpose(a)),
        real(3, 3), real(3, 3),
    ),
    "the transpose of a transpose": multilinear(
        lambda x: x.T, (lambda g, y, x: tg.transpose(g),), (lambda g, y, x: g,), real(3, 3)
    ),
    "running sums in the same direction": multilinear(
        lambda x: np.cumsum(x, 0), (lambda g, y, x: tg.flip(tg.cumsum(tg.flip(g, 0), 0), 0),),
        (lambda g, y, x: tg.cumsum(g, 0),), real(4),
    ),
    # ---- sums, means, axes ----
    "a bias that sees the first sample only": primitive(
        lambda x, b: x + b,
        (lambda g, y, x, b: g, lambda g, y, x, b: tg.sum(g, 0)),
        (lambda g, y, x, b: g, lambda g, y, x, b: g[0]),
        real(5, 3), real(3),
    ),
    "not summed over the batch": primitive(
        lambda x, b: x + b,
        (lambda g, y, x, b: g, lambda g, y, x, b: tg.sum(g, 0)),
        (lambda g, y, x, b: g, lambda g, y, x, b: g),
        real(5, 3), real(3),
    ),
    "the mean of a batch for its sum": primitive(
        lambda x, b: x + b,
        (lambda g, y, x, b: g, lambda g, y, x, b: tg.sum(g, 0)),
        (lambda g, y, x, b: g, lambda g, y, x, b: tg.mean(g, 0)),
        real(5, 3), real(3),
    ),
    "the 1/n of a mean forgotten": multilinear(
        lambda x: np.mean(x), (lambda g, y, x: tg.broadcast_to(g, (2, 3)) / 6,),
        (lambda g, y, x: tg.broadcast_to(g, (2, 3)),), real(2, 3),
    ),
    "the batch's size for that of the whole": multilinear(
        lambda x: np.mean(x), (lambda g, y, x: tg.broadcast_to(g, (2, 3)) / 6,),
        (lambda g, y, x: tg.broadcast_to(g, (2, 3)) / 2,), real(2, 3),
    ),
    "keepdims forgotten, on a square": multilinear(
        lambda x: np.sum(x, 1), (lambda g, y, x: spread(g, 3),), (lambda g, y, x: tg.broadcast_to(g, (3, 3)),),
        real(3, 3),
    ),
    "n for n − 1": primitive(
        lambda x: np.var(x, ddof=1),
        (lambda g, y, x: g * (x - tg.mean(x)) * (2 / 4),),
        (lambda g, y, x: g * (x - tg.mean(x)) * (2 / 5),),
        real(5),
    ),
    "the path through the mean ignored": primitive(
        lambda x: x - np.mean(x), (lambda g, y, x: g - tg.mean(g),), (lambda g, y, x: g,), real(5)
    ),
    # ---- softmax, indices, masks ----
    "a softmax without its other elements": primitive(
        softmax,
        (lambda g, y, x: y * (g - tg.sum(g * y, -1, keepdims=True)),),
        (lambda g, y, x: g * y * (1 - y),),
        real(2, 3),
    ),
    "a softmax along the wrong axis": primitive(
        softmax,
        (lambda g, y, x: y * (g - tg.sum(g * y, -1, keepdims=True)),),
        (lambda g, y, x: y * (g - tg.sum(g * y, 0, keepdims=True)),),
        real(3, 3),
    ),
    "indices that are assigned, not added": multilinear(
        lambda x: x[INDEX], (lambda g, y, x: tg.scatter_add(g, INDEX, (5,)),), (assigned,), real(5)
    ),
    "≥ for >": multilinear(
        lambda x: x * BELOW, (lambda g, y, x: g * BELOW,), (lambda g, y, x: g * BELOW_OR_ON,), real(3, 3)
    ),
    "< for >": elementwise(
        lambda x: np.maximum(x, 0), (lambda y, x: x > 0,), (lambda y, x: x < 0,), interval(0.5, 2, 3)
    ),
    # ---- what is right at the first look ----
    "a derivative that is not recorded": elementwise(
        lambda x: np.sin(x), (lambda y, x: tg.cos(x),), (lambda y, x: np.cos(value_of(x)),), by="second order"
    ),
    "another derivative when it is recorded": elementwise(
        lambda x: np.sin(x), (lambda y, x: tg.cos(x),),
        (lambda y, x: (2 if isinstance(x, tg.Node) else 1) * tg.cos(x),), by="second order",
    ),
    "the same node for both operands is overlooked": elementwise(
        lambda a, b: a * b, (lambda y, a, b: b, lambda y, a, b: a),
        (lambda y, a, b: b, lambda y, a, b: 0 * a if a is b else a), *TWO,
    ),
    "called linear, and is not": primitive(
        lambda x: x**3, (lambda g, y, x: g * 3 * x * x,), (lambda g, y, x: g * 3 * x * x,), real(2, 3),
        by="jvp", wrong_kind=tg.multilinear,
    ),
    "a partial that widens float32": elementwise(
        lambda x: np.sin(x), (lambda y, x: tg.cos(x),), (lambda y, x: tg.cos(x) * np.ones(3),), by="dtype"
    ),
    "a rule that widens float32": primitive(
        lambda x: 2 * x, (lambda g, y, x: 2 * g,), (lambda g, y, x: g * np.full(3, 2.0),), real(3), by="dtype"
    ),
    "a forward that widens float32": elementwise(
        lambda x: 2 * x, (lambda y, x: 2 + 0 * x,), (lambda y, x: 2 + 0 * x,), by="dtype",
        wrong_forward=lambda x: x * np.full(np.shape(x), 2.0),
    ),
    "a forward that changes its input": primitive(
        lambda x: 2 * x, (lambda g, y, x: 2 * g,), (lambda g, y, x: 2 * g,), real(3), by="unmodified",
        wrong_forward=doubling_in_place,
    ),
    "a forward that loses digits": elementwise(
        lambda x: np.expm1(x), (lambda y, x: y + 1,), (lambda y, x: y + 1,), interval(1e-6, 2e-6, 3), by="value",
        wrong_forward=lambda x: np.exp(x) - 1,
    ),
    "another function on floats": elementwise(
        lambda x: np.log(x), (lambda y, x: 1 / x,), (lambda y, x: 1 / x,), positive(3), by="value",
        wrong_extra={"on_floats": math.log10},
    ),
    "a rule that raises": elementwise(
        lambda x: np.exp(x), (lambda y, x: y,), (lambda y, x: y / 0 if type(y) is float else y[1, 2, 3],)
    ),
}  # fmt: skip


def declare(planted: Planted, wrong: bool) -> Primitive:
    extra = {**planted.extra, **(planted.wrong_extra if wrong else {})}
    kind = (planted.wrong_kind if wrong else None) or planted.kind
    argument = {tg.elementwise: "partials", tg.multilinear: "transposes", tg.primitive: "vjps"}[kind]
    rules = planted.wrong if wrong else planted.right
    forward = (planted.wrong_forward if wrong else None) or planted.forward
    function = kind(**{argument: rules}, cases=planted.cases, name="planted", **extra)(forward)
    op: Primitive = function.op
    return op


@pytest.mark.parametrize("name", PLANTED)
def test_the_right_rule_is_not_accused(name: str, registry: dict[str, object]) -> None:
    op = declare(PLANTED[name], wrong=False)
    for seed in range(2):
        assert [finding for finding in examine(op, seed) if finding.wrong] == []


@pytest.mark.parametrize("name", PLANTED)
def test_the_wrong_rule_is_found(name: str, registry: dict[str, object]) -> None:
    op = declare(PLANTED[name], wrong=True)
    for seed in range(2):
        seen = {finding.witness for finding in examine(op, seed) if finding.wrong}
        assert PLANTED[name].by in seen, f"seed {seed}: only {seen or 'nobody'}"


def test_a_finding_says_what_was_seen(registry: dict[str, object]) -> None:
    op = declare(PLANTED["the 2 of a square forgotten"], wrong=True)
    found = next(finding for finding in examine(op) if finding.witness == "vjp" and finding.wrong)
    assert found.subject == "planted"
    assert found.case == "real(3,)"
    # "operand 0: … at [i], numerically … ± …": the second number is twice the first.
    words = found.wrong.replace(",", "").split()
    assert words[:2] == ["operand", "0:"]
    assert float(words[words.index("numerically") + 1]) == pytest.approx(2 * float(words[2]), rel=1e-9)


def test_an_error_that_only_broadcasting_shows(registry: dict[str, object]) -> None:
    # A rule that undoes broadcasting itself, and does it wrongly, for a bias of one element.
    @tg.primitive(
        vjps=(lambda g, y, x, b: g, lambda g, y, x, b: tg.reshape(tg.sum(g), (1,))),
        cases=[case(real(5, 3), real(1)), case(real(5, 3), real(3))],
        name="planted",
    )
    def add(x: Any, b: Any) -> Any:
        return x + b

    findings = list(examine(add.op))  # type: ignore[attr-defined]
    assert {finding.case for finding in findings if finding.wrong} == {"real(5, 3), real(3,)"}
    assert any("shape (1,), but the operand has (3,)" in finding.wrong for finding in findings)
