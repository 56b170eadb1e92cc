"""Given names, derived names, and choices of nodes."""

from __future__ import annotations

import pytest

import tinygrad_edu as tg
from tinygrad_edu.render import capture
from tinygrad_edu.render.graph.naming import local_name


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


def test_long_expressions_are_cut_where_it_can_be_understood():
    a, b = tg.Scalar(1.0, name="temperature"), tg.Scalar(2.0, name="pressure")
    assert derived((a * b) * (a * b)) == "…·(…)" or derived((a * b) * (a * b)) == "…·…"
    assert derived(a * b + a * b) == "Σ"
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
