"""A forward pass that fails: the picture ends in the operation that did not come about."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.render import failed, on_failure


def caught(f):
    try:
        f()
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


def root_of(drawing):
    graph = drawing.graph
    node = graph.nodes[graph.root]
    operands = [graph.nodes[edge.src] for edge in graph.edges if edge.dst == node.id]
    return node, [each.name or each.derived for each in operands]


def test_shapes_that_do_not_fit():
    x = tg.tensor(np.ones((4, 3)), name="x")
    w = tg.tensor(np.ones((3, 2)), requires_grad=True, name="w")
    error = caught(lambda: tg.exp(tg.tanh(x @ w) @ w))
    drawing = failed(error)
    node, operands = root_of(drawing)
    assert (node.op, node.symbol, node.flags) == ("matmul", "@", ("failed",))
    assert operands == ["tanh(x @ w)", "w"]
    assert drawing.title == "matmul failed"
    assert str(error).replace("axis -", "axis −") in drawing.text()
    assert "✗ failed" in drawing.source
    assert "ShapeError" in drawing.source
    assert [node.role for node in drawing.graph.nodes].count("output") == 0


@pytest.mark.parametrize(
    ("f", "op", "operands"),
    [
        (lambda a, b: (a - 2.0).log() + b, "log", ["a − 2"]),
        (lambda a, b: b / (a - 2.0), "div", ["b", "a − 2"]),
        (lambda a, b: 1.0 / (a - 2.0), "div", ["1", "a − 2"]),
        (lambda a, b: (a * -3.0) ** (b / 7.0), "power", ["a·(−3)", "b / 7"]),
        (lambda a, b: (a * 1e3).exp() * b, "exp", ["a·1000"]),
        (lambda a, b: a * b + tg.tensor([1.0], name="t"), "add", ["a·b", "t"]),
    ],
)
def test_scalars_fail_as_floats_do(f, op, operands):
    a, b = tg.Scalar(2.0, "a"), tg.Scalar(3.0, "b")
    node, found = root_of(failed(caught(lambda: f(a, b))))
    assert node.op == op
    assert found == operands


def test_a_point_outside_the_domain_is_named():
    x = tg.Scalar(0.0, "x")
    for f, said in (
        (lambda: tg.log(x), "ValueError: log(0) is not defined"),
        (lambda: (x - 1.0) ** 0.5, "ValueError: (−1)^0.5 is not defined"),
        (lambda: 1.0 / x, "ZeroDivisionError: 1 / 0 is not defined"),
        (lambda: tg.exp(x + 2000.0), "OverflowError: exp(2000) is more than a float holds"),
    ):
        assert root_of(failed(caught(f)))[0].note == said


def test_an_operation_of_many():
    parts = [tg.tensor(np.ones(n), requires_grad=True, name=f"x{n}") for n in (2, 3)]
    node, operands = root_of(failed(caught(lambda: tg.stack([parts[0] * 2.0, parts[1]]))))
    assert node.op == "stack"
    assert operands == ["x₂·2", "x3"]


class Net(nn.Module):
    def __init__(self, rng):
        self.encoder = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh())
        self.head = nn.Linear(5, 2, rng=rng)

    def forward(self, x):
        return self.head(self.encoder(x))


def test_a_layer_that_refuses_a_shape(rng):
    net = Net(rng)
    error = caught(lambda: net(tg.tensor(np.ones((8, 3)), name="x")))
    drawing = failed(error, names=net)
    node, operands = root_of(drawing)
    assert (node.name, node.scope) == ("Linear.forward", "head")
    assert len(operands) == 1
    assert operands[0].startswith("tanh(")
    assert {"encoder.0.weight", "x"} <= {each.name for each in drawing.graph.nodes}


def test_a_layer_that_refuses_an_array(rng):
    net = nn.Sequential(nn.Linear(3, 4, rng=rng))
    drawing = failed(caught(lambda: net(np.ones((2, 5)))))
    node, operands = root_of(drawing)
    assert (node.name, operands) == ("Linear.forward", ["x"])
    assert [each.value.shape for each in drawing.graph.nodes[:-1]] == [(2, 5)]


def test_arrays_beside_nodes_are_operands(rng):
    def loss(w, data):
        raise RuntimeError("the data are too few")

    w = tg.tensor(rng.normal(size=3), requires_grad=True, name="w")
    assert root_of(failed(caught(lambda: loss(w, np.ones((4, 3))))))[1] == ["w", "data"]
    with pytest.raises(ValueError, match="none is found"):  # NumPy alone is none of our business
        failed(caught(lambda: np.linalg.inv(np.zeros((2, 2)))))


def test_a_module_within_a_module(rng):
    inner = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Linear(5, 2, rng=rng))
    outer = nn.Sequential(nn.Tanh(), inner)
    node, _ = root_of(failed(caught(lambda: outer(tg.tensor(np.ones((8, 3)), requires_grad=True)))))
    assert node.scope == "1.1"


def test_a_function_of_the_users_own():
    def fold_in_three(x, *more):
        raise RuntimeError("three pieces were expected")

    x, y = tg.Scalar(1.0, "x"), tg.Scalar(2.0, "y")
    node, operands = root_of(failed(caught(lambda: fold_in_three(x * y, [3], x))))
    assert node.name.endswith("fold_in_three")
    assert operands == ["x·y", "x"]


def test_a_backward_pass_that_fails():
    x = tg.Scalar(0.0, "x")
    drawing = failed(caught(lambda: (x.sqrt() + 1.0).backward()))
    node, operands = root_of(drawing)
    assert node.name == "backward through sqrt"
    assert operands == ["√x"]


def test_an_exception_without_any_node():
    with pytest.raises(ValueError, match="none is found in the frames of ZeroDivisionError"):
        failed(caught(lambda: functools.reduce(lambda a, b: a / b, [1, 0])))
    with pytest.raises(ValueError, match="hand it on with its traceback"):
        failed(ValueError("never raised"))


def test_the_picture_is_left_behind_and_the_exception_goes_on(tmp_path):
    x = tg.Scalar(-1.0, "x")
    path = tmp_path / "failure.dot"
    with pytest.raises(ValueError, match="is not defined") as caught_, on_failure(path):
        (x * 2.0).log()
    assert caught_.value.__notes__ == [f"what there is of the graph is drawn in {path}"]
    assert "✗ failed" in path.read_text(encoding="utf-8")


def test_nothing_happens_if_nothing_fails(tmp_path):
    with on_failure(tmp_path / "failure.dot"):
        y = tg.Scalar(2.0) * 3.0
    assert y.item() == 6.0
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_drawn_does_not_hide_the_exception(tmp_path):
    with pytest.raises(ZeroDivisionError) as caught_, on_failure(tmp_path / "failure.svg"):
        1 / 0  # noqa: B018
    assert (
        "the graph could not be drawn: failed: an exception out of a computation"
        in caught_.value.__notes__[0]
    )
    with (
        pytest.raises(ValueError, match="is not defined") as other,
        on_failure(tmp_path / "x.gif"),
    ):
        tg.Scalar(-1.0).log()
    assert "the graph could not be drawn" in other.value.__notes__[0]


def test_what_a_user_writes_is_no_markup():
    def broken(x):
        raise RuntimeError('<b>"]; evil [label="x"</b> ' + "long " * 300)

    drawing = failed(caught(lambda: broken(tg.Scalar(1.0, "x"))))
    assert "<b>" not in drawing.source
    assert drawing.svg().count("evil") >= 1
    assert "evil [" not in "".join(line for line in drawing.source.splitlines() if line.startswith("evil"))
