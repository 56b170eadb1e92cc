"""Equal parts of a graph as one card: which they are, what it says of them, and that nothing gets lost."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.render import capture, draw
from tinygrad_edu.render.folding import profile
from tinygrad_edu.render.folding.board import Board, Card
from tinygrad_edu.render.folding.cut import crossings
from tinygrad_edu.render.folding.fold import TANGLED, fold
from tinygrad_edu.render.folding.insets import _common_name, pooled
from tinygrad_edu.render.graph.numbers import numbers
from tinygrad_edu.render.layout.dot import dot
from tinygrad_edu.render.look.style import LIGHT
from tinygrad_edu.render.mermaid import mermaid
from tinygrad_edu.render.text import outline


def repeated(board: Board) -> list[Card]:
    return [card for card in board.cards if card.repeats]


def halves(n: int, *, scope: bool = True) -> Any:
    """n blocks x ← ½·I·x of four numbers, and the sum of what comes out."""
    x = tg.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True, name="x")
    for i in range(n):
        w = tg.tensor(0.5 * np.eye(4), requires_grad=True)
        if scope:
            with tg.scope("blocks"), tg.scope(str(i)):
                x = w @ x + 0.0
        else:
            x = w @ x + 0.0
    y = tg.sum(x)
    y.backward()
    return y


def test_the_gradient_of_a_chain_of_halves_is_a_power_of_two_in_every_part():
    board = fold(capture(halves(20)))
    (card,) = repeated(board)
    assert card.repeats.title == "blocks.0 … blocks.19"
    assert card.repeats.labels == tuple(f"blocks.{i}" for i in range(20))
    assert card.repeats.operations == 2
    expected = [2 * 0.5 ** (19 - k) for k in range(20)]  # four elements, halved by each block that follows
    np.testing.assert_allclose(profile.gradients(card.repeats), expected, rtol=1e-12)
    spread = np.std([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(
        profile.spreads(card.repeats), [spread * 0.5 ** (k + 1) for k in range(20)], rtol=1e-12
    )
    assert profile.words(profile.gradients(card.repeats)) == "3.81e−6 → 2"
    assert [c.node.name or c.node.op for c in board.cards] == ["add", "sum"]
    assert board.caption.endswith("cards: blocks.0 … blocks.19 drawn once")


def test_the_parameters_of_all_parts_are_one_row():
    (card,) = repeated(fold(capture(halves(20))))
    (row,) = [inset for inset in card.insets if inset.id in card.repeats.stacked]
    assert row.value.shape == (20, 4, 4)
    assert row.value.mean == pytest.approx(0.125)
    assert row.value.std == pytest.approx(np.std(0.5 * np.eye(4)))
    assert len(card.repeats.stacked[row.id]) == 20
    assert profile.stacked_value(card.repeats.stacked[row.id]) == "320 in 20 tensors"


@pytest.mark.parametrize("shapes", [[(3,), (3,)], [(2, 2), (2, 2), (2, 2)], [(), ()], [(2,), (5,)]])
def test_pooled_statistics_are_those_of_all_elements(shapes):
    rng = np.random.default_rng(5)
    arrays = [rng.normal(size=shape) * 10**i for i, shape in enumerate(shapes)]
    together, everything = (
        pooled([numbers(a) for a in arrays]),
        numbers(np.concatenate([a.reshape(-1) for a in arrays])),
    )
    for name in ("mean", "std", "smallest", "largest", "norm"):
        assert getattr(together, name) == pytest.approx(getattr(everything, name), rel=1e-12)
    assert together.shape == ((len(shapes), *shapes[0]) if len(set(shapes)) == 1 else everything.shape)
    assert pooled([numbers(np.array([1.0, np.nan])), numbers(np.array([np.inf, 2.0]))]).nan == 1


def test_a_few_blocks_are_shown_in_full_unless_one_asks():
    model = capture(halves(3))
    assert not repeated(fold(model))
    assert [card.repeats.count for card in repeated(fold(model, folding=True))] == [3]
    large = capture(halves(40))
    assert not repeated(fold(large, folding=False))
    everything = fold(large, folding=False, leaves="cards", max_cards=5)
    assert len(everything.cards) == len(large.nodes)
    assert everything.folded == ()


def test_what_is_expanded_divides_a_chain():
    model = capture(halves(20))
    titles = [card.repeats.title for card in repeated(fold(model, expand=["blocks.7"]))]
    assert titles == ["blocks.0 … blocks.6", "blocks.8 … blocks.19"]
    assert (
        fold(model, expand=lambda node: node.scope == "blocks.7").cards
        == fold(model, expand=["blocks.7"]).cards
    )
    assert not repeated(fold(model, expand="blocks"))


def test_a_flag_is_carried_with_its_place():
    x, weights = tg.tensor([1.0, 2.0], requires_grad=True), []
    y = x
    for i in range(12):
        weights.append(tg.tensor(np.eye(2), requires_grad=True))
        with tg.scope(f"fc{i}"):
            y = tg.tanh(weights[-1] @ y)
    (card,) = repeated(fold(capture(tg.sum(y), highlight=weights[4])))
    assert "highlight" in card.flags
    assert card.repeats.where == {"highlight": ("fc4",)}
    weights[7].assign(np.array([[np.nan, 0.0], [0.0, 1.0]]))
    y = x
    for i, w in enumerate(weights):
        with tg.scope(f"fc{i}"):
            y = tg.tanh(w @ y)
    drawing = draw(tg.sum(y))
    assert "⚠ first NaN or ∞ in fc7" in drawing.text()
    assert "⚠ first NaN or ∞ in fc7" in drawing.source


def test_steps_that_share_a_weight_are_a_chain():
    rng = np.random.default_rng(0)
    w, h = (
        tg.tensor(0.3 * rng.normal(size=(4, 4)), requires_grad=True, name="W"),
        tg.tensor(np.ones(4), name="h0"),
    )
    for _ in range(300):
        h = tg.tanh(w @ h)
    board = fold(capture(tg.sum(h)))
    (card,) = repeated(board)
    assert (card.repeats.count, card.repeats.title) == (300, "step 1 … 300")
    assert [inset.name for inset in card.insets] == ["W"]
    assert {c.node.name for c in board.cards} >= {"h0"}
    w.name = None
    with tg.scope("rnn"):
        y = h
        for _ in range(30):
            y = tg.tanh(w @ y)
    assert repeated(fold(capture(y)))[-1].repeats.title in ("rnn  step 1 … 30", "step 1 … 330")


def test_a_weight_that_is_used_everywhere_does_not_tangle_a_picture():
    w, y = tg.Scalar(0.5, name="w"), tg.Scalar(0.1, name="x")
    for i in range(140):
        y = tg.tanh(w * y)
        y.name = f"y{i}"
    model = capture(y)
    board = fold(model, expand=lambda _: True)
    assert crossings(fold(model, folding=False, max_cards=1000)) > 10 * TANGLED / 4
    assert crossings(board) <= TANGLED
    assert len(board.cards) > 25
    assert "nearest to the output" in board.caption


def test_two_streams_of_a_loop_are_one_chain():
    rng = np.random.default_rng(0)
    w = tg.tensor(rng.normal(size=(3, 3)), requires_grad=True, name="W")
    h, c = tg.tensor(np.ones(3)), tg.tensor(np.zeros(3))
    steps = []
    for _ in range(10):
        gate = tg.sigmoid(w @ h)
        c = gate * c + tg.tanh(w @ h)
        h = gate * tg.tanh(c)
        steps.append(h)
    board = fold(capture(tg.sum(tg.stack(steps))))
    (card,) = repeated(board)
    assert (card.repeats.count, card.repeats.operations) == (10, 8)
    (link,) = [link for link in board.links if link.src == card.id]
    assert link.count == 10


def test_a_residual_stream_is_a_chain_and_a_dense_one_is_not():
    def network(dense: bool) -> Any:
        x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
        earlier = [x]
        for i in range(12):
            with tg.scope(f"block{i}"):
                inner = tg.tanh(tg.exp(earlier[-1]))
            earlier.append(inner * (earlier[i // 2] if dense else earlier[-1]))
        return tg.sum(earlier[-1])

    (card,) = repeated(fold(capture(network(False))))
    assert card.repeats.title == "block0 … block11"
    assert card.repeats.operations == 3
    assert all(
        card.repeats.operations == 2 or card.repeats.count < 12
        for card in repeated(fold(capture(network(True))))
    )


def samples(n: int) -> Any:
    """The mean squared error of a neuron on n samples, one by one."""
    rng = np.random.default_rng(1)
    w1, w2, b = (tg.Scalar(v, name=name) for v, name in ((0.5, "w1"), (-0.2, "w2"), (0.1, "b")))
    loss = tg.Scalar(0.0)
    for x1, x2, t in rng.normal(size=(n, 3)).tolist():
        a, c = tg.Scalar(x1, name="x1"), tg.Scalar(x2, name="x2")
        loss = loss + (tg.tanh(w1 * a + w2 * c + b) - t) ** 2
    loss.backward()
    return loss


def test_samples_computed_one_by_one_are_one_card():
    loss = samples(32)
    board = fold(capture(loss, parameters="w* b"))
    (card,) = repeated(board)
    assert (card.repeats.kind, card.repeats.count, card.repeats.title) == ("parallel", 32, "sample 1 … 32")
    assert {inset.name for inset in card.insets} >= {"w1", "w2", "b", "x1", "x2"}
    assert len(board.cards) == 2
    (link,) = board.links
    assert link.count == 32
    assert sum(profile.spreads(card.repeats)) == pytest.approx(loss.value)


def test_changes_of_shape_are_words_on_an_arrow():
    x = tg.tensor(np.ones((2, 3)), requires_grad=True, name="x")
    y = tg.exp(x)
    for _ in range(12):
        y = tg.sin(tg.transpose(tg.reshape(tg.cos(y), (3, 2))))
    board = fold(capture(tg.sum(y)), expand=lambda _: True)
    assert Counter(link.note for link in board.links) == {"reshape, transpose": 12, "": 13}
    assert "reshape, transpose" in draw(tg.sum(y), expand=lambda _: True).source
    assert any(card.node.op == "reshape" for card in fold(capture(tg.sum(tg.reshape(tg.exp(x), (6,))))).cards)


def test_neurons_beside_each_other_are_one_card_for_each_layer():
    rng = np.random.default_rng(0)
    net = nn.MLP(3, (16, 16, 1), activation=tg.tanh, rng=rng)
    y = net([tg.Scalar(v, name=f"x{i}") for i, v in enumerate((0.5, -1.0, 2.0))])
    y.backward()
    board = fold(capture(y, names=net))
    titles = [card.repeats.title for card in repeated(board)]
    assert titles == ["layer1.neuron1 … layer1.neuron16", "layer2.neuron1 … layer2.neuron16"]
    first, second = repeated(board)
    (link,) = [link for link in board.links if link.src == first.id]
    assert (link.dst, link.count) == (
        second.id,
        256,
    )  # every neuron of a layer has an arrow to all of the next
    weights = [leaf.gradient.norm for nodes in first.repeats.stacked.values() for leaf in nodes]
    layer = [p.grad for name, p in net.named_parameters() if name.startswith("layer1.")]
    assert sorted(weights) == pytest.approx(sorted(map(abs, layer)))


def test_equal_transformer_layers_are_one_card():
    rng = np.random.default_rng(0)
    x = tg.tensor(rng.normal(size=(2, 3, 8)), name="x")
    stack = nn.Sequential(*(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, rng=rng) for _ in range(6)))
    board = fold(capture(tg.sum(stack(x)), names=stack))
    (card,) = repeated(board)
    assert card.repeats.title == "0 … 5"
    assert [c.node.op for c in board.cards if c.node.op] == ["add", "sum"]
    numbered = sum(math.prod(p.value.shape) for p in stack.parameters())
    held = sum(math.prod(leaf.value.shape) for nodes in card.repeats.stacked.values() for leaf in nodes)
    assert held == numbered


def test_two_chains_beside_each_other_are_two_cards_in_parts_of_their_own():
    def tower(name: str, n: int, step: Any) -> Any:
        x = tg.tensor([1.0, 2.0, 3.0], name=name)
        for i in range(n):
            with tg.scope(f"{name}{i}"):
                x = step(x * tg.tensor([0.5, 0.6, 0.7], requires_grad=True))
        return x

    y = tg.sum(tower("left", 12, tg.tanh) * tower("right", 9, lambda z: tg.exp(tg.sin(z))))
    found = {card.repeats.labels[0][:4]: card.repeats for card in repeated(fold(capture(y)))}
    assert {name: parts.operations for name, parts in found.items()} == {"left": 2, "righ": 3}
    assert found["left"].count >= 9
    assert found["righ"].count >= 6


def test_bars_are_logarithmic_where_numbers_differ_much():
    assert profile.bars([1.0, 0.5, 0.25]) == "█▅▃"
    assert profile.bars([10.0 ** (-k) for k in range(8)]) == "█▇▆▅▄▃▂▁"
    assert profile.bars([1.0, math.nan, 0.0]) == "█·▁"
    assert profile.bars([None, None]) == ""
    assert profile.bars([math.nan, math.nan]) == "··"
    assert profile.bars([5e-324, 1.0]) == "▁█"
    assert len(profile.bars([float(k) for k in range(1, 1000)])) == profile.MOST


OPERATIONS = (tg.tanh, tg.cos, tg.sin, lambda a, b: a + b, lambda a, b: a * b)


@st.composite
def graphs(draw_: Any) -> Any:
    """A graph of repeated, shared and random pieces; some operations belong to modules."""
    piece = draw_(
        st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=4)
    )
    times = draw_(st.integers(1, 9))
    tail = draw_(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 30), st.integers(1, 30)), max_size=25))
    scoped, beside = draw_(st.booleans()), draw_(st.integers(1, 4))
    ends = []
    for _ in range(beside):
        nodes: list[Any] = [tg.Scalar(0.1 * k) for k in range(1, 5)]
        for t in range(times):
            with tg.scope(f"m{t}" if scoped else "all"):
                _append(nodes, piece)
        _append(nodes, tail)
        total = nodes[4] * 1.0 if len(nodes) > 4 else nodes[0] * 2.0
        for node in nodes[5:]:
            total = total * node
        ends.append(total)
    marked = draw_(st.integers(0, 60))
    root = ends[0]
    for end in ends[1:]:
        root = root + end
    return root, marked


def _append(nodes: list[Any], recipe: list[tuple[int, int, int]]) -> None:
    for which, i, j in recipe:
        a, b = nodes[-min(i, len(nodes))], nodes[-min(j, len(nodes))]
        nodes.append(OPERATIONS[which](a) if which < 3 else tg.sin(OPERATIONS[which](a, b)))


@given(graphs(), st.sampled_from(["auto", True, False]), st.sampled_from(["auto", "inset", "cards"]),
       st.sampled_from([None, 1]))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_and_nothing_runs_in_circles(graph, folding, leaves, depth):
    root, marked = graph
    model = capture(root)
    chosen = model.nodes[min(marked, len(model.nodes) - 1)].id
    nodes = tuple(
        type(node)(
            **{f: getattr(node, f) for f in node.__slots__}
            | {"flags": ("highlight",) if node.id == chosen else ()}
        )
        for node in model.nodes
    )
    model = type(model)(**{f: getattr(model, f) for f in model.__slots__} | {"nodes": nodes})
    board = fold(model, folding=folding, leaves=leaves, depth=depth, max_cards=10**6)
    represented = [i for card in board.cards for i in (*card.members, *card.within)]
    assert sorted(represented) == list(range(len(nodes)))
    place = {card.id: k for k, card in enumerate(board.cards)}
    assert all(place[link.src] < place[link.dst] for link in board.links)
    assert board.cards[-1].node.id == model.root
    on = {i: card.id for card in board.cards for i in (*card.members, *card.within)}
    drawn = {(link.src, link.dst) for link in board.links}
    within = {i for card in board.cards for i in card.within}
    for edge in model.edges:
        assert edge.src in within or on[edge.src] == on[edge.dst] or (on[edge.src], on[edge.dst]) in drawn
    assert dot(board, LIGHT).count("->") == len(board.links)
    assert outline(board)
    assert mermaid(board, LIGHT)
    (flagged,) = [card for card in board.cards if chosen in (*card.members, *card.within)]
    assert "highlight" in flagged.flags


def test_rows_of_equal_parts_say_whose_they_are():
    names = ["c1.weight", "c1.weight"]
    assert _common_name([f"blocks.{i}.{name}" for i, name in enumerate(names)]) == "c1.weight"
    assert _common_name(["fc0.weight", "fc1.weight"]) == "weight"
    assert _common_name(["net.x", "net.x"]) == "x"  # one leaf that all parts use
    assert _common_name(["x0", "x1", "x2"]) == "x0 … x2"
    assert _common_name(["x0", "x1", None]) is None


def test_a_row_for_leaves_of_which_not_all_have_names_counts_them():
    xs = [tg.Scalar(float(i), f"x{i}" if i != 13 else None) for i in range(14)]
    total = sum((x * 2.0 - 1.0).tanh() for x in xs)
    cards = fold(capture(total), folding=True).cards
    rows = [row.name for card in cards for row in card.insets if row.role == "input"]
    assert rows == ["14 inputs"]
