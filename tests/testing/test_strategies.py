"""Strategies for Hypothesis: what is drawn lies in its domain, shrinks to something short, and finds wrong rules."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings

import tinygrad_edu as tg
from tinygrad_edu.core.cases import (
    Domain,
    boolean,
    case,
    distinct,
    interval,
    nonzero,
    positive,
    real,
    vanishing,
)
from tinygrad_edu.testing.strategies import Call, Program, arrays, numbers, operands, points, programs

FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def apart(x: np.ndarray) -> bool:
    return bool((np.diff(np.sort(x, axis=None)) >= 0.1).all())


DOMAINS: list[tuple[Domain, Any]] = [
    (real(2, 3), lambda x: np.abs(x) <= 3),
    (positive(5), lambda x: (x >= 0.5) & (x <= 2)),
    (nonzero(2, 3), lambda x: (np.abs(x) >= 0.5) & (np.abs(x) <= 2)),
    (interval(-0.8, 0.8, 3), lambda x: np.abs(x) <= 0.8),
    (interval(1e-4, 2e-4, 3), lambda x: (x >= 1e-4) & (x <= 2e-4)),
    (interval(100, 3000), lambda x: (x >= 100) & (x <= 3000)),
    (distinct(3, 5), apart),
    (vanishing(2, 3), lambda x: (x[:, 1] == 0).all() and (np.abs(x[:, [0, 2]]) >= 0.5).all()),
    (boolean(4), lambda x: x.dtype == bool),
    (real(0, 3), lambda x: True),
]


@pytest.mark.parametrize(("domain", "inside"), DOMAINS, ids=lambda x: getattr(x, "name", None))
def test_arrays_lie_in_their_domain(domain: Domain, inside: Any) -> None:
    @FEW
    @given(arrays(domain), arrays(domain, (2, 1, 3)))
    def check(x: np.ndarray, other: np.ndarray) -> None:
        assert x.shape == tuple(domain.shape)
        assert other.shape == (2, 1, 3)
        assert np.all(inside(x))
        if domain.differentiable:
            assert x.dtype == float
            assert all(len(repr(float(v))) <= 8 for v in np.unique(x))  # as short as one would write them

    check()


def test_a_domain_of_ones_own_is_sampled_as_it_says() -> None:
    threes = Domain("threes", lambda rng, shape: 3.0 * rng.integers(1, 9, shape), (2, 2))

    @FEW
    @given(arrays(threes))
    def check(x: np.ndarray) -> None:
        assert x.shape == (2, 2)
        assert set(np.unique(x)) <= {3.0 * n for n in range(1, 9)}

    check()


def test_examples_shrink_to_what_one_would_write() -> None:
    assert find(arrays(real(2)), lambda x: x.sum() > 2.5).tolist() in (
        [0.0, 3.0],
        [3.0, 0.0],
        [1.0, 2.0],
        [2.0, 1.0],
    )
    assert find(arrays(positive(2)), lambda x: True).tolist() == [1.0, 1.0]
    assert find(arrays(interval(1.1, 1.9, 2)), lambda x: True).tolist() == [1.1, 1.1]
    assert find(arrays(distinct(3)), lambda x: True).tolist() == [0.0, 0.25, 0.5]
    assert find(numbers(-3, 3), lambda x: x != round(x)) in (0.01, -0.01)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (0, float("inf")), (float("nan"), 1)])
def test_ends_that_are_none(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="two finite ends were expected, the lower one first"):
        numbers(low, high)


# ---- calls ----

DIFFERENTIABLE = [name for name, op in tg.registry.items() if op.cases and op.rules]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_primitive_can_be_called_as_drawn(name: str) -> None:
    op = tg.registry[name]

    @settings(max_examples=12)
    @given(operands(name))
    def check(call: Call) -> None:
        assert call.op is op
        y = call(*call.operands)
        assert np.isfinite(y).all()
        shapes = [x.shape for x in call.operands]
        if op.elementwise:
            assert np.shape(y) == np.broadcast_shapes(*shapes)
        else:
            assert any(shapes == [tuple(domain.shape) for domain in each.domains] for each in op.cases)

    check()


def test_elementwise_operands_are_broadcast_unless_one_forbids_it() -> None:
    def shapes(call: Call) -> list[tuple[int, ...]]:
        return [x.shape for x in call.operands]

    for wanted in (
        lambda a, b: a.ndim < b.ndim, lambda a, b: a.ndim > b.ndim, lambda a, b: a.shape == (),
        lambda a, b: a.size < (a + b).size > b.size,
    ):  # fmt: skip
        find(operands(tg.add), lambda call, wanted=wanted: wanted(*call.operands))

    @FEW
    @given(operands(tg.registry["add"], broadcast=False))
    def check(call: Call) -> None:
        assert shapes(call) == [(3,), (3,)]

    check()


@pytest.mark.parametrize(
    "name", ["softmax", "add", "clip", "where", "getitem", "concatenate", "einsum", "reshape"]
)
def test_a_call_is_printed_as_it_is_written_in_python(name: str) -> None:
    op = tg.registry[name]
    session = {"array": np.array, name: lambda *xs, **params: op.call(*map(np.array, xs), **params)}

    @settings(max_examples=15)
    @given(operands(name))
    def check(call: Call) -> None:
        np.testing.assert_array_equal(eval(repr(call), session), call(*call.operands))

    check()


# ---- points ----


def accused(call: Call) -> bool:
    return tg.check(call, *call.operands).verdict == "wrong"


@pytest.mark.parametrize(
    "name", ["maximum", "max", "power", "div", "softmax", "where", "sqrt", "prod", "relu"]
)
def test_right_rules_are_right_at_hazard_points(name: str) -> None:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(points(name))
    def check(call: Call) -> None:
        assert not accused(call), str(call)

    check()


def test_a_rule_that_is_wrong_where_values_are_tied(registry: dict[str, object]) -> None:
    @tg.primitive(vjps=(lambda g, y, x: g * (x == y),), cases=[case(distinct(4))])
    def largest(x: Any) -> Any:
        return np.max(x)

    @FEW
    @given(operands(largest))
    def ordinary(call: Call) -> None:
        assert not accused(call)

    ordinary()

    def both(call: Call) -> bool:  # along a direction in which all move together, the slope is 1
        _, pull = tg.vjp(call, *call.operands)
        return bool(pull(1.0)[0].sum() != 1)

    found = find(points(largest), both)
    assert found.point
    assert repr(found).startswith("largest([")
    assert repr(found).endswith(f"# {found.point}")
    without = find(points(largest, hazards=False), lambda call: True)
    assert without.point == ""


def test_a_wrong_rule_of_ones_own_is_found_at_a_simple_point(registry: dict[str, object]) -> None:
    @tg.elementwise(
        partials=(lambda y, x: 2 * x if np.all(np.asarray(x) < 1.5) else x,), cases=[case(real(3))]
    )
    def squared(x: Any) -> Any:
        return x * x

    found = find(operands("squared"), accused)
    assert repr(found) in ("squared(2.0)", "squared([2.0])", "squared([0.0, 0.0, 2.0])")


def test_what_there_is_no_strategy_for() -> None:
    with pytest.raises(ValueError, match=r"there is no primitive 'sofmax'; there are .*absolute, add, "):
        operands("sofmax")
    with pytest.raises(ValueError, match="greater declares no cases"):
        operands("greater")
    with pytest.raises(ValueError, match="a primitive, or its name, was expected, the function <function"):
        operands(test_what_there_is_no_strategy_for)


# ---- programs ----


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_programs_compute_what_they_print(shape: tuple[int, ...]) -> None:
    @FEW
    @given(programs(shape=shape, inputs=3))
    def check(program: Program) -> None:
        first, *lines, last = repr(program).splitlines()
        assert first.startswith("v0, v1, v2 = ")
        session = {name: getattr(tg, name, None) for name in tg.registry} | dict(
            zip(["v0", "v1", "v2"], program.operands, strict=True)
        )
        for line in lines:
            exec(line, session)
        expected = eval(last.removeprefix("return "), session)
        y = program(*program.operands)
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
        assert np.shape(y) == shape
        assert len(lines) <= 6

    check()


def test_derivatives_of_programs_are_right() -> None:
    @FEW
    @given(programs(shape=(2,)))
    def check(program: Program) -> None:
        assert tg.check(program, *program.operands).verdict in ("verified", "vacuous")

    check()


def test_a_program_that_finds_a_wrong_rule_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    op = tg.registry["tanh"]
    monkeypatch.setattr(op, "rules", (lambda y, x: 1 - y,))
    monkeypatch.setattr(op, "rule", op.rules.__getitem__)
    found = find(
        programs(names=("add", "mul", "tanh")),
        lambda program: tg.check(program, *program.operands).verdict == "wrong",
    )
    assert [line.name for line in found.lines] == ["tanh"]
    assert sorted(float(x) for x in found.operands) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"inputs": 0}, "0 and"),
        ({"names": []}, "2 and 0"),
        ({"names": ["tahn"]}, "tahn, of which there is none"),
    ],
)
def test_programs_of_nothing(options: dict[str, Any], said: str) -> None:
    with pytest.raises(
        ValueError, match=f"at least one input, and names of primitives, were expected; {said}"
    ):
        programs(**options)


def test_without_hypothesis_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    for name in ("domains", "programs", "strategies"):
        monkeypatch.delitem(sys.modules, f"tinygrad_edu.testing.{name}")
    with pytest.raises(ImportError, match="with Hypothesis, which is not installed: pip install hypothesis"):
        import_module("tinygrad_edu.testing.strategies")
