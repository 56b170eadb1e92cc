"""The Taylor test: the order of what a gradient leaves over, with known functions and known mistakes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import NotDifferentiableError, ShapeError
from tinygrad_edu.verify.noise import noise_of
from tinygrad_edu.verify.taylor import Taylor, remainders, taylor


def judged(f: Callable[[float], float], slope: float) -> Taylor:
    return remainders(f, slope, noise_of(f, 0.0))


# ---- orders that are known ----


def test_of_a_parabola_the_remainders_are_known() -> None:
    # f = 3t + 5t²: beside the slope 3 exactly 5h² is left, beside 4 it is h ± 5h².
    found = judged(lambda t: 3 * t + 5 * t * t, 3.0)
    far = found.steps > 1e-6
    np.testing.assert_allclose(found.first[far], 5 * found.steps[far] ** 2, rtol=1e-3)
    np.testing.assert_allclose(found.zeroth[far], 3 * found.steps[far] + 5 * found.steps[far] ** 2, rtol=1e-9)
    assert found.order == pytest.approx(2, abs=0.01)
    assert found.verdict == "right"
    wrong = judged(lambda t: 3 * t + 5 * t * t, 4.0)
    assert wrong.order == pytest.approx(1, abs=0.01)
    assert wrong.verdict == "wrong"
    assert bool(found)
    assert not bool(wrong)


@pytest.mark.parametrize(
    ("f", "slope", "order"),
    [
        (math.exp, 1.0, 2),
        (lambda t: math.tanh(0.7 + t), 1 - math.tanh(0.7) ** 2, 2),
        (lambda t: t**3, 0.0, 3),
        (lambda t: math.sin(1e4 * t), 1e4, 3),
        (lambda t: math.log(2 + t) * 1e8, 5e7, 2),
        (lambda t: 1e-8 * math.exp(t), 1e-8, 2),
    ],
    ids=["exp", "tanh", "cube", "fast wave", "large", "small"],
)
def test_right_slopes_are_right_whatever_the_size(
    f: Callable[[float], float], slope: float, order: float
) -> None:
    found = judged(f, slope)
    assert found.order == pytest.approx(order, abs=0.1)
    assert found.verdict == "right"
    assert found.reason == f"order {order}: right"


@pytest.mark.parametrize("off", [2.0, -1.0, 1.01, 1 + 1e-4, 1 - 1e-5])
@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (math.exp, 1.0),
        (lambda t: math.sin(1e4 * t), 1e4),
        (lambda t: 1e-8 * math.exp(t), 1e-8),
        (lambda t: 3 * t - 5, 3.0),
    ],
    ids=["exp", "fast wave", "small", "line"],
)
def test_wrong_slopes_are_wrong(f: Callable[[float], float], slope: float, off: float) -> None:
    assert judged(f, slope * off).reason == "order 1: wrong"


def test_no_wrong_slope_is_called_right_unless_it_is_as_good_as_right() -> None:
    # The limit that the docstring states: √(noise · f″), here about 1e-7 with the margin over the noise.
    for off in np.geomspace(1e-3, 1e-7, 30):
        assert judged(math.exp, 1 + off).verdict != "right"


def test_an_accident_at_long_steps_deceives_nobody() -> None:
    # After whole periods the wave is where it was: the slope 0 leaves nothing over at 1/8, 1/32 and 1/128.
    assert judged(lambda t: math.sin(2 * math.pi * 128 * t), 0.0).reason == "order 1: wrong"


def test_it_asks_for_no_more_than_it_needs() -> None:
    asked: list[float] = []

    def line(t: float) -> float:
        asked.append(t)
        return 3 * t + 1

    assert remainders(line, 3.0, 1e-16).verdict == "right"
    assert len(asked) <= 19


# ---- where there is nothing to see, or no derivative ----


@pytest.mark.parametrize(
    ("f", "slope"), [(lambda t: 3 * t - 5, 3.0), (lambda t: 4.0, 0.0), (lambda t: 7e9 * t, 7e9)]
)
def test_linear_functions_leave_nothing(f: Callable[[float], float], slope: float) -> None:
    found = judged(f, slope)
    assert found.order is None
    assert found.reason == "no remainder beyond rounding: right"


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.5, 1.0])
def test_at_a_kink_nothing_is_decided(slope: float) -> None:
    found = judged(lambda t: max(t, 0.0), slope)
    assert found.kink
    assert found.verdict == "undecided"
    assert "kink" in found.reason


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda t: abs(t) ** 1.5, "order 1.5"),
        (lambda t: float(t > 0), "no derivative"),
        (lambda t: abs(t) ** 0.5, "no derivative"),
        (lambda t: math.sqrt(t), "not defined around x"),
        (lambda t: math.nan, "not defined around x"),
    ],
    ids=["1.5", "jump", "root of size", "root", "nan"],
)
def test_without_a_second_derivative_nothing_is_decided(f: Callable[[float], float], said: str) -> None:
    found = judged(f, 0.0)
    assert found.verdict == "undecided"
    assert said in found.reason


# ---- functions and gradients ----


@pytest.mark.parametrize("name", [name for name, op in tg.registry.items() if op.rules])
def test_every_primitive_leaves_order_2_or_nothing(name: str) -> None:
    op = tg.registry[name]
    for number, each in enumerate(op.cases):
        xs = each.draw(np.random.default_rng(number))
        moving = [i for i, domain in enumerate(each.domains) if domain.differentiable]

        def f(*at: Any, xs: Any = xs, moving: Any = moving, params: Any = each.params) -> Any:
            placed = dict(zip(moving, at, strict=True))
            return op.call(*[placed.get(i, x) for i, x in enumerate(xs)], **params)

        assert taylor(f, *[xs[i] for i in moving]).verdict == "right"


def test_of_several_inputs_one_wrong_gradient_is_enough(rng: np.random.Generator) -> None:
    W, b, x = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=2)

    def f(W: Any, b: Any) -> Any:
        return tg.tanh(W @ x + b).sum()

    slope = 1 - np.tanh(W @ x + b) ** 2
    right = [np.outer(slope, x), slope]
    assert taylor(f, W, b).reason == "order 2: right"
    assert taylor(f, W, b, gradients=right).reason == "order 2: right"
    for wrong in ([right[0], 2 * slope], [right[0] * [1, -1], slope], [0 * right[0], slope]):
        assert taylor(f, W, b, gradients=wrong).reason == "order 1: wrong"


def test_methods_of_nodes_will_do(rng: np.random.Generator) -> None:
    assert taylor(lambda w: (w.tanh() * w).sum(), rng.normal(size=(3, 2))).reason == "order 2: right"


def test_a_spoiled_rule_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tg.registry["tanh"], "rules", (lambda y, x: 1 - x * x,))
    monkeypatch.setattr(tg.registry["tanh"], "rule", lambda i: lambda y, x: 1 - x * x)
    assert taylor(tg.tanh, 0.7).reason == "order 1: wrong"


def test_a_function_of_plain_numbers_needs_its_gradient() -> None:
    with pytest.raises(NotDifferentiableError, match="give its derivative"):
        taylor(math.exp, 0.3)
    assert taylor(math.exp, 0.3, gradients=[math.exp(0.3)]).reason == "order 2: right"


def test_what_does_not_fit_is_refused(rng: np.random.Generator) -> None:
    x = rng.normal(size=3)
    with pytest.raises(ShapeError, match="returns one number"):
        taylor(tg.tanh, x, gradients=[x])
    with pytest.raises(ShapeError, match="gradients of the shapes"):
        taylor(lambda x: (x * x).sum(), x, gradients=[x[:2]])
    with pytest.raises(ShapeError, match="directions of the shapes"):
        taylor(tg.tanh, x, directions=[x[:2]])
    with pytest.raises(ValueError, match="floats"):
        taylor(lambda i: tg.tanh(1.0), np.array([1, 2]))


def test_the_report_shows_the_remainders() -> None:
    lines = str(taylor(tg.tanh, 0.7)).splitlines()
    assert lines[0].split() == ["h", "R₀", "R₁"]
    assert lines[-1] == "order 2: right"
    assert any(line.endswith("rounding") for line in lines)
