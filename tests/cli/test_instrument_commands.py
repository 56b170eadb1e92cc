"""`norm`, `layers` and `init`: what they print and write, what they refuse, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinygrad_edu.cli import main

NET = """\
import tinygrad_edu as tg
from tinygrad_edu import nn

class Net(nn.Module):
    def __init__(self, *, rng):
        self.a = nn.Linear(8, 8, init={start}, rng=rng)
        self.b = nn.Linear(8, 8, init={start}, rng=rng)
        self.c = nn.Linear(8, 8, init={start}, rng=rng)

    def forward(self, x):
        return self.c(self.b(self.a(x).tanh()).tanh())

def f(x):
    return x * x
"""


def test_layers_in_closed_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, picture = tmp_path / "it.json", tmp_path / "it.svg"
    assert (
        main(["layers", "--scale", "1.5", "--depth", "20", "--json", str(file), "--svg", str(picture)]) == 0
    )
    assert "1.5^l" in capsys.readouterr().out
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["networks"][0]["activations"]["measured"][-1] == pytest.approx(1.5**20, rel=1e-14)
    assert picture.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("start", "code"), [("tg.init.lecun_normal", 0), ("tg.init.normal", 0), ("tg.init.zeros", 1)]
)
def test_layers_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], start: str, code: int) -> None:
    """With 8 units randn is neither fine nor an error: so nothing is claimed, and nothing is wrong."""
    (tmp_path / "net.py").write_text(NET.format(start=start), encoding="utf-8")
    assert main(["layers", f"{tmp_path / 'net.py'}:Net", "--input", "64,8"]) == code
    assert "a.weight" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["net.py:f", "--input", "3"], "a module was expected"), (["net.py"], "say which module"),
        (["net.py:Net"], "--input SHAPE"), (["net.py:Net", "--input", "3,7"], "could not be run"),
        (["nothing.py:Net"], "there is no file"),
    ],
)  # fmt: skip
def test_files_that_layers_refuses(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET.format(start="tg.init.normal"), encoding="utf-8")
    assert main(["layers", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["layers", "--input", "3"], "--input is for"), (["layers", "a.py:f", "--depth", "3"], "without a file"),
        (["layers", "--scale", "nan"], "finite scales"), (["layers", "--depth", "0"], "1 or larger"),
        (["init", "64"], "no layer"), (["init", "8-relu-4-2", "--train"], "64-…-10"),
        (["init", "--json", "it.svg"], "ends with .json"), (["norm", "--data", "mine"], "invalid choice"),
    ],
)  # fmt: skip
def test_command_lines_that_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--svg", "no/such/folder/it.svg"]) == 2
    assert "folder" in capsys.readouterr().err


def test_norm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "it.json"
    assert (
        main(["norm", "--data", "elongated", "--model", "logistic", "--steps", "500", "--json", str(file)])
        == 0
    )
    assert "2/λmax" in capsys.readouterr().out
    first, second = json.loads(file.read_text(encoding="utf-8"))["findings"]
    assert (first["schema"], second["schema"]) == (
        "tinygrad-edu/normalization/1",
        "tinygrad-edu/test-statistics/1",
    )
    assert first["scalings"][0]["condition"] > 50 > first["scalings"][1]["condition"]


def test_norm_says_what_it_cannot_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["norm", "--steps", "2"]) == 0
    said = capsys.readouterr().out
    assert "undecided: whether standardized inputs need fewer steps; neither arrived within 2." in said
    assert "as if the cost were its bowl" not in said


MODELS = """\
import numpy as np
from tinygrad_edu import nn

rng = np.random.default_rng(0)
words = nn.Sequential(nn.Embedding(10, 4, rng=rng), nn.Linear(4, 3, rng=rng))
recurrent = nn.GRU(4, 5, rng=rng)
known = words

def known_inputs(rng):
    return [rng.integers(0, 10, (6, 3))]
"""


def test_layers_of_words_and_of_sequences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "m.py"
    file.write_text(MODELS, encoding="utf-8")
    assert main(["layers", f"{file}:words", "--input", "6,3"]) == 2
    assert (
        "an Embedding wants integers: write words_inputs = [array] into the file" in capsys.readouterr().err
    )
    assert main(["layers", f"{file}:known"]) == 0
    assert "undecided: from the first layer to the last" in capsys.readouterr().out
    assert main(["layers", f"{file}:recurrent", "--input", "2,3,4"]) == 0  # of (outputs, state) the outputs


def test_init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "it.json"
    assert main(["init", "64-relu-20x2-10", "--quick", "--sanity", "--seed", "4", "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert "orthogonal" in out
    assert "ln 10" in out
    assert json.loads(file.read_text(encoding="utf-8"))["findings"][0]["networks"] == 2


def test_init_trains_and_says_what_did_not_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """Two layers are no deep network: from randn they train, and the claim about eight does not hold."""
    assert main(["init", "64-relu-30-10", "--seeds", "1", "--train"]) == 1
    assert "NOT HELD  randn diverges: of 1 seed 1 trained" in capsys.readouterr().out
