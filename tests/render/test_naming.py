"""Given names, derived names, and choices of nodes."""

from __future__ import annotations

import operator
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.render import capture
from tinygrad_edu.render.graph.expressions import derived_names, local_name


def derived(x, **options) -> str:
    return capture(x, **options).nodes[-1].derived


def test_expressions_have_the_brackets_they_need_and_no_others():
    a, b, c = (tg.Scalar(2.0, name=name) for name in "abc")
    assert derived(a * b + c) == "a·b + c"
    assert derived((a + b) * c) == "(a + b)·c"
    assert derived(a - (b - c)) == "a − (b − c)"
    assert derived(a - b - c) == "a − b − c"
    assert derived((a + b).tanh()) == "tanh(a + b)"
    assert derived(a / (b * c)) == "a / (b·c)"
    assert derived(a**2.0) == "a²"
    assert derived((a + b) ** -3.0) == "(a + b)⁻³"
    assert derived(a**b) == "a^b"
    assert derived(1.0 - a) == "1 − a"
    assert derived(tg.Scalar(1.0) * a) == "n0·a"
    assert derived((-a) ** 2) == "(−a)²"
    assert derived(-(a**2)) == "−a²"
    assert derived((a**2) ** 3) == "(a²)³"
    assert derived(a * -b) == "a·(−b)"
    assert derived(a - (-b)) == "a − (−b)"
    assert derived((a / b) * c) == "(a / b)·c"
    assert derived(a ** (b * c)) == "a^(b·c)"


def test_products_of_matrices_are_not_mixed_with_others():
    x, y = (tg.tensor(np.eye(2), requires_grad=True, name=name) for name in "XY")
    assert derived((x @ y) * x) == "(X @ Y)·X"
    assert derived(x @ y @ x) == "X @ Y @ X"
    assert derived(x @ (y @ x)) == "X @ (Y @ X)"
    assert derived((x @ y).T) == "(X @ Y)ᵀ"
    assert derived(tg.sum(x + y)) == "Σ (X + Y)"
    assert derived(tg.sum(x * y)) == "Σ X·Y"
    assert derived((x + y).reshape(4)) == "X + Y"


SIGNS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹−", "0123456789-")


def as_python(title: str) -> str:
    """The title as Python reads it: it knows no raised digits, and a sign before a power means the same to it."""
    raised = re.sub("⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: "**" + m[0].replace("⁻", "-"), title)
    return raised.replace("·", "*").replace("^", "**").replace("ᵀ", ".T").translate(SIGNS)


@pytest.mark.parametrize("kind", ["numbers", "matrices"])
def test_what_a_title_says_is_what_was_computed(kind):
    rng = np.random.default_rng(7)
    drawn = {name: rng.uniform(0.5, 1.5, (2, 2)) for name in ("a", "b", "c", "d-e")}
    values = {name: float(v[0, 0]) if kind == "numbers" else v for name, v in drawn.items()}
    binary = [operator.add, operator.sub, operator.mul, operator.truediv]
    binary += [operator.matmul] * 2 if kind == "matrices" else [operator.pow]
    unary = [operator.neg, lambda x: x**2.0, lambda x: x**3, lambda x: x**-1.0]
    unary += [lambda x: x.T] if kind == "matrices" else []

    def grown(depth):
        if not depth or rng.random() < 0.15:
            return leaves[rng.integers(4)]
        if rng.random() < 0.35:
            return unary[rng.integers(len(unary))](grown(depth - 1))
        return binary[rng.integers(len(binary))](grown(depth - 1), grown(depth - 1))

    leaves = [tg.Scalar(v, n) if kind == "numbers" else tg.tensor(v, requires_grad=True, name=n)
              for n, v in values.items()]  # fmt: skip
    told = 0
    for _ in range(300):
        try:
            with np.errstate(all="ignore"):
                x = grown(4)
        except (ArithmeticError, ValueError):
            continue
        if not np.isfinite(x.value).all():
            continue
        order = topological_order([x])
        given = {node: node.name for node in order if node.name}
        title = derived_names(order, {node: i for i, node in enumerate(order)}, given, limit=10**6)[x]
        known = {name.replace("-", "_"): value for name, value in values.items()}
        if x.op is not None:
            text = as_python(title.replace("(d-e)", "d_e").replace("d-e", "d_e"))
            with np.errstate(all="ignore"):
                np.testing.assert_allclose(eval(text, {}, known), x.value, rtol=1e-6, err_msg=title)
            told += 1
    assert told > 150


def test_a_long_sum_says_how_many_there_are():
    xs = [tg.Scalar(1.0, f"x{i}") for i in range(15)]
    total = xs[0]
    for x in xs[1:]:
        total = total + x
    assert derived(total) == "Σ x₀ … x₁₄"
    assert derived(total + xs[0] ** 2) == "Σ x₀ … x₀²"
    assert derived(total * xs[1]) == "(Σ x₀ … x₁₄)·x₁"
    assert derived(total.tanh()) == "tanh(Σ x₀ … x₁₄)"
    assert derived(sum(xs)) == "Σ x₀ … x₁₄"  # the 0 that it begins with is none of them
    assert derived(total.tanh() + sum(xs)) == "sum of 16"
    assert derived(0 + (total * xs[0]).tanh()) == "0 + …"


def test_long_expressions_are_cut_where_it_can_be_understood():
    a, b = tg.Scalar(1.0, name="temperature"), tg.Scalar(2.0, name="pressure")
    assert derived((a * b) * (a * b)) == "…·(…)" or derived((a * b) * (a * b)) == "…·…"
    assert derived(a * b + a * b) == "sum of 2"
    assert derived((a * b + a * b) * b) == "(sum of 2)·pressure"
    long = tg.Scalar(1.0, name="a name that is too long for the title of a card")
    assert derived(long.tanh()) == "tanh(…)"
    assert derived(long * long) == "mul"


def test_a_name_with_blanks_is_an_expression():
    d = tg.Scalar(1.0, name="z − μ")
    assert derived(d * 2.0) == "(z − μ)·2"


def test_names_come_from_the_node_then_from_the_mapping(network):
    x, y, z = tg.Scalar(1.0, name="own"), tg.Scalar(2.0), tg.Scalar(3.0)
    w = [tg.Scalar(4.0), tg.Scalar(5.0)]
    total = x * y + z * w[0] + w[1]
    scope = {
        "other": x,
        "y": y,
        "d": {"z": z},
        "w": w,
        "n": 3,
        "cls": type(network()[0]),
        "text": "x",
        "total": total,
    }
    names = {node.name for node in capture(total, names=scope).nodes}
    assert {"own", "y", "d['z']", "w[0]", "w[1]", "total"} <= names
    assert capture(y, names=[scope, None]).nodes[0].name == "y"
    assert capture(y, names=[y]).nodes[0].name is None  # there is no name in that
    deep = {"a": {"b": {"c": {"d": {"e": y}}}}}
    assert capture(y, names=deep).nodes[0].name is None


def test_blank_names_do_not_count():
    assert capture(tg.Scalar(1.0, name=" ")).nodes[0].name is None
    assert capture(tg.Scalar(1.0, name="")).nodes[0].derived == "n0"


def test_the_path_of_a_module_is_not_repeated_within_it():
    assert local_name("fc1.weight", ("fc1",)) == "weight"
    assert local_name("net.fc1.w2", ("net", "fc1")) == "w₂"
    assert local_name("net.fc2.w", ("net", "fc1")) == "fc2.w"
    assert local_name("fc1.", ("fc1",)) == "fc1."


def test_a_choice_is_a_module_nodes_or_patterns():
    a, b, c = (tg.Scalar(1.0, name=name) for name in ("a1", "a2", "b"))
    y = a * b * c

    def chosen(choice):
        return [node.name for node in capture(y, highlight=choice).nodes if "highlight" in node.flags]

    assert chosen("a? b") == ["a1", "a2", "b"]
    assert chosen("a1,b") == ["a1", "b"]
    assert chosen([a, "b"]) == ["a1", "b"]
    assert chosen({c}) == ["b"]
    assert chosen(None) == []
    with pytest.raises(TypeError, match="patterns of names were expected, int came"):
        chosen(3)


def test_a_notation_that_does_not_fit_is_replaced(monkeypatch):
    x = tg.Scalar(1.0, name="x")
    y = x.tanh()
    monkeypatch.setattr(y.op, "notation", "{7} of {0}")
    assert derived(y) == "tanh(x)"


def test_module_paths_that_lead_nowhere_have_no_label(network):
    net, _ = network()
    x = tg.Scalar(1.0)
    with tg.scope("blocks"), tg.scope("7"):
        y = x * x
    with tg.scope("elsewhere.deeper"):
        y = y + x
    assert dict(capture(y, names=net).modules) == {"blocks": "list"}


class Held:
    """A module with buffers, as `names` sees it: its paths, and where its ε is."""

    eps = 1e-5

    def __init__(self):
        self.array = np.array([0.5, 2.0, 4.0])

    def named_parameters(self):
        return iter(())

    def named_modules(self):
        return iter([("", self), ("bn", self)])

    def named_buffers(self):
        return iter([("bn.running_var", self)])

    @property
    def value(self):
        return self.array


def test_a_parameter_keeps_its_own_name_behind_the_path_of_its_module():
    class Net:
        def named_parameters(self):
            return iter([("b1.weight", gamma), ("fc.weight", w), ("scale", s)])

    gamma, w, s = tg.Scalar(1.0, "γ"), tg.Scalar(2.0), tg.Scalar(3.0, "temperature")
    assert [node.name for node in capture(gamma * w * s, names=Net()).nodes if not node.op] == [
        "b1.γ", "fc.weight", "temperature",
    ]  # fmt: skip
    assert capture(gamma * w, names={"g": gamma}).nodes[0].name == "γ"


def test_buffers_are_known_by_their_values_within_their_module():
    net = Held()
    x = tg.tensor(np.ones((3, 1)), requires_grad=True)
    with tg.scope("bn"):
        y = (x - net.array.reshape(3, 1)) * (net.array.reshape(3, 1) + 1e-5) ** -0.5
    outside = y * net.array.reshape(3, 1)
    leaves = [(node.name, node.role) for node in capture(outside, names=net).nodes if not node.op]
    assert leaves == [
        (None, "parameter"), ("bn.running_var", "constant"), ("bn.rsqrt(running_var + ε)", "constant"),
        (None, "input"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "title"),
    [
        (lambda x: x[:, 1], "x[:, 1]"),
        (lambda x: x[1:], "x[1:]"),
        (lambda x: x[1, :2], "x[1, :2]"),
        (lambda x: x[:, :, 1:3], "x[:, :, 1:3]"),
        (lambda x: x[:, ::2], "x[…]"),
        (lambda x: x.transpose(2, 0, 1), "xᵀ"),
        (lambda x: x.reshape(6, 4), "x reshaped"),
        (lambda x: x[:, 1].T, "x[…]"),
        (lambda x: x * 2.0, "n0"),  # its values are its own
    ],
)
def test_what_was_taken_of_data_without_recording_says_of_what(part, title):
    x = tg.tensor(np.arange(24.0).reshape(2, 3, 4), name="x")
    w = tg.tensor(2.0, requires_grad=True, name="w")
    leaf = part(x)
    (found,) = (
        node.derived for node in capture(leaf * w, names={"x": x}).nodes if node.name is None and not node.op
    )
    assert found == title
    if "[" in title and "…" not in title:  # and it is what it says
        np.testing.assert_array_equal(eval(title, {"x": x.value}), leaf.value)


def test_parts_of_an_array_that_is_not_in_the_graph_share_its_shape():
    x = tg.tensor(np.arange(6.0).reshape(2, 3))
    w = tg.tensor(2.0, requires_grad=True, name="w")
    assert capture(x[0] * w + x[1]).nodes[-1].derived == "(2×3)[0]·w + (2×3)[1]"
    assert capture(x[0] * w + x).nodes[-1].derived == "n3[0]·w + n3"


def test_what_is_too_long_is_called_by_the_layer_that_it_comes_from():
    x, y = tg.Scalar(1.0, "temperature"), tg.Scalar(1.0, "the pressure of the air")
    with tg.scope("net.head"):
        z = tg.maximum(x, y).exp() * 2.0
        out = tg.maximum(z, y)
    assert [n.derived for n in capture(out + x).nodes if n.op == "maximum"] == ["max(…)", "head(…)"]
