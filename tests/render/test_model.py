"""Capturing a graph as plain data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.render import capture, draw
from tinygrad_edu.render.folding.wording import gradient
from tinygrad_edu.render.graph.cycle import GraphCycleError
from tinygrad_edu.render.graph.model import numbers

GOLDEN = Path(__file__).parent / "golden"


def by_name(x, **options):
    return {node.name or node.derived: node for node in capture(x, **options).nodes}


def test_the_neuron_as_json(neuron):
    drawing = draw(neuron(), parameters="w* b")
    assert drawing.json() == (GOLDEN / "neuron.json").read_text(encoding="utf-8")
    assert json.loads(drawing.json()) == drawing.model


def test_gradients_between_the_leaves_are_replayed_and_written_nowhere(neuron):
    o = neuron()
    nodes = by_name(o)
    assert nodes["n"].gradient.item == pytest.approx(0.5)
    assert nodes["x₁·w₁"].gradient.item == pytest.approx(0.5)
    assert nodes["x1"].gradient.item == pytest.approx(-1.5)
    assert nodes["o"].gradient.item == 1
    assert o.args[0].grad is None


def test_before_backward_nothing_is_known(neuron):
    assert all(node.gradient is None for node in capture(neuron(backward=False)).nodes)


def test_leaves_show_what_has_been_added_up(neuron):
    x = tg.Scalar(3.0, name="x")
    (2.0 * x).backward()
    y = x * x
    y.backward()
    assert by_name(y)["x"].gradient.item == 2 + 6
    assert by_name(y)["x·x"].gradient.item == 1


def test_an_operand_that_is_used_twice_has_two_edges():
    x = tg.Scalar(3.0)
    model = capture(x * x)
    assert [(e.src, e.dst, e.arg, e.local) for e in model.edges] == [(0, 1, 0, 3.0), (0, 1, 1, 3.0)]


def test_local_derivatives_are_numbers_where_there_are_such():
    x = tg.Scalar(2.0)
    assert capture(x.log()).edges[0].local == 0.5
    assert capture(tg.sum(tg.tensor([1.0, 2.0], requires_grad=True))).edges[0].local is None
    zero = tg.tensor(0.0, requires_grad=True)
    with np.errstate(divide="ignore"):
        assert np.isinf(capture(tg.log(zero)).edges[0].local)


def test_a_local_derivative_that_raises_is_left_out():
    x = tg.Scalar(0.0)
    y = x.sqrt()  # 0.5 / y divides by zero
    assert capture(y).edges[0].local is None


def test_a_stale_graph_is_drawn_with_a_warning():
    x = tg.Scalar(1.0, name="x")
    y = (x * 2.0).exp()
    y.backward()
    x.data = 3.0
    model = capture(y)
    assert model.warnings[0].startswith(
        "x was assigned after this had been computed, so the gradients in between"
    )
    assert model.nodes[2].gradient is None
    assert model.nodes[0].gradient is not None


def test_operations_on_old_values_have_no_local_derivatives():
    x, y = tg.Scalar(2.0, "x"), tg.Scalar(3.0, "y")
    z = (x * y).exp()
    assert [edge.local for edge in capture(z).edges] == [3.0, 2.0, pytest.approx(np.exp(6.0))]
    x.assign(5.0)
    model = capture(z)
    assert [edge.local for edge in model.edges] == [None, None, pytest.approx(np.exp(6.0))]
    assert [node.flags for node in model.nodes] == [("stale",), (), (), ()]
    assert model.warnings == ("x was assigned after this had been computed: compute it anew",)
    assert capture(x * y).warnings == ()


@pytest.mark.parametrize(
    ("n", "who"),
    [(1, "w0 was"), (2, "w0 and w1 were"), (3, "w0, w1 and w2 were"), (5, "w0, w1 and 3 more were")],
)
def test_who_was_assigned(n, who):
    leaves = [tg.Scalar(1.0, f"w{i}") for i in range(n)]
    y = sum(leaves)
    for leaf in leaves:
        leaf.assign(2.0)
    assert capture(y).warnings[0].startswith(f"{who} assigned")


def test_choices_that_mean_nothing_are_told():
    x = tg.Scalar(2.0, "x")
    said = capture(x * x, names={"w": tg.Scalar(1.0)}, parameters="x, v*", highlight=["q", x]).warnings
    assert said == (
        "parameters: no node has a name like 'v*'", "highlight: no node has a name like 'q'",
        "names: none of these nodes is in the graph",
    )  # fmt: skip
    assert capture(x * x, names=[{"y": x}, {}], parameters=["x", "?"], highlight=x).warnings == ()


def test_roles_of_scalars(neuron):
    o = neuron()
    roles = lambda **options: {name: node.role for name, node in by_name(o, **options).items()}  # noqa: E731
    assert roles()["w1"] == "input"
    told = roles(parameters="w* b")
    assert (told["w1"], told["x1"], told["b"], told["n"], told["o"]) == (
        "parameter", "input", "parameter", "intermediate", "output",
    )  # fmt: skip
    assert by_name(tg.Scalar(2.0) * 3)["3"].role == "constant"


def test_roles_of_tensors():
    w = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
    x = tg.tensor([3.0, 4.0], name="x")
    f = tg.tensor([5.0, 6.0], name="f")
    nodes = by_name(w * x * f * 2.0)
    assert [nodes[name].role for name in ("w", "x", "2")] == ["parameter", "input", "constant"]
    nodes = by_name(w * x * f, parameters=[f])
    assert [nodes[name].role for name in ("w", "x", "f")] == ["input", "input", "frozen"]


def test_parameters_of_modules_are_known(network):
    net, loss = network()
    model = capture(loss, names={"net": net, "other": 3})
    roles = {node.name: node.role for node in model.nodes}
    assert roles["fc1.weight"] == "parameter"
    assert dict(model.modules) == {
        "fc1": "Linear", "inner": "dict", "inner.norm": "Linear", "blocks": "list", "blocks.0": "Linear",
    }  # fmt: skip
    assert capture(loss, parameters=net).nodes[1].role == "parameter"


def test_a_bias_before_a_normalization_is_dead(network):
    net, loss = network()
    flags = {node.name: node.flags for node in capture(loss, names=[net]).nodes}
    assert flags["fc1.bias"] == ("dead",)
    assert flags["fc1.weight"] == ()


def test_highlights_and_what_is_not_finite_are_flagged():
    x = tg.tensor([1.0, np.nan], requires_grad=True, name="x")
    assert capture(x * 2.0, highlight=x).nodes[0].flags == (
        "nonfinite", "first", "origin", "highlight",
    )  # fmt: skip


def test_statistics_of_arrays():
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    n = numbers(array)
    assert (n.shape, n.dtype, n.items) == ((2, 2), "float64", (1.0, 2.0, 3.0, 4.0))
    assert n.mean == pytest.approx(2.5)
    assert n.std == pytest.approx(np.std(array))
    assert n.norm == pytest.approx(np.linalg.norm(array))
    assert n.histogram == (1, 0, 1, 0, 0, 1, 0, 1)
    assert (n.smallest, n.largest) == (1.0, 4.0)
    assert numbers(np.zeros(100)).items is None


def test_statistics_where_there_is_little_to_count():
    assert numbers(np.zeros((0, 3))).norm == 0
    assert numbers(np.array([1.0, 1.0])).histogram == ()
    broken = numbers(np.array([np.nan, np.inf, 1.0, 3.0]))
    assert (broken.nan, broken.infinite, broken.mean, broken.norm) == (1, 1, 2.0, None)
    assert numbers(np.array([np.nan])).mean is None
    assert numbers(np.array(["text"])).items is None
    assert numbers(np.array([1e200, -1e200])).norm == pytest.approx(np.sqrt(2) * 1e200)
    assert numbers(float("inf")).infinite == 1


def test_a_long_chain_is_no_trouble():
    y = tg.Scalar(1.0)
    for _ in range(100_000):
        y = -y
    y.backward()
    model = capture(y)
    assert len(model.nodes) == 100_001
    assert model.nodes[0].gradient.item == 1


def test_only_nodes_have_a_graph():
    with pytest.raises(TypeError, match="a Scalar or a Tensor was expected, float came"):
        capture(1.0)


def test_a_cycle_is_refused_and_named():
    x, y = tg.Scalar(1.0, "x"), tg.Scalar(2.0, "y")
    z = x * y
    z.name = "z"
    w = z.tanh()
    w.name = "w"
    z.a = w  # nobody can do that but by hand
    with pytest.raises(GraphCycleError, match="the graph has a cycle, 'z' → 'w' → 'z': a node cannot be"):
        capture(w)
    v = tg.Scalar(1.0, "v").exp()
    v.a = v
    with pytest.raises(GraphCycleError, match=r"the Scalar 2\.718, a result of 'exp' → the Scalar 2\.718"):
        draw(v)


def test_a_long_cycle_is_named_in_part():
    x = tg.Scalar(1.0, "x")
    y = x * 1.0
    first = y
    for _ in range(100):
        y = -y
    first.a = y
    with pytest.raises(GraphCycleError, match=r"… 95 more …"):
        capture(y)


def test_no_elements_and_no_axes():
    empty = tg.tensor(np.zeros((0, 3)), requires_grad=True, name="empty")
    drawing = draw(tg.sum(empty * 2.0))
    assert "empty" in drawing.text()
    assert drawing.svg()
    assert capture(tg.tensor(3.0, requires_grad=True) * 2.0).nodes[0].value.item == 3.0
    assert capture(tg.Scalar(1.0)).edges == ()


def test_what_has_no_numbers_has_no_statistics():
    class Thing:
        def __repr__(self):
            return "a thing"

    n = numbers(np.array([Thing(), None], dtype=object))
    assert (n.shape, n.dtype, n.items, n.mean) == ((2,), "object", None, None)
    node = tg.tensor([1.0, 2.0], name="x")
    node.value = np.array([Thing(), None], dtype=object)  # only by hand
    assert "object" in draw(node).text()


def test_a_leaf_whose_values_are_gone_with_its_graph_stays():
    x = tg.Scalar(2.0, "x")
    y = x * x
    y.backward()
    del y
    assert by_name(x)["x"].gradient.item == 4


def test_what_several_passes_added_up_is_told():
    a, b = tg.Scalar(2.0, "a"), tg.Scalar(3.0, "b")
    loss = a * b
    loss.backward()
    assert capture(loss).warnings == ()
    (2.0 * a).backward()
    model = capture(loss)
    assert model.warnings == (
        "a holds another gradient than this backward pass gives: .grad adds up until zero_grad()",
    )
    assert [node.name for node in model.nodes if "accumulated" in node.flags] == ["a"]
    assert "a holds another gradient" in draw(loss).text()
    (2.0 * b).backward()
    assert "a and b hold another gradient" in capture(loss).warnings[0]


def test_a_gradient_that_was_cleared_is_not_shown(neuron):
    x = tg.Scalar(2.0, "x")
    y = x * x
    y.backward()
    x.grad = None
    assert [node.gradient is None for node in capture(y).nodes] == [True, False]


def test_the_gradient_of_a_bias_that_cancels_is_nearly_nothing_in_between_too():
    rng = np.random.default_rng(0)
    x = tg.tensor(rng.normal(size=(4, 3)), requires_grad=True, name="x")
    b = tg.tensor(np.zeros(3), requires_grad=True)
    shifted = x + b * 1.0
    loss = ((shifted - tg.mean(shifted, axis=0)) ** 3.0).sum()
    loss.backward()
    (product,) = (node for node in capture(loss, parameters=[b]).nodes if node.op == "mul")
    assert product.gradient.norm > 0
    assert "vanished" in product.flags
    assert gradient(product) == "≈ 0"
