"""JUnit XML, read back by another parser and held against the published schema of Ant, written here as rules."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.suite import Finding, SuiteReport
from tinygrad_edu.verify.report import Report


def suite_of(path: Path) -> ElementTree.Element:
    """The test suite, if the file is what Ant's JUnit.xsd asks for (Windy Road, 2011)."""
    root = ElementTree.fromstring(path.read_bytes())
    assert (root.tag, root.attrib) == ("testsuites", {})
    (suite,) = root
    assert suite.attrib.keys() == {
        "name", "timestamp", "hostname", "tests", "failures", "errors", "time", "package", "id",
    }  # fmt: skip
    assert suite.get("name", "").strip()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
    tags = [child.tag for child in suite]
    assert tags == ["properties", *["testcase"] * (len(tags) - 3), "system-out", "system-err"]
    assert all(property.keys() == ["name", "value"] and property.get("name") for property in suite[0])
    for case in suite.iter("testcase"):
        assert case.attrib.keys() == {"name", "classname", "time"}
        assert [child.tag for child in case] in ([], ["failure"], ["error"])
        assert all(child.attrib.keys() == {"type", "message"} for child in case)
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(suite.get(attribute, "")) == len(list(suite.iter(tag)))
    return suite


def test_a_case_for_each_parameter(reports: dict[str, Report], tmp_path: Path) -> None:
    tags = {
        "verified": [], "wrong": ["failure"], "NaN": ["failure"], "infinite": ["failure"], "inconclusive": ["error"],
        "not differentiable here": ["error"], "vacuous": ["error"], "empty": ["error"], "one number": [],
    }  # fmt: skip
    for name, report in reports.items():
        suite = suite_of(report.save(tmp_path / "check.xml", title=f"check of {name}"))
        (case,) = suite.iter("testcase")
        assert [child.tag for child in case] == tags[name]
        assert suite.get("name") == f"check of {name}"
        assert [child.get("type") for child in case] == ([report.verdict] if tags[name] else [])


def test_properties(reports: dict[str, Report], tmp_path: Path) -> None:
    suite = suite_of(reports["one number"].save(tmp_path / "check.xml"))
    properties = {each.get("name"): each.get("value") for each in suite[0]}
    assert properties["version"] == tg.__version__
    assert properties["numpy"] == np.__version__
    assert (properties["verdict"], properties["step"]) == ("verified", "1e-06")


def test_a_check_says_how_long_it_took(tmp_path: Path) -> None:
    report = tg.check(lambda x, y: (x * y).sum(), np.ones(3), np.ones(3))
    assert report.seconds > 0
    suite = suite_of(report.save(tmp_path / "check.xml"))
    times = [float(case.get("time", "")) for case in suite.iter("testcase")]
    assert times == pytest.approx([report.seconds / 2] * 2, abs=1e-6)
    assert float(suite.get("time", "")) == pytest.approx(report.seconds, abs=1e-6)


def test_a_failure_says_both_values(reports: dict[str, Report], tmp_path: Path) -> None:
    (failure,) = suite_of(reports["wrong"].save(tmp_path / "check.xml")).iter("failure")
    assert re.fullmatch(r"w\[[01]\]: backward [24], numeric [12] ± 1e−12", failure.get("message", ""))
    assert "2.000000 ×" in (failure.text or "")


@pytest.mark.parametrize("title", [None, " ", "\x1b<&>\"'"])
def test_hostile_names(title: str | None, hostile: Report, tmp_path: Path) -> None:
    suite = suite_of(hostile.save(tmp_path / "check.xml", title=title))
    names = [case.get("name", "") for case in suite.iter("testcase")]
    assert len(names) == len(hostile.rows)
    for row, name in zip(hostile.rows, names, strict=True):
        if row.name.isprintable():
            assert name == row.name
        assert name.replace("\n", "").isprintable()
    assert r"\x00\x07\x1b[31mred\x1b[0m\x7f\x85" in names


def test_a_case_for_each_finding(tmp_path: Path) -> None:
    findings = (
        Finding("exp", "real(3,)", "vjp", ""),
        Finding("exp", "real(3,)", "jvp", "2 at [0], numerically 1\nand more"),
        Finding("Linear", "real(7, 3), eval", "numeric", "undecided: too wide", undecided=True),
    )
    report = SuiteReport(
        findings, ("exp", "sin"), ("sign",), ("canary: sign, by the witness 'vjp'",), ("Linear",), seed=5
    )
    suite = suite_of(report.save(tmp_path / "run.xml"))
    cases = [
        (case.get("classname"), case.get("name"), [child.tag for child in case])
        for case in suite.iter("testcase")
    ]
    assert cases == [
        ("suite run.primitive exp", "vjp, at real(3,)", []),
        ("suite run.primitive exp", "jvp, at real(3,)", ["failure"]),
        ("suite run.layer Linear", "numeric, at real(7, 3), eval", ["error"]),
        ("suite run.skipped", "sin", ["error"]),
        ("suite run.planted errors", "canary: sign, by the witness 'vjp'", ["failure"]),
    ]
    assert {each.get("name"): each.get("value") for each in suite[0]}["seed"] == "5"
    assert next(suite.iter("failure")).text == "2 at [0], numerically 1\nand more"
