"""Cards as DOT: the golden text, the same bytes everywhere, and names that cannot break out."""

from __future__ import annotations

import re
from pathlib import Path

import tinygrad_edu as tg
from tinygrad_edu.render import draw

HERE = Path(__file__).parent
SVG = "{http://www.w3.org/2000/svg}"


def test_the_neuron_as_dot(neuron):
    source = draw(neuron(), title="A single neuron", parameters="w* b").source
    assert source == (HERE / "golden" / "neuron.dot").read_text(encoding="utf-8")


def test_the_legend_lists_only_what_occurs(neuron):
    source = draw(neuron(), parameters="w* b").source
    assert ">parameter</FONT>" in source
    assert ">constant</FONT>" not in source
    assert "gradient size" not in source
    assert "← backward" not in draw(neuron(backward=False)).source
    assert ">operation</FONT>" not in draw(tg.Scalar(1.0)).source
    assert "gradient size" not in draw(tg.tensor([1.0, 2.0], requires_grad=True)).source
    assert "NaN or ∞" in draw(tg.Scalar(float("nan"))).source
    assert ">output</FONT>" not in draw(tg.Scalar(float("nan"))).source  # its card is a red one


def test_the_legend_has_the_shades_that_occur():
    w = tg.tensor([3.0], requires_grad=True, name="w")
    loss = tg.sum(tg.square(w * 0.03))  # |grad|: 1, 0.18 and 0.0054
    assert ">1e−3</FONT>" not in draw(loss).source
    loss.backward()
    source = draw(loss).source
    for words in ("1e−3", "0.1", "1"):  # three at least
        assert f">{words}</FONT>" in source
    for words in ("vanishing", "1e3", "exploding"):
        assert f">{words}</FONT>" not in source


def test_deep_graphs_are_drawn_from_top_to_bottom(neuron):
    y = tg.Scalar(0.5)
    for _ in range(9):
        y = y.tanh()
    assert "rankdir=TB" in draw(y).source
    assert "rankdir=LR" in draw(y, rankdir="LR").source
    assert "rankdir=LR" in draw(neuron()).source
    assert "rankdir=TB" in draw(neuron(), rankdir="TB").source


def test_modules_are_boxes_within_boxes(network):
    net, loss = network()
    source = draw(loss, names=net).source
    assert source.count("subgraph cluster_") == 6  # the whole, fc1, inner and norm, blocks and 0
    assert source.count("{") == source.count("}")
    assert "Linear" in source


def test_several_inputs_have_a_box_of_their_own():
    x, y = tg.Scalar(1.0, name="x"), tg.Scalar(2.0, name="y")
    with tg.scope("layer"):
        z = x * y
    assert ">inputs</B>" in draw(z).source
    assert ">inputs</B>" not in draw(x * y).source


def test_looks_follow_roles_and_flags():
    w = tg.tensor([1.0, 2.0], name="w")
    x = tg.tensor([3.0, 4.0], requires_grad=True, name="x")
    source = draw(w * x, parameters=w, highlight="x").source
    assert 'n0 [class="frozen" style="rounded,filled,dashed"' in source
    assert "frozen</FONT>" in source
    assert re.search(r'n1 \[class="input".*color="#D55E00" penwidth=3.0', source)
    assert "ROUNDED,DASHED" in draw(w * x, parameters=w, leaves="inset").source


def test_local_derivatives_stand_on_the_arrows(neuron):
    source = draw(neuron(), local=True).source
    assert 'n0->n2 [label="×(−3)"]' in source
    assert 'n8->n9 [label="×0.5"]' in source
    assert "n0->n2\n" in draw(neuron()).source


def test_gradients_of_arrays_have_the_shade_of_their_size(network):
    net, loss = network()
    source = draw(loss, names=net).source
    assert "0 dead" in source
    assert "gradient size" in source
    x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    x.backward([float("nan"), 1.0])
    assert draw(x).source.count("#FBE4EA") == 3  # the card, the pill, and the legend


def test_the_rest_of_a_graph_that_was_cut_is_one_dashed_card():
    y = tg.Scalar(0.5)
    for _ in range(30):
        y = y.tanh()
    source = draw(y, max_cards=10, expand=lambda _: True).source
    assert "… 22 more nodes" in source
    assert source.count("rest->n") == 1


def test_rows_of_arrays_carry_their_shape_and_shade(network):
    net, loss = network()
    source = draw(loss, names=net, leaves="inset").source
    row = re.search(r"<B>weight</B></FONT></TD><TD.*?>3×4</FONT>.*?BGCOLOR=\"(#\w+)\"", source)
    assert row is not None
    assert row[1] in ("#FFE3CB", "#FFCFA6", "#FFB983")


def test_a_row_without_gradient_ends_with_the_value():
    x, t = tg.Scalar(1.0, name="x"), tg.Scalar(2.0, name="t", requires_grad=False)
    source = draw(x.tanh() - t, leaves="inset").source
    assert re.search(r"<B>t</B>.*?<B>2</B></FONT></TD><TD WIDTH=\"5\"></TD></TR></TABLE>", source)
