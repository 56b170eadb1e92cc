"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import glob
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import settings

import pytest_tinygrad_edu as plugin
import tinygrad_edu as tg
from tinygrad_edu.reporting import FORMATS
from tinygrad_edu.testing import strategies

HEAD = """
import numpy as np
import pytest
import tinygrad_edu as tg
from hypothesis import given, strategies as st

right = tg.custom_vjp(np.sin, lambda g, y, x: g * np.cos(x))
wrong = tg.custom_vjp(np.sin, lambda g, y, x: g * np.sin(x))
largest = tg.custom_vjp(lambda x: x.max(), lambda g, y, x: g * (x == y))     # wrong where values are tied
KINK = np.array([0.0, 1.0])
"""


# A run of pytest within a test forgets what it was the first to load, and a class that is loaded twice is two.
LOADED = (tg.custom_vjp, tg.verify, tg.nn, tg.optim, strategies)


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    def run(source: str, *arguments: str, apart: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_mine=HEAD + source)
        start = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        return start("-W", "error", "--strict-markers", *arguments)

    for name in ("COLUMNS", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    return run


# ---- the fixture ----


def test_right_gradients_pass_and_the_report_comes_back(run) -> None:
    result = run("""
def test_function(gradcheck):
    report = gradcheck(lambda x, w: tg.tanh(x @ w), gradcheck.rng.normal(size=(3, 2)), gradcheck.rng.normal(size=2))
    assert report.verdict == "verified"
    assert [row.name for row in report.rows] == ["input 0", "input 1"]

def test_pair(gradcheck):
    assert gradcheck(right, gradcheck.rng.normal(size=3), hazards=True)

def test_parameters(gradcheck):
    w = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
    assert gradcheck(lambda: (w * w).sum(), parameters=[w]).rows[0].name == "w"
""")
    result.assert_outcomes(passed=3)


def test_a_wrong_gradient_fails_with_the_report_and_no_foreign_lines(run) -> None:
    result = run("""
def test_pair(gradcheck):
    gradcheck(wrong, np.array([0.5, 1.5]))
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        ">   *gradcheck(wrong, np.array(?0.5, 1.5?))",
        "E  *GradientMismatch: gradient check of sin: wrong, with seed=*",
        "E  *WRONG   0 of 1 parameters verified*",
        "E  *input 0*wrong",
    ])  # fmt: skip
    result.stdout.no_fnmatch_line("*fixture.py*")
    assert [line for line in result.outlines if line.startswith(("tinygrad_edu/", "test_mine.py:"))] == [
        "test_mine.py:12: GradientMismatch"
    ]


def test_what_is_not_decided_fails_unless_it_is_allowed(run) -> None:
    result = run("""
def test_fails(gradcheck):
    gradcheck(tg.relu, KINK)

def test_by_argument(gradcheck):
    assert gradcheck(tg.relu, KINK, allow="not differentiable here").verdict == "not differentiable here"

@pytest.mark.gradcheck(allow=["vacuous", "not differentiable here"])
def test_by_marker(gradcheck):
    gradcheck(tg.relu, KINK)
    gradcheck(tg.relu, -1 - KINK)

@pytest.mark.gradcheck(allow="vacuous")
def test_another_is_not_allowed(gradcheck):
    gradcheck(tg.relu, KINK)

@pytest.mark.gradcheck(allow="not differentiable here")
def test_wrong_is_never_allowed(gradcheck):
    gradcheck(wrong, KINK)
""", "-rfp")  # fmt: skip
    result.assert_outcomes(passed=2, failed=3)
    for name in ("fails", "another_is_not_allowed", "wrong_is_never_allowed"):
        result.stdout.fnmatch_lines([f"FAILED test_mine.py::test_{name} *"])


@pytest.mark.parametrize("verdict", ["wrong", "verified", "vacous"])
def test_a_verdict_that_cannot_be_allowed(run, verdict: str) -> None:
    result = run(f"""
def test_it(gradcheck):
    gradcheck(right, KINK, allow=["vacuous", "{verdict}"])
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "E  *ValueError: gradcheck: allow= takes 'inconclusive', 'not differentiable here', 'vacuous'; "
        f"'{verdict}' came. *pytest.mark.xfail"
    ])  # fmt: skip


# ---- the marker ----


def test_the_closest_marker_counts(run) -> None:
    result = run("""
@pytest.mark.gradcheck(hazards=True, seed=3)
class TestLargest:
    def test_ties_are_looked_at(self, gradcheck):
        assert gradcheck.seed == 3
        with pytest.raises(tg.errors.GradientMismatch, match="all values equal"):
            gradcheck(largest, np.array([0.3, -1.2, 2.5, 0.7]))

    @pytest.mark.gradcheck(hazards=False)
    def test_they_are_not(self, gradcheck):
        assert gradcheck.seed == 3
        gradcheck(largest, np.array([0.3, -1.2, 2.5, 0.7]))

    def test_an_argument_is_closer(self, gradcheck):
        gradcheck(largest, np.array([0.3, -1.2, 2.5, 0.7]), hazards=False)

@pytest.mark.gradcheck(step=1e-7)
def test_the_lecture(gradcheck):
    assert gradcheck(right, KINK).step == 1e-7
""")
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize(("given", "came"), [("alow='vacuous'", "alow=…"), ("'vacuous'", "'vacuous'")])
def test_a_marker_with_an_unknown_option(run, given: str, came: str) -> None:
    result = run(f"""
@pytest.mark.gradcheck({given})
def test_it(gradcheck):
    gradcheck(right, KINK)
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        f"E  *@pytest.mark.gradcheck: the options are hazards=…, step=…, directions=…, allow_zero=…, seed=…, allow=…; "
        f"{came} came"
    ])  # fmt: skip


def test_a_marked_test_that_checks_nothing_fails(run) -> None:
    result = run("""
@pytest.mark.gradcheck
def test_forgotten(gradcheck):
    assert gradcheck.seed

@pytest.mark.gradcheck(hazards=True)
def test_without_the_fixture(): pass

@pytest.mark.gradcheck
def test_skipped(): pytest.skip("for another reason")

@pytest.mark.gradcheck
class TestOfMany:
    def test_of_a_shape(self): pass
""")
    result.assert_outcomes(failed=2, skipped=1, passed=1)
    result.stdout.fnmatch_lines([
        "@pytest.mark.gradcheck: test_forgotten was to check a gradient, and has not called `gradcheck`"
    ])  # fmt: skip


def test_the_marker_is_explained(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.gradcheck(hazards=False, *"]
    )


# ---- chance ----

NUMBERS = """
@pytest.mark.parametrize("n", [1, 2])
def test_numbers(gradcheck, n, request):
    drawn = gradcheck.rng.normal(size=3)
    again = gradcheck.rng.normal(size=3)
    assert not np.array_equal(drawn, again)
    with open("numbers.txt", "a") as file:
        print(n, gradcheck.seed, drawn.tolist(), file=file)
"""


def test_the_same_numbers_in_every_run_and_others_in_every_test(run, pytester: pytest.Pytester) -> None:
    def numbers() -> list[str]:
        file = pytester.path / "numbers.txt"
        lines = sorted(file.read_text().splitlines())
        file.unlink()
        return lines

    run(NUMBERS).assert_outcomes(passed=2)
    first = numbers()
    assert len({line.partition(" ")[2] for line in first}) == 2
    run(NUMBERS, "-k", "2").assert_outcomes(passed=1, deselected=1)
    assert numbers() == first[1:]
    run(NUMBERS, "-n", "2", apart=True).assert_outcomes(passed=2)
    assert numbers() == first


# ---- the summary and the file ----

SEVERAL = """
def test_a(gradcheck):
    gradcheck(right, np.array([0.5]))
    gradcheck(right, np.array([1.5]), seed=7)

def test_b(gradcheck):
    gradcheck(wrong, np.array([0.5]))

def test_c(gradcheck):
    gradcheck(tg.relu, KINK, allow="not differentiable here")

def test_without(): pass
"""
SUMMARY = "gradient checks: 2 verified, 1 wrong, 1 not differentiable here"


@pytest.mark.parametrize("workers", [0, 2])
def test_all_checks_are_counted_and_written(run, pytester: pytest.Pytester, workers: int) -> None:
    result = run(SEVERAL, "-n", str(workers), "--gradcheck-report", "deep/checks.json", apart=workers > 0)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines([SUMMARY, "gradient checks written to deep/checks.json"])
    found = json.loads((pytester.path / "deep" / "checks.json").read_text(encoding="utf-8"))
    assert found["verdict"] == "wrong"
    assert [(each["test"], each["target"], each["verdict"]) for each in found["checks"]] == [
        ("test_mine.py::test_a", "sin", "verified"), ("test_mine.py::test_a", "sin", "verified"),
        ("test_mine.py::test_b", "sin", "wrong"), ("test_mine.py::test_c", "relu", "not differentiable here"),
    ]  # fmt: skip
    assert found["checks"][1]["seed"] == 7
    (row,) = found["checks"][2]["parameters"]
    assert row["shape"] == [1]
    assert row["backward"] / row["numeric"] == pytest.approx(0.5463024898437905)  # tan 0.5


def test_other_formats(run, pytester: pytest.Pytester) -> None:
    for suffix in ("xml", "html", "txt"):
        run(SEVERAL, "--gradcheck-report", f"checks.{suffix}")
    suite = ElementTree.parse(pytester.path / "checks.xml").getroot()[0]
    cases = {case.get("name"): [part.tag for part in case] for case in suite.iter("testcase")}
    assert cases == {
        "sin, input 0": ["failure"],
        "relu, input 0": [],
    }  # a verdict that is allowed is no error
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["4", "1", "0"]
    times = [float(case.get("time")) for case in suite.iter("testcase")]
    assert min(times) > 0
    assert float(suite.get("time")) == pytest.approx(sum(times), abs=1e-5)
    assert "test_mine.py::test_b: sin, with seed=" in (pytester.path / "checks.html").read_text(
        encoding="utf-8"
    )
    text = (pytester.path / "checks.txt").read_text(encoding="utf-8")
    assert text.startswith("Gradient checks: 2 verified, 1 wrong, 1 not differentiable here\n")
    assert text.count("parameters verified") == 4


@pytest.mark.parametrize("workers", [0, 2])
def test_a_failure_that_the_test_expects_is_none_of_the_report(
    run, pytester: pytest.Pytester, workers: int
) -> None:
    known = """
@pytest.mark.xfail(strict=True)
def test_marked(gradcheck):
    gradcheck(wrong, np.array([0.5]))

def test_awaited(gradcheck):
    with pytest.raises(tg.errors.GradientMismatch):
        gradcheck(wrong, np.array([0.5]))

def test_right(gradcheck):
    gradcheck(right, np.array([0.5]))
"""
    for suffix in ("json", "xml", "html"):
        result = run(known, "-n", str(workers), "--gradcheck-report", f"checks.{suffix}", apart=workers > 0)
    result.assert_outcomes(passed=2, xfailed=1)
    result.stdout.fnmatch_lines(["gradient checks: 1 verified, 2 failed as expected"])
    found = json.loads((pytester.path / "checks.json").read_text(encoding="utf-8"))
    assert found["verdict"] == "verified"
    verdicts = {each["test"].rpartition("::")[2]: each["verdict"] for each in found["checks"]}
    assert verdicts == {"test_marked": "wrong", "test_awaited": "wrong", "test_right": "verified"}
    suite = ElementTree.parse(pytester.path / "checks.xml").getroot()[0]
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["3", "0", "0"]
    page = (pytester.path / "checks.html").read_text(encoding="utf-8")
    assert '<header class="right">' in page
    assert 'class="badge wrong"' not in page


def test_where_all_was_to_fail_nothing_was_shown(run, pytester: pytest.Pytester) -> None:
    run("""
@pytest.mark.xfail
def test_marked(gradcheck):
    gradcheck(wrong, np.array([0.5]))
""", "--gradcheck-report", "checks.html")  # fmt: skip
    assert '<strong class="badge open">vacuous</strong>' in (pytester.path / "checks.html").read_text()


def test_pytest_shows_the_line_of_the_test(run) -> None:
    result = run("""
def test_by_report():
    tg.check(wrong, np.array([0.5])).raise_if_failed()  # this line

def test_by_training():
    x = tg.tensor([0.5], requires_grad=True, name="x")
    tg.check_training(x, lambda: wrong(x).sum(), at=[0]).raise_if_failed()  # and this line
""")
    result.assert_outcomes(failed=2)
    said = result.stdout.str()
    assert "# this line" in said
    assert "# and this line" in said
    assert "raise GradientMismatch(" not in said


def test_nothing_is_said_where_nothing_was_checked(run, pytester: pytest.Pytester) -> None:
    result = run("def test_without(): pass")
    assert "gradient check" not in result.stdout.str()
    run("def test_without(): pass", "--gradcheck-report", "checks.json").assert_outcomes(passed=1)
    assert json.loads((pytester.path / "checks.json").read_text())["checks"] == []


def test_a_file_of_no_kind(run) -> None:
    result = run(SEVERAL, "--gradcheck-report", "checks.doc", apart=True)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*a file of one of the kinds .html, .json, .txt, .xml was expected, 'checks.doc' came"]
    )


def test_a_file_that_cannot_be_written_ends_the_session_before_it_starts(
    run, pytester: pytest.Pytester
) -> None:
    (pytester.path / "taken").write_text("")
    (pytester.path / "folder.json").mkdir()
    for file in ("taken/checks.json", "folder.json"):
        result = run(SEVERAL, "--gradcheck-report", file, apart=True)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: --gradcheck-report: *"])


def test_the_plugin_knows_all_formats() -> None:
    assert set(plugin.SUFFIXES) == {f".{name}" for name in FORMATS}


# ---- beside others ----


def test_with_hypothesis_the_simplest_example_is_kept(run, pytester: pytest.Pytester) -> None:
    result = run("""
half = tg.custom_vjp(np.exp, lambda g, y, x: g * (y if x < 3 else 1))

@given(st.integers(-9, 9))
def test_property(gradcheck, n):
    gradcheck(half, float(n))
""", "--gradcheck-report", "checks.json")  # fmt: skip
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["gradient checks: 1 wrong"])
    (found,) = json.loads((pytester.path / "checks.json").read_text(encoding="utf-8"))["checks"]
    assert found["parameters"][0]["numeric"] == pytest.approx(20.085536923187668)  # exp 3


def test_the_package_is_not_imported_before_it_is_used(pytester: pytest.Pytester) -> None:
    """Or its own coverage could not be measured, nor anybody's time of import be saved."""
    pytester.makeconftest("import sys\nassert not {'tinygrad_edu', 'numpy'} & set(sys.modules)")
    pytester.makepyfile("import sys\ndef test_it(): assert 'tinygrad_edu' not in sys.modules")
    pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:cacheprovider").assert_outcomes(
        passed=1
    )


def test_it_stands_beside_the_package() -> None:
    assert Path(plugin.__file__).parent == Path(__file__).parent.parent.parent


# ---- the page ----


def test_the_page_shows_what_comes(pytester: pytest.Pytester) -> None:
    """Its tests, run as a reader would; of the output it shows every line comes, where … stands for anything."""
    page = (Path(__file__).parents[2] / "docs" / "in-your-tests.md").read_text(encoding="utf-8")
    source = "\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    pytester.makepyfile(test_mine=source)
    pytester.makeconftest(
        "from hypothesis import settings\n"
        "settings.register_profile('page', settings.get_profile('repeatable'), max_examples=8)"
    )
    try:
        result = pytester.runpytest_inprocess("--strict-markers", "--hypothesis-profile", "page")
    finally:
        settings.load_profile("repeatable")
    result.assert_outcomes(passed=6, failed=1)
    (shown,) = re.findall(r"^```\n(>  .*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = [glob.escape(line).replace("…", "*") for line in shown.splitlines() if line]
    # The last line is of the page's first file; here all of its tests are in one.
    assert lines.pop() == "gradient checks: 1 verified, 1 wrong"
    result.stdout.fnmatch_lines([*lines, "gradient checks: 2 verified, 1 wrong, 1 not differentiable here"])
