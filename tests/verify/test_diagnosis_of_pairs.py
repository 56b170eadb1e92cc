"""Each cause is planted in a rule of its own, and has to be named; and what is right, or is of two causes, is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.verify.diagnosis import Diagnosis
from tinygrad_edu.verify.examination import found_at, judge_few
from tinygrad_edu.verify.explanation import diagnosed
from tinygrad_edu.verify.pair import Pair

RNG = np.random.default_rng(3)
X, A, B = RNG.normal(size=(3, 5)), RNG.normal(size=(4, 4)), RNG.normal(size=(4, 4))
P, V, ROW = RNG.uniform(0.5, 2, (3, 5)), RNG.normal(size=7), RNG.normal(size=5)
INDEX = np.array([0, 1, 3, 3, 4, 4, 4])


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def standard(x: Any) -> Any:
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def standard_vjp(g: Any, x: Any, mean: float = 1.0, variance: float = 1.0) -> Any:
    n = standard(x)
    rest = mean * g.mean(axis=1, keepdims=True) + variance * n * (g * n).mean(axis=1, keepdims=True)
    return (g - rest) / x.std(axis=1, keepdims=True)


def spread(g: Any, x: Any, add: bool = True) -> Any:
    found = np.zeros_like(x)
    if add:
        np.add.at(found, INDEX, g)
    else:
        found[INDEX] = g
    return found


def unit(x: Any) -> Any:
    return x / np.sqrt((x * x).sum(axis=1, keepdims=True))


def damped(x: Any) -> Any:
    return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 0.01)


def damped_vjp(g: Any, x: Any) -> Any:
    """As of `damped`, but for a denominator without its ε."""
    n = damped(x)
    rest = g.mean(axis=1, keepdims=True) + n * (g * n).mean(axis=1, keepdims=True)
    return (g - rest) / x.std(axis=1, keepdims=True)


class Counting:
    """The right rule of sin, and more at every call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        self.calls += 1
        return (g * np.cos(x) * self.calls,)


def overwritten(g: Any, y: Any, x: Any) -> Any:
    g *= np.cos(x)
    return (g.copy(),)


def diagnoses(f: Callable[..., Any], vjp: Callable[..., Any], *xs: Any) -> dict[int, Diagnosis]:
    inputs = [np.array(x) for x in xs]
    pair = Pair(f, lambda g, y, *xs: list(vjp(g, y, *xs)), [f"input {i}" for i in range(len(inputs))])
    rows, point = found_at(pair, inputs, np.random.default_rng(0))
    return {i: said for i, said in diagnosed(pair, point, rows, judge_few, inputs).items() if said}


Planted = tuple[str, str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]
PLANTED: list[Planted] = [
    ("sign", "the sign is wrong", np.sin, lambda g, y, x: (-g * np.cos(x),), (X,)),
    ("sign", "a sign was lost", np.sin, lambda g, y, x: (g * np.abs(np.cos(x)),), (3 * X,)),
    ("factor", "a factor of 2 is too much", np.sin, lambda g, y, x: (2 * g * np.cos(x),), (X,)),
    ("factor", "a factor of 2 is missing", lambda x: x * x, lambda g, y, x: (g * x,), (X,)),
    ("factor", "a factor of ln 10 is too much", np.log10, lambda g, y, x: (g / x,), (P,)),
    ("factor", "a factor of √7 is too much", lambda x: x.sum() / 7**0.5, lambda g, y, x: (np.full(7, g),), (V,)),
    ("count", "not divided by the 7 elements", lambda x: x.mean(), lambda g, y, x: (np.full(7, g),), (V,)),
    ("count", "divided by 7", lambda x: x.sum(), lambda g, y, x: (np.full(7, g / 7),), (V,)),
    ("count", "a sum and a mean over its 3 uses", lambda x, b: x + b, lambda g, y, x, b: (g, g.mean(0)), (X, ROW)),
    ("count", "count 0.2 times", softmax, lambda g, y, x: (y * (g - (g * y).mean(1, keepdims=True)),), (X,)),
    ("count", "the variance along axis 1 counts 1.25", standard, lambda g, y, x: (standard_vjp(g, x, 1, 1.25),), (X,)),
    ("chain", "a factor is too much: the input", lambda x: x**3, lambda g, y, x: (g * 3 * x**3,), (P,)),
    ("chain", "a factor is too much: the output", np.exp, lambda g, y, x: (g * y * y,), (X,)),
    ("chain", "multiply it by the local derivative", np.exp, lambda g, y, a: (g,), (A,)),
    ("chain", "a factor is missing: the output", lambda x: np.exp(x) ** 2, lambda g, y, x: (2 * g,), (X,)),
    ("input for output", "the output is used where the input", np.cos, lambda g, y, x: (-g * np.sin(y),), (X,)),
    ("input for output", "the input is used where the output", np.tanh, lambda g, y, x: (g * (1 - x * x),), (X,)),
    ("epsilon", "an ε = 0.01", np.log, lambda g, y, x: (g / (x + 0.01),), (P,)),
    ("path", "the mean along axis 1 is missing", standard, lambda g, y, x: (standard_vjp(g, x, 0, 1),), (X,)),
    ("path", "the variance along axis 1 is missing", standard, lambda g, y, x: (standard_vjp(g, x, 1, 0),), (X,)),
    ("path", "direct path, of a skip", lambda a: a + a @ B, lambda g, y, a: (g @ B.T,), (A,)),
    ("path", "some of the paths", softmax, lambda g, y, x: (g * y * (1 - y),), (X,)),
    ("path", "outputs 3, 4, 5", lambda x: np.concatenate([x, 2 * x]), lambda g, y, x: (g[:3],), (V[:3],)),
    ("path", "add the same with everything transposed", lambda x: x @ x, lambda g, y, x: (g @ x.T,), (A,)),
    ("twice", "a path too many", np.diag, lambda g, y, x: (g.sum(axis=1),), (V[:4],)),
    ("detached", "0 everywhere", np.subtract, lambda g, y, a, b: (g, 0 * b), (A, B)),
    ("exchanged", "the gradients are exchanged", np.multiply, lambda g, y, a, b: (g * a, g * b), (A, B)),
    ("order", "the gradient is transposed", lambda x: 1.0 * x, lambda g, y, x: (g.T,), (A,)),
    ("order", "reversed along axis 0", np.sin, lambda g, y, x: ((g * np.cos(x))[::-1],), (X,)),
    ("order", "shifted by 2 along axis 0", np.sin, lambda g, y, x: (np.roll(g * np.cos(x), 2),), (V,)),
    ("order", "axes of the gradient are permuted", lambda x: x.transpose(1, 2, 0),
     lambda g, y, x: (g.transpose(1, 2, 0),),
     (RNG.normal(size=(2, 3, 5)),)),
    ("order", "if input 0 is transposed", np.linalg.inv,
     lambda g, y, x: (-np.linalg.inv(x) @ g @ y.T,), (A + 4 * np.eye(4),)),
    ("order", "indices are off by one", lambda x, i: np.sin(x)[i], lambda g, y, x, i: (spread_at(g, x, i - 1), None),
     (V, np.array([1, 3, 4, 6]))),
    ("axis", "a sum runs over too much", softmax, lambda g, y, x: (y * (g - (g * y).sum()),), (X,)),
    ("axis", "right for the other axis", softmax, lambda g, y, x: (y * (g - (g * y).sum(0, keepdims=True)),), (X,)),
    ("axis", "summed over axis 0 before", lambda x, b: x * b,
     lambda g, y, x, b: (g * b, g.sum(0) * x.sum(0)), (X, ROW)),
    ("shape", "sum it over axis 0", lambda x, b: x * b, lambda g, y, x, b: (g * b, g * x), (X, ROW)),
    ("shape", "give them the input's shape", np.sin, lambda g, y, x: ((g * np.cos(x))[:, None],), (V,)),
    ("ties", "add up its uses", lambda x: x[INDEX], lambda g, y, x: (spread(g, x, add=False),), (ROW,)),
    ("ties", "where values are equal", lambda x: x.max(), lambda g, y, x: (g * (x == y),), (V,)),
    ("region", "a mask is forgotten", lambda x: np.maximum(x, 0), lambda g, y, x: (g,), (X,)),
    ("region", "where the value is negative", lambda x: np.where(x > 0, x, 0.1 * x),
     lambda g, y, x: (g * np.where(x > 0, 1, 0.01),), (X,)),
    ("region", "the size of input 0 is large", lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5),
     lambda g, y, x: (g * x,), (X,)),
    ("region", "where the value is 0", np.sin, lambda g, y, x: (g * np.cos(x) * (x != 0),), (X,)),
    ("formula", "taken as 1 − y: that is the rule of 1 − exp(−x)", np.tanh, lambda g, y, x: (g * (1 - y),), (X,)),
    ("formula", "taken as x · e^(x − 1)", np.exp, lambda g, y, x: (g * x * np.exp(x - 1),), (X,)),
    ("formula", "taken as −sin x: that is the rule of cos", np.arctan, lambda g, y, x: (-g * np.sin(x),), (X,)),
    ("formula", "that of a squared error, between inputs 0 and 1", lambda p, t: np.abs(p - t).mean(),
     lambda g, y, p, t: (g * 2 * (p - t) / 7, g * 2 * (t - p) / 7), (V, V[::-1] + 0.1)),
    ("formula", "that of a mean", lambda x: np.log(np.exp(x).sum(1)),
     lambda g, y, x: (np.repeat(g[:, None] / 5, 5, 1),), (X,)),
    ("not finite", "not finite", np.prod, lambda g, y, x: (g * y / x,), (V,)),
    ("upstream", "the gradient for g = 1", np.sin, lambda g, y, x: (np.cos(x),), (X,)),
    ("upstream", "the mean of the upstream", np.sin, lambda g, y, x: (g.mean() * np.cos(x),), (X,)),
    ("upstream", "rounded to whole numbers", np.sin, lambda g, y, x: (np.trunc(g * np.cos(x)),), (X,)),
    ("upstream", "not linear", np.sin, lambda g, y, x: (np.clip(g, -1, 1) * np.cos(x),), (X,)),
    ("path", "each output depends on other elements", unit,
     lambda g, y, x: (g / np.sqrt((x * x).sum(1, keepdims=True)),),
     (X,)),
    ("path", "all other paths are missing", lambda x: x - x.mean(1, keepdims=True), lambda g, y, x: (g,),
     (X,)),
    ("path", "a multiple of x: the path by the length", lambda a, b: a @ b / np.sqrt(a @ a),
     lambda g, y, a, b: (g * b / np.sqrt(a @ a), g * a / np.sqrt(a @ a)), (V, V[::-1])),
    ("path", "add the same with input 1 transposed", lambda x, a: x @ a @ x,
     lambda g, y, x, a: (g * a @ x, g * np.outer(x, x)), (ROW[:4], A)),
    ("path", "nothing but a multiple of the parameter", lambda w: np.sin(w).sum() + 0.1 * (w * w).sum(),
     lambda g, y, w: (g * 0.2 * w,), (V,)),
    ("path", "sums to 0 along axis 1", softmax, lambda g, y, x: (y * (g - 0.5 * (g * y).sum(1, keepdims=True)),), (X,)),
    ("path", "always get 0", lambda x: np.sin(x) + 1, lambda g, y, x: (g * np.cos(x) * (np.arange(7) > 1),), (V,)),
    ("twice", "a path by the mean along axis 1 that there is not", np.sin,
     lambda g, y, x: (g * np.cos(x) - g.mean(1, keepdims=True),), (X,)),
    ("order", "the upstream is used shifted along axis 0", lambda x: np.pad(x, (1, 2)),
     lambda g, y, x: (g[2:-1],), (V,)),
    ("order", "the upstream is used reversed along axis 0", np.sin, lambda g, y, x: (g[::-1] * np.cos(x),), (X,)),
    ("order", "arrive at the wrong places", np.cumsum, lambda g, y, x: (np.cumsum(g),), (V,)),
    ("order", "everything is reversed along axis 0", lambda x: np.cumsum(np.sin(x)),
     lambda g, y, x: (np.cumsum(g) * np.cos(x),), (V,)),
    ("count", "averaged over the uses", lambda x: x[INDEX],
     lambda g, y, x: (spread(g, x) / np.maximum(np.bincount(INDEX, minlength=5), 1),), (ROW,)),
    ("region", "a mask of other places", np.tril, lambda g, y, x: (np.triu(g),), (A,)),
    ("region", "where input 1 is 0", lambda x, t: (np.logaddexp(0, x) - t * x).sum(),
     lambda g, y, x, t: (g * t * (1 / (1 + np.exp(-x)) - 1), None), (V, np.array([0, 1, 0, 1, 1, 0, 1]))),
    ("region", "the size of input 0 − input 1 is large",
     lambda p, t: np.where(np.abs(p - t) < 1, (p - t) ** 2 / 2, np.abs(p - t) - 0.5).sum(),
     lambda g, y, p, t: (g * (p - t), -g * (p - t)), (A, B)),
    ("upstream", "the sum of the upstream", np.sin, lambda g, y, x: (g.sum() * np.cos(x),), (X,)),
    ("upstream", "one entry of the upstream", np.sin, lambda g, y, x: (g[0, 0] * np.cos(x),), (X,)),
    ("upstream", "the negative part", np.sin, lambda g, y, x: (np.maximum(g, 0) * np.cos(x),), (X,)),
    ("axis", "summed over axis 0 of the gradient", lambda x, b: x + b,
     lambda g, y, x, b: (g, np.full(5, g.sum())), (X, ROW)),
    ("chain", "each output's share", lambda w: np.tanh(A @ w), lambda g, y, w: (A.T @ g,), (B,)),
    ("exchanged", "change places in the rule", np.divide,
     lambda g, y, a, b: (g / a, -g * b / a**2), (P, np.roll(P, 1, axis=1))),
    ("sign", "at the negative of input 0", lambda x: np.logaddexp(0, x), lambda g, y, x: (g / (1 + np.exp(x)),), (X,)),
    ("epsilon", "an ε is in another place", lambda x: damped(x), lambda g, y, x: (damped_vjp(g, x),), (X,)),
    ("ties", "where values are equal", np.maximum, lambda g, y, a, b: (g * (a >= b), g * (b >= a)), (A, B)),
    ("shape", "has shape (2,), the input (7,)", np.sin, lambda g, y, x: (g[:2],), (V,)),
    ("penalty", "λ·θ with λ = 0.2", lambda w: np.sin(w).sum() + 0.1 * (w * w).sum(),
     lambda g, y, w: (g * np.cos(w),), (V,)),
    ("in place", "changes the cotangent of the output in place", np.sin, overwritten, (X,)),
    ("state", "keeps something from the first", np.sin, Counting(), (X,)),
]  # fmt: skip


def spread_at(g: Any, x: Any, i: Any) -> Any:
    found = np.zeros_like(x)
    np.add.at(found, i, g * np.cos(x[i]))
    return found


@pytest.mark.parametrize(
    ("cause", "words", "f", "vjp", "xs"), PLANTED, ids=[f"{cause}: {words}" for cause, words, *_ in PLANTED]
)
def test_a_planted_cause_is_named(
    cause: str, words: str, f: Callable[..., Any], vjp: Callable[..., Any], xs: tuple[Any, ...]
) -> None:
    with np.errstate(all="ignore"):
        found = diagnoses(f, vjp, *xs)
    assert found
    for diagnosis in found.values():
        assert diagnosis.cause == cause, diagnosis
        assert words in diagnosis.words


RIGHT: list[tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
    (np.sin, lambda g, y, x: (g * np.cos(x),), (X,)),
    (softmax, lambda g, y, x: (y * (g - (g * y).sum(axis=1, keepdims=True)),), (X,)),
    (standard, lambda g, y, x: (standard_vjp(g, x),), (X,)),
    (np.matmul, lambda g, y, a, b: (g @ b.T, a.T @ g), (A, B)),
    (lambda x: x[INDEX], lambda g, y, x: (spread(g, x),), (ROW,)),
]


@pytest.mark.parametrize(("f", "vjp", "xs"), RIGHT)
def test_of_a_right_rule_nothing_is_said(
    f: Callable[..., Any], vjp: Callable[..., Any], xs: tuple[Any, ...]
) -> None:
    pair = Pair(f, lambda g, y, *xs: list(vjp(g, y, *xs)), [f"input {i}" for i in range(len(xs))])
    rows, point = found_at(pair, list(xs), np.random.default_rng(0))
    assert "wrong" not in {row.verdict for row in rows}
    accused = [replace(row, verdict="wrong") for row in rows]
    found = diagnosed(pair, point, accused, lambda pair, xs: accused, list(xs))
    assert set(found.values()) == {None}


NOISE = 1 + 0.01 * np.random.default_rng(9).normal(size=(3, 5))
NEAR_MISSES: list[tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
    (np.sin, lambda g, y, x: (-g * np.cos(x) * NOISE,), (X,)),  # a sign, and noise
    (np.sin, lambda g, y, x: (2 * g * np.cos(x) + 0.1 * x,), (X,)),  # a factor, and a penalty for each g
    (np.cos, lambda g, y, x: (-2 * g * np.sin(y) * NOISE,), (X,)),  # taken at the output, and noise
    (lambda x: x @ B, lambda g, y, x: ((g @ B.T)[::-1] * (1 + 0.1 * x),), (A,)),  # reversed, and a factor
    (standard, lambda g, y, x: (standard_vjp(g, x, 0, 1) * NOISE,), (X,)),  # a path, and noise
]


@pytest.mark.parametrize(("f", "vjp", "xs"), NEAR_MISSES)
def test_of_two_causes_at_once_none_is_certain(
    f: Callable[..., Any], vjp: Callable[..., Any], xs: tuple[Any, ...]
) -> None:
    assert [
        d for d in diagnoses(f, vjp, *xs).values() if d.confidence == "certain" and d.cause != "upstream"
    ] == []


def test_one_draw_is_no_proof() -> None:
    # Near these inputs the rule is twice the right one, and at others it is not.
    def vjp(g: Any, y: Any, x: Any) -> Any:
        return (g * np.cos(x) * (2.0 if np.allclose(x, X, rtol=0.01) else 3.0),)

    assert diagnoses(np.sin, vjp, X) == {}


def test_of_a_large_input_one_draw_has_to_do() -> None:
    x = np.random.default_rng(2).normal(size=(20, 20))
    report = tg.check(tg.custom_vjp(np.sin, lambda g, y, x: (2 * g * np.cos(x),)), x, hazards=True)
    assert "every entry is 2.000000 × the numeric value" in report.rows[0].note


def test_only_the_gradient_that_is_wrong_is_accused() -> None:
    report = tg.check(tg.custom_vjp(np.subtract, lambda g, y, a, b: (g, g)), A, B, hazards=True)
    assert [row.verdict for row in report.rows] == ["verified", "wrong"]
    report = tg.check(tg.custom_vjp(np.add, lambda g, y, a, b: (g, np.clip(g, -1, 1))), A, B, hazards=True)
    assert [row.verdict for row in report.rows] == ["inconclusive", "wrong"]
    report = tg.check(tg.custom_vjp(np.add, lambda g, y, x, b: (g, g)), X, ROW, hazards=True)
    assert [row.verdict for row in report.rows] == ["inconclusive", "wrong"]
    assert "not summed over the axes of broadcasting: sum it over axis 0" in report.rows[1].note


def test_the_tied_elements_are_shown() -> None:
    x = np.array([[0.3, -1.2, 0.7, 2.5, 0.1]])
    rule = tg.custom_vjp(
        lambda x, b: x.max() + 2 * np.sum(b), lambda g, y, x, b: (g * (x == x.max()), 2 * g + 0 * b)
    )
    row, other = tg.check(rule, x, np.array([7.0, 8.0, 9.0]), hazards=True).rows
    assert row.verdict == "wrong"
    assert "share the gradient among them" in row.note
    assert other.verdict != "wrong"
