"""`tinygrad-edu check FILE.py:NAME`: whatever a user may have written, and whatever may be missing."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tinygrad_edu.cli import main
from tinygrad_edu.render.layout.engine import EngineError

HEAD = "import numpy as np\nimport tinygrad_edu as tg\nfrom tinygrad_edu import nn\n"


class Run:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file, self.capsys = folder / "mine.py", capsys

    def __call__(self, source: str, name: str, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors for a name in a file."""
        self.file.write_text(HEAD + source, encoding="utf-8")
        before = sys.argv, sys.path[:], set(sys.modules)
        code = main(["check", f"{self.file}:{name}" if name else str(self.file), *arguments])
        assert (sys.argv, sys.path, "mine" in sys.modules) == (*before[:2], False)
        out, err = self.capsys.readouterr()
        assert "Traceback" not in out
        return code, out, err


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return Run(tmp_path, capsys)


PAIR = """
def wave(x): return np.sin(x)
def wave_vjp(g, y, x): return g * np.cos(x)
"""
WRONG = "def wave(x): return np.sin(x)\ndef wave_vjp(g, y, x): return g * np.sin(x)\n"

# ---- what can be checked ----


@pytest.mark.parametrize(
    ("source", "name", "arguments", "rows"),
    [
        (PAIR, "wave", ["--input", "3,4"], {"input 0": "(3, 4)"}),
        (PAIR, "wave", ["--input", "()"], {"input 0": "()"}),
        (PAIR + "rule = tg.custom_vjp(wave, wave_vjp)", "rule", ["--input", "3"], {"input 0": "(3,)"}),
        ("def f(x, w): return tg.tanh(x @ w)", "f", ["--input", "3,2", "--input", "2"],
         {"input 0": "(3, 2)", "input 1": "(2,)"}),
        ("def f(x, w): return x * w\nf_inputs = [1.5, 2.5]", "f", [], {"input 0": "()", "input 1": "()"}),
        ("def f(x, w): return x * w\nf_inputs = lambda rng: (rng.normal(size=3), 2.5)", "f", [],
         {"input 0": "(3,)", "input 1": "()"}),
        ("def f(x): return x.exp()\nf.inputs = np.ones(2)", "f", [], {"input 0": "(2,)"}),
        ("def f(x=np.ones(2), w=3.0, power=2): return (x * w) ** power", "f", [], {"input 0": "(2,)", "input 1": "()"}),
        ("class Net(nn.Module):\n    def __init__(self, rng): self.fc = nn.Linear(3, 2, rng=rng)\n"
         "    def forward(self, x): return self.fc(x).tanh()", "Net", ["--input", "5,3"],
         {"fc.weight": "(2, 3)", "fc.bias": "(2,)", "input 0": "(5, 3)"}),
        ("class Square(nn.Module):\n    def forward(self, x): return x * x", "Square", ["--input", "2"],
         {"input 0": "(2,)"}),
        ("net = nn.Linear(3, 2, rng=np.random.default_rng(0))\nnet_inputs = [np.ones((4, 3))]", "net", [],
         {"weight": "(2, 3)", "bias": "(2,)", "input 0": "(4, 3)"}),
        ("class Holder: rule = staticmethod(lambda x: x * x)\nheld = Holder()", "held.rule", ["--input", "2"],
         {"input 0": "(2,)"}),
        ("p = {'w': tg.tensor([1.0, 2.0], requires_grad=True), 'b': [tg.tensor(3.0, requires_grad=True)]}\n"
         "def loss(): return (p['w'] * p['b'][0]).sum()", "loss", [], {"p.w": "(2,)", "p.b.0": "()"}),
        ("class Odd:\n    __signature__ = 'none'\n    def __call__(self, x): return x * 2\n"
         "twice = Odd()\ndef twice_vjp(g, y, x): return g * 2", "twice", ["--input", "3"], {"input 0": "(3,)"}),
        ("_w = [tg.Scalar(2.0)]\ndef loss(): return _w[0] * _w[0]", "loss", ["--parameters", "_w"], {"_w.0": "()"}),
        ("w = tg.Scalar(2.0)\ny = (w * w).tanh()", "y", [], {"w": "()"}),
    ],
)  # fmt: skip
def test_what_can_be_checked(
    run: Run, source: str, name: str, arguments: list[str], rows: dict[str, str]
) -> None:
    code, out, err = run(source, name, *arguments)
    assert (code, err) == (0, "")
    assert f"VERIFIED   {len(rows)} of {len(rows)} parameters verified" in out
    for row, shape in rows.items():
        assert re.search(rf"^  {re.escape(row)} +{re.escape(shape)} .* verified$", out, re.MULTILINE), out


def test_the_exit_code_tells_the_verdict(run: Run) -> None:
    assert run(WRONG, "wave", "--input", "3")[0] == 1
    kink = "def f(x): return tg.relu(x)\nf_inputs = [np.array([0.0, 1.0])]\n"
    assert run(kink, "f")[0] == 3
    assert "NOT DIFFERENTIABLE HERE" in run(kink, "f")[1]
    still = "def f(x): return tg.relu(x)\nf_inputs = [np.array([-1.0, -2.0])]\n"
    code, out, _ = run(still, "f")
    assert (code, "VACUOUS" in out) == (3, True)


def test_a_wrong_gradient_is_shown_with_both_values(run: Run) -> None:
    code, out, _ = run(WRONG, "wave", "--input", "3", "--step", "1e-6")
    assert code == 1
    assert "with the fixed step 1e-06" in out
    backward, numeric = map(float, re.findall(r"input 0\[\d\]: (\S+), (\S+) ±", out)[0])
    _, out, _ = run(f"x = np.random.default_rng(0).normal(size=3)\n{WRONG}", "wave", "--input", "3")
    x = np.random.default_rng(0).normal(size=3)
    assert np.abs(backward / numeric - np.tan(x)).min() < 1e-6


def test_hazards_show_what_a_random_point_does_not(run: Run) -> None:
    source = "def top(x): return x.max()\ndef top_vjp(g, y, x): return g * (x == y)\n"
    assert run(source, "top", "--input", "4")[0] == 0
    code, out, _ = run(source, "top", "--input", "4", "--hazards")
    assert (code, "all values equal" in out) == (1, True)


def test_directions_instead_of_components(run: Run) -> None:
    code, out, _ = run("def f(x): return x * x", "f", "--input", "30,30", "--directions", "2")
    assert (code, "VERIFIED" in out) == (0, True)


def test_seeds_are_kept(run: Run) -> None:
    said = [run(WRONG, "wave", "--input", "3", "--seed", seed)[1] for seed in ("1", "1", "2")]
    assert said[0] == said[1] != said[2]


# ---- losses and training scripts ----

TRAINING = """
import sys
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=8)
w = tg.tensor(rng.normal(size=3), requires_grad=True)
also = [w]
stranger = tg.tensor([1.0], requires_grad=True)
optimizer = tg.optim.SGD([w], lr=0.1)
def cost(): return ((X @ w - Y) ** 2).mean()
def train():
    for step in range(2):
        loss = cost()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        print("step", step, sys.argv)
    return loss
"""


def test_the_loss_that_a_script_ends_with(run: Run, tmp_path: Path) -> None:
    code, out, _ = run(TRAINING + "loss = train()\n", "loss")
    assert code == 0
    assert out.startswith(f"step 0 ['{run.file}']\nstep 1 ")
    assert "a computed node, at the present values of its leaves" in out  # the last step has moved them
    assert re.search(r"^  w  .* verified$", out, re.MULTILINE)
    assert "stranger" not in out
    last = re.search(r"w\[(\d)\]: (\S+),", out)
    # The gradient of the mean of squares by hand, at where two steps of gradient descent end.
    rng = np.random.default_rng(0)
    X, Y, w = rng.normal(size=(8, 3)), rng.normal(size=8), rng.normal(size=3)
    for _ in range(2):
        w = w - 0.1 * X.T @ (X @ w - Y) / 4
    assert last is not None
    assert float(last[2]) == pytest.approx((X.T @ (X @ w - Y) / 4)[int(last[1])], rel=1e-8)


def test_the_main_part_is_run_only_if_it_has_the_name(run: Run) -> None:
    source = TRAINING + "if __name__ == '__main__':\n    loss = train()\n"
    assert run(source, "cost")[1].count("step") == 0
    code, out, _ = run(source, "loss")
    assert (code, out.count("step ")) == (0, 2)


def test_leaves_that_a_loss_does_not_depend_on_are_left_out(run: Run) -> None:
    code, out, _ = run(TRAINING, "cost")
    assert code == 0
    assert "left out, since nothing depends on it: stranger" in out
    code, out, _ = run(TRAINING + "def decayed(rate=0.01): return cost() + rate * (w * w).sum()", "decayed")
    assert (code, bool(re.search(r"^  w  .* verified$", out, re.MULTILINE))) == (0, True)
    code, out, _ = run(TRAINING, "cost", "--parameters", "w")
    assert (code, "stranger" in out) == (0, False)
    code, out, _ = run(TRAINING, "cost", "--parameters", "w", "--parameters", "stranger")
    assert (code, "VACUOUS" in out) == (3, True)
    assert (
        run("w = tg.tensor([0.0], requires_grad=True)\ndef loss(): return tg.relu(w - 1.0).sum()", "loss")[0]
        == 3
    )


def test_a_script_that_ends_itself(run: Run) -> None:
    assert run(PAIR + "raise SystemExit\n", "wave", "--input", "3")[0] == 0
    code, _, err = run(PAIR + "raise SystemExit(3)\n", "wave", "--input", "3")
    assert (code, err) == (2, f"tinygrad-edu check: {run.file} ended itself with exit code 3\n")


def test_what_stands_beside_the_file_is_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules_of_mine.py").write_text(HEAD + PAIR)
    try:
        assert run("import rules_of_mine\n", "rules_of_mine.wave", "--input", "3")[0] == 0
        (tmp_path / "deep").mkdir()
    finally:
        sys.modules.pop("rules_of_mine", None)


def test_a_file_that_is_called_like_a_module(run: Run, tmp_path: Path) -> None:
    import numpy

    (tmp_path / "numpy.py").write_text("")  # it is not imported in the place of the real one, which is loaded
    run.file = tmp_path / "json.py"
    assert run(PAIR, "wave", "--input", "3")[0] == 0
    assert sys.modules["json"] is json
    assert sys.modules["numpy"] is numpy


# ---- files ----


def test_reports_are_written(run: Run, tmp_path: Path) -> None:
    files = {
        kind: tmp_path / f"found.{suffix}"
        for kind, suffix in (("json", "json"), ("junit", "xml"), ("html", "html"))
    }
    options = [part for kind, file in files.items() for part in (f"--{kind}", str(file))]
    code, _, _ = run("def f(x, w): return tg.tanh(x @ w)", "f", "--input", "3,2", "--input", "2", *options)
    assert code == 0
    assert json.loads(files["json"].read_text(encoding="utf-8"))["verdict"] == "verified"
    names = [case.get("name") for case in ElementTree.parse(files["junit"]).getroot().iter("testcase")]
    assert names == ["input 0", "input 1"]
    page = files["html"].read_text(encoding="utf-8")
    assert "mine.py: f" in page
    assert "tanh" in page[page.index("<svg") :]


def test_the_graph_of_a_node_is_drawn_with_what_is_wrong_in_it(run: Run, tmp_path: Path) -> None:
    source = (
        WRONG
        + "w = tg.tensor([1.0, 2.0], requires_grad=True)\ny = tg.custom_vjp(wave, wave_vjp)(w * w).sum()"
    )
    assert run(source, "y", "--html", str(tmp_path / "found.html"))[0] == 1
    page = (tmp_path / "found.html").read_text(encoding="utf-8")
    assert "wave" in page[page.index("<svg") :]


def test_a_large_graph_is_not_drawn(run: Run, tmp_path: Path) -> None:
    source = "def f(x):\n    for _ in range(300): x = x * 1.001\n    return x\n"
    assert run(source, "f", "--input", "2", "--html", str(tmp_path / "found.html"))[0] == 0
    assert "<h1" in (tmp_path / "found.html").read_text(encoding="utf-8")
    assert "mul" not in (tmp_path / "found.html").read_text(encoding="utf-8")


def test_without_an_engine_there_is_no_picture(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise EngineError("no engine here")

    monkeypatch.setattr("tinygrad_edu.render.layout.engine.layout", refuse)
    assert run(PAIR, "wave", "--input", "2", "--html", str(tmp_path / "found.html"))[0] == 0
    assert "no engine here" not in (tmp_path / "found.html").read_text(encoding="utf-8")


def test_a_file_of_another_kind(run: Run) -> None:
    code, _, err = run(PAIR, "wave", "--input", "3", "--junit", "found.json")
    assert (code, err) == (
        2,
        "tinygrad-edu check: --junit: a file that ends with .xml was expected, found.json came\n",
    )
    code, out, err = run(PAIR, "wave", "--input", "3", "--json", "nowhere/found.json")
    assert (code, out) == (2, "")
    assert "nowhere" in err


# ---- what is missing, or not clear ----

CONTENTS = PAIR + """
import math
from numpy import sin
class Net(nn.Module):
    def forward(self, x): return x
class Plain: pass
net = Net()
rule = tg.custom_vjp(wave, wave_vjp)
def f(x: np.ndarray, *, axis: int = 0) -> float: return x
def f_inputs(rng): return []
def loss(): return _w * 2
_w = tg.tensor([1.0], requires_grad=True)
y = _w * 2
data = [1, 2]
"""  # fmt: skip


def test_without_a_name_it_is_listed_what_there_is(run: Run) -> None:
    code, out, err = run(CONTENTS, "")
    assert code == 2
    assert out.replace(f"{run.file}:", "").splitlines() == [
        "wave   a pair, wave(x) and wave_vjp", "Net   a class of modules", "net   a module, Net",
        "rule   a pair, rule(x)", "f   a function, f(x, *, axis=0)", "loss   a loss, loss()", "y   a computed node",
    ]  # fmt: skip
    assert err == f"tinygrad-edu check: say which, {run.file}:NAME\n"
    assert run("", "") == (2, "", f"tinygrad-edu check: there is nothing to check in {run.file}\n")


REFUSED: list[tuple[str, str, list[str], str]] = [
    (CONTENTS, "wav", ["--input", "3"],
     "mine.py has no name 'wav': did you mean wave? It has wave, Net, net, rule, f, loss, y"),
    (CONTENTS, "zzz", [], "mine.py has no name 'zzz'. It has wave, "),
    ("", "zzz", [], "mine.py has no name 'zzz'. It has nothing that could be checked"),
    (CONTENTS, "net.forwrd", [], "net has no attribute 'forwrd': did you mean forward?"),
    (CONTENTS, "data", [], "data is of type list: a function, a module or a computed node was expected; there is wave"),
    (CONTENTS, "Plain", [], "Plain is a class, but not one of modules (tg.nn.Module)"),
    (CONTENTS, "_w", [], "_w is a leaf, tensor([1.], requires_grad=True): something computed of it was expected"),
    ("y = tg.tensor([1.0]) * 2", "y", [], "y depends on nothing that requires a gradient"),
    (CONTENTS, "y", ["--input", "3"], "y was computed already, so it takes no --input"),
    (CONTENTS, "y", ["--hazards"], "a node was computed already: inputs or hazards need the function"),
    (CONTENTS, "wave", [], "wave(x): missing a required argument: 'x'; no inputs came. Say "
     "--input SHAPE for each, such as --input 3,4, or write wave_inputs = [array, …] into the file"),
    (CONTENTS, "wave", ["--input", "3", "--input", "4"], "wave(x): too many positional arguments; 2 inputs came"),
    (CONTENTS, "loss", [], "loss takes no inputs, so it is a loss, and among the names of"),
    (CONTENTS, "wave", ["--input", "3", "--parameters", "data"], "there is no leaf that requires a gradient in data"),
    ("class Net(nn.Module):\n    def __init__(self, size): pass", "Net", [],
     "Net cannot be made without size: make one in the file"),
    ("def f(x): return np.sin(x.numpy())", "f", ["--input", "3"], "f could not be checked\n"),
    ("def f(x):\n    return inner(x)\ndef inner(x):\n    raise KeyError('seven')", "f", ["--input", "3"],
     "KeyError: 'seven'"),
    ("def f(x, w): return x @ w", "f", ["--input", "3,4", "--input", "3"],
     "axis -1 of the first is 4, axis -1 of the second is 3"),
    ("def f(x): return x\ndef f_inputs(rng): raise KeyError('seven')", "f", [], "f could not be made ready\n"),
    ("1 +", "f", [], "SyntaxError: invalid syntax"),
    ("def boom(): 1 / 0\nboom()", "f", [], "ZeroDivisionError: division by zero"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "name", "arguments", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(run: Run, source: str, name: str, arguments: list[str], said: str) -> None:
    code, out, err = run(source, name, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("tinygrad-edu check: ")
    assert said in err
    assert "tinygrad_edu/" not in err.replace(str(run.file), "")  # no line of ours


def test_an_error_is_shown_with_the_lines_of_the_user_alone(run: Run) -> None:
    source = "def f(x):\n    return inner(x)\ndef inner(x):\n    return tg.exp(x) @ x[0]\n"
    _, _, err = run(source, "f", "--input", "3")
    assert re.findall(r'File "(.*)", line (\d+), in (\w+)', err) == [
        (str(run.file), "5", "f"), (str(run.file), "7", "inner"),
    ]  # fmt: skip
    assert "return tg.exp(x) @ x[0]" in err
    assert err.endswith("It was called with\n  input 0: an array of float64, (3,)\n")


def test_a_refusal_of_ours_is_a_sentence_without_a_class(run: Run) -> None:
    _, _, err = run("def f(x):\n    tg.exp(x)\n", "f", "--input", "3")
    assert err.splitlines()[1] == "check: the target was to return a node, NoneType came: end it with return"


def test_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    run(PAIR, "wave", "--input", "3")
    Path("notes.txt").write_text("wave = 3")
    for target, said in (
        ("mime.py:wave", "there is no file mime.py: did you mean mine.py?"),
        ("notes.txt", "a file of Python was expected, and a name in it, FILE.py:NAME; notes.txt came"),
        (
            "notes.txt:wave",
            "a file of Python was expected, and a name in it, FILE.py:NAME; notes.txt:wave came",
        ),
        ("nowhere/mine.py", "there is no file nowhere/mine.py"),
        (str(tmp_path), "a file of Python was expected, and a name in it, FILE.py:NAME"),
    ):
        assert main(["check", target]) == 2
        assert said in run.capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "values", "said"),
    [
        ("--input", ["x", "3,-1", "0", "", "3.5"], "a shape is lengths with commas between them"),
        ("--step", ["0", "-1", "inf", "nan", "x"], "a step is a positive number"),
        ("--directions", ["0", "x", "1.5"], "a number of directions, 1 or more"),
    ],
)
def test_options_that_mean_nothing(
    option: str, values: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in values:
        with pytest.raises(SystemExit) as stopped:
            main(["check", "mine.py:f", f"{option}={value}"])
        assert stopped.value.code == 2
        assert f"{said}" in (err := capsys.readouterr().err)
        assert f"{value!r} came" in err


def test_a_terminal_gets_a_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    code, out, _ = run(PAIR, "wave", "--input", "3")
    assert code == 0
    assert "verified" in out
    assert "worst component: backward" not in out  # the heading of the plain text
