"""The command line: what it prints, what it refuses, and its exit codes."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

import tinygrad_edu as tg
from tinygrad_edu.cli import main
from tinygrad_edu.suite import Finding, primitives
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
    assert "right: 2 primitives, " in out
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
    assert "✗ primitive exp, vjp, at real(3,): operand 0:" in out
    assert "✗ primitive sin" not in out
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["exit_code"] == 1
    assert found["failures"] >= 2


def test_verify_says_when_it_has_gone_blind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(primitives, "WITNESSES", {name: lambda trial: None for name in WITNESSES})
    assert main(["verify", "exp"]) == 4
    out = capsys.readouterr().out
    assert "✗ planted errors, canary: sign, by the witness 'vjp': the planted error was not found" in out
    assert "blind: 1 primitive" in out
    assert "the suite itself is broken" in out


LAYERS = {"Linear2": ["a"], "Halve": ["a", "b"], "Twice": ["a"]}  # stand-ins for those of the package


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Halve` is wrong in second order, and of `Twice` nobody can tell."""

    def examine(name: str, cases: list[str], *, order: int, seed: int) -> Iterator[Finding]:
        for each in cases:
            yield Finding(
                name, each, "numeric", "too vague" if name == "Twice" else "", undecided=name == "Twice"
            )
            if order == 2:
                yield Finding(name, each, "second order", "2, not 1" if name == "Halve" else "")

    monkeypatch.setattr("tinygrad_edu.nn.cases.layers", LAYERS)
    monkeypatch.setattr("tinygrad_edu.suite.run.examine_layer", examine)
    monkeypatch.setattr("tinygrad_edu.suite.run.layer_canaries", list)


@pytest.mark.parametrize(
    ("arguments", "code", "summary"),
    [
        (["Linear2"], 0, "right: 1 layer, 1 finding: 0 failures, 0 undecided"),
        (["Linear2", "Halve"], 0, "right: 2 layers, 3 findings: 0 failures, 0 undecided"),
        (["Linear2", "Halve", "--order", "2"], 1, "wrong: 2 layers, 6 findings: 2 failures, 0 undecided"),
        (["Twice"], 3, "undecided: 1 layer, 1 finding: 0 failures, 1 undecided"),
        (["--layers"], 3, "undecided: 3 layers, 4 findings: 0 failures, 1 undecided"),
        (["--layers", "--order", "2"], 1, "wrong: 3 layers, 8 findings: 2 failures, 1 undecided"),
        (["--layers", "--shard", "1/3"], 0, "right: 1 layer, 2 findings: 0 failures, 0 undecided"),
        (["tanh", "Linear2"], 0, "right: 1 primitive and 1 layer, "),
    ],
)
def test_verify_layers(
    arguments: list[str], code: int, summary: str, layers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *arguments]) == code
    out = capsys.readouterr().out
    assert summary in out
    assert ("? layer Twice, numeric, at a: too vague" in out) == (
        "undecided: " in summary or "1 undecided" in summary
    )
    assert ("✗ layer Halve, second order, at b: 2, not 1" in out) == (code == 1)
    assert ("Primitives" in out) == ("tanh" in arguments)


def test_all_are_primitives_and_layers(
    layers: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tinygrad_edu.suite.run.examine", lambda op, seed: [Finding(op.name, "a", "vjp", "")])
    monkeypatch.setattr("tinygrad_edu.suite.run.canaries", list)
    assert main(["verify", "--all"]) == 3
    differentiable = sum(bool(op.rules) for op in tg.registry.values())
    assert f"{differentiable} primitives and 3 layers, " in capsys.readouterr().out


def test_verify_writes_every_format(layers: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, tests, found = (
        tmp_path / name for name in ("page", "tests", "found")
    )  # the option decides, not the suffix
    arguments = ["verify", "Linear2", "--html", str(page), "--junit", str(tests), "--json", str(found)]
    assert main(arguments) == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert ElementTree.parse(tests).getroot().tag == "testsuites"
    assert json.loads(found.read_text(encoding="utf-8"))["layers"] == ["Linear2"]
    assert sorted(tmp_path.iterdir()) == sorted([page, tests, found])


def test_shards_of_several_machines(layers: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [str(tmp_path / f"part{k}.json") for k in (1, 2)]
    codes = [
        main(
            [
                "verify",
                "tanh",
                "Halve",
                "Linear2",
                "--order",
                "2",
                "--seed",
                "4",
                "--shard",
                f"{k}/2",
                "--json",
                part,
            ]
        )
        for k, part in enumerate(parts, 1)
    ]
    assert codes == [0, 1]
    whole, merged = tmp_path / "whole.json", tmp_path / "merged.json"
    assert (
        main(["verify", "tanh", "Halve", "Linear2", "--order", "2", "--seed", "4", "--json", str(whole)]) == 1
    )
    assert main(["verify", "--merge", *parts, "--json", str(merged)]) == 1
    assert merged.read_bytes() == whole.read_bytes()


def test_certificates_that_do_not_merge(
    layers: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / "part.json"
    assert main(["verify", "Halve", "Linear2", "--shard", "1/2", "--json", str(part)]) == 0
    with pytest.raises(SystemExit) as stopped:
        main(["verify", "--merge", str(part)])
    assert stopped.value.code == 2
    assert "all 2 shards were expected, 1 came: there is no shard 2" in capsys.readouterr().err
    assert main(["verify", "--merge", str(tmp_path / "nowhere.json")]) == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tanh", "--all"], "NAME cannot be combined with --all"),
        (["tanh", "--layers"], "NAME cannot be combined with --layers"),
        (["--all", "--layers"], "--layers cannot be combined with --all"),
        (["--mutants", "--all"], "--mutants cannot be combined with --all"),
        (["--mutants", "--order", "2", "--html", "x"], "--mutants cannot be combined with --order, --html"),
        (["tanh", "--merge", "x"], "--merge cannot be combined with NAME"),
        (["--merge", "x", "--seed", "0", "--jobs", "2"], "--merge cannot be combined with --seed, --jobs"),
        (["--mutants", "--merge", "x"], "--mutants cannot be combined with --merge"),
        (["--json", "x", "--html", "x"], "need a file each"),
        (["--order", "3"], "invalid choice"),
        (["--jobs", "0"], "a number of processes, 1 or larger, was expected; '0' came"),
        (["--shard", "3/2"], "K/N with 1 ≤ K ≤ N was expected, such as 2/8; '3/2' came"),
        (["--shard", "0/2"], "'0/2' came"),
        (["--shard", "2"], "'2' came"),
        (["--merge"], "expected at least one argument"),
        (["tahn"], "no primitive or layer tahn: did you mean tan or Tanh or tanh?"),
        (["linaer"], "no primitive or layer linaer: did you mean Linear"),
        (["qqqqq"], "no primitive or layer qqqqq; there are AdaptiveAvgPool1d, "),
    ],
)
def test_options_that_verify_refuses(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["verify", *arguments])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_a_file_that_cannot_be_written_ends_a_run_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tinygrad_edu.suite.verify", lambda *names, **options: pytest.fail("it was started"))
    for option in ("--json", "--junit", "--html"):
        assert main(["verify", "exp", option, str(tmp_path / "nowhere" / "found")]) == 2
        assert "nowhere" in capsys.readouterr().err
        assert main(["verify", "exp", option, str(tmp_path)]) == 2


def test_mutants(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Any] = []

    class Score:
        exit_code = 1

        def to_dict(self) -> dict[str, int]:
            return {"killed": 3}

        def __str__(self) -> str:
            return "3 of 4 mutants were found"

    def score(names: list[str] | None, *, seed: int, jobs: int) -> Score:
        asked.append((names, seed, jobs))
        return Score()

    module = ModuleType("tinygrad_edu.suite.mutation")
    module.score = score
    monkeypatch.setitem(sys.modules, module.__name__, module)
    found = tmp_path / "mutants.json"
    assert main(["verify", "--mutants", "tanh", "--seed", "3", "--jobs", "2", "--json", str(found)]) == 1
    assert main(["verify", "--mutants"]) == 1
    assert asked == [(["tanh"], 3, 2), (None, 0, 1)]
    assert "3 of 4 mutants were found" in capsys.readouterr().out
    assert json.loads(found.read_text()) == {"killed": 3}


def test_help_of_verify_fits_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["verify", "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    options = {line.split()[0].rstrip(",") for line in lines if line.startswith("  -")}
    assert options >= {
        "--all",
        "--layers",
        "--order",
        "--seed",
        "--jobs",
        "--shard",
        "--merge",
        "--mutants",
        "--json",
        "--junit",
        "--html",
    }


def test_the_table_fits_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["verify", "softmax_cross_entropy"]) == 0
    out = capsys.readouterr().out
    table = out.partition("\n\n")[0].splitlines()
    assert max(map(len, table)) <= 60
    assert any(line.startswith("softmax_cross_entropy ") for line in table)
    assert "1 value  2 vjp" in table[1]


def test_progress_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "neg", "exp"]) == 0
    assert "/3" not in capsys.readouterr().out
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert main(["verify", "neg", "exp"]) == 0
    assert "3/3" in capsys.readouterr().out


def test_an_interrupted_run_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*names: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygrad_edu.suite.verify", interrupted)
    assert main(["verify", "tanh"]) == 130  # 128 and the number of the signal, as a shell has it
    assert capsys.readouterr().err == "tinygrad-edu verify: interrupted\n"


# ---- what is refused ----


@pytest.mark.parametrize(("command", "what"), [("verify", "primitive or layer"), ("formula", "primitive")])
def test_an_unknown_primitive(command: str, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "tanh", "tahn"])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert f"no {what} tahn: did you mean tan or" in error
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
    assert "right: 1 primitive, " in done.stdout
    assert ESCAPE not in done.stdout


def test_as_a_module_in_this_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tinygrad-edu", "formula", "neg"])
    with pytest.raises(SystemExit) as stopped:
        # By its path: pytest's own loader, which rewrites the assertions of a plugin's package, cannot run a module.
        runpy.run_path(str(Path(tg.__file__).with_name("__main__.py")), run_name="__main__")
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


def test_files_are_written_for_whoever_does_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["verify", "neg", "--json", str(tmp_path / "found.json")]) == 0
    assert json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["primitives"] == ["neg"]
