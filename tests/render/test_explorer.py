"""What the pages of the explorer contain, without a browser: numbers, checks, notes, and nothing that breaks out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from explored import gradients, mlp

import tinygrad_edu as tg
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.render.explorer import Page, explore
from tinygrad_edu.render.explorer import page as pages
from tinygrad_edu.render.explorer.inspection import jacobian, rows
from tinygrad_edu.render.explorer.recheck import recheck
from tinygrad_edu.render.look.style import number


def data(page):
    """What the script of a page knows."""
    html = page.html if isinstance(page, Page) else page.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1])


def test_a_page_is_written_or_returned(tmp_path):
    loss, _ = mlp()
    page = explore(loss)
    assert isinstance(page, Page)
    assert page.save(tmp_path / "a.html") == tmp_path / "a.html"
    path = explore(loss, str(tmp_path / "b.html"))
    assert isinstance(path, Path)
    assert path.read_bytes() == (tmp_path / "a.html").read_bytes()
    assert repr(page).startswith("<Page of ")


def test_the_page_of_the_specification_is_small():
    loss, parameters = mlp(4)
    page = explore(loss, parameters=parameters, title="MLP 2 → 4 → 1")
    assert len(page.html.encode()) <= 130_000
    assert sum(step["phase"] == "backward" for step in data(page)["steps"]) == 23


def test_nothing_is_loaded():
    html = explore(mlp()[0]).html
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    assert f'content="{policy}"' in html
    assert re.search(r"(src|href|action)\s*=|@import|url\((?!#)|fetch\(|XMLHttp|import\(", html) is None


def test_data_cannot_end_its_element():
    x = tg.Scalar(1.0, name="</script><!--\u2028\u2029{{script}}")
    text = explore(x * x).html.split('id="data">')[1].split("</script>")[0]
    assert json.loads(text)["nodes"][0]["name"].startswith("</script><!--")
    assert not re.search("</|<!--|[\u2028\u2029]", text)


def test_shares_add_up_to_the_gradients():
    loss, _ = mlp(3)
    received = [each for step in data(explore(loss))["steps"] for each in step.get("gradients", ())]
    last = {node: text for node, text, _ in received}
    expected = {i: number(g) for i, g in enumerate(gradients(loss)) if g is not None}
    sums = {
        i for i, node in enumerate(topological_order([loss])) if node.op is not None and node.op.name == "add"
    }
    assert expected.keys() - last.keys() <= sums  # the inner sums of a Σ are no steps
    assert last == {i: expected[i] for i in last}


def test_a_sum_is_one_step():
    a, b = tg.Scalar(2.0, name="a"), tg.Scalar(-3.0, name="b")
    total = a + b + a * a + b
    total.name = "s"
    forward, backward = (
        [step for step in data(explore(total))["steps"] if step["phase"] == phase]
        for phase in ("forward", "backward")
    )
    assert [step["title"] for step in forward] == ["a × a", "s = a + b + a·a + b"]
    assert forward[1]["shares"][0]["sum"][0][0] == "2 + (−3) + 4 + (−3) = 0"
    assert backward[0]["title"].startswith("Through Σ into a, b")
    assert [text for node, text, _ in backward[0]["gradients"] if node == 1] == [
        "1",
        "2",
    ]  # b receives two shares
    assert [text for node, text, _ in backward[1]["gradients"]] == [
        "3",
        "5",
    ]  # a had 1 and is multiplied by itself


def test_sums_of_shared_arrays_stay_as_the_engine_takes_them():
    b = tg.tensor(np.ones(3), requires_grad=True, name="b")
    x = tg.tensor(np.arange(3.0), requires_grad=True, name="x")
    root = tg.sum(x * b + x + b)
    steps = [step for step in data(explore(root))["steps"] if step["phase"] == "backward"]
    assert sum(step["title"].startswith("Through +") for step in steps) == 2


def test_backward_need_not_have_run_and_may_have_run_twice():
    plain = data(explore(mlp()[0]))
    loss, parameters = mlp()
    loss.backward()
    once = data(explore(loss))
    assert once["steps"] == plain["steps"]
    assert not any("held" in node for node in once["nodes"])
    with pytest.warns(UserWarning, match="add up"):
        loss.backward()
    twice = data(explore(loss))
    assert twice["steps"] == plain["steps"]
    held = {id: node["held"] for id, node in enumerate(twice["nodes"]) if "held" in node}
    leaves = {
        i: leaf for i, leaf in enumerate(topological_order([loss])) if leaf.op is None and leaf.requires_grad
    }
    assert held == {i: number(leaf.grad) for i, leaf in leaves.items()}
    assert len(held) == len(parameters) + 2


def test_a_dead_parameter_is_told_in_the_end():
    """A bias before a subtraction of the mean changes nothing."""
    x = tg.tensor(np.arange(12.0).reshape(4, 3) ** 2, name="x")
    w = tg.tensor(np.linspace(-1, 1, 6).reshape(3, 2), requires_grad=True, name="w")
    b = tg.tensor(np.ones(2), requires_grad=True, name="b")
    z = x @ w + b
    root = tg.sum((z - tg.mean(z, axis=0)) ** 2)
    said = [text for step in data(explore(root))["steps"] for _, text, _ in step.get("gradients", ())]
    assert [text for text in said if "dead" in text] in (["0 dead"], ["≈ 0 dead"])


def test_every_gradient_of_the_network_is_checked():
    loss, _ = mlp()
    for node, g in zip(data(explore(loss))["nodes"], gradients(loss), strict=True):
        if g is not None:
            verdict, analytic, numeric, error = node["check"]
            assert verdict == "right"
            assert float(analytic.replace("−", "-")) == pytest.approx(g, rel=1e-9)
            assert float(numeric.replace("−", "-")) == pytest.approx(g, rel=1e-6)
            assert "e−" in error or error == "0"


def test_a_check_finds_a_wrong_gradient():
    x = tg.tensor(np.array([0.5, -1.0, 2.0]), requires_grad=True)
    root = tg.sum(tg.tanh(x) * x)
    order = topological_order([root])
    wrong = {x: 1.01 * (np.tanh(x.numpy()) + x.numpy() * (1 - np.tanh(x.numpy()) ** 2))}
    assert recheck(order, root, 1.0, wrong)[x].verdict == "wrong"
    assert recheck(order, root, 1.0, {x: wrong[x] / 1.01})[x].verdict == "right"


def test_at_a_kink_numbers_cannot_tell():
    x = tg.Scalar(0.0, name="x")
    y = abs(x)
    found = recheck(topological_order([y]), y, 1.0, {x: 0.0})[x]
    assert found.verdict == "kink"


def test_jacobians():
    x = tg.tensor(np.array([0.5, -1.0, 2.0]), requires_grad=True)
    s = np.exp(x.numpy()) / np.exp(x.numpy()).sum()
    assert jacobian(tg.softmax(x), 0) == pytest.approx(np.diag(s) - np.outer(s, s))
    a = tg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    b = tg.tensor(np.arange(3.0) - 1, requires_grad=True)
    assert jacobian(a @ b, 1) == pytest.approx(a.numpy())
    assert jacobian(a @ b, 0) == pytest.approx(np.kron(np.eye(2), b.numpy()))
    assert jacobian(a * b, 1) == pytest.approx(
        np.vstack([np.diag(row) for row in a.numpy()])
    )  # b is broadcast
    assert jacobian(tg.tensor(np.ones(9), requires_grad=True) * 2, 0) is None  # more than 8 rows
    two = tg.Scalar(3.0)
    assert jacobian(two * two, 1) == pytest.approx(3.0)  # by one operand alone


def test_large_arrays_show_head_and_tail():
    table = rows(np.arange(400.0).reshape(20, 20))
    assert len(table) == len(table[0]) == 8
    assert table[0][:4] == ["0", "1", "2", "3"]
    assert table[4][0] == table[0][4] == "…"
    assert table[-1][-1] == "399"
    assert rows(np.arange(64.0))[0][-1] == "63"
    assert len(rows(np.zeros((2, 2, 2)))) == 4


def test_a_page_that_is_too_large_has_less_in_it(monkeypatch):
    x = tg.tensor(np.linspace(-1, 1, 64).reshape(8, 8), requires_grad=True, name="x")
    root = tg.sum(tg.tanh(x @ x) @ x)
    whole = explore(root)
    assert whole.notes == [] or not any("left out" in note for note in whole.notes)
    size = len(json.dumps(data(whole), ensure_ascii=False, separators=(",", ":")))
    monkeypatch.setattr(pages, "CAP", size - 10)
    smaller = explore(root)
    assert "arrays and local derivatives are left out: the page would be too large" in smaller.html
    assert "array" not in data(smaller)["nodes"][0]
    assert data(smaller)["steps"] == data(whole)["steps"]
    size = len(json.dumps(data(smaller), ensure_ascii=False, separators=(",", ":")))
    monkeypatch.setattr(pages, "CAP", size - 10)
    less = data(explore(root))
    assert less["steps"] == []
    assert less["nodes"][0]["grad"][0] != "—"
    monkeypatch.setattr(pages, "CAP", 10)
    least = explore(root)
    assert data(least)["nodes"] == []
    assert "only the picture is here" in least.html


def test_no_graph_has_more_data_than_a_page_may_have(monkeypatch):
    monkeypatch.setattr(pages, "CAP", 60_000)
    root, w = tg.Scalar(0.3, name="x"), tg.Scalar(0.9, name="w")
    for _ in range(300):
        root = tg.tanh(root * w)
    page = explore(root)
    known = data(page)
    assert len(json.dumps(known, ensure_ascii=False, separators=(",", ":"))) <= 60_000
    (user,) = (node for node in known["nodes"] if node["name"] == "w")
    assert len(user["users"]) + user["more_users"] == 300
    assert re.search("and [0-9]+ nodes that have no card are left out", page.html)


def test_a_large_graph_is_folded_and_the_page_says_so(monkeypatch):
    xs = [tg.Scalar(float(i), name=f"x{i}") for i in range(40)]
    root = sum((tg.tanh(x) * x for x in xs[1:]), xs[0])
    page = explore(root, max_cards=10)
    nodes = len(topological_order([root]))
    assert re.search(rf'class="note">[^<]*{nodes}', page.html)
    assert page.html.count('class="card') < 12
    monkeypatch.setattr("tinygrad_edu.render.explorer.facts.LONGEST", 20)
    assert "too many to step through" in explore(root).html
    assert data(explore(root))["steps"] == []


def test_equal_parts_can_be_seen_one_by_one():
    root = tg.Scalar(0.3, name="x")
    for _ in range(40):
        root = tg.tanh(root * 1.1)
    cards = [explore(root, fold=fold).html.count('class="card') for fold in ("auto", False)]
    assert cards[0] < 10
    assert cards[1] > 80


def test_what_has_no_way_back():
    x = tg.tensor(np.ones(3), requires_grad=True, name="x")
    page = explore(tg.tanh(x))  # an array: nobody knows what to start with
    assert {step["phase"] for step in data(page)["steps"]} == {"forward"}
    assert "not just 1" in page.html
    root = tg.sqrt(tg.Scalar(0.0, name="x"))  # its slope is not finite there
    page = explore(root)
    assert {step["phase"] for step in data(page)["steps"]} == {"forward"}
    assert "there are no steps back: " in page.html
    leaf = data(explore(tg.Scalar(1.0, name="x")))
    assert leaf["steps"] == []


def test_a_stale_graph_is_shown_as_it_is():
    x = tg.Scalar(2.0, name="x")
    y = x * x
    x.assign(5.0)
    page = explore(y)
    assert "x was assigned after this had been computed" in page.html
    assert data(page)["steps"] == []


def test_a_page_without_an_engine_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("tinygrad_edu.render.layout.engine.PLACES", ())
    monkeypatch.setattr("tinygrad_edu.render.layout.engine._embedded", lambda *_: 1 / 0)
    page = explore(mlp()[0])
    assert "the cards are arranged in plain layers" in page.html
    assert page.html.count('class="card') > 10


SAME = """
import sys
from explored import mlp
from tinygrad_edu.render.explorer import explore
sys.stdout.buffer.write(explore(mlp()[0]).html.encode())
"""


def test_the_same_page_in_every_process():
    done = subprocess.run(
        [sys.executable, "-c", SAME], cwd=Path(__file__).parent, capture_output=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert done.stdout.decode() == explore(mlp()[0]).html


def test_a_share_of_an_array_is_checked_along_a_direction():
    x = tg.tensor(np.arange(1.0, 5).reshape(2, 2), requires_grad=True, name="x")
    w = tg.tensor(np.ones((2, 3)), requires_grad=True, name="w")
    steps = [step for step in data(explore(tg.sum(tg.tanh(x @ w))))["steps"] if step["phase"] == "backward"]
    lines = [[line for share in step["shares"] for line in share["lines"]] for step in steps]
    checks = [line for each in lines for line in each if "differences" in line]
    assert len(checks) == 4
    for line in checks:
        rule, numeric = re.fullmatch(
            "along a random direction: (.+) by the rule, (.+) by differences ✓", line
        ).groups()
        assert rule == numeric
    shapes = [[line for line in each if line.startswith("in shapes")] for each in lines]
    assert shapes[1] == []  # of tanh all are the same
    assert len(shapes[2]) == 2


def test_a_step_tells_in_which_of_equal_parts_it_is():
    root = tg.Scalar(0.3, name="x")
    for _ in range(14):
        root = tg.tanh(root * 1.1)
    parts = [step.get("part") for step in data(explore(root))["steps"]]
    forward = [f"in step {k} of 14" for k in range(1, 15) for _ in range(2)]
    assert parts == forward + forward[::-1]


def test_the_name_of_a_page_ends_with_html(tmp_path):
    x = tg.Scalar(1.0)
    for name in ("x.svg", "noext"):
        expected = re.escape(f"explore: a file that ends with .html was expected, '{name}' came")
        with pytest.raises(ValueError, match=expected):
            explore(x, tmp_path / name)
        with pytest.raises(ValueError, match=expected):
            explore(x).save(tmp_path / name)
    assert not [*tmp_path.iterdir()]
    assert explore(x, tmp_path / "x.HTML").exists()


def test_options_are_those_of_draw():
    x = tg.Scalar(1.0)
    for options in ({"depth": 0}, {"max_cards": 0}, {"engine": "paper"}, {"fold": "yes"}):
        (option,) = options
        with pytest.raises(ValueError, match=f"^explore: {option} is"):
            explore(x, **options)


def test_what_is_no_node_is_refused():
    with pytest.raises(TypeError, match="explore: a Scalar or a Tensor was expected, int came"):
        explore(3)
