"""Semantic mutants: what is made of the result of a right rule, whatever its source looks like.

    x̄ = vjp(g, y, x)    →    2 x̄,  −x̄,  x̄ / n,  0,  x̄ reversed,  vjp(1, y, x),  …

Every rule is put into the form of a vjp first, also that of an elementwise operation, x̄ = sum_to(g · ∂y/∂x): then a
mistake in undoing the broadcast can be made, and one in the use of the upstream cotangent g.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.broadcasting import shape_of, sum_to
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.primitive import ONE, Primitive
from tinygrad_edu.suite.mutation.mutant import Mutant, differentiable, with_rules
from tinygrad_edu.types import Operand, Rule, Shape

# ---- what is made of the result; n is the number of elements of the operand ----


def _size(x: Operand) -> int:
    return int(np.size(value_of(x)))


def _reversed(c: Operand, x: Operand) -> Operand:
    return ops.flip(c)


def _transposed(c: Operand, x: Operand) -> Operand:
    """The right numbers, read column by column and written row by row."""
    return ops.reshape(ops.transpose(c), shape_of(c))


RESULTS: dict[str, Callable[[Any, Any], Any]] = {
    "2 x̄": lambda c, x: 2 * c,
    "−x̄": lambda c, x: -c,
    "½ x̄": lambda c, x: 0.5 * c,
    "n x̄": lambda c, x: _size(x) * c,
    "x̄ / n": lambda c, x: c / max(_size(x), 1),
    "1.01 x̄": lambda c, x: 1.01 * c,
    "(1 + 1e-6) x̄": lambda c, x: (1 + 1e-6) * c,
    "0": lambda c, x: 0 * c,
    "x̄ reversed": _reversed,
    "x̄ transposed": _transposed,
    "x̄ in float64": lambda c, x: c * np.float64(1),
}
_OF_MANY = {"n x̄", "x̄ / n", "x̄ reversed"}  # where one number shows nothing
_OF_MATRICES = {"x̄ transposed"}
PASSED_ON, AVERAGED = "ȳ passed on", "the upstream averaged"


# ---- what is made of the upstream ----


def _of_ones(vjp: Rule, g: Operand, *rest: Operand, **params: Any) -> Operand:
    return vjp(0 * g + 1, *rest, **params)


def _of_its_mean(vjp: Rule, g: Operand, *rest: Operand, **params: Any) -> Operand:
    return vjp(0 * g + ops.mean(g), *rest, **params)


def _overwriting(vjp: Rule, g: Operand, *rest: Operand, **params: Any) -> Operand:
    """The right result, in the memory of the upstream, which belongs to others."""
    c = vjp(g, *rest, **params)
    held = value_of(g)
    if isinstance(held, np.ndarray) and held.size:
        held *= 0.5
    return c


UPSTREAMS: dict[str, Rule] = {
    "ones for the upstream": _of_ones,
    AVERAGED: _of_its_mean,
    "the upstream overwritten": _overwriting,
}

# ---- how the broadcast is undone ----


def _first(c: Operand, shape: Shape) -> Operand:
    """Of what was repeated, the cotangent of the first alone: `x̄ = c` in place of `x̄ += c`."""
    new = len(shape_of(c)) - len(shape)
    c = c[(0,) * new] if new else c
    kept = tuple(slice(0, n) for n in shape)
    return c[kept] if kept and shape_of(c) != tuple(shape) else c


def _mean(c: Operand, shape: Shape) -> Operand:
    return sum_to(c, shape) / max(_size(c) // max(int(np.prod(shape)), 1), 1)


UNBROADCASTS: dict[str, Callable[[Any, Shape], Any]] = {
    "the first of what was repeated": _first,
    "the mean of what was repeated": _mean,
}


def vjp_of(op: Primitive, i: int, unbroadcast: Callable[[Any, Shape], Any] = sum_to) -> Rule:
    """The rule for operand i as a vjp (g, y, *xs) that undoes broadcasting by itself."""
    rule: Rule = op.rule(i)
    if not op.elementwise:
        return rule

    def vjp(g: Operand, y: Operand, *xs: Operand, **params: Any) -> Operand:
        c = g * (rule(y, *xs, **params) if callable(rule) else rule)
        shape = shape_of(xs[i])
        return c if shape_of(c) == shape else unbroadcast(c, shape)

    return vjp


# ---- the mutants ----

Shapes: TypeAlias = Sequence[Shape]  # of y and of every operand, in one call


def mistakes(
    op: Primitive, i: int, calls: Iterable[Shapes], others: Iterable[int]
) -> Iterator[tuple[str, Rule]]:
    """(name, the wrong vjp) of every mistake in the rule for operand i that makes a difference in some call.

    Args:
        op: the operation.
        i: the operand.
        calls: the shapes that are met.
        others: the operands whose gradient it might be mistaken for.
    """
    right = vjp_of(op, i)
    met = [(shapes[0], shapes[i + 1], shapes) for shapes in calls if len(shapes) > i + 1]
    many = any(math.prod(x) > 1 for _, x, _ in met)
    matrices = any(sum(n > 1 for n in x) > 1 for _, x, _ in met)
    for name, change in RESULTS.items():
        if (many or name not in _OF_MANY) and (matrices or name not in _OF_MATRICES):
            yield name, partial(_changed, right, change, i)
    for name, misuse in UPSTREAMS.items():
        if name != AVERAGED or any(math.prod(y) > 1 for y, _, _ in met):
            yield name, partial(misuse, right)
    if any(y == x for y, x, _ in met) and op.rule(i) is not ONE:
        yield PASSED_ON, partial(_passed_on, right, i)
    if op.elementwise and any(y != x for y, x, _ in met):
        for name, unbroadcast in UNBROADCASTS.items():
            yield name, vjp_of(op, i, unbroadcast)
    for j in others:
        if j != i and any(len(shapes) > j + 1 and shapes[j + 1] == x for _, x, shapes in met):
            yield f"x̄ of operand {j}", partial(_exchanged, right, vjp_of(op, j), i, j)


def _changed(
    right: Rule, change: Callable[[Any, Any], Any], i: int, g: Any, y: Any, *xs: Any, **params: Any
) -> Any:
    return change(right(g, y, *xs, **params), xs[i])


def _passed_on(right: Rule, i: int, g: Any, y: Any, *xs: Any, **params: Any) -> Any:
    """The upstream as it is, as if the derivative were 1."""
    return g if shape_of(g) == shape_of(xs[i]) else right(g, y, *xs, **params)


def _exchanged(right: Rule, other: Rule, i: int, j: int, g: Any, y: Any, *xs: Any, **params: Any) -> Any:
    alike = len(xs) > max(i, j) and shape_of(xs[i]) == shape_of(xs[j])
    return (other if alike else right)(g, y, *xs, **params)


def rules_with(op: Primitive, i: int, wrong: Rule) -> Any:
    """The rules of an operation as vjps, with a wrong one for operand i."""
    if op.variadic:

        def every(k: int, *args: Any, **params: Any) -> Any:
            return wrong(*args, **params) if k == i else op.rules(k, *args, **params)

        return every
    return tuple(wrong if k == i else vjp_of(op, k) for k in range(len(op.rules)))


def semantic_mutants(op: Primitive) -> Iterator[Mutant]:
    """Every mistake in the rule of every operand, one at a time."""
    calls = list(_calls(op))
    operands = differentiable(op)
    for i in operands:
        for name, wrong in mistakes(op, i, calls, operands):
            diff = f"− x̄ = vjp(ȳ, y, …)\n+ x̄ = {name}" if "x̄" in name or name == "0" else f"+ {name}"
            yield Mutant(str(i), name, diff, partial(_made, op, i, wrong))


def _made(op: Primitive, i: int, wrong: Rule) -> Primitive:
    return with_rules(op, rules_with(op, i, wrong), as_vjps=True)


def _calls(op: Primitive) -> Iterator[Shapes]:
    """The shapes of all cases; and those of a broadcast, which the suite adds to them."""
    rng = np.random.default_rng(0)
    for each in op.cases:
        xs = each.draw(rng)
        yield [np.shape(x) for x in (op.call(*xs, **each.params), *xs)]
    if op.elementwise and len(op.rules) > 1:
        shapes: list[Shape] = [(1, 3), (2, 1), (2, 3)]
        for k in range(3):
            yield [(2, 3), *(shapes[(k + i) % 3] for i in range(len(op.rules)))]
