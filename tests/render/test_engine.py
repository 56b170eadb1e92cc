"""Engines: which there are, what they may do wrong, and who is asked next."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu.render import EngineError, draw, engines
from tinygrad_edu.render.layout import engine
from tinygrad_edu.render.layout.engine import LayoutTimeout

SOURCE = "digraph { n0 [label=alpha] n1 [label=beta] n0->n1 }"
GOOD = """
import sys
from pygraphviz import AGraph
if sys.argv[1] == "-V":
    sys.stderr.write("dot - graphviz version 0.0 (test)")
else:
    graph = AGraph(string=sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(graph.draw(path=None, format=sys.argv[1][2:], prog="dot"))
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program `dot` on PATH that does what a test says."""
    if os.name != "posix":
        pytest.skip("the program is a script with a first line that names its interpreter")
    pytest.importorskip("pygraphviz")

    def install(body: str) -> None:
        path = tmp_path / "dot"
        path.write_text(f"#!{sys.executable}\n{body}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))

    return install


@pytest.fixture
def nothing(monkeypatch, tmp_path):
    """Neither engine."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engine, "PLACES", ())


def test_the_embedded_engine_needs_no_program(monkeypatch, tmp_path):
    pytest.importorskip("pygraphviz")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engine, "PLACES", ())
    for kind, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        picture, notes = engine.layout(SOURCE, kind, cards=[0, 1], required=["alpha"])
        assert picture.startswith(start)
        assert notes == []
    found = engines()
    assert found["embedded"].startswith("Graphviz ")
    assert found["dot"].startswith("not available")


def test_many_cards_are_drawn_in_a_child(monkeypatch):
    pytest.importorskip("pygraphviz")
    here, _ = engine.layout(SOURCE, "svg", cards=[0, 1])
    monkeypatch.setattr(engine, "IN_PROCESS", 1)
    monkeypatch.setattr(engine, "in_process", None)  # would fail if it was called
    child, notes = engine.layout(SOURCE, "svg", cards=[0, 1], engine="embedded")
    assert child == here
    assert notes == []


def test_the_program_is_asked_when_nothing_is_embedded(program, monkeypatch):
    program(GOOD)
    expected, _ = engine.layout(SOURCE, "svg", cards=[0, 1])
    assert engine.layout(SOURCE, "svg", cards=[0, 1], engine="dot") == (expected, [])
    assert "graphviz version 0.0 (test)" in engines()["dot"]
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    picture, notes = engine.layout(SOURCE, "svg", cards=[0, 1])
    assert picture == expected
    assert notes[0].startswith("embedded: ")
    assert engines()["embedded"].startswith("not available")


def test_a_variable_chooses_the_engine(program, monkeypatch):
    program("raise SystemExit(3)")
    monkeypatch.setenv(engine.VARIABLE, "dot")
    with pytest.raises(EngineError, match="exit code 3"):
        engine.layout(SOURCE, "svg", cards=[0, 1])


def test_an_engine_that_takes_too_long_is_stopped_and_no_other_is_asked(program, monkeypatch, tmp_path):
    mark = tmp_path / "late"
    program(f"import pathlib, time; time.sleep(1.5); pathlib.Path({str(mark)!r}).touch()")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setattr(engine, "SECONDS", 0.2)
    with pytest.raises(LayoutTimeout, match=r"^Graphviz needed more than 0\.2 s for 2 cards$"):
        engine.layout(SOURCE, "svg", cards=[0, 1], engine="dot")
    monkeypatch.undo()
    asked = []

    def slow(*_):
        raise subprocess.TimeoutExpired("dot", 20)

    monkeypatch.setattr(engine, "_embedded", slow)
    monkeypatch.setattr(engine, "_program", lambda *_: asked.append("dot"))
    with pytest.raises(LayoutTimeout):
        engine.layout(SOURCE, "svg", cards=[0, 1])
    assert asked == []
    assert not mark.exists()


def test_the_children_of_a_child_are_ended_with_it(program, monkeypatch, tmp_path):
    mark = tmp_path / "grandchild"
    program(f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
pathlib.Path({str(mark)!r}).write_text(str(child.pid))
child.wait()
""")
    monkeypatch.setattr(engine, "SECONDS", 0.5)
    with pytest.raises(LayoutTimeout):
        engine.layout(SOURCE, "svg", cards=[0, 1], engine="dot")
    for _ in range(1000):  # the system may still be taking it down
        try:
            os.kill(int(mark.read_text()), 0)
            state = Path(f"/proc/{mark.read_text()}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                break
        except ProcessLookupError:
            break
    else:
        pytest.fail("the child of the child is still there")


def test_after_a_timeout_a_smaller_picture_says_so(monkeypatch):
    pytest.importorskip("pygraphviz")
    y = tg.Scalar(0.5, name="x")
    for _ in range(100):
        y = y.tanh()
    real = engine.in_process

    def slow(source: str, kind: str) -> tuple[bytes, str]:
        if source.count("[class=") > 60:
            raise subprocess.TimeoutExpired("dot", 20)
        return real(source, kind)

    monkeypatch.setattr(engine, "in_process", slow)
    drawing = draw(y, fold=False)
    assert len(drawing.board.cards) == 101
    svg = drawing.svg()
    (warning,) = drawing.warnings
    folded = re.fullmatch(
        r"Graphviz needed more than 20 s for 101 cards; folded to (\d+)\. Save as \.dot for the whole graph",
        warning,
    )
    assert folded is not None
    assert int(folded[1]) <= 50
    assert svg.count('class="node') <= 51
    assert "Graphviz needed more than 20 s for 101 cards; folded" in svg
    assert drawing.source.count("[class=") == 101
    assert drawing.png().startswith(b"\x89PNG")
    assert warning in drawing.html()
    small = draw(tg.Scalar(1.0))
    monkeypatch.setattr(engine, "in_process", lambda *_: slow("[class=" * 99, "svg"))
    with pytest.raises(EngineError, match=r"draw less of it, by depth or max_cards\. Save as \.dot"):
        small.pdf()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('<svg>')", "not a file of the kind svg"),
        ("print('<?xml version=\"1.0\"?><svg>')", "not well-formed"),
        ("print('<?xml version=\"1.0\"?><svg></svg>')", "4 cards or names are missing in the picture"),
        ("import sys; sys.stderr.write('Error: syntax error'); print('<?xml ?>')", "syntax error"),
    ],
)  # fmt: skip
def test_a_wrong_picture_is_not_accepted(program, body, message):
    program(body)
    with pytest.raises(EngineError, match=message):
        engine.layout(SOURCE, "svg", cards=[0, 1], required=["alpha", "beta"], engine="dot")


def test_a_wrong_picture_is_replaced_by_the_next_engine_with_a_note(program, monkeypatch):
    program(GOOD)
    monkeypatch.setattr(engine, "in_process", lambda source, kind: (b"<?xml version='1.0'?><svg/>", ""))
    drawing = draw(tg.Scalar(1.0, name="x"))
    assert "<svg" in drawing.svg()
    assert len(drawing.warnings) == 1
    assert drawing.warnings[0].startswith("embedded: 2 cards or names are missing")


def test_a_label_that_graphviz_does_not_understand_is_noticed():
    pytest.importorskip("pygraphviz")
    with pytest.raises(EngineError, match=r"in line 1|missing"):
        engine.layout("digraph { n0 [label=<<B></B>>] }", "svg", cards=[0], required=["x"], engine="embedded")


def test_harmless_messages_are_not_errors():
    engine.complain(
        b"%PDF-1.5", "pdf", "Fontconfig error: Cannot load default config file\nWarning: wide", [0]
    )


def test_without_engines_one_error_says_what_to_install(nothing):
    drawing = draw(tg.Scalar(1.0, name="x"))
    for picture in (drawing.png, drawing.pdf, draw(tg.Scalar(1.0), engine="embedded").svg):
        with pytest.raises(EngineError, match="pip install pygraphviz"):
            picture()
    assert drawing.source.startswith("digraph")
    assert drawing.text().startswith("x")


def test_without_engines_cards_are_arranged_in_layers_and_a_warning_says_so(nothing, neuron, tmp_path):
    drawing = draw(neuron(), title="A <neuron>")
    tree = ElementTree.fromstring(drawing.svg())
    texts = {"".join(text.itertext()) for text in tree.iter("{http://www.w3.org/2000/svg}text")}
    assert {"x₁", "w₁", "−6", "0.7071", "tanh"} <= texts
    assert "A &lt;neuron&gt;" in drawing.svg()
    assert len(drawing.warnings) == 1
    assert drawing.warnings[0].startswith(
        "drawn in plain layers, without the boxes of modules: no Graphviz engine"
    )
    assert "drawn in plain layers" in drawing.html()
    assert list(drawing._repr_mimebundle_()) == ["image/svg+xml", "text/plain"]
    report = tg.check(tg.exp, 1.0).save(tmp_path / "report.html", graph=drawing)
    assert "tanh" in report.read_text(encoding="utf-8")


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="'auto', 'embedded' or 'dot' was expected, 'neato' came"):
        engine.layout(SOURCE, "svg", cards=[0], engine="neato")


def test_a_program_without_a_console_can_draw(monkeypatch):
    pytest.importorskip("pygraphviz")

    def closed(descriptor: int) -> int:
        raise OSError("bad file descriptor")

    monkeypatch.setattr(os, "dup", closed)
    assert engine.in_process(SOURCE, "svg")[1] == ""


def test_messages_of_the_library_do_not_reach_the_terminal():
    pytest.importorskip("pygraphviz")
    code = "import tinygrad_edu as tg; from tinygrad_edu.render import draw; draw(tg.Scalar(1.0)).png()"
    root = str(Path(engine.__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONPATH": root}, check=True
    )
    assert done.stderr == b""
