"""The whole way: draw, save, and show in a notebook."""

from __future__ import annotations

import json
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import graphviz
import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.render import Drawing, draw, forms
from tinygrad_edu.render.layout import engine

GOLDEN = Path(__file__).parent / "golden"


def test_the_neuron_as_text(neuron):
    d = draw(neuron(), title="A single neuron", parameters="w* b")
    assert d.text() == (GOLDEN / "neuron.txt").read_text(encoding="utf-8")


def test_text_of_modules_sums_and_rows(network):
    net, loss = network()
    folded = draw(loss, names=net, depth=1).text()
    assert "fc1  [module, 2 operations]" in folded
    assert "  weight " in folded
    assert "loss = mean(" in draw(loss, names=net).text()


def test_text_of_long_graphs_ends_with_a_count():
    y = tg.Scalar(0.5)
    for _ in range(450):
        y = y.tanh()
    text = draw(y, fold=False).text()
    assert text.endswith("… 51 more cards\n")
    assert "[41] " in text


def test_a_stale_drawing_says_so_in_every_form():
    x, y = tg.Scalar(2.0, "x"), tg.Scalar(3.0, "y")
    z = x * y
    z.backward()
    assert "assigned" not in draw(z).text() + draw(z).source
    x.assign(5.0)
    d = draw(z, local=True)
    words = "x was assigned after this had been computed"
    assert d.text().startswith(words)
    assert words in d.source
    assert "×" not in "".join(line for line in d.source.splitlines() if "->" in line)
    long = x
    for _ in range(20):
        long = long.tanh()
    x.assign(1.0)
    cut = draw(long, max_cards=3)
    assert cut.board.caption.startswith(words)
    assert "nearest to the output are drawn" in cut.board.caption


def test_only_nodes_can_be_drawn():
    with pytest.raises(TypeError, match="draw: a Scalar or a Tensor was expected, int came"):
        draw(3)


def test_only_reports_can_be_shown():
    with pytest.raises(TypeError, match=r"that of a gradient check was expected, .* int came"):
        draw(tg.Scalar(2.0), report=3)


def test_a_title_of_two_lines_becomes_one():
    d = draw(tg.Scalar(2.0, "a\nb"), title="first\nsecond")
    assert d.text().startswith("first second\n")
    assert "a b" in d.text()
    assert "\ufffd" not in d.text() + d.source


def test_every_form_can_be_saved(drawings, tmp_path):
    pytest.importorskip("pygraphviz")
    d = drawings[0]
    for suffix, start in (
        ("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph"), ("txt", b"A single"),
        ("json", b"{"), ("mmd", b"---\ntitle"), ("html", b"<!DOCTYPE html>"),
    ):  # fmt: skip
        path = d.save(tmp_path / f"neuron.{suffix}")
        assert path.read_bytes().startswith(start)
    with pytest.raises(
        ValueError,
        match=r"one of the suffixes svg, png, pdf, html, dot, mmd, json, txt was expected, 'a\.gif'",
    ):
        d.save("a.gif")


def test_pictures_are_drawn_without_warnings(drawings):
    pytest.importorskip("pygraphviz")
    for d in drawings:
        tree = ElementTree.fromstring(d.svg())
        assert tree.get("role") == "img"
        assert d.warnings == []
        assert len([g for g in tree.iter() if g.get("class", "").startswith("node")]) == len(d.board.cards)
    assert 'aria-label="A single neuron"' in drawings[0].svg()
    assert 'aria-label="computation graph of o"' in drawings[1].svg()


def test_notebooks_get_the_picture_and_the_text(drawings):
    pytest.importorskip("pygraphviz")
    bundle = drawings[0]._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml", "text/plain"]
    assert bundle["text/plain"] == drawings[0].text()


def test_a_notebook_never_gets_an_exception(drawings, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no")

    monkeypatch.setattr(forms, "outline", broken)
    monkeypatch.setattr(Drawing, "_layout", broken)
    assert drawings[0]._repr_mimebundle_() == {"text/plain": "image/svg+xml: no\ntext/plain: no"}


def size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_the_resolution_is_chosen_and_bounded(drawings, monkeypatch):
    pytest.importorskip("pygraphviz")
    d = drawings[0]
    small, large = size(d.png(dpi=72)), size(d.png(dpi=144))
    assert large[0] == pytest.approx(2 * small[0], abs=4)
    monkeypatch.setattr(engine, "PIXELS", 10_000.0)
    width, height = size(d.png())
    assert width * height <= 12_000
    assert d.warnings[0].startswith("png: 144 dots per inch would be too many pixels")
    with pytest.raises(ValueError, match="a positive number of dots per inch was expected, 0 came"):
        d.png(dpi=0)


def test_json_has_no_numbers_that_json_does_not_know():
    x = tg.tensor([np.nan, np.inf, 1.0], requires_grad=True, name="x\ud800")
    d = draw(x * 2.0)
    model = json.loads(d.json(), parse_constant=pytest.fail)
    assert model["nodes"][0]["value"]["items"] == ["nan", "inf", 1.0]
    assert model["nodes"][0]["name"] == "x\ufffd"
    assert model["schema"] == 1


@pytest.mark.parametrize(
    "x",
    [
        tg.Scalar(2.0),
        tg.Scalar(2.0, requires_grad=False),
        tg.tensor(2.0, requires_grad=True),
        tg.tensor(np.zeros((0, 3)), requires_grad=True),
        tg.tensor([1, 2, 3]),
        tg.tensor([True, False]),
        tg.tensor([np.nan, -np.inf], requires_grad=True) * 2,
        tg.tensor(np.float32([1e30, 2e30]), requires_grad=True) * 1.0,
        tg.sum(tg.tensor(np.zeros((0, 3)), requires_grad=True) * 2.0),
    ],
    ids=lambda x: f"{type(x).__name__} {np.shape(x.value)} {x.requires_grad}",
)
@pytest.mark.parametrize("theme", ["auto", "dark"])
def test_edge_cases_are_drawn(x, theme):
    pytest.importorskip("pygraphviz")
    d = draw(x, theme=theme)
    assert "<svg" in d.svg()
    assert d.text()
    assert d.json()
    assert not d.warnings


def test_values_are_told_in_words():
    def said(x):
        return draw(tg.tensor(x, name="x")).text().split("value ")[1].strip()

    assert said([0, 9, 4]).endswith("int64 0…9")
    assert said([True, True, False, False]).endswith("bool, 50 % true")
    assert said(np.zeros((0, 2))) == "empty"
    assert said([np.nan, 1.0, np.inf]) == "1 NaN, 1 ∞ of 3"
    assert said([1.0, 1.0]) == "1 ± 0"
    assert said([1e-20, -1e-20, 1.0, -1.0]).endswith("0 ± 0.707")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"leaves": "some"}, "leaves is one of auto, cards, inset; 'some' came"),
        ({"rankdir": "RL"}, "rankdir is one of auto, LR, TB; 'RL' came"),
        ({"theme": "pink"}, "theme is one of auto, light, dark; 'pink' came"),
        ({"depth": 0}, "depth is counted from 1, 0 came"),
        ({"max_cards": 0}, "max_cards is counted from 1, 0 came"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        draw(tg.Scalar(1.0), **options)


def test_a_drawing_says_what_it_holds(drawings):
    assert repr(drawings[0]) == "<Drawing of 10 nodes on 9 cards>"
    assert drawings[0].folded == ["1 chain of + drawn as Σ"]


def test_exact_and_nearly_exact_zeros_of_dead_parameters_are_told_apart(network):
    net, loss = network()
    text = draw(loss, names=net, depth=1).text()
    assert "0 dead" in text
    w, v = tg.tensor([1.0, 2.0], requires_grad=True, name="w"), tg.tensor([1.0], requires_grad=True, name="v")
    y = tg.sum(w * 0.0) + tg.sum(v)
    y.backward()
    text = draw(y).text()
    assert "|grad| 0 dead" in text
    assert "≈" not in text


def test_long_class_names_are_broken_into_lines():
    class CrossEntropyLoss:
        def extra_repr(self) -> str:
            return "mean"

    class Model:
        def __init__(self) -> None:
            self.loss = CrossEntropyLoss()

        def named_parameters(self):
            return iter(())

    x = tg.Scalar(1.0, name="x")
    with tg.scope("loss"):
        y = (x.tanh() * 2.0).exp()
    folded = draw(y, names=Model(), depth=1).source
    assert "<B>Cross</B></FONT><BR/><FONT" in folded
    assert "CrossEntropyLoss(mean)" in draw(y, names=Model()).source
    assert "<B>tanh</B></FONT><BR/><FONT" in draw(y, depth=1).source


def test_as_an_object_of_the_graphviz_package():
    drawing = tg.draw(tg.Scalar(2.0, "x") * 3)
    source = drawing.graphviz()
    assert isinstance(source, graphviz.Source)
    assert source.source.strip() == drawing.source.strip()
