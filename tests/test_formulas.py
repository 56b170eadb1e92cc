"""Every rule prints itself. What is printed is compared with textbooks, and computed with."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import tinygrad_edu as tg

TEXTBOOK = {
    "tanh": "∂y/∂x = 1 − y · y", "div": "∂y/∂a = 1 / b\n∂y/∂b = −y / b", "matmul": "ā = ȳ @ bᵀ\nb̄ = aᵀ @ ȳ",
    "add": "∂y/∂a = 1\n∂y/∂b = 1", "sub": "∂y/∂a = 1\n∂y/∂b = −1", "mul": "∂y/∂a = b\n∂y/∂b = a",
    "exp": "∂y/∂x = y",
    "log": "∂y/∂x = 1 / x", "sqrt": "∂y/∂x = 0.5 / y", "sin": "∂y/∂x = cos(x)", "cos": "∂y/∂x = −sin(x)",
    "neg": "∂y/∂x = −1",
    "sigmoid": "∂y/∂x = y · σ(−x)", "arcsin": "∂y/∂x = 1 / √(1 − x · x)", "transpose": "x̄ = ȳᵀ",
    "linear": "x̄ = ȳ @ Wᵀ\nW̄ = xᵀ @ ȳ\nb̄ = Σ ȳ", "greater": "not differentiable",
    "relu": "∂y/∂x = [x > 0]", "clip": "∂y/∂x = [x = y]", "where": "∂y/∂a = [condition]\n∂y/∂b = [¬condition]",
    "power": "∂y/∂a = b · ((1 if a = 0 else a) if b = 0 else a)^(b − 1)\n∂y/∂b = y · log(y + 1 if y = 0 else a)",
    "mean": "x̄ = ȳ / n    with n the size of x", "max": "x̄ = ȳ · [x = y]", "min": "x̄ = ȳ · [x = y]",
    "var": "x̄ = ȳ · (x − mean(x)) · (2 / n)    with n the size of x",
    "softmax_cross_entropy": "x̄ = (softmax(x) − one-hot) · (ȳ / n)    with n the length of x",
    "einsum": "x1\u0304 = einsum(ȳ, x2)\nx2\u0304 = einsum(ȳ, x1)", "broadcast_to": "x̄ = Σ ȳ",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTBOOK)
def test_as_in_the_textbook(name):
    assert tg.formula(name) == TEXTBOOK[name].replace("ā", "a\u0304").replace("b̄", "b\u0304")


@pytest.mark.parametrize("name", tg.registry)
def test_every_primitive_prints_a_line_for_each_operand(name):
    op = tg.registry[name]
    lines = tg.formula(name).split("\n")
    if not op.rules:
        assert lines == ["not differentiable"]
        return
    differentiated = [d for d in op.cases[0].domains if d.differentiable]
    assert len(lines) == len(differentiated)
    for line in lines:
        left, right = line.split(" = ", 1)
        assert re.fullmatch(r"∂y/∂\w+|\w+\u0304", left)
        assert right
        assert " object at " not in right


SPOKEN = {"−": "-", "·": "*", "²": "**2", "^": "**"}
FUNCTIONS = {name: getattr(math, name) for name in ("sin", "cos", "sinh", "cosh", "exp", "log")}
FUNCTIONS |= {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "sqrt": math.sqrt,
    "sign": lambda x: math.copysign(1, x),
}
READABLE = [
    op.name
    for op in tg.registry.values()
    if op.elementwise and op.name not in ("where", "maximum", "minimum", "clip", "power")
]


@pytest.mark.parametrize("name", READABLE)
def test_the_printed_formula_computes_the_derivative(name):
    """The text is read back, evaluated, and compared with a difference quotient: it cannot lack a pair of brackets."""
    op = tg.registry[name]
    values = [float(np.ravel(v)[0]) for v in op.cases[0].draw(np.random.default_rng(3))]
    letters = ["x"] if len(values) == 1 else ["a", "b"]
    known = dict(zip(letters, values, strict=True))
    for i, line in enumerate(tg.formula(name).split("\n")):
        text = line.split(" = ", 1)[1].replace("√", "sqrt").replace("σ", "sigmoid")
        text = text.replace("[", "(").replace("]", ")")  # Iverson's: True is 1
        for sign, python in SPOKEN.items():
            text = text.replace(sign, python)
        found = float(eval(text, FUNCTIONS | known | {"y": op.call(*values)}))
        h = 1e-5
        up, down = ([v + d * (k == i) for k, v in enumerate(values)] for d in (h, -h))
        assert found == pytest.approx((op.call(*up) - op.call(*down)) / (2 * h), rel=2e-5)


def test_no_constant_of_the_example_is_shown():
    shown = "\n".join(tg.formula(name) for name in tg.registry if tg.registry[name].doc)
    assert "constant" not in shown


def test_of_a_function():
    assert tg.formula(tg.tanh) == tg.formula("tanh")
    with pytest.raises(KeyError, match="there is no primitive 'len'"):
        tg.formula(len)


def test_conditions_in_arithmetic_are_in_brackets(registry):
    @tg.elementwise(partials=(lambda y, x: 3 * (x > 0) + x,), cases=[tg.case(tg.core.cases.positive(3))])
    def odd(x):
        return x

    assert tg.formula(odd) == "∂y/∂x = 3 · [x > 0] + x"


def test_sizes_are_letters_where_they_are_told_apart(registry):
    cases = [tg.case(tg.core.cases.real(2, 3))]

    @tg.primitive(vjps=(lambda g, y, x: g * x.shape[0] + 0 * x,), cases=cases)
    def rows(x):
        return x.sum() * len(x)

    @tg.primitive(vjps=(lambda g, y, x: g * (5 * x.size) + 0 * x,), cases=cases)
    def numbers(x):
        return x.sum() * 5 * x.size

    @tg.primitive(vjps=(lambda g, y, x: g * len(str(x.size)) ** 3 + 0 * x,), cases=cases)
    def neither(x):
        return x.sum()

    @tg.primitive(vjps=(lambda g, y, x, n: g / n + 0 * x,), cases=[tg.case(tg.core.cases.real(6), n=6)])
    def averaged(x, n):
        return x.reshape(n).sum() / n

    assert tg.formula(rows) == "x\u0304 = ȳ · n + 0 · x    with n the length of x"
    assert tg.formula(numbers) == "x\u0304 = ȳ · (5 · n) + 0 · x    with n the size of x"
    assert tg.formula(neither) == "x\u0304 = ȳ · 1 + 0 · x"
    assert tg.formula(averaged) == "x\u0304 = ȳ / 6 + 0 · x"  # drawn at no other size


def test_a_rule_that_returns_a_plain_number(registry):
    @tg.elementwise(partials=(lambda y, x: -2.5,), cases=[tg.case(tg.core.cases.real(3))])
    def steep(x):
        return -2.5 * x

    assert tg.formula(steep) == "∂y/∂x = −2.5"


def test_a_primitive_that_is_not_there():
    with pytest.raises(KeyError, match=r"there is no primitive 'tangh': tg\.registry lists them"):
        tg.formula("tangh")


def test_brackets_follow_the_binding(registry):
    @tg.elementwise(
        partials=(lambda y, x: (x - (1 - x)) * (2 + x) / (x * (3 + x)) - (-x),),
        cases=[tg.case(tg.core.cases.real(3))],
    )
    def odd(x):
        return x

    assert tg.formula("odd") == "∂y/∂x = (x − (1 − x)) · (2 + x) / (x · (3 + x)) − −x"
