"""The forms of a drawing: descriptions, pages, pictures that follow the reader, rows, and `x.render`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import render
from tinygrad_edu.render import Drawing, capture, diagnose, draw, load_model
from tinygrad_edu.render.layout import engine
from tinygrad_edu.render.look.style import DARK, LIGHT

SVG = "{http://www.w3.org/2000/svg}"


# ---- in sentences ----


def test_the_neuron_in_sentences(neuron):
    assert draw(neuron(), parameters="w* b").describe() == (
        "Computation graph of o = tanh(n), 0.7071. It has 2 inputs (x₁, x₂), 3 parameters (w₁, w₂, b) and 5 operations "
        "(2 mul, 2 add, tanh). The gradients were computed. 10 nodes are drawn as 9 cards: 1 chain of + drawn as Σ."
    )
    assert "The gradients were not computed yet." in draw(neuron(backward=False)).describe()


def test_what_a_description_counts(network):
    net, loss = network()
    words = draw(loss, names=net, depth=1).describe()
    assert "4 parameters (fc1.weight, fc1.bias, blocks.0.weight, blocks.0.bias)" in words
    assert "operations (3 add, 3 mean, 2 " in words
    assert "Dead, as the gradient is nearly 0: fc1.bias." in words
    x = tg.tensor(np.zeros((5, 3)), name="x")
    assert draw(x).describe().startswith("Computation graph of x, of shape 5×3, 0 ± 0. It has 1 input (x).")
    assert "gradients" not in draw(x).describe()
    w, x = tg.tensor([1.0], name="w"), tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    assert "1 frozen parameter (w)" in draw(w * x, parameters=w).describe()
    names = [tg.Scalar(1.0, name=f"leaf {i}") for i in range(9)]
    assert "9 inputs (leaf 0, leaf 1, leaf 2, leaf 3 and 5 more)" in draw(sum(names)).describe()


def test_a_description_says_what_is_wrong():
    x = tg.tensor([np.nan, 1.0], requires_grad=True, name="x")
    assert "NaN or infinite: x" in draw(x).describe()
    y = (x * 2.0).sum()
    finding = diagnose(y).findings[0].words
    assert finding.rstrip(".") in diagnose(y).describe()
    a = tg.Scalar(2.0, name="a")
    b = a * 3.0
    a.assign(5.0)
    assert "Assigned after it had been used: a" in draw(b).describe()


# ---- as a page ----


class Reader(HTMLParser):
    """The elements and the words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags = [""]
        self.words: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "meta":
            fields = dict(attrs)
            self.words[fields.get("http-equiv") or fields.get("name") or "charset"] = (
                fields.get("content") or ""
            )

    def handle_data(self, data):
        self.words[self.tags[-1]] = self.words.get(self.tags[-1], "") + data


def test_a_page_has_the_picture_and_what_it_says(neuron):
    pytest.importorskip("pygraphviz")
    d = draw(neuron(), title="A <neuron>", parameters="w* b")
    page = d.html()
    reader = Reader(page)
    assert reader.words["title"].startswith("A <neuron>")
    assert reader.words["figcaption"].strip() == d.describe()
    assert reader.words["pre"].strip() == d.text().strip()
    assert reader.words["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert reader.tags.count("svg") == 1
    assert "script" not in reader.tags
    assert "notes" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize(("theme", "scheme"), [("auto", "light dark"), ("light", "light"), ("dark", "dark")])
def test_a_page_has_the_colours_of_its_theme(neuron, theme, scheme):
    pytest.importorskip("pygraphviz")
    page = draw(neuron(), theme=theme).html()
    assert Reader(page).words["color-scheme"] == scheme
    assert (f"--paper: {LIGHT.paper};" in page) == (theme != "dark")
    assert (f"--paper: {DARK.paper};" in page) == (theme != "light")


def test_a_page_says_what_did_not_go_as_it_should(neuron):
    pytest.importorskip("pygraphviz")
    page = draw(neuron(), highlight="<nobody>").html()
    assert (
        '<ul class="notes">\n<li>highlight: no node has a name like &#x27;&lt;nobody&gt;&#x27;</li>' in page
    )


# ---- as SVG ----


def test_a_picture_says_what_it_is(neuron):
    pytest.importorskip("pygraphviz")
    d = draw(neuron(), title="A <neuron>")
    tree = ElementTree.fromstring(d.svg())
    assert (tree.get("role"), tree.get("aria-label")) == ("img", "A <neuron>")
    assert tree[0].tag == f"{SVG}desc"
    assert tree[0].text == d.describe()


def test_only_a_picture_that_follows_its_reader_has_a_style_sheet(neuron):
    pytest.importorskip("pygraphviz")
    follows, light = (draw(neuron(), theme=theme).svg() for theme in ("auto", "light"))
    assert f'.follows [fill="{LIGHT.paper.lower()}"]{{fill:{DARK.paper.lower()}}}' in follows
    assert "<style>" not in light
    without = re.sub(r"<style>.*?</style>\n", "", follows, flags=re.DOTALL).replace('class="follows" ', "")
    assert without == light
    assert draw(neuron(), theme="auto").source == draw(neuron(), theme="light").source


def test_a_report_takes_a_picture_that_follows(neuron, tmp_path):
    pytest.importorskip("pygraphviz")
    path = tg.check(tg.exp, 1.0).save(tmp_path / "report.html", graph=draw(neuron()))
    assert "prefers-color-scheme: dark) {\n.follows" in path.read_text(encoding="utf-8")


# ---- rows ----


def test_the_rows_of_the_cards_are_chosen(neuron, network):
    value, grad = (draw(neuron(), show=show) for show in ("value", "grad"))
    assert ">grad</FONT>" not in value.source
    assert ">value</" not in grad.source
    assert ">−1.5</" in grad.source
    assert ">−3</" in value.source
    assert draw(neuron(), show="grad, value").source == draw(neuron(), show="value,grad").source
    assert "grad" not in value.text()
    assert "value" not in grad.text()
    assert "o = tanh(n)              tanh   grad 1" in grad.text()
    net, loss = network()
    rows = draw(loss, names=net, show="value", leaves="inset").source
    assert "|grad|" not in rows
    assert "gradient size" not in rows
    assert draw(loss, names=net, leaves="inset").source != rows
    with pytest.raises(ValueError, match="show is value, grad, or both with a comma; 'values' came"):
        draw(neuron(), show="values")


# ---- files ----


def test_a_node_draws_itself_into_a_file(tmp_path, neuron):
    path = neuron().render(tmp_path / "net.mmd", title="Mine", parameters="w* b")
    assert path.read_text(encoding="utf-8").startswith('---\ntitle: "Mine"')
    assert tg.tensor([1.0, 2.0], name="x").render(str(tmp_path / "x.txt")) == tmp_path / "x.txt"


def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path, neuron, monkeypatch):
    path = tmp_path / "net.svg"
    path.write_text("before")

    def stopped(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", stopped)
    monkeypatch.setattr(Drawing, "svg", lambda _: "<svg/>")
    with pytest.raises(OSError, match="No space left"):
        draw(neuron()).save(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_can_be_drawn_again_with_other_options(neuron):
    model = capture(neuron())
    assert "rankdir=TB" in Drawing.from_model(model, rankdir="TB").source
    d = Drawing.from_model(model, caption="From a file.")
    assert "From a file." in d.source
    assert load_model(d.json()).nodes[0].name == "x1"
    with pytest.raises(ValueError, match="rankdir is one of auto, LR, TB; 'RL' came"):
        Drawing.from_model(model, rankdir="RL")


def test_what_is_loaded_on_first_use():
    assert [name for name in render.__all__ if not hasattr(render, name)] == []
    assert set(render.__all__) <= set(dir(render))
    with pytest.raises(AttributeError, match="has no attribute 'drow'"):
        _ = render.drow


# ---- without any engine ----

WITHOUT = """
import sys
sys.modules["pygraphviz"] = None  # as where there is no wheel of it
import tinygrad_edu as tg
from tinygrad_edu.render import EngineError, draw, engines
from tinygrad_edu.render.layout import engine
engine.PLACES = ()
y = (tg.Scalar(2.0, "x") * tg.Scalar(3.0, "w")).tanh()
y.backward()
d = tg.draw(y)
for form in (d.dot, d.mermaid, d.json, d.text, d.describe):
    assert form()
for suffix in ("dot", "mmd", "json", "txt", "svg", "html"):
    y.render(f"y.{suffix}")
assert "<svg" in d.svg() and "<svg" in d.html() and "plain layers" in d.warnings[0]
for form in (d.png, d.pdf):
    try:
        form()
    except EngineError as error:
        assert "pip install pygraphviz" in str(error) and "graphviz.org/download" in str(error), error
    else:
        raise SystemExit(f"{form} drew without an engine")
print(engines())
"""


def test_without_any_engine_all_forms_but_png_and_pdf_work(tmp_path):
    environment = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(Path(engine.__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT],
        env=environment,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("not available") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"y.{suffix}" for suffix in ("dot", "html", "json", "mmd", "svg", "txt")
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"depth": "1"}, "depth is a whole number, '1' came"),
        ({"max_cards": "9"}, "max_cards is a whole number, '9' came"),
        ({"max_cards": None}, "max_cards is a whole number, None came"),
        ({"expand": 5}, "expand is a pattern of names, a list of them, or a function of a node; 5 came"),
        ({"show": None}, "show is value, grad, or both with a comma; None came"),
        ({"show": ""}, "show is value, grad, or both with a comma; '' came"),
        ({"title": 5}, "title is a text, 5 came"),
    ],
)
def test_options_of_another_kind_are_refused_in_words(options, said, neuron):
    with pytest.raises(ValueError, match=re.escape(said)):
        draw(neuron(), **options)


def test_a_wide_picture_is_scaled_to_the_page(neuron, monkeypatch):
    assert ElementTree.fromstring(draw(neuron()).svg()).get("style") == "max-width:100%;height:auto"
    monkeypatch.setattr(engine, "_embedded", engine._program)
    monkeypatch.setattr(engine, "_find_dot", lambda: None)
    assert ElementTree.fromstring(draw(neuron()).svg()).get("style") == "max-width:100%;height:auto"


def test_a_long_title_is_wrapped(neuron):
    drawing = draw(neuron(), title="odd " + "long " * 30)
    assert float(ElementTree.fromstring(drawing.svg()).get("width").removesuffix("pt")) < 1100


def test_what_fits_nothing_is_told(neuron, tmp_path):
    assert draw(neuron(), expand=["fc9"]).warnings == ["expand: no module and no node has a name like 'fc9'"]
    for names in (5, "abc"):
        with pytest.raises(TypeError, match=f"names: locals.*was expected, {type(names).__name__} came"):
            draw(neuron(), names=names)
    with pytest.raises(ValueError, match="a positive number of dots per inch was expected, 'a' came"):
        draw(neuron()).png(dpi="a")
    with pytest.raises(FileNotFoundError, match=r"the folder .*none does not exist"):
        draw(neuron()).save(tmp_path / "none" / "a.dot")
