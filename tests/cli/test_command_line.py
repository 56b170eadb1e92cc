"""The command line: what it prints, what it refuses, and its exit codes."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tinygrad_edu as tg
from tinygrad_edu.cli import main
from tinygrad_edu.suite import primitives
from tinygrad_edu.suite.witnesses import WITNESSES

ESCAPE = "\x1b"


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


# ---- formula ----


def test_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formula", "tanh", "mul"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "tanh", "    ∂y/∂x = 1 − y · y", "mul", "    ∂y/∂a = b", "    ∂y/∂b = a",
    ]  # fmt: skip


def test_all_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formula"]) == 0
    shown = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert shown == list(tg.registry)


# ---- verify ----


def test_verify_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "exp", "matmul", "greater"]) == 0
    out = capsys.readouterr().out
    assert "2 primitives verified" in out
    assert "0 failures, 0 undecided, 0 skips" in out
    assert "without derivative: greater" in out
    assert ESCAPE not in out
    row = next(line for line in out.splitlines() if line.startswith("matmul"))
    assert int(row.split()[1]) >= len(tg.registry["matmul"].cases)
    assert "✗" not in out


def test_verify_writes_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "found.json"
    assert main(["verify", "exp", "sign", "--seed", "3", "--json", str(file)]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["version"] == tg.__version__
    assert (found["seed"], found["exit_code"], found["failures"], found["survivors"]) == (3, 0, 0, [])
    assert (found["primitives"], found["without_derivative"]) == (["exp"], ["sign"])
    assert {finding["witness"] for finding in found["findings"]} >= {"value", "vjp", "jvp", "second order"}
    assert not any(finding["wrong"] for finding in found["findings"])


def plant(monkeypatch: pytest.MonkeyPatch, name: str, rule: Callable[..., Any]) -> None:
    """Replace the first rule of a primitive by a wrong one."""
    op = tg.registry[name]
    rules = (rule, *op.rules[1:])
    monkeypatch.setattr(op, "rules", rules)
    monkeypatch.setattr(op, "rule", rules.__getitem__)


def test_verify_finds_a_wrong_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(monkeypatch, "exp", lambda y, x: x)
    file = tmp_path / "found.json"
    assert main(["verify", "exp", "sin", "--json", str(file)]) == 1
    out = capsys.readouterr().out
    assert "✗ exp, vjp, at real(3,): operand 0:" in out
    assert "✗ sin" not in out
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["exit_code"] == 1
    assert found["failures"] >= 2


def test_verify_says_when_it_has_gone_blind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(primitives, "WITNESSES", {name: lambda trial: None for name in WITNESSES})
    assert main(["verify", "exp"]) == 4
    assert "the suite itself is broken" in capsys.readouterr().out


# ---- what is refused ----


@pytest.mark.parametrize("command", ["verify", "formula"])
def test_an_unknown_primitive(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "tanh", "tahn"])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert "no primitive tahn; there are" in error
    assert "tanh" in error


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["improve"],
        ["demo", "--seed", "-1"],
        ["demo", "--seed", "x"],
        ["verify", "--seed", "1.5"],
        ["demo", "now"],
    ],
)
def test_a_wrong_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: tinygrad-edu" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["x", "-1", "1.5", ""])
def test_a_seed_that_is_none(seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["verify", "exp", "--seed", seed])
    assert f"a seed is an integer, 0 or larger; {seed!r} came" in capsys.readouterr().err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for option, expected in (("--help", "demo"), ("--version", f"tinygrad-edu {tg.__version__}")):
        with pytest.raises(SystemExit) as stopped:
            main([option])
        assert stopped.value.code == 0
        assert expected in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    for arguments in (
        ["demo", "--quick", "--out", str(file)],
        ["demo", "--quick", "--out", str(file / "below")],
        ["verify", "exp", "--json", str(tmp_path / "nowhere" / "found.json")],
    ):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"tinygrad-edu {arguments[0]}: ")
        assert "Traceback" not in error
    assert file.read_text() == "in the way"


# ---- threads ----


@pytest.mark.parametrize("chosen", [None, "2"])
def test_one_thread_unless_the_user_has_chosen(
    chosen: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import threadpoolctl

    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    if chosen:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", chosen)

    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]

    before, seen = threads(), []

    def watching(name: str) -> str:
        seen.append(threads())
        return name

    monkeypatch.setattr("tinygrad_edu.cli.formula.formula", watching)
    assert main(["formula", "exp"]) == 0
    assert seen == [before if chosen else [1] * len(before)]
    assert threads() == before


# ---- in a process of its own ----


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    environment["PYTHONIOENCODING"] = "utf-8"
    command = [sys.executable, "-W", "error", "-m", "tinygrad_edu", *arguments]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(command, encoding="utf-8", env=environment, timeout=60, check=False, **options)


def test_as_a_module() -> None:
    done = run("verify", "tanh")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 primitives verified" in done.stdout
    assert ESCAPE not in done.stdout


def test_as_a_module_in_this_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tinygrad-edu", "formula", "neg"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("tinygrad_edu", run_name="__main__")
    assert stopped.value.code == 0
    assert capsys.readouterr().out == "neg\n    ∂y/∂x = −1\n"


@pytest.mark.parametrize("command", [["formula"], ["verify", "tanh"]])
def test_a_reader_that_has_seen_enough(command: list[str]) -> None:
    # `tinygrad-edu formula | head -0`: nobody is at the other end of the pipe.
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(*command, stdout=writing)
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("command", [["formula", "exp"], ["verify", "tanh"]])
def test_a_reader_that_has_seen_enough_in_this_process(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(command) == 0
