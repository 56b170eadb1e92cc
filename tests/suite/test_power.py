"""power: which mistakes a gradient check would miss at these inputs, why, and where they would show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.recording import NEEDED, recording
from tinygrad_edu.errors import GradientMismatch, NotDifferentiableError
from tinygrad_edu.suite.mutation.graph import mistakes_at, with_mistake
from tinygrad_edu.suite.power import Missed, PowerReport, power

rng = np.random.default_rng(7)
MIXED = rng.normal(size=(2, 3))
W = rng.normal(size=(3, 3))


def missed(report: PowerReport, *words: str) -> list[Missed]:
    return [each for each in report.missed if all(word in f"{each.mistake}\n{each.diff}" for word in words)]


def test_relu_of_positive_numbers_misses_that_it_is_not_masked() -> None:
    (found,) = missed(power(tg.relu, np.array([0.5, 1.5, 2.5])), "ȳ passed on")
    assert found.operation == "relu 1"
    assert found.why == "the operand is positive everywhere"
    assert found.shows_at == "all values negative"
    assert not missed(power(tg.relu, np.array([0.5, -1.5, 2.5])), "ȳ passed on")


def test_a_maximum_without_ties_misses_how_they_share() -> None:
    report = power(lambda x: tg.max(x, 0), np.array([[1.0, 2.0], [4.0, 3.0]]))
    (found,) = [each for each in report.missed if each.diff.endswith("+     share = reached")]
    assert found.why == "the operand has no two equal values"
    assert "equal" in found.shows_at or "duplicate" in found.shows_at


def test_a_symmetric_matrix_misses_a_dropped_transpose() -> None:
    symmetric, skew = tg.tensor(W + W.T), tg.tensor(W)
    (found,) = missed(power(lambda x: x @ symmetric, MIXED), "transpose(b) → b")
    assert found.why == "operand 1 is symmetric"
    assert found.diff == "−         return g @ transpose(b)\n+         return g @ b"
    assert power(lambda x: x @ skew, MIXED)


def test_equal_operands_miss_that_their_gradients_are_exchanged() -> None:
    found = missed(power(tg.mul, MIXED, MIXED.copy()), "x̄ of operand 1")
    assert [each.why for each in found] == ["operands 0 and 1 are equal"]
    assert found[0].shows_at
    assert not missed(power(tg.mul, MIXED, MIXED[::-1].copy()), "x̄ of operand")


def test_a_batch_of_one_misses_a_sum_for_a_mean() -> None:
    def forgotten(x: Any) -> list[Missed]:
        return missed(power(lambda x: tg.mean(x, 0), x), "count(shape_of(x), axis) → spread(g, x, axis)")

    found = forgotten(np.array([[1.0, 2.0, -3.0]]))
    assert found
    assert "axis has length 1" in found[0].why
    assert forgotten(MIXED) == []


def test_a_batch_of_one_misses_a_broadcast_that_is_not_summed() -> None:
    x = tg.tensor(rng.normal(size=(1, 3)))
    assert missed(power(lambda b: b * x, np.array([1.0, -2.0, 3.0])), "the first of what was repeated")
    many = tg.tensor(rng.normal(size=(2, 3)))
    assert not missed(power(lambda b: b * many, np.array([1.0, -2.0, 3.0])), "of what was repeated")


def test_random_weights_leave_nothing_of_a_sum_unseen() -> None:
    report = power(lambda x: tg.sum(x, 0), MIXED)
    assert report
    assert report.power == 1
    assert len(report.caught) > 10


def test_a_uniform_upstream_hides_what_is_done_with_it() -> None:
    report = power(lambda x: tg.sum(tg.exp(x)), MIXED)
    (found,) = [each for each in missed(report, "the upstream averaged") if each.operation == "exp 1"]
    assert found.why == "the upstream ȳ is 1 everywhere"
    assert not missed(report, "ones for the upstream")  # which three times the cotangent brings to light
    assert not missed(power(tg.exp, MIXED), "the upstream averaged")


@pytest.mark.parametrize(
    ("f", "xs"),
    [
        (lambda x: tg.tanh(x @ tg.tensor(W)), (MIXED,)),
        (lambda a, b: a * b + tg.sin(a), (MIXED, MIXED[::-1].copy())),
        (lambda a, b: tg.concatenate([a, b], 0) ** 2.0, (np.abs(MIXED), np.abs(W))),
    ],
)
def test_what_is_said_to_be_missed_is_missed_and_what_is_caught_is_caught(
    f: Callable[..., Any], xs: Any
) -> None:
    # By tg.check itself, on the graph with the same mistake.
    report = power(f, *xs)
    judged = {(each.operation, each.operand, each.mistake): False for each in report.missed}
    judged |= {(each.operation, each.operand, each.mistake): True for each in report.caught}
    leaves = [tg.tensor(x, requires_grad=True) for x in xs]
    weights = np.random.default_rng(3).normal(size=f(*leaves).shape)
    with recording(NEEDED):
        y = f(*leaves)
        output = tg.sum(y * weights)
    nodes = [node for node in tg.topological_order([y]) if node.op is not None]
    for number, node in enumerate(nodes, 1):
        for k, mistake in enumerate(mistakes_at(node)):
            if k % 7 == 0:
                with with_mistake(node, mistake):
                    found = tg.gradients(output, leaves, 1.0)
                given = {f"leaf {i}": g for i, g in enumerate(found)}
                verdict = tg.check(output, gradients=given).verdict
                seen = judged.pop((f"{node.op.name} {number}", mistake.operand, mistake.name))
                assert (verdict == "wrong") == seen
    assert judged


def test_a_graph_is_afterwards_what_it_was() -> None:
    x = tg.tensor(MIXED, requires_grad=True)
    y = tg.tanh(x)
    held = y.op, y.a, y.b
    before = tg.gradients(y, [x], np.ones(x.shape))[0]
    for mistake in mistakes_at(y):
        with with_mistake(y, mistake):
            pass
    assert (y.op, y.a, y.b) == held
    assert np.array_equal(tg.gradients(y, [x], np.ones(x.shape))[0], before)
    with pytest.raises(RuntimeError), with_mistake(y, mistake):
        raise RuntimeError
    assert (y.op, y.a, y.b) == held


def test_a_module_keeps_its_parameters() -> None:
    layer = tg.nn.Linear(3, 2, rng=np.random.default_rng(0))
    before = {name: leaf.numpy().copy() for name, leaf in layer.named_parameters()}
    report = power(layer, MIXED)
    assert 0.5 < report.power <= 1
    assert all(np.array_equal(leaf.numpy(), before[name]) for name, leaf in layer.named_parameters())


def test_parameters_that_are_not_checked_are_missed_and_said_so() -> None:
    weight = tg.tensor(W, requires_grad=True)

    def f(x: Any) -> Any:
        return x @ weight

    report = power(f, MIXED)
    assert {(each.operand, each.why) for each in report.missed} == {
        (1, "nothing that is checked lies behind operand 1")
    }
    assert power(f, MIXED, parameters=[weight])


def test_only_an_index_that_repeats_shows_whether_repeated_ones_add_up() -> None:
    x = rng.normal(size=(5, 2))
    once, twice = np.array([0, 3, 1]), np.array([0, 3, 0])
    assert missed(power(lambda x: x[twice], x)) == []
    assert any("assigned" in each.mistake for each in power(lambda x: x[twice], x).caught)
    assert not any("assigned" in each.mistake for each in power(lambda x: x[once], x).caught)


def test_the_same_every_time() -> None:
    assert power(tg.relu, MIXED) == power(tg.relu, MIXED)


def test_of_scalars() -> None:
    report = power(lambda x: tg.tanh(x) * x, 0.7)
    assert report.power > 0.8
    assert {each.operation for each in report.caught} == {"tanh 1", "mul 2"}
    (found,) = missed(power(lambda x: tg.relu(x) * x, 0.7), "ȳ passed on", "")[:1]
    assert (found.operation, found.why) == ("relu 1", "the operand is positive everywhere")
    assert found.shows_at == "all values negative"


def test_what_has_no_power() -> None:
    with pytest.raises(NotDifferentiableError, match="nothing to check"):
        power(lambda: tg.tensor(1.0))
    with pytest.raises(NotDifferentiableError, match="does not depend"):
        power(lambda x: x, MIXED)

    def planted(x: Any) -> Any:
        return np.sin(x)

    with pytest.raises(GradientMismatch, match="wrong as it is"):
        power(tg.custom_vjp(planted, lambda g, y, x: g * np.sin(x)), MIXED)


def test_operations_are_called_by_their_place_in_the_graph(registry: dict[str, object]) -> None:
    @tg.elementwise(partials=(lambda y, x: 2 * x,), cases=[case(real(3))], name="planted with 7 blanks")
    def planted(x: Any) -> Any:
        return x * x

    def f(x: Any) -> Any:
        h = tg.sin(x)
        h.name = "h"
        with tg.scope("last"):
            return planted(h)

    report = power(f, MIXED)
    assert report.operations == ("sin 1 'h'", "last/planted with 7 blanks 2")
    assert all(f"  {name}" in str(report) for name in report.operations)


def test_what_it_says() -> None:
    said = str(power(tg.relu, np.array([0.5, 1.5])))
    assert said.startswith("POWER ")
    assert (
        "missed: relu 1, operand 0: ȳ passed on\n    hidden, since the operand is positive everywhere" in said
    )
    assert "    it would show at: all values negative" in said
    assert "hazards=True" in said
    assert "hazards=True" not in str(power(lambda x: tg.sum(x, 0), MIXED))
