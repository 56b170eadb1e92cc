"""The pytest plugin: a fixture, a marker and an option, for gradient checks among your own tests.

    def test_mine(gradcheck):
        gradcheck(f, x, w, hazards=True)

It stands beside the package and not within, and imports it only when a test asks for a check. For pytest loads its
plugins before coverage is measured, and what a package does while it is imported would otherwise count as never run.
What the hooks call stands in tinygrad_edu/testing.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tinygrad_edu.testing import GradCheck

SUFFIXES = (".html", ".json", ".txt", ".xml")
NAME = "gradient checks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--gradcheck-report FILE`."""
    parser.getgroup(NAME).addoption(
        "--gradcheck-report", metavar="FILE", help=f"write all gradient checks there: {', '.join(SUFFIXES)}"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and what collects the checks."""
    config.addinivalue_line(
        "markers",
        "gradcheck(hazards=False, step=None, directions=None, allow_zero=(), seed=None, allow=()): how the fixture "
        "`gradcheck` checks in this test.",
    )
    file = config.getoption("gradcheck_report")
    if file and Path(file).suffix.lower() not in SUFFIXES:
        raise pytest.UsageError(
            f"--gradcheck-report: a file of one of the kinds {', '.join(SUFFIXES)} was expected, '{file}' came"
        )
    if file and not hasattr(config, "workerinput"):
        _ensure_writable(Path(file))
    config.pluginmanager.register(Session(config), NAME)


def _ensure_writable(file: Path) -> None:
    """Refuse before the tests what could not be written after them."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--gradcheck-report: {error}") from error
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise pytest.UsageError(f"--gradcheck-report: '{file}' cannot be written")


@pytest.fixture(
    scope="session"
)  # one for all tests, so that a test of Hypothesis may use it for all its examples
def gradcheck(request: pytest.FixtureRequest) -> GradCheck:
    """Check gradients: `gradcheck(f, x, w)` returns the report, and fails the test unless all are verified."""
    from tinygrad_edu.testing import GradCheck

    session: Any = request.config.pluginmanager.get_plugin(NAME)
    return GradCheck(session)


class Session:
    """The gradient checks of all tests. Those made in a worker of pytest-xdist travel with the report of the test."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.item: pytest.Item | None = None  # the test that is running
        self.made: list[dict[str, Any]] = []  # its checks since the last report
        self.all: list[dict[str, Any]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Know which test is running."""
        self.item = item
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give the test's report its checks. A marked test that has made none is no test of a gradient, and fails."""
        report = yield
        made, self.made = self.made, []
        marked = any(marker.name == "gradcheck" for marker in item.own_markers)
        if marked and not made and report.when == "call" and report.passed:
            report.outcome = "failed"
            report.longrepr = (
                f"@pytest.mark.gradcheck: {item.name} was to check a gradient, and has not called `gradcheck`"
            )
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            made = made[-1:]  # the last example: of those that fail it is the simplest
        if made:  # a check that failed in a test that has not was to fail
            vars(report)["gradchecks"] = [each | {"expected": not report.failed} for each in made]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect them, from whichever worker they come."""
        self.all += getattr(report, "gradchecks", [])

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        file = self.config.getoption("gradcheck_report")
        if file and not hasattr(self.config, "workerinput"):
            from tinygrad_edu.testing.record import write

            write(self.all, Path(file))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """A line on all of them."""
        if self.all:
            from tinygrad_edu.testing.record import summary

            text = f"gradient checks: {summary(self.all)}"
            terminalreporter.write_line(text, red="wrong" in text)
        if self.config.getoption("gradcheck_report"):
            terminalreporter.write_line(
                f"gradient checks written to {self.config.getoption('gradcheck_report')}"
            )
