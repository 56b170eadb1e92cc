"""Every snippet of the documentation runs, every demo does what it says, every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")], key=str)
DEMOS = {
    "01_chain_rule.py": ["∂o/∂x1 += ∂o/∂p × ∂p/∂x1 = 0.5000 × -3.0000 = -1.5000", "Drawn: neuron.svg"],
    "02_quiz.py": ["J = 8,   dJ/dθ = 2", "difference 2.9193358832916", "VERIFIED   2 of 2"],
    "03_gradient_check.py": [
        "VERIFIED   6 of 6",
        "difference 0.28509315",
        "every entry is 4.000000 × the numeric value",
        "every entry is 2.000000 × the numeric value",
        "WRONG   4 of 6",
    ],
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    namespace: dict[str, object] = {"__name__": page.stem}
    for match in re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        line = text[: match.start(1)].count("\n")
        exec(compile("\n" * line + match[1], page.name, "exec"), namespace)


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.name
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_every_demo_is_known():
    assert {path.name for path in (ROOT / "demos").glob("*.py")} == set(DEMOS)


@pytest.mark.parametrize("name", DEMOS)
def test_demos(name, tmp_path):
    command = [
        sys.executable,
        "-W",
        "error",
        str(ROOT / "demos" / name),
        *(["out"] if name.startswith("01") else []),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    for figure in DEMOS[name]:
        assert figure in done.stdout
    if name.startswith("01"):
        assert "<svg" in (tmp_path / "out" / "neuron.svg").read_text(encoding="utf-8")
