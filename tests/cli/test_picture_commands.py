"""`tinygrad-edu draw`, `explore`, `steps`, `diagnose` and `compare`: what they write, print and refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tinygrad_edu.cli import main
from tinygrad_edu.render.layout import engine

SOURCE = """
import numpy as np
import tinygrad_edu as tg
from tinygrad_edu import nn

x, w = tg.Scalar(2.0), tg.Scalar(-3.0)
y = (x * w).tanh()
left_alone = tg.Scalar(1.0) * 2
kept = x * w
kept.backward()
old = x * tg.Scalar(5.0, name="moved")
old.args[1].assign(6.0)
sick = (tg.tensor([0.0, 1.0], requires_grad=True) * 0.0).log().sum()
rows = tg.tensor([1.0, 2.0], requires_grad=True) * 2.0
number, text = 3, "words"

def product(a, b): return (a * b).sum()
product_inputs = [np.ones(3), np.arange(3.0)]
def inside(): return tg.Scalar(1.0, "q") * 2
def nothing(): pass
def integer(): return 3
def mismatch(): return tg.tensor(np.ones((2, 3)), name="a") @ tg.tensor(np.ones((2, 3)), name="b")
def broken(): raise KeyError("no such layer")

class Net(nn.Module):
    def __init__(self, rng):
        self.fc1, self.fc2 = nn.Linear(3, 4, rng=rng), nn.Linear(4, 1, rng=rng)
    def forward(self, x): return self.fc2(self.fc1(x).tanh()).sum()
net = Net(np.random.default_rng(0))
"""


class Run:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def __call__(self, command: str, name: str, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command about a name in the file."""
        code = main([command, name if name.endswith(".json") else f"mine.py:{name}", *arguments])
        out, err = self.capsys.readouterr()
        assert "Traceback" not in out
        return code, out, err


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SOURCE, encoding="utf-8")
    return Run(tmp_path, capsys)


def test_a_graph_is_written_in_every_form(run):
    pytest.importorskip("pygraphviz")
    starts = {
        "svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "html": b"<!DOCTYPE html>", "dot": b"digraph",
        "mmd": b"---\ntitle", "json": b"{", "txt": b"mine.py:y\n",
    }  # fmt: skip
    code, out, err = run("draw", "y", *(f"-onet.{suffix}" for suffix in starts))
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"net.{suffix}   4 nodes on 4 cards" for suffix in starts]
    for suffix, start in starts.items():
        assert (run.folder / f"net.{suffix}").read_bytes().startswith(start)
    assert "mine.py:y" in (run.folder / "net.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("y", [], "y = tanh(x·w) tanh value −1 grad 1"),
        ("y", ["--no-backward"], "grad —"),
        ("kept", [], "grad −3"),  # of x, by the file itself
        ("product", [], "Σ a·b sum scalar value 3"),
        ("product", ["--input", "4", "--input", "4"], "a input 4"),
        ("inside", [], "q input value 1 grad 2"),
        ("Net", ["--input", "5,3"], "fc1.weight parameter 4×3"),
        ("net", ["--input", "5,3", "--depth", "1"], "[module, "),
        ("net.fc1", ["--input", "2,3"], "fc1.bias parameter 4"),
        ("rows", [], "grad| —"),  # of several numbers there is no gradient to start with
        ("old", [], "moved was assigned after this had been computed"),
        ("y", ["--title", "Mine", "--leaves", "cards"], "Mine y = "),
        ("x", [], "x input value 2"),
    ],
)  # fmt: skip
def test_a_graph_is_printed(run, name, arguments, said):
    code, out, err = run("draw", name, *arguments)
    assert (code, err) == (0, "")
    assert said in " ".join(out.split())


def test_how_it_looks_is_up_to_the_user(run):
    arguments = ["--theme", "dark", "--rankdir", "TB", "--show", "grad", "--local", "-o", "net.dot"]
    assert run("draw", "y", *arguments)[0] == 0
    source = (run.folder / "net.dot").read_text(encoding="utf-8")
    assert "rankdir=TB" in source
    assert 'bgcolor="#14181D"' in source
    assert ">value</FONT>" not in source
    assert 'label="×' in source
    assert run("draw", "y", "--max-cards", "2", "-o", "net.dot")[0] == 0
    assert (run.folder / "net.dot").read_text(encoding="utf-8").count("[class=") <= 2


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("z", [], "mine.py has no name 'z'"),
        ("nothing", [], "nothing returned nothing: a node was expected, a Scalar or a Tensor"),
        ("integer", [], "integer returned an int: a node was expected"),
        ("broken", [], "broken could not be computed\n"),
        ("number", [], "number is of type int"),
        ("net", [], "net(x): missing a required argument: 'x'; no inputs came. Say --input SHAPE"),
        ("y", ["--input", "3"], "y was computed already, so it takes no --input"),
        ("", [], "say which, mine.py:NAME\n  mine.py:y   a computed node\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["draw", "diagnose", "steps"])
def test_what_is_refused(run, command, name, arguments, said):
    code, out, err = run(command, name, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"tinygrad-edu {command}: {said}")


@pytest.mark.parametrize(
    "arguments", [["-o", "net.gif"], ["-o", "net"], ["--theme", "pink"], ["--depth", "0"]]
)
def test_a_wrong_command_line_is_refused_before_the_file_is_run(run, arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        run("draw", "broken", *arguments)
    assert ended.value.code == 2
    assert "net" not in [path.name for path in run.folder.iterdir()]


def test_a_place_that_cannot_be_written_to_is_refused_before_the_file_is_run(run):
    code, _, err = run("draw", "broken", "-o", "none/net.svg")
    assert code == 2
    assert "none/net.svg" in err
    assert "broken" not in err


def test_without_an_engine_one_sentence_says_what_to_install(run, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", str(run.folder))
    monkeypatch.setattr(engine, "PLACES", ())
    code, _, err = run("draw", "y", "-o", "net.svg")
    assert code == 0
    assert err.startswith("drawn in plain layers")
    code, _, err = run("draw", "y", "-o", "net.dot", "-o", "net.png")
    assert code == 2
    assert "pip install pygraphviz" in err
    assert (run.folder / "net.dot").exists()


def test_diagnose(run):
    code, out, err = run("diagnose", "sick", "-o", "why.dot")
    assert (code, err) == (1, "")
    assert out.startswith("first ")
    assert out.endswith("cards\n")
    assert "first" in (run.folder / "why.dot").read_text(encoding="utf-8")
    code, out, _ = run("diagnose", "y")
    assert code == 0
    assert out.startswith("nothing found: 4 values and 4 gradients are finite")


def test_of_a_computation_that_fails_there_is_a_picture(run):
    code, out, err = run("diagnose", "mismatch", "-o", "why.dot")
    assert (code, out) == (2, "why.dot   3 nodes on 3 cards\n")
    assert "mismatch could not be computed" in err
    assert "✗ failed" in (run.folder / "why.dot").read_text(encoding="utf-8")
    code, _, err = run("diagnose", "broken", "-o", "none.dot")
    assert code == 2
    assert err.startswith("none.dot was not written: nothing had been computed with nodes\n")
    assert not (run.folder / "none.dot").exists()


def test_explore(run):
    code, out, _ = run("explore", "net", "--input", "5,3", "-o", "page.html", "--title", "My <net>")
    assert code == 0
    assert re.fullmatch(r"page\.html   \d+ kB\n", out)
    page = (run.folder / "page.html").read_text(encoding="utf-8")
    assert "My &lt;net&gt;" in page
    assert "fc1" in page


def test_steps_as_text(run):
    code, out, err = run("steps", "y", "--phase", "backward")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("Backward step 1 of 2")
    assert lines[2].startswith("    ∂y/∂(x·w) = ∂y/∂y × ∂y/∂(x·w) = 1 × (1 − y²)")
    assert len([line for line in lines if "✓ by differences" in line]) == 3
    assert run("steps", "y", "--phase", "forward")[1].count("Forward step") == 2
    code, _, err = run("steps", "x")
    assert (code, err) == (2, "tinygrad-edu steps: there are no steps, for nothing was computed\n")
    assert run("steps", "old")[0] == 2  # its numbers are no longer those of its leaves


def test_steps_as_pictures(run):
    pytest.importorskip("pygraphviz")
    code, out, _ = run("steps", "inside", "-o", "steps.svg", "-o", "frames", "--phase", "backward")
    assert code == 0
    assert re.match(r"steps\.svg   \d+ kB\nframes\S+   ", out.replace("\\", "/"))
    ElementTree.parse(run.folder / "steps.svg")
    assert [path.suffix for path in (run.folder / "frames").iterdir()] == [".svg"]
    code, _, err = run("steps", "y", "-o", "steps.mp4")
    assert code == 2
    assert "svg, gif, html" in err


def test_compare(run):
    assert run("draw", "kept", "-o", "old.json", "--no-backward")[0] == 0
    code, out, _ = run("compare", "old.json", "mine.py:kept", "--no-backward")
    assert (code, out.splitlines()[1]) == (0, "no difference: 3 nodes are as before")
    (run.folder / "other.py").write_text(
        SOURCE.replace("tg.Scalar(-3.0)", "tg.Scalar(-4.0)"), encoding="utf-8"
    )
    code, out, _ = run("compare", "old.json", "other.py:kept", "--no-backward", "-o", "change.dot")
    assert code == 1
    assert out.splitlines()[0].startswith("change.dot   ")
    assert "changed" in out.splitlines()[1]
    assert "−3 → −4" in (run.folder / "change.dot").read_text(encoding="utf-8")
    code, out, _ = run("compare", "old.json", "mine.py:y", "--no-backward")
    assert code == 1
    assert "added" in out
    model = json.loads((run.folder / "old.json").read_text(encoding="utf-8"))
    (run.folder / "new.json").write_text(json.dumps(model | {"nodes": []}), encoding="utf-8")
    code, _, err = run("compare", "old.json", "new.json")
    assert code == 2
    assert err.startswith("tinygrad-edu compare: new.json: nodes: a list with at least one node was expected")
    assert run("compare", "old.json", "none.json")[0] == 2
