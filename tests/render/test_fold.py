"""From nodes to cards."""

from __future__ import annotations

import tinygrad_edu as tg
from tinygrad_edu.render import capture
from tinygrad_edu.render.folding.fold import fold
from tinygrad_edu.render.folding.wording import headline, symbols


def cards(board):
    return {headline(card): card for card in board.cards}


def test_chains_of_additions_are_one_sum(neuron):
    board = fold(capture(neuron()))
    assert cards(board)["n"].symbols == ("Σ",)
    assert len(board.cards) == 9
    assert board.folded == ("1 chain of + drawn as Σ",)


def test_a_sum_that_has_a_name_a_second_user_or_emphasis_stays():
    a, b, c = (tg.Scalar(1.0, name=name) for name in "abc")
    inner = a + b
    inner.name = "inner"
    assert len(fold(capture(inner + c)).cards) == 5
    inner = a + b
    assert len(fold(capture((inner + c) * inner)).cards) == 6
    inner = a + b
    assert len(fold(capture(inner + c, highlight=inner)).cards) == 5
    assert len(fold(capture(a + b + c)).cards) == 4


def test_sums_of_other_shapes_stay():
    a, b = tg.tensor([1.0], requires_grad=True), tg.tensor([1.0, 2.0], requires_grad=True)
    assert len(fold(capture(a + a + b), leaves="cards").cards) == 4


def test_leaves_move_into_their_only_user_when_there_are_many_cards(neuron):
    o = neuron()
    model = capture(o, parameters="w* b")
    assert not any(card.insets for card in fold(model).cards)
    board = fold(model, leaves="inset")
    assert [inset.name for inset in cards(board)["n"].insets] == ["b"]
    assert [inset.name for inset in cards(board)["x₁·w₁"].insets] == ["w1"]
    assert board.folded[-1] == "3 leaves drawn inside the card that uses them"


def test_an_input_stays_unless_its_card_keeps_an_arrow():
    x, t = tg.Scalar(1.0, name="x"), tg.Scalar(2.0, name="t")
    board = fold(capture(x.tanh() - t), leaves="inset")
    assert [card.node.name for card in board.cards if card.node.op is None] == ["x"]
    assert [inset.name for inset in board.cards[-1].insets] == ["t"]


def test_what_is_highlighted_stays_a_card():
    x, t = tg.Scalar(1.0, name="x"), tg.Scalar(2.0, name="t")
    board = fold(capture(x.tanh() - t, highlight="t"), leaves="inset")
    assert not board.cards[-1].insets


def test_plain_numbers_stand_in_the_chip_on_their_side():
    x = tg.Scalar(2.0, name="x")
    assert symbols(fold(capture(1.0 / x)).cards[-1], {}) == ("1", "÷")
    assert symbols(fold(capture(x + 3.0)).cards[-1], {}) == ("+", "3")
    assert symbols(fold(capture(x**2.0)).cards[-1], {}) == ("( )²",)
    assert symbols(fold(capture(x**-0.5)).cards[-1], {}) == ("( )^−0.5",)
    assert len(fold(capture(1.0 / x), leaves="cards").cards) == 3


def test_modules_fold_to_a_depth(network):
    net, loss = network()
    model = capture(loss, names=net)
    board = fold(model, depth=1)
    assert [card.module for card in board.cards if card.module] == ["fc1", "inner", "blocks"]
    fc1 = cards(board)["fc1"]
    assert fc1.operations == 2
    assert [inset.name for inset in fc1.insets] == ["fc1.weight", "fc1.bias"]
    assert symbols(fc1, board.modules) == ("Linear",)
    assert fc1.node.name == "z"
    assert len([link for link in board.links if link.dst == cards(board)["inner"].id]) == 1
    deeper = fold(model, depth=2)
    assert [card.module for card in deeper.cards if card.module] == ["inner.norm", "blocks.0"]
    assert cards(deeper)["norm"].scope == ("inner",)
    assert "folded into 3 modules (depth 1)" in board.folded[0]


def test_a_module_that_is_called_twice_is_two_cards():
    x = tg.Scalar(0.5, name="x")
    y = x
    for _ in range(2):
        with tg.scope("block"):
            y = (y * 2.0).tanh()
        y = y + x
    board = fold(capture(y), depth=1)
    assert [card.operations for card in board.cards if card.module == "block"] == [2, 2]


def test_a_module_that_a_path_leaves_and_enters_again_is_drawn_in_detail():
    x = tg.Scalar(0.5, name="x")
    with tg.scope("block"):
        a = x.tanh()
    b = a.exp()
    with tg.scope("block"):
        c = a * b
    with tg.scope("head"):
        d = c.exp().tanh()
    board = fold(capture(d), depth=1)
    assert [card.module for card in board.cards] == [None, None, None, None, "head"]


def test_large_graphs_fold_their_modules_by_themselves():
    x = tg.Scalar(0.5)
    y = x
    for i in range(4):
        with tg.scope(f"block{i}"), tg.scope("inner"):
            for _ in range(5):
                y = y.tanh()
    assert len(fold(capture(y), max_cards=10).cards) == 5
    assert all(len(card.scope) == 2 for card in fold(capture(y), max_cards=30).cards if card.node.op)


def test_too_many_cards_are_cut_off_and_counted():
    x = tg.Scalar(0.5, name="x")
    y = x
    for i in range(2000):
        y = y.tanh()
        y.name = f"y{i}"
    board = fold(capture(y, highlight="x"), max_cards=50, expand=["y*"])
    assert len(board.cards) == 49
    assert board.omitted == 2001 - 49
    assert (
        board.caption == "2\u202f001 nodes: the 49 nearest to the output are drawn, 1\u202f952 are left out"
    )
    assert board.caption in board.folded
    assert {"x"} <= cards(board).keys()
    assert len(board.stubs) == 1


def test_the_one_user_decides_where_a_parameter_is_boxed():
    w, x = tg.Scalar(1.0, name="w"), tg.Scalar(2.0, name="x")
    with tg.scope("layer"):
        y = w * x
    board = fold(capture(y, parameters=w))
    assert cards(board)["w"].scope == ("layer",)
    assert cards(board)["x"].scope == ()


def test_a_module_of_many_kinds_of_operations_names_the_first():
    x = tg.Scalar(0.5, name="x")
    with tg.scope("layer"):
        y = (x.sin() + x.cos()).exp().tanh()
    assert symbols(fold(capture(y), depth=1).cards[-1], {}) == ("sin", "cos", "+", "…")
