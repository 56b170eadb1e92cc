"""Checks of a graph that is there already: by its leaves, and node by node."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import NotDifferentiableError, StaleValueError

DOUBLED = tg.custom_vjp(lambda x: np.sin(x), lambda g, y, x: 2 * g * np.cos(x))


def graph(middle: Any) -> tuple[Any, dict[str, Any]]:
    rng = np.random.default_rng(0)
    x = tg.tensor(rng.normal(size=(3, 4)), requires_grad=True, name="x")
    W = tg.tensor(rng.normal(size=(4, 2)), requires_grad=True, name="W")
    h = x @ W
    h.name = "h"
    bent = middle(h)
    bent.name = "bent"
    return (bent * tg.exp(-h)).sum(), {"x": x, "W": W, "h": h, "bent": bent}


def test_a_right_graph_is_verified_by_its_leaves() -> None:
    loss, _ = graph(tg.sin)
    report = tg.check(loss)
    assert report
    assert [row.name for row in report.rows] == ["x", "W"]


def test_and_node_by_node() -> None:
    loss, nodes = graph(tg.sin)
    report = tg.check_graph(loss)
    assert report
    # x @ W twice, sin, −h, exp, × twice, Σ
    assert len(report.rows) == 8
    assert report.nodes["matmul 1 'h', operand 1"] is nodes["h"]


def test_a_wrong_rule_spoils_the_leaves_behind_it_but_one_node_is_guilty() -> None:
    loss, nodes = graph(DOUBLED)
    by_leaves, by_nodes = tg.check(loss), tg.check_graph(loss)
    assert [row.verdict for row in by_leaves.rows] == ["wrong", "wrong"]
    (guilty,) = [row for row in by_nodes.rows if row.verdict == "wrong"]
    assert by_nodes.nodes[guilty.name] is nodes["bent"]
    assert "2.000000" in guilty.note


def test_the_pictures_say_which() -> None:
    loss, _ = graph(DOUBLED)
    guilty = tg.draw(loss, report=tg.check_graph(loss)).model["nodes"]
    assert [node["name"] for node in guilty if "wrong" in node["flags"]] == ["bent"]
    spoiled = tg.draw(loss, report=tg.check(loss))
    assert [node["name"] for node in spoiled.model["nodes"] if "wrong" in node["flags"]] == ["x", "W"]
    assert spoiled.source.count("✗ WRONG") == 2
    right, _ = graph(tg.sin)
    assert "WRONG" not in tg.draw(right, report=tg.check(right)).source


def test_a_wrong_leaf_that_would_be_a_row_is_a_card() -> None:
    a, b = tg.Scalar(2.0, "a"), tg.Scalar(3.0, "b")
    y = a * b
    report = tg.check(lambda: a * b, parameters=[a, b], gradients={"a": 3.0, "b": 7.0})
    drawing = tg.draw(y, leaves="inset", report=report)
    (card,) = [line for line in drawing.source.splitlines() if "✗ WRONG" in line]
    assert ">b<" in card


def test_names_of_parameters_come_from_the_module() -> None:
    rng = np.random.default_rng(1)
    net = nn.Sequential(nn.Linear(3, 2, rng=rng), nn.Tanh(), nn.Linear(2, 1, rng=rng))
    loss = net(rng.normal(size=(5, 3))).sum()
    assert [row.name for row in tg.check(loss, parameters=net).rows] == [
        name for name, _ in net.named_parameters()
    ]
    without = [row.name for row in tg.check(loss).rows]
    assert len(set(without)) == 4


def test_no_gradient_is_left_behind() -> None:
    loss, nodes = graph(tg.sin)
    tg.check(loss)
    tg.check_graph(loss)
    assert nodes["x"].grad is None
    assert loss.grad is None


def test_the_graph_of_a_training_that_went_on_is_stale() -> None:
    loss, nodes = graph(tg.sin)
    nodes["W"].assign(np.ones((4, 2)))
    with pytest.raises(StaleValueError, match="'W' was assigned"):
        tg.check(loss)


def test_a_graph_of_scalars() -> None:
    x, y = tg.Scalar(0.4, "x"), tg.Scalar(-1.1, "y")
    z = (x * y + x.exp()) ** 3
    assert tg.check(z)
    report = tg.check_graph(z)
    assert report
    assert {row.name.split()[0] for row in report.rows} == {"mul", "exp", "add", "power"}


def test_a_result_that_is_not_one_number_is_weighed() -> None:
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    assert tg.check(x * x * x)


def test_what_is_not_finite_is_inconclusive_and_said() -> None:
    x = tg.tensor([1.0, 0.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        report = tg.check_graph(tg.log(x).sum())
    assert report.verdict == "inconclusive"
    assert "the value inf here" in report.rows[0].note


def test_a_kink_in_the_graph_is_one() -> None:
    x = tg.tensor([1.0, 0.0, -2.0], requires_grad=True)
    report = tg.check_graph((tg.relu(x) * x).sum())
    assert report.verdict == "not differentiable here"


@pytest.mark.parametrize("check", [tg.check, tg.check_graph])
def test_a_leaf_or_a_constant_is_refused(check: Any) -> None:
    for node in (
        tg.Scalar(1.0),
        tg.tensor([1.0], requires_grad=True),
        tg.tensor([1.0]) * 2,
    ):
        with pytest.raises(NotDifferentiableError, match="computed from leaves"):
            check(node)


def test_a_graph_takes_no_inputs_and_no_hazards() -> None:
    loss, _ = graph(tg.sin)
    with pytest.raises(ValueError, match="computed already"):
        tg.check(loss, np.ones(3))
    with pytest.raises(ValueError, match="computed already"):
        tg.check(loss, hazards=True)
    with pytest.raises(NotDifferentiableError, match="function came"):
        tg.check_graph(graph)
