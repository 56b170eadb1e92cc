"""Imports point downward, and `import tinygrad_edu` loads little."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu

PACKAGE = Path(tinygrad_edu.__file__).parent
# From low to high: a chapter may import those of lower rows, and of its own.
ROWS = [
    {"errors", "types", "state"}, {"core"}, {"ops"}, {"operators"}, {"scalar", "tensor"}, {"inputs"},
    {"calculus", "catalogue", "custom", "formula"}, {"reporting", "saving"}, {"verify", "program"}, {"render"},
    {"suite"}, {"nn"}, {"optim", "data"}, {"diagnostics", "training"}, {"learn", "report", "testing"}, {"cli"},
    {"__main__"},
]  # fmt: skip
ROW = {name: row for row, names in enumerate(ROWS) for name in names}
CORE = ["recording", "node", "calling", "cases", "primitive", "broadcasting", "sweep"]
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def within_type_checking(tree: ast.AST) -> set[ast.AST]:
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found.update(child for statement in node.body for child in ast.walk(statement))
    return found


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, dotted module) of all imports of this package, those within functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ignored, found = within_type_checking(tree), []
    for node in ast.walk(tree):
        if node in ignored:
            continue
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = ("tinygrad_edu", *path.relative_to(PACKAGE).parts)[: -node.level]
                base = ".".join([*parts, base] if base else parts)
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
            found += [
                (node.lineno, argument.value)
                for argument in node.args[:1]
                if isinstance(argument, ast.Constant)
            ]
    return [(line, module) for line, module in found if module.split(".")[0] == "tinygrad_edu"]


def chapter(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downward(path):
    here = chapter(path)
    assert here in ROW, f"{here} has no row: give it one"
    for line, module in imports(path):
        parts = module.split(".")
        names = [parts[1]] if len(parts) > 1 else []
        if (
            not names or names[0] not in ROW
        ):  # a name of the package itself, as in `import tinygrad_edu as tg`
            assert ROW[here] >= ROW["cli"], f"{path}:{line} imports {module}: the whole package is above it"
            continue
        there = names[0]
        assert ROW[there] <= ROW[here], f"{path}:{line}: {here} imports {module}, which is above it"
        assert ROW[there] < ROW[here] or there == here, (
            f"{path}:{line}: {here} imports {module} of its own row"
        )


def test_the_chapters_of_the_core_are_read_in_order():
    for i, name in enumerate(CORE):
        for line, module in imports(PACKAGE / "core" / f"{name}.py"):
            parts = module.split(".")
            if parts[1] == "core":
                read = {part for part in parts[2:4] if part in CORE}
                assert read, f"core/{name}.py:{line}: {module}"
                assert read <= set(CORE[:i]), f"core/{name}.py:{line} imports {module}, which comes later"
    assert {p.stem for p in (PACKAGE / "core").glob("*.py")} == {*CORE, "__init__"}


@pytest.mark.parametrize("name", ["verify", "render", "suite"])
def test_checks_and_pictures_know_no_layers(name):
    for path in (PACKAGE / name).rglob("*.py"):
        assert [m for _, m in imports(path) if m.split(".")[1:2] == ["nn"]] == []


def test_importing_the_package_loads_little():
    program = "import json, sys, tinygrad_edu; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    loaded = set(json.loads(done.stdout))
    heavy = {
        "rich",
        "graphviz",
        "pygraphviz",
        "matplotlib",
        "torch",
        "scipy",
        "pandas",
        "threadpoolctl",
        "unittest",
        "hypothesis",
    }
    assert loaded.isdisjoint(heavy - ({"unittest"} & loaded_by_numpy()))
    later = {
        "nn", "verify", "suite", "render", "reporting", "optim", "data", "cli", "diagnostics", "learn", "report",
        "testing", "training", "saving",
    }  # fmt: skip
    assert {m for m in loaded if m.startswith("tinygrad_edu.") and m.split(".")[1] in later} == set()


def loaded_by_numpy() -> set[str]:
    program = "import json, sys, numpy; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_what_is_loaded_on_first_use():
    names = [n for n in tinygrad_edu.__all__ if not hasattr(tinygrad_edu, n)]
    assert names == []
    assert set(tinygrad_edu.__all__) <= set(dir(tinygrad_edu))
    with pytest.raises(AttributeError, match="has no attribute 'chekc'"):
        _ = tinygrad_edu.chekc
