"""Terminals of other widths and encodings: nothing is lost, nothing runs over, nothing ends with an error."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu.cli import main
from tinygrad_edu.cli.encoding import encodes, nearest, never_fail

MINE = """
import numpy as np, tinygrad_edu as tg
def f(x): return np.sqrt((x * x).mean())
def f_vjp(g, y, x): return g * x / y
f_inputs = [np.ones(5)]
"""


def printed(*arguments: str, encoding: str, folder: Path) -> tuple[int, bytes]:
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", *arguments],
        capture_output=True, cwd=folder, env=environment, timeout=120, check=False,
    )  # fmt: skip
    assert done.stderr == b""
    return done.returncode, done.stdout


def test_ascii_is_enough(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    for arguments, code, said in (
        (["curve", "tanh"], 0, "1e-16| "),
        (["check", "mine.py:f"], 1, "every entry is 5.000000 x the numeric value"),
        (["formula", "tanh"], 0, "dy/dx = 1 - y * y"),
        (["check", "--help"], 0, "--step eps"),
    ):
        found, out = printed(*arguments, encoding="ascii", folder=tmp_path)
        assert (found, said in out.decode("ascii")) == (code, True)


def test_a_page_of_windows_keeps_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    _, out = printed("check", "mine.py:f", encoding="cp1252", folder=tmp_path)
    assert "5.000000 × the numeric value" in out.decode("cp1252")


@pytest.mark.parametrize(("text", "plain"), [
    ("x ≤ 2 ± ∞", "x <= 2 +/- inf"), ("10⁻¹⁶ and 2³", "10^-16 and 2^3"), ("─┬─│✓✗", "---|vx"),
    ("é x₁ 重", "e x1 \\u91cd"),
    ("plain", "plain"),
])  # fmt: skip
def test_the_nearest_signs(text: str, plain: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert encodes(stream, text) == (text == plain)
    never_fail(stream)
    stream.write(text)
    stream.flush()
    assert stream.buffer.getvalue() == plain.encode()  # type: ignore[attr-defined]


def test_other_errors_of_encodings_are_raised() -> None:
    with pytest.raises(UnicodeDecodeError):
        nearest(UnicodeDecodeError("ascii", b"\xff", 0, 1, "out of range"))


@pytest.mark.parametrize("columns", [40, 60, 75, 200])
def test_a_curve_is_as_wide_as_the_terminal_and_never_wider_than_its_plot(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["curve", "tanh"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) == min(columns, 75)
    assert sum(line[6:7] in ("│", "┤") for line in lines) == 20
    said = " ".join(" ".join(lines).split())
    for name in ("1 one-sided", "2 central", "6 extrapolated", "i complex step", "┊ ε = 10⁻⁷"):
        assert name in said


# ---- where a curve is drawn ----


def test_a_curve_at_a_kink_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["curve", "relu", "--at", "0"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "error of the derivative of relu at 0 against ε" in out
    assert "x is on a kink: the slopes on its two sides are 0 and 1" in out
    assert "the best ε" not in out


def test_a_curve_at_a_point_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["curve", "mul", "--at", "2", "3"]) == 0
    assert "mul at 2, 3" in capsys.readouterr().out
    assert main(["curve", "--at", "2"]) == 0
    assert "θ³ at θ = 2" in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "said"), [
    (["log", "--at", "-1"], "log at -1 is nan here: choose a point where it is finite"),
    (["log", "--at", "0"], "log at 0 is -inf here"),
    (["sqrt", "--at", "0"], "the derivative of sqrt at 0 is nan here"),
    (["mul", "--at", "2"], "--at: 1 came, but mul takes 2"),
    (["softmax", "--at", "2"], "--at: 1 came, but softmax is not elementwise"),
    (["--at", "1", "2"], "--at: one number was expected as θ, 2 came"),
    (["siin"], "no primitive siin: did you mean sin"),
])  # fmt: skip
def test_points_and_names_that_a_curve_refuses(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["curve", *arguments])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
