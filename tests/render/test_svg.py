"""Our own SVG: well-formed whatever the names, everything at its place, and every number with an address."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from conftest import network, neuron
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.render.folding.fold import fold
from tinygrad_edu.render.graph.model import capture
from tinygrad_edu.render.graph.numbers import numbers
from tinygrad_edu.render.layout import engine
from tinygrad_edu.render.layout.dot import dot
from tinygrad_edu.render.layout.positions import positions
from tinygrad_edu.render.look.metrics import clipped, text_width
from tinygrad_edu.render.look.style import DARK, LIGHT, number
from tinygrad_edu.render.vector import sheet
from tinygrad_edu.render.vector.moment import Moment
from tinygrad_edu.render.vector.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
ENGINES = ["layers", "auto"]


def boards():
    """Boards of several kinds."""
    net, loss = network()
    o = neuron()
    deep = tg.Scalar(0.5, name="x")
    for _ in range(12):
        deep = tg.tanh(deep)
    return [
        fold(capture(o, parameters="w* b")), fold(capture(o), leaves="inset"), fold(capture(loss, names=net)),
        fold(capture(loss, names=net), depth=1), fold(capture(deep)),
        fold(capture(neuron(backward=False)), leaves="inset"),
    ]  # fmt: skip


def texts(picture):
    """{address: text}."""
    return {
        e.get("id"): "".join(e.itertext())
        for e in ElementTree.fromstring(picture).iter(f"{SVG}text")
        if e.get("id")
    }


def on_border(x, low, length):
    """Whether x is one end of an interval, within the width of a line."""
    return min(abs(x - low), abs(x - low - length)) < 2


@pytest.mark.parametrize("kind", ENGINES)
def test_cards_do_not_overlap_and_arrows_lead_from_card_to_card(kind):
    for board in boards():
        places = positions(board, engine=kind)
        assert list(places.cards) == [card.id for card in board.cards]
        for a, b in combinations(places.cards.values(), 2):
            apart = a.x + a.width < b.x or b.x + b.width < a.x or a.y + a.height < b.y or b.y + b.height < a.y
            assert apart
        for box in places.cards.values():
            assert box.x >= 0
            assert box.y >= 0
            assert box.x + box.width <= places.width
            assert box.y + box.height <= places.height
        assert [(arrow.src, arrow.dst) for arrow in places.arrows] == [
            (link.src, link.dst) for link in board.links
        ]
        for arrow in places.arrows:
            assert len(arrow.points) % 3 == 1
            for (x, y), card in ((arrow.points[0], arrow.src), (arrow.points[-1], arrow.dst)):
                box = places.cards[card]
                assert on_border(x, box.x, box.width) or on_border(y, box.y, box.height)
                assert box.x - 2 <= x <= box.x + box.width + 2
                assert box.y - 2 <= y <= box.y + box.height + 2


def test_boxes_of_modules_contain_their_cards():
    net, loss = network()
    board = fold(capture(loss, names=net))
    places = positions(board)
    assert {group.scope for group in places.groups} >= {
        ("fc1",),
        ("inner",),
        ("inner", "norm"),
        ("blocks", "0"),
    }
    for group in places.groups:
        inside = [card for card in board.cards if card.scope[: len(group.scope)] == group.scope]
        assert inside
        for card in board.cards:
            box, frame = places.cards[card.id], group.box
            within = frame.x < box.x < frame.x + frame.width and frame.y < box.y < frame.y + frame.height
            assert within == (card in inside)


def test_cards_are_as_large_as_those_of_graphviz():
    """Graphviz sets the type of the labels in DOT itself, and says how large they are."""
    pytest.importorskip("pygraphviz")
    for board in boards():
        answer, _ = engine.in_process(dot(board, LIGHT), "json0")
        theirs = {each["name"]: each for each in json.loads(answer)["objects"] if "width" in each}
        for card, ours in positions(board).measures.items():
            width, height = (72 * float(theirs[f"n{card}"][side]) for side in ("width", "height"))
            assert ours.width == pytest.approx(width, rel=0.12)
            assert ours.height == pytest.approx(height, rel=0.12)


def test_x_times_x_has_two_arrows():
    x = tg.Scalar(3.0, name="x")
    for kind in ENGINES:
        places = positions(fold(capture(x * x)), engine=kind)
        assert [(arrow.src, arrow.dst) for arrow in places.arrows] == [(0, 1), (0, 1)]


def test_local_derivatives_stand_on_the_arrows():
    board = fold(capture(neuron(), parameters="w* b"), arrows=True)
    labels = {arrow.label for arrow in positions(board, local=True).arrows}
    assert labels == {"×(−3)", "×2", "×1", "×0", "×0.5"}
    assert "×(−3)" in svg(board, positions(board, local=True))
    assert "×(−3)" not in svg(board, positions(board))


def test_every_number_has_an_address():
    for board in boards():
        shown = texts(svg(board, positions(board)))
        for card in board.cards:
            for node in (card.node, *card.insets):
                if node.value.item is not None:
                    assert shown[f"v{node.id}"] == number(node.value.item)
                if node.gradient is not None and node.gradient.item is not None:
                    g = node.gradient.item
                    assert shown[f"g{node.id}"] == number(g if node.kind == "Scalar" else abs(g))


def test_a_moment_hides_what_is_not_known_yet():
    board = fold(capture(neuron()))
    places = positions(board)
    names = {card.node.name: card.id for card in board.cards}
    moment = Moment(
        values={names["x1"], names["w1"]}, gradients={names["o"]: numbers(1.0), names["n"]: numbers(0.25)},
        active={names["n"], names["o"]}, acting=names["o"], arrows={(names["n"], names["o"])}, backward=True,
    )  # fmt: skip
    picture = svg(board, places, moment=moment)
    shown = texts(picture)
    assert shown[f"v{names['x1']}"] == "2"
    assert shown[f"v{names['n']}"] == "?"
    assert shown[f"g{names['n']}"] == "0.25"
    assert shown[f"g{names['x1']}"] == "—"
    tree = ElementTree.fromstring(picture)
    active = {e.get("id") for e in tree.iter(f"{SVG}g") if "active" in e.get("class", "").split()}
    assert active == {f"n{names['n']}", f"n{names['o']}"}
    assert [e.get("data-link") for e in tree.iter(f"{SVG}path") if "reversed" in e.get("class", "")] == [
        f"{names['n']} {names['o']}"
    ]
    geometry = re.compile(r'(?<=transform=")[^"]*|(?<= d=")[^"]*')
    assert geometry.findall(picture) == geometry.findall(svg(board, places))  # the picture does not jump


HOSTILE = st.text(st.characters(codec=None), max_size=60) | st.sampled_from(
    [
        "</text><script>x</script>",
        '" onload="x',
        "<b>",
        "&amp;",
        "]]>",
        "\x00\x1b",
        "\ud800",
        "a\u202eb",
        "'",
        "{{x}}",
    ]
)


@settings(max_examples=120, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_name_breaks_the_picture_or_adds_to_it(first, second, place):
    a, b = tg.Scalar(1.0, name=first), tg.Scalar(2.0, name="b")
    with tg.scope(place or "layer"):
        c = a * b
        c.name = second
    board = fold(capture(c.tanh()))
    picture = svg(board, positions(board, engine="layers"), title=place)
    tree = ElementTree.fromstring(picture.encode())
    assert sum("card" in e.get("class", "").split() for e in tree.iter()) == 4
    assert {e.tag.removeprefix(SVG) for e in tree.iter()} <= {
        "svg", "title", "style", "rect", "defs", "marker", "path", "g", "text", "tspan",
    }  # fmt: skip
    for element in tree.iter():
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]


def test_hostile_modules_in_the_layout_of_the_engine():
    a = tg.Scalar(1.0, name="a")
    with tg.scope('x" ] ; evil [label="</text>\\'):
        b = a * a + a
        c = tg.tanh(b) * b
    board = fold(capture(c))
    tree = ElementTree.fromstring(svg(board, positions(board)).encode())
    assert sum("card" in e.get("class", "").split() for e in tree.iter()) == len(board.cards)


def test_themes():
    board = fold(capture(neuron()))
    places = positions(board)
    light, dark, auto = (svg(board, places, theme=theme) for theme in ("light", "dark", "auto"))
    assert LIGHT.paper.lower() in light
    assert DARK.paper.lower() not in light
    assert DARK.paper.lower() in dark
    assert "prefers-color-scheme" in auto
    drawn = [picture.split("</style>")[1] for picture in (light, dark, auto)]
    assert drawn[0] == drawn[1] == drawn[2]
    assert not re.search("#[0-9a-fA-F]{6}", drawn[0])  # no colour but by the variables
    with pytest.raises(ValueError, match="light, dark or auto, 'sepia' came"):
        svg(board, places, theme="sepia")


def test_every_variable_of_the_sheet_has_a_value():
    for palette in (LIGHT, DARK):
        given = set(re.findall(r"--([\w-]+):", sheet.variables(palette)))
        assert set(re.findall(r"var\(--([\w-]+)\)", sheet.rules())) <= given


def test_the_heading_and_the_legend_stand_around_the_cards():
    net, loss = network()
    board = fold(capture(loss, names=net))
    places = positions(board)
    tree = ElementTree.fromstring(svg(board, places, heading="A <network>", subtitle="after backward"))
    said = ["".join(element.itertext()) for element in tree.iter(f"{SVG}text")]
    assert said[:2] == ["A <network>", "after backward"]
    assert {"input", "parameter", "intermediate", "output", "operation"} <= set(said)
    assert {"0.1", "1"} <= set(said)  # of the shades those that occur
    assert not {"vanishing", "exploding"} & set(said)
    assert "frozen" not in said
    assert float(tree.get("height")) > places.height
    plain = ElementTree.fromstring(
        svg(fold(capture(neuron(backward=False))), positions(fold(capture(neuron()))))
    )
    assert "exploding" not in {"".join(element.itertext()) for element in plain.iter(f"{SVG}text")}


def test_what_is_left_out_has_a_card():
    rng, nodes = np.random.default_rng(1), [tg.Scalar(0.5, name="x")]
    for _ in range(60):  # without any pattern that could be folded
        a, b = (nodes[int(i)] for i in rng.integers(max(0, len(nodes) - 4), len(nodes), 2))
        nodes.append([tg.tanh(a), tg.sin(a), a * b, a - b, tg.exp(-a)][int(rng.integers(5))])
    board = fold(capture(nodes[-1]), max_cards=8)
    assert board.stubs
    places = positions(board)
    assert places.rest is not None
    assert "more nodes" in svg(board, places)


def test_equal_parts_a_failure_and_what_is_detached_are_drawn():
    x = tg.tensor(np.ones(3), requires_grad=True, name="x")
    y = tg.tanh(x)
    z = tg.sum(tg.exp(y) * y.detach())
    z.backward()
    board = fold(capture(z))
    places = positions(board)
    kinds = [arrow.flags for arrow in places.arrows]
    assert kinds.count(("detached",)) == len(board.detached)
    note = replace(
        board.cards[-1].node, note="ValueError: shapes (3,) and (4,) do not fit, and this is a long remark"
    )
    failed = replace(board, cards=(*board.cards[:-1], replace(board.cards[-1], node=note, flags=("failed",))))
    picture = svg(failed, positions(failed))
    assert "do not fit" in " ".join(
        "".join(e.itertext()) for e in ElementTree.fromstring(picture).iter(f"{SVG}text")
    )
    assert f'id="v{note.id}"' not in picture


@pytest.mark.parametrize("kind", ENGINES)
def test_a_parameter_that_leads_nowhere_stands_beside_the_graph(kind):
    board = fold(capture(neuron()))
    idle = replace(board.cards[0].node, id=99, name="idle", flags=("unused",))
    board = replace(board, unused=(replace(board.cards[0], node=idle, flags=("unused",)),))
    places = positions(board, engine=kind)
    for other in board.cards:
        a, b = places.cards[99], places.cards[other.id]
        assert a.x + a.width < b.x or b.x + b.width < a.x or a.y + a.height < b.y or b.y + b.height < a.y
    tree = ElementTree.fromstring(svg(board, places))
    (card,) = (element for element in tree.iter() if element.get("id") == "n99")
    assert "open" in card.get("class").split()
    said = {"".join(element.itertext()) for element in tree.iter(f"{SVG}text")}
    assert ("no path to the output" in said) == (kind == "auto")


def test_widths_of_texts():
    """Against Adobe's metrics of Helvetica (AFM): `H` 722, `e` 556, `l` 222, `o` 556, a digit 556 at both weights."""
    assert text_width("Hello", 10) == pytest.approx(10 * (0.722 + 0.556 + 2 * 0.222 + 0.556))
    assert text_width("0.7071", 12, bold=True) == pytest.approx(12 * (5 * 0.556 + 0.278 * 1.07))
    assert text_width("e\u0301", 10) == text_width("e", 10)  # an accent takes no room
    assert text_width("漢", 10) == 10
    assert clipped("Hello", 10, 100) == "Hello"
    assert clipped("Hello", 10, 20) == "H…"
    assert text_width(clipped("a long name of a node", 11, 60), 11) <= 60
