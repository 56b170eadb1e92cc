"""Random programs: both sweeps against exact rational arithmetic, and against the complex step."""

from __future__ import annotations

import cmath
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from derivatives import close
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg

INPUTS = 3
Line = tuple[str, int, int]


class Dual:
    """a + b ε with ε² = 0, over any field: differentiation by the rules of calculus alone."""

    def __init__(self, a: Any, b: Any = 0) -> None:
        self.a, self.b = a, b

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.a + other.a, self.b + other.b)

    def __sub__(self, other: Dual) -> Dual:
        return Dual(self.a - other.a, self.b - other.b)

    def __mul__(self, other: Dual) -> Dual:
        return Dual(self.a * other.a, self.a * other.b + self.b * other.a)

    def __neg__(self) -> Dual:
        return Dual(-self.a, -self.b)


POLYNOMIAL: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "neg": lambda a, b: -a,
}  # fmt: skip
# Of nodes or complex numbers, tame enough not to overflow in a deep program.
SMOOTH: dict[str, Callable[..., Any]] = POLYNOMIAL | {
    "/": lambda a, b: a / (b * b + 2.0),
    "tanh": lambda a, b: _function("tanh", a * 0.5),
    "sin": lambda a, b: _function("sin", a),
    "exp": lambda a, b: _function("exp", _function("sin", a + b)),
    "log": lambda a, b: _function("log", a * a + 1.0),
}  # fmt: skip


def _function(name: str, z: Any) -> Any:
    return getattr(cmath, name)(z) if isinstance(z, complex) else getattr(tg, name)(z)


def lines(operations: dict[str, Any], longest: int) -> st.SearchStrategy[list[Line]]:
    index = st.integers(0, 10_000)
    return st.lists(
        st.tuples(st.sampled_from(sorted(operations)), index, index), min_size=1, max_size=longest
    )


def run(program: list[Line], operations: dict[str, Any], inputs: list[Any]) -> Any:
    """Every line takes two of the values so far; the last one, with all inputs mixed in, is the result."""
    values = list(inputs)
    for name, i, j in program:
        values.append(operations[name](values[i % len(values)], values[j % len(values)]))
    total = values[-1]
    for value in inputs:
        total = total + value
    return total


integers = st.lists(st.integers(-3, 3), min_size=INPUTS, max_size=INPUTS)


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(lines(POLYNOMIAL, 12), integers)
def test_polynomials_in_exact_arithmetic(program, point):
    exact = [
        run(program, POLYNOMIAL, [Dual(Fraction(v), Fraction(i == k)) for k, v in enumerate(point)])
        for i in range(INPUTS)
    ]
    xs = [tg.Scalar(v) for v in point]
    y = run(program, POLYNOMIAL, xs)
    found = tg.reverse_sweep(y, 1.0)
    if max(abs(d.b) for d in exact) >= 2**50 or abs(exact[0].a) >= 2**50:  # past here floats round
        close([found[x] for x in xs], [float(d.b) for d in exact], rtol=1e-12)
        return
    assert y.value == exact[0].a
    assert [found[x] for x in xs] == [d.b for d in exact]
    assert [tg.forward_sweep([y], {x: 1.0})[0] for x in xs] == [d.b for d in exact]


reals = st.lists(st.floats(-1.5, 1.5), min_size=INPUTS, max_size=INPUTS)
DOMAIN_OF_FLOATS = 1e6


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(lines(SMOOTH, 25), reals)
def test_smooth_programs_by_the_complex_step(program, point):
    xs = [tg.Scalar(v) for v in point]
    y = run(program, SMOOTH, xs)
    inner = [node.value for node in tg.topological_order([y])]
    if max(map(abs, inner)) > DOMAIN_OF_FLOATS:
        return
    by_step = []
    for i in range(INPUTS):
        z = [complex(v, 1e-150 * (i == k)) for k, v in enumerate(point)]
        by_step.append(run(program, SMOOTH, z).imag / 1e-150)
    found = tg.reverse_sweep(y, 1.0)
    pushed = [tg.forward_sweep([y], {x: 1.0})[0] for x in xs]
    scale = max(1.0, *map(abs, by_step))
    close(np.array([found[x] for x in xs]) / scale, np.array(by_step) / scale, rtol=1e-9, atol=1e-10)
    close(np.array(pushed) / scale, np.array(by_step) / scale, rtol=1e-9, atol=1e-10)


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(lines(SMOOTH, 10), reals)
def test_second_derivatives_are_symmetric_and_agree_between_modes(program, point):
    a, b = (tg.Scalar(v) for v in point[:2])
    y = run(program, SMOOTH, [a, b, tg.Scalar(point[2])])
    da, db = tg.gradients(y, [a, b], create_graph=True)
    ab = tg.gradients(da, [b])[0] if da.requires_grad else 0.0
    ba = tg.forward_sweep([db], {a: 1.0})[0] if db.requires_grad else 0.0
    assert ab == pytest.approx(ba or 0.0, rel=1e-7, abs=1e-7)
