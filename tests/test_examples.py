"""The documentation is true: its snippets run, the outputs it shows come out, its links and commands lead somewhere.

A page is one session: its `python` blocks are executed and its `pycon` blocks compared, in their order and in one
namespace. Every demo runs as a reader would run it, and says what it is there to say.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu.cli import main

ROOT = Path(__file__).resolve().parent.parent
EXECUTED = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = sorted(
    {*EXECUTED, *ROOT.glob("*.md"), *(ROOT / "demos").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")}
)
DEMOS = {
    "19_backward_step_by_step.py": [
        "grad of q =  upstream × (z) = 1 × (−4) = −4 ✓",
        "grad of y =  upstream × (1) = −4 × 1 = −4 ✓",
        "grad of a += upstream × (a) = 21 × 3 = 63 ✓   had 72, now 135",
        "steps.html",
    ],
    "20_explorer.py": [
        "L = 2.3329, computed in 30 operations",
        "into w₁₁ × x₁: 4.4644 × (−0.6518) = −2.9099",
        "to be opened in a browser: ",
    ],
    "05_order.py": [
        "15      16                   65,535",
        "each node when it is first met   15",
        "in the order of the sorted graph 33",
    ],
    "06_tensors.py": ["54 nodes of numbers, 9 of arrays", "[30. 35. 40.] = [30. 35. 40.]", "x̄ = [2. 0. 1.]"],
    "07_cautions.py": [
        "gradient without the penalty                     WRONG",
        "with Dropout(0.5)                                VERIFIED",
        "NOT DIFFERENTIABLE HERE",
        "the sum of a batch norm                          INCONCLUSIVE",
    ],
    "11_own_primitive.py": ["∂y/∂x = −2 · x · y", "19 findings, 0 failures", "vjp: operand 0: "],
    "17_batch_norm.py": [
        "all three                   verified",
        "without the path through μ  wrong",
        "without the path through σ² wrong",
        "-1.00 in training, beside 30",
        "after 1, 10, 20, 40 steps",
    ],
    "08_input_normalization.py": [
        "as they are    2.38   101  42.6  0.0197  0.9800  1.0200     30         30",
        "ZCA-whitened      1     1     1       2  0.9800  1.0200      1          1",
        "955,814 steps predicted, not run to the end",
        "130 steps predicted, 130 as run",
    ],
    "09_vanishing_exploding.py": [
        "float64 after 1751 layers (predicted 1751)",
        "relu    0.01 · randn → vanishing",
        "relu    randn        → exploding",
        "relu    √(2/n)       → fine",
        "tanh    randn        → saturated",
    ],
    "04_error_curves.py": [
        "= 3.030100",
        "= 3.000100",
        "1 − y²: order 2: right",
        "1 − x²: order 1: wrong",
        "Drawn: ",
    ],
    "12_optimizers.py": [
        "(κ − 1)/(κ + 1) = 0.980 a step",
        "(√κ − 1)/(√κ + 1) = 0.818",
        "more than 4000",
        "L-BFGS",
    ],
    "10_initialization.py": [
        "ReLU, Var w = 1/n",
        "relu  gain² = 2.000000000000   for gradients, by f′: 2.000000000000",
        "tanh  gain² = 2.536175433217",
        "The weights start as kaiming_normal",
    ],
    "16_saving.py": [
        "bytes   the same outputs: True\ndigits.pt  ",
        "pickle.loads: this text was printed by the file",
        "asks for '__builtin__.print', which is not fetched",
        "'0.weight.npy' are not those that were stored",
        "missing: 3.bias",
        "The model has changed: False",
    ],
    "01_chain_rule.py": [
        "∂o/∂n  += ∂o/∂o × ∂o/∂n  =  1.0000 ×  0.5000 =  0.5000",
        "∂o/∂x1 += ∂o/∂p × ∂p/∂x1 =  0.5000 × -3.0000 = -1.5000",
        "∂o/∂w1 =  1.0000",
    ],
    "02_quiz.py": [
        "J = 8,   dJ/dθ = 2 = x",
        "difference 2.9193358832916",
        "W̄ = Ȳ @ Xᵀ",
        "X̄ = Wᵀ @ Ȳ",
        "(3, 7) @ (7, 5) = (3, 5)",
        "(5, 3) @ (3, 7) = (5, 7)",
        "VERIFIED   2 of 2",
    ],
    "03_gradient_check.py": [
        "VERIFIED   6 of 6",
        "every entry is 4.000000 × the numeric value",
        "every entry is 2.000000 × the numeric value",
        "WRONG   4 of 6",
        "Found to be wrong: b1, W2",
    ],
    "13_convolution.py": [
        "5,682 parameters; the second convolution as a matrix would have 786,432 by itself",
        "recognized of 359 digits that it has never seen: 9",
        "it does the same everywhere.",
    ],
    "14_character_rnn.py": [
        "856 characters, 45 different ones; knowing nothing costs log 45 = 3.81 each",
        "Beautiful is better than ",
    ],
    "15_attention.py": ["right symbols with positions:    100%", "weight on the place that is meant: 0."],
}


def by_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> Iterator[tuple[str, str, int]]:
    """(language, source, the number of its first line) of every fenced block."""
    for match in re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE):
        yield match[1].strip(), match[2], text[: match.start(2)].count("\n")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^```.*\n(?:.*\n)*?```$", "", text, flags=re.MULTILINE))


def anchors(text: str) -> set[str]:
    """What a heading is called in a link: lower case, spaces as hyphens, no punctuation."""
    headings = re.findall(
        r"^#+ +(.*)$", re.sub(r"^```.*\n(?:.*\n)*?```$", "", text, flags=re.MULTILINE), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", EXECUTED, ids=by_name)
def test_snippets(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: dict[str, object]
) -> None:
    monkeypatch.chdir(tmp_path)
    session: dict[str, Any] = {"__name__": page.stem}
    for language, source, line in blocks(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile("\n" * line + source, page.name, "exec"), session)
        elif language == "pycon":
            shown = doctest.DocTestParser().get_doctest(source, {}, page.name, page.name, line)
            shown.globs = session  # the session itself: `get_doctest` would go on with a copy
            said: list[str] = []
            doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(
                shown, out=said.append, clear_globs=False
            )
            assert not said, "".join(said)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_no_snippet_is_overlooked(page: Path) -> None:
    """Only blocks of these languages are known to the test above; a text that looks like a session is one."""
    text = page.read_text(encoding="utf-8")
    assert text.count("\n```") % 2 == 0
    for language, source, _ in blocks(text):
        assert language in {"", "python", "pycon"}
        assert language == "pycon" or ">>> " not in source


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = without_code(page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(\s*<?([^)\s>]+)", text) + re.findall(r"(?:src|href)=[\"']([^\"']+)", text):
        if re.match(r"[a-z]+:", target):  # elsewhere
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_commands_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE)) <= set(targets)
    for file in re.findall(r"(?:`|^)python ((?:\w+/)+\w+\.py)", text, re.MULTILINE):
        assert (ROOT / file).exists(), file
    for command in set(re.findall(r"(?:`|^|/)tinygrad-edu ([a-z]+)", text, re.MULTILINE)):
        with pytest.raises(SystemExit) as stopped:
            main([command, "--help"])
        assert stopped.value.code == 0, command


def test_every_demo_is_known() -> None:
    assert {path.name for path in (ROOT / "demos").glob("*.py")} == set(DEMOS)


def run(name: str, *arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "demos" / name), *arguments],
        capture_output=True, text=True, encoding="utf-8", cwd=folder, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "TMPDIR": str(folder), "TEMP": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", DEMOS)
def test_demos(name: str, tmp_path: Path) -> None:
    said = run(name, folder=tmp_path)
    for figure in DEMOS[name]:
        assert figure in said
    source = (ROOT / "demos" / name).read_text(encoding="utf-8")
    assert len(source.splitlines()) < 80


def test_the_published_differences(tmp_path: Path) -> None:
    """Right gradients differ by rounding, which is another on every machine; wrong ones by the course's figure."""
    said = run("03_gradient_check.py", folder=tmp_path)
    right, wrong = map(float, re.findall(r": difference ([\d.e-]+) \(", said))
    assert right < 2e-7
    assert abs(wrong - 0.2850931567761624) < 1e-8


def test_the_drawn_neuron_is_where_the_demo_says(tmp_path: Path) -> None:
    for arguments in ((), ("a/new folder",)):
        said = run("01_chain_rule.py", *arguments, folder=tmp_path)
        (drawn,) = re.findall(r"^Drawn: (.*)$", said, re.MULTILINE)
        assert "<svg" in (tmp_path / drawn).read_text(encoding="utf-8")
    assert (tmp_path / "a" / "new folder" / "neuron.svg").exists()
