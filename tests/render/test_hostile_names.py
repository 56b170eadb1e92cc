"""Names that want to be something else: markup, attributes, links, directives. In every form they stay names.

A name may be any string that Python has. 50 of them at a time name the leaves, the results and the modules of one
graph, so that every run draws more than a thousand, with every engine that there is.
"""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.render import Drawing, draw, load_model
from tinygrad_edu.render.layout.engine import engines, layout
from tinygrad_edu.render.look.style import clean

SVG = "{http://www.w3.org/2000/svg}"
NAMES = 50
HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=120),
    st.text(st.sampled_from("<>&\"'\\[]{}|;\n\t\0\x01\x85\ud800{n}lNGETHL/-># \u202e\ufffe😀%`$ﬂ°¶ß."), max_size=60),
    st.sampled_from(
        [
            "</FONT></TD><TD HREF='javascript:alert(1)'>", '"] ; evil [label="x', "]]>", "<!--", "&#0;", "&nbsp;",
            "\\N\\G\\L\\E\\T\\H", "<script>alert(1)</script>", "</script><script>alert(1)</script>", "</svg>", "</pre>",
            "<B></B>", "x" * 20_000, "&" * 5_000, "{0}", "%s", "{title}", "URL=javascript:alert(1)", "<IMG SRC='x'/>",
            '%%{init: {"theme": "dark"}}%%', "click n0 call alert()", "end", "1. list", "`code`", "$$x^2$$", "#35;",
            "\u2028\u2029", "url(http://example.org/x)", "'; DROP TABLE nodes; --", "a\u0301\u0302\u0303",
            "👩‍👩‍👧‍👦", "אבג",
        ]
    ),
)  # fmt: skip
ELEMENTS = {"svg", "g", "title", "desc", "style", "polygon", "path", "text", "a", "ellipse", "polyline"}
PAGE = {
    "html", "head", "meta", "title", "style", "body", "main", "figure", "div", "figcaption", "ul", "li", "details",
    "summary", "pre",
}  # fmt: skip
ATTRIBUTES = {"class", "style", "fillcolor", "color", "penwidth", "tooltip", "label", "margin"}


def graph(names: list[str]) -> Any:
    """A chain of products: names of leaves, of results, and of the modules around each five of these."""
    y = tg.Scalar(1.0, name="start")
    for i in range(0, NAMES, 2):
        with tg.scope(module(names, i) or "module"), tg.scope(names[i] or "inner"):
            y = y * tg.Scalar(1.0, name=names[i])
            y.name = names[i + 1]
    return y.tanh()


def module(names: list[str], i: int) -> str:
    return names[i - i % 10]


def squeezed(text: str) -> str:
    return "".join(text.split())  # Graphviz turns one kind of space into another


def visible(names: list[str]) -> set[str]:
    """The names as they must be seen: all but those that are typeset, or blank, or shorter within their module."""
    return {
        squeezed(clean(name, 40))
        for i, name in enumerate(names)
        if len(name) > 4
        and squeezed(clean(name, 40))
        and not name.startswith((name.partition(".")[0] + ".", module(names, i)))
    }


def elements(svg: str) -> ElementTree.Element:
    """The picture, of which every element and attribute is one of ours."""
    tree = ElementTree.fromstring(svg)
    assert {element.tag for element in tree.iter()} <= {SVG + name for name in ELEMENTS}
    for element in tree.iter():
        for attribute in element.attrib:
            assert attribute.split("}")[-1] not in ("href", "src")
            assert not attribute.startswith("on")
    return tree


def texts(tree: ElementTree.Element) -> set[str]:
    return {squeezed("".join(text.itertext())) for text in tree.iter(f"{SVG}text")}


class Page(HTMLParser):
    """A reader of pages as browsers read them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module", name="installed")
def _installed() -> list[str]:
    pytest.importorskip("pygraphviz")
    return ["embedded", *(["dot"] if shutil.which("dot") else [])]


@settings(
    max_examples=22,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
@given(st.lists(HOSTILE, min_size=NAMES, max_size=NAMES))
def test_no_name_breaks_a_form_or_adds_to_it(installed, names):
    drawing = draw(
        graph(names), title=names[0], subtitle=names[1], leaves="cards", highlight=names[2], fold=False
    )
    cards, links = len(drawing.board.cards), len(drawing.board.links)
    assert (cards, links) == (NAMES + 2, NAMES + 1)
    in_svg(drawing, names, cards, links, installed)
    in_dot(drawing, cards, links)
    in_mermaid(drawing, names, cards, links)
    on_a_page(drawing, names)
    in_json_and_text(drawing, names)


def in_svg(drawing: Drawing, names: list[str], cards: int, links: int, installed: list[str]) -> None:
    tree = elements(drawing.svg())
    mine = [words for words in drawing.warnings if not words.startswith("highlight:")]
    assert mine == []
    for name in installed:
        if name != "embedded":
            picture, notes = layout(
                drawing.source, "svg", cards=[card.id for card in drawing.board.cards], engine=name
            )
            tree = elements(picture.decode())
            assert notes == []
        classes = [group.get("class", "").split()[0] for group in tree.iter(f"{SVG}g") if group.get("class")]
        assert (classes.count("node"), classes.count("edge")) == (cards, links)
        assert visible(names) <= texts(tree)
    tips = {
        squeezed(unescape(tip).partition(" = ")[0].partition(",value")[0])
        for anchor in tree.iter(f"{SVG}a")
        if (tip := anchor.get("{http://www.w3.org/1999/xlink}title"))
    }
    assert len(tips) > 2


def in_dot(drawing: Drawing, cards: int, links: int) -> None:
    from pygraphviz import AGraph

    read = AGraph(string=drawing.source)
    assert {node.name for node in read.nodes()} == {f"n{card.id}" for card in drawing.board.cards}
    assert len(read.edges()) == links
    assert {key for node in read.nodes() for key, value in node.attr.to_dict().items() if value} <= ATTRIBUTES | {
        "shape", "fontname", "id",
    }  # fmt: skip
    assert not any(node.attr[key] for node in read.nodes() for key in ("URL", "href", "image", "target"))
    read.close()


def in_mermaid(drawing: Drawing, names: list[str], cards: int, links: int) -> None:
    source = drawing.mermaid()
    lines = source.split("\n")
    if drawing.options.title:
        assert lines[0] == "---"
        assert lines[2] == "---"
        assert re.fullmatch(r'title: "([^"\\\x00-\x1f]|\\u[0-9a-f]{4})*"', lines[1])
        lines = lines[3:]
    label = r'"[^"\n<>`*\\|{}\[\]]*(<br/>[^"\n<>`*\\|{}\[\]]*)*"'
    nodes = [line for line in lines if re.fullmatch(rf"n\d+\[{label}\]:::\w+", line)]
    assert len(nodes) == cards
    assert sum(bool(re.fullmatch(r"n\d+ --> n\d+", line)) for line in lines) == links
    modules = [line for line in lines if re.fullmatch(rf"subgraph m\d+ \[{label}\]", line)]
    assert len(modules) == lines.count("end")
    others = [
        line
        for line in lines
        if line not in nodes and line not in modules and line != "end" and "-->" not in line
    ]
    assert all(
        re.fullmatch(r"flowchart (LR|TB)|classDef [\w ]+[\w:#,. -]*|class n\d+(,n\d+)* \w+|", line)
        for line in others
    )
    shown = squeezed(unescape(re.sub(r"#(\d+);", r"&#\1;", "".join(nodes))))
    for name in visible(names):
        assert name.replace("\\", "∖").replace("$$", "$\u2060$").replace("ﬂ", "fl") in shown


def on_a_page(drawing: Drawing, names: list[str]) -> None:
    page = Page()
    page.feed(drawing.html())
    page.close()
    assert page.found <= PAGE | ELEMENTS
    assert not {
        name for name in page.attributes if name.startswith("on") or name in ("href", "src", "xlink:href")
    }
    shown = squeezed("".join(page.words))
    for name in visible(names):
        assert name in shown


def in_json_and_text(drawing: Drawing, names: list[str]) -> None:
    written = drawing.json()
    written.encode()  # no half of a surrogate pair
    model = json.loads(written)
    kept = {clean(name, 1000) for name in names if clean(name).strip()}
    assert kept <= {node["name"] for node in model["nodes"]}
    assert Drawing.from_model(load_model(written), title=drawing.options.title).json() == written
    text = drawing.text()
    text.encode()
    shown = squeezed(text)
    for name in visible(names):
        assert name in shown
    lines = [line for line in text.split("\n") if "value 1" in line]
    assert len(lines) == NAMES + 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", text)


def test_engines_are_said(installed):
    found = engines()
    assert all(not found[name].startswith("not available") for name in installed)
