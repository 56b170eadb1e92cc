"""The HTML page: read back by another parser. It is whole, escapes what users named, loads nothing, and can be read."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu.reporting.check import BANDS, position
from tinygrad_edu.suite import Finding, SuiteReport
from tinygrad_edu.verify.report import Report

VOID = {"meta", "br", "hr", "img", "input", "link"}
LOADING = {"src", "href", "srcset", "action", "data", "poster", "background", "formaction"}


class Page(HTMLParser):
    """The elements of a page, with their attributes and text; each is closed in the order of nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append((self.open[-1] if self.open else "", data))

    def texts(self, tag: str) -> list[str]:
        return [data for inside, data in self.words if inside == tag]

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.elements)


def page_of(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    page = Page(text)
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint(
        {"script", "link", "img", "iframe", "object", "embed", "form", "base", "foreignobject"}
    )
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert not [name for name in attributes if name.rpartition(":")[2] in LOADING]
        if tag == "meta" and "http-equiv" in attributes:
            assert attributes["http-equiv"] == "Content-Security-Policy"
            assert attributes["content"].startswith("default-src 'none'")
    return page


def test_all_verdicts_are_words(reports: dict[str, Report], tmp_path: Path) -> None:
    for report in reports.values():
        page = page_of(report.save(tmp_path / "check.html", title="A check"))
        assert page.texts("h1") == ["A check"]
        assert page.texts("title") == [f"A check: {report.verdict}"]
        assert page.texts("strong") == [report.verdict, *(row.verdict for row in report.rows)]


def test_both_values_and_the_error_bar(reports: dict[str, Report], tmp_path: Path) -> None:
    page = page_of(reports["wrong"].save(tmp_path / "check.html"))
    cells = page.texts("td")
    assert cells[0] == "(2,)"
    assert {"2", "1", "1e−12"} <= set(cells) or {"4", "2", "1e−12"} <= set(cells)
    assert any("2.000000 ×" in note for note in page.texts("p"))
    assert "NaN" in page_of(reports["NaN"].save(tmp_path / "check.html")).texts("td")
    assert "−∞" in page_of(reports["infinite"].save(tmp_path / "check.html")).texts("td")


def test_hostile_names(hostile: Report, tmp_path: Path) -> None:
    page = page_of(hostile.save(tmp_path / "check.html", title=hostile.rows[0].name))
    shown = ["".join(page.texts("h1")), *page.texts("th")]
    assert shown[0] == hostile.rows[0].name
    for row in hostile.rows:
        if row.name.isprintable() and row.name:
            assert row.name in shown
    assert r"\x00\x07\x1b[31mred\x1b[0m\x7f\x85" in shown
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ufffe]", (tmp_path / "check.html").read_text(encoding="utf-8")
    )


def test_tables_that_can_be_listened_to(hostile: Report, tmp_path: Path) -> None:
    page = page_of(hostile.save(tmp_path / "check.html"))
    heads = [attributes.get("scope") for tag, attributes in page.elements if tag == "th"]
    assert heads == ["col"] * 8 + ["row"] * len(hostile.rows)
    # Every row fills all columns: a parameter by itself, or beside its notes.
    rows: list[int] = []
    below = 0
    for tag, attributes in page.elements:
        if tag == "tr":
            rows.append(1 if below else 0)
            below = max(below - 1, 0)
        elif tag in ("th", "td"):
            rows[-1] += int(attributes.get("colspan", 1))
            below = max(below, int(attributes.get("rowspan", 1)) - 1)
    assert set(rows) == {8}
    assert ("html", {"lang": "en"}) in page.elements


def test_a_page_of_a_run(tmp_path: Path) -> None:
    findings = (
        Finding("exp", "real(3,)", "vjp", "2 at [0], numerically 1"), Finding("exp", "real(3,)", "jvp", ""),
        Finding("sin", "real(3,)", "vjp", "undecided: <too wide>", undecided=True),
        Finding("Linear", "real(7, 3)", "numeric", ""),
    )  # fmt: skip
    report = SuiteReport(findings, ("exp", "sin"), ("sign",), (), ("Linear", "Unseen"))
    page = page_of(report.save(tmp_path / "run.html"))
    assert page.texts("h2")[:2] == ["Primitives", "Layers"]
    assert page.texts("th") == [
        "primitive",
        "cases",
        "vjp",
        "jvp",
        "exp",
        "sin",
        "layer",
        "cases",
        "numeric",
        "Unseen",
        "Linear",
    ]
    spans = [attributes for tag, attributes in page.elements if tag == "span"]
    assert sum(attributes.get("aria-hidden") == "true" for attributes in spans) == 4
    spoken = [word for word in page.texts("span") if word.strip("✓✗?0123456789 ")]
    assert spoken == ["1 wrong", "right", "1 undecided", "right"]
    notes = [text for text in page.texts("p") if ", at " in text or "skipped" in text]
    assert notes == [
        "vjp, at real(3,): 2 at [0], numerically 1", "vjp, at real(3,): undecided: <too wide>",
        "skipped: no witness has seen it",
    ]  # fmt: skip


# ---- the graph ----


class Svg:
    def __init__(self, text: str) -> None:
        self.text = text

    def svg(self) -> str:
        return self.text


def test_a_graph_is_part_of_the_page(reports: dict[str, Report], tmp_path: Path) -> None:
    x = tg.Scalar(2.0, "<x>")
    drawing = tg.draw((x * x).tanh(), title="A & B")
    page = page_of(reports["one number"].save(tmp_path / "check.html", graph=drawing))
    assert page.count("svg") == 1
    assert any("<x>" in text for text in page.texts("text"))
    assert page_of(reports["one number"].save(tmp_path / "check.html")).count("svg") == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
            "without scripts and links was expected, script",
        ),
        ("<svg><g onload='f()'/></svg>", "onload of g"),
        ("<svg xmlns:x='http://www.w3.org/1999/xlink'><a x:href='http://example.org'/></svg>", "href"),
        ("<svg><style>@import 'http://example.org/a.css';</style></svg>", "style"),
        ("<svg><path></svg>", "cannot be read"),
        ("no picture", "cannot be read"),
        ("<html/>", "SVG was expected"),
    ],
)
def test_a_graph_that_is_more_than_a_picture(
    text: str, expected: str, reports: dict[str, Report], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        reports["verified"].save(tmp_path / "check.html", graph=Svg(text))
    assert list(tmp_path.iterdir()) == []


# ---- how it looks ----


def luminance(colour: str) -> float:
    """The relative luminance of #rrggbb, as in WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_read_in_light_and_in_dark() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    css = files("tinygrad_edu.reporting").joinpath("page.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", part))
        for part in css.split("@media (prefers-color-scheme: dark)")
    )
    assert light.keys() == dark.keys()
    pairs = [(ink, on) for ink in ("ink", "dim") for on in ("paper", "card", "stripe")]
    pairs += [(tone, f"{tone}-fill") for tone in ("right", "wrong", "open")]
    pairs += [(tone, on) for tone in ("right", "wrong", "open") for on in ("card", "stripe")]
    pairs += [("ink", f"band-{i}") for i in range(1, 5)]
    for theme in (light, dark):
        assert {
            (a, b): round(contrast(theme[a], theme[b]), 2)
            for a, b in pairs
            if contrast(theme[a], theme[b]) < 4.5
        } == {}
    assert "url(" not in css
    assert "@import" not in css


def test_the_scale_of_differences() -> None:
    edges = [position(d) for d in (1e-16, *BANDS.values())]
    assert edges == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    grid = [position(10.0**k) for k in range(-20, 2)]
    assert all(a <= b for a, b in pairwise(grid))
    assert position(0.0) == 0
    assert position(float("nan")) == position(float("inf")) == 1
    assert position(3e-4) == pytest.approx(
        0.5 + 0.25 * (2 - 0.5228787) / 2, abs=1e-6
    )  # log₁₀ 3e-4 = −3.5228787
