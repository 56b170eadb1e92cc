"""Models as JSON and back, graphs of other programs, and what is wrong with a file in words."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.render import Drawing, ModelError, capture, diagnose, diff, draw, load_model

PEER = {  # as much as another program must know
    "schema": 1,
    "nodes": [
        {"id": 0, "name": "x", "value": {"shape": [3]}},
        {"id": 1, "name": "w"},
        {"id": 2, "op": "mul"},
    ],
    "edges": [{"src": 0, "dst": 2, "arg": 0}, {"src": 1, "dst": 2, "arg": 1}],
}


def test_a_model_read_again_gives_the_same_pictures(drawings, tmp_path):
    for drawing in drawings:
        o = drawing.options
        same = {"title": o.title, "depth": o.depth, "local": o.local, "theme": o.theme}
        for source in (
            drawing.json(),
            drawing.model,
            drawing.save(tmp_path / "model.json"),
            str(tmp_path / "model.json"),
        ):
            again = Drawing.from_model(load_model(source), **same)
            assert again.json() == drawing.json()
            assert again.source == drawing.source
            assert again.text() == drawing.text()
            assert again.mermaid() == drawing.mermaid()


def test_numbers_that_json_does_not_know_come_back():
    x = tg.tensor([np.nan, np.inf, -np.inf, 1.0], name="x")
    items = load_model(draw(x).json()).nodes[0].value.items
    assert np.array_equal(items, [np.nan, np.inf, -np.inf, 1.0], equal_nan=True)


def test_a_graph_of_another_program_is_drawn():
    drawing = Drawing.from_model(load_model(PEER), title="Theirs")
    assert [node.role for node in drawing.graph.nodes] == ["input", "input", "output"]
    assert "n0->n2" in drawing.source
    assert drawing.text().splitlines()[2].startswith("mul(…)")
    assert ">3</FONT>" in drawing.source  # the shape
    assert load_model(json.dumps(PEER)) == load_model(PEER)
    whole = {"mean": 1, "std": 0, "smallest": 1, "largest": 1}  # JSON has one kind of number
    assert load_model(node(0, value=whole)).nodes[0].value.mean == 1.0


def changed(**fields: object) -> dict[str, object]:
    return json.loads(json.dumps(PEER)) | fields


def node(i: int, **fields: object) -> dict[str, object]:
    nodes = json.loads(json.dumps(PEER["nodes"]))
    nodes[i] |= fields
    return changed(nodes=nodes)


def edges(*pairs: tuple[int, int]) -> dict[str, object]:
    return changed(edges=[{"src": a, "dst": b, "arg": 0} for a, b in pairs])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{", "the graph is no JSON: "),
        ([], "an object with nodes and edges was expected, a list came"),
        ({"nodes": []}, '"schema": 1 was expected, None came'),
        (changed(schema=2), '"schema": 1 was expected, 2 came'),
        (changed(nodes=[]), "nodes: a list with at least one node was expected, a list came"),
        (changed(nodes=[1]), r"nodes\[0\]: an object was expected, an integer, 1, came"),
        (changed(extra=1), "extra: no such field"),
        (node(0, naem="x"), r"nodes\[0\]\.naem: no such field; did you mean name\?"),
        (node(0, name=3), r"nodes\[0\]\.name: a text was expected, an integer, 3, came"),
        (node(0, value=[]), r"nodes\[0\]\.value: an object was expected, a list came"),
        (node(0, value={"shape": [1.5]}), r"\.value\.shape\[0\]: an integer was expected, a number, 1\.5, came"),
        (node(0, value={"shape": 3}), r"nodes\[0\]\.value\.shape: a list was expected, an integer, 3, came"),
        (node(0, value={"mean": "big"}), r"value\.mean: a number was expected, a text, 'big', came"),
        (node(0, gradient={"shape": []}), r"nodes\[0\]\.gradient\.dtype: is missing"),
        (node(0, requires_grad=1), "requires_grad: true or false was expected, an integer, 1, came"),
        (node(0, role="weight"), r"nodes\[0\]\.role: one of input, .* was expected, 'weight' came"),
        (node(0, kind="Matrix"), r"nodes\[0\]\.kind: one of Scalar, Tensor was expected, 'Matrix' came"),
        (node(1, id=7), r"nodes\[1\]\.id: 1 was expected, since nodes are numbered in order; 7 came"),
        (changed(edges=[{"src": 0, "dst": 2}]), r"edges\[0\]\.arg: is missing"),
        (edges((0, 9)), r"edges\[0\]\.dst: there is no node 9, they go from 0 to 2"),
        (changed(root=-1), "root: there is no node -1, they go from 0 to 2"),
        (changed(root=1), "root: the last node, 2, was expected, 1 came"),
        (edges((0, 1), (1, 2), (2, 0)), r"have a cycle: (x → w → n2 → x|w → n2 → x → w|n2 → x → w → n2)\."),
        (node(0, value={"mean": 1, "std": 0.5}), r"value: mean, std, smallest, largest were expected together"),
        (changed(detached=[[0, 7]]), r"detached\[0\]\[1\]: there is no node 7, they go from 0 to 2"),
        (edges((1, 0)), r"edges\[0\]: node 1 is used by node 0 and stands after it: list operands first"),
        (changed(modules=[["fc1"]]), r"modules\[0\]: a list of 2 was expected, one of 1 came"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_in_words(source, message):
    with pytest.raises(ModelError, match=message):
        load_model(source)


def damaged(model: Any, rng: random.Random) -> Any:
    """The model with something in it replaced, removed or doubled."""
    model = json.loads(json.dumps(model))
    parent, key = {"": model}, ""
    while (
        isinstance(parent[key], dict | list) and parent[key] and (parent[key] is model or rng.random() < 0.8)
    ):
        parent = parent[key]
        key = rng.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
    way = rng.random()
    if way < 0.15:
        del parent[key]
    elif way < 0.3 and isinstance(parent, list):
        parent.append(parent[key])
    else:
        parent[key] = rng.choice(
            [None, -1, 0, 1, 3, 99, 1.5, "", "x", "nan", [], [1], [[0, 1]], {}, {"a": 1}, True]
        )
    return model


def test_a_damaged_file_is_drawn_or_refused_in_words(neuron, network):
    net, loss = network()
    models = [
        draw(neuron()).model,
        diagnose(loss, names=net).model,
        diff(draw(neuron(backward=False)), neuron()).model,
    ]
    rng = random.Random(0)
    refused = 0
    for _ in range(250):
        try:
            graph = load_model(damaged(rng.choice(models), rng))
        except ModelError:
            refused += 1
            continue
        drawing = Drawing.from_model(graph)
        assert all((drawing.source, drawing.text(), drawing.mermaid(), drawing.json(), drawing.describe()))
    assert 125 < refused < 250


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "none.json")


def test_captured_models_are_valid(network):
    net, loss = network()
    model = capture(loss, names=net)
    assert load_model(draw(loss, names=net).json()).edges == model.edges
