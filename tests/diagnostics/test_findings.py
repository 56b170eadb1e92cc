"""Findings as text, JSON and pictures; claims that hold and claims that do not."""

from __future__ import annotations

import json
import math
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.diagnostics import (
    Findings,
    depth,
    initialization,
    layers,
    leak,
    normalization,
    powers,
    sanity,
)
from tinygrad_edu.diagnostics.architecture import architecture
from tinygrad_edu.diagnostics.chart import Mark, Panel, draw
from tinygrad_edu.diagnostics.contours import contour
from tinygrad_edu.diagnostics.depth import Course
from tinygrad_edu.diagnostics.leak import Leak, Way, _mcnemar
from tinygrad_edu.diagnostics.samples import all_pixels, elongated
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import init

SVG = "{http://www.w3.org/2000/svg}"


def digits(rng):
    d = tg.data.load_digits()
    x, x_test, y, y_test = tg.data.split(d.x, d.y, rng=rng)
    scaler = tg.data.Standardizer()
    return scaler.fit_transform(x), y, scaler.transform(x_test), y_test


@pytest.fixture(scope="module")
def findings():
    rng = np.random.default_rng(0)
    x, y, of = elongated(rng, 60)
    net = architecture("3-relu-4x2-2").model(rng=rng)
    return [
        normalization(x, y, of=of, most=20), leak(rng), powers((1.5, 0.5), 4), layers(net, rng.standard_normal((5, 3))),
        initialization("3-relu-4x2-2", draws=2, rng=rng), depth("64-tanh-8-10", seeds=[0], epochs=1),
    ]  # fmt: skip


def test_each_is_text_json_and_picture(findings, tmp_path):
    for finding in [*findings, Findings("all of them", findings)]:
        text = str(finding)
        assert text.startswith(finding.title)
        for claim in finding.claims:
            assert claim.said.split()[0] in text
            assert type(claim.held) is bool
        assert text.count("held  ") + text.count("NOT HELD") >= len(finding.claims)
        content = json.loads(finding.save(tmp_path / "it.json").read_text(encoding="utf-8"))
        assert content["schema"].startswith("tinygrad-edu/")
        assert content["held"] == all(claim["held"] for claim in content["claims"])
        root = ElementTree.parse(finding.save(tmp_path / "it.svg")).getroot()
        assert len(root.findall(f"{SVG}g")) == len(finding.panels())
        assert "NaN" not in finding.svg().replace("NaN<", "")
        assert finding.save(tmp_path / "it.txt").read_text(encoding="utf-8") == f"{finding}\n"


def test_what_cannot_be_saved(findings, tmp_path):
    with pytest.raises(ValueError, match=r"\.txt, \.json, \.svg"):
        findings[2].save(tmp_path / "it.png")
    with pytest.raises(ValueError, match="light, dark or auto"):
        findings[2].svg("grey")
    with pytest.raises(FileNotFoundError, match=r"the folder '.*nope' does not exist"):
        findings[2].save(tmp_path / "nope" / "it.svg")


def test_themes(findings):
    light, dark, auto = (findings[2].svg(theme) for theme in ("light", "dark", "auto"))
    assert "#14181D" not in light
    assert "#FFFFFF" not in dark
    assert "prefers-color-scheme: dark" in auto


# ---- charts ----


def test_places_on_a_chart():
    """Of a line from (0, 1) to (10, 1000) on a logarithmic scale the middle is where 10^1.5 is."""
    svg = draw(
        [Panel("t", "x", "y", [Mark("", np.array([0, 5, 10]), np.array([1, 10**1.5, 1000]))], log_y=True)],
        "t",
    )
    path = next(
        e.get("d") for e in ElementTree.fromstring(svg).iter(f"{SVG}path") if "line" in (e.get("class") or "")
    )
    (x0, y0), (x1, y1), (x2, y2) = [tuple(map(float, p.split())) for p in path[1:].split("L")]
    assert (x1, y1) == (pytest.approx((x0 + x2) / 2, abs=0.1), pytest.approx((y0 + y2) / 2, abs=0.1))
    assert x0 < x2
    assert y0 > y2


def test_what_is_not_finite_or_not_positive_breaks_a_line():
    y = np.array([1, 10, np.nan, 10, 0, 10, np.inf])
    svg = draw([Panel("t", "x", "y", [Mark("name", np.arange(7), y)], log_y=True)], "t")
    path = next(
        e.get("d") for e in ElementTree.fromstring(svg).iter(f"{SVG}path") if "line" in (e.get("class") or "")
    )
    assert path.count("M") == 3
    assert (
        draw([Panel("t", "x", "y", [Mark("zeros", np.arange(3), np.zeros(3))], log_y=True)], "t").count(
            "zeros"
        )
        == 1
    )


def test_a_name_stands_where_its_line_ends():
    marks = [Mark("short", np.arange(3), np.array([1, 2, 3])), Mark("long", np.arange(11), np.arange(11.0))]
    texts = [e for e in ElementTree.fromstring(draw([Panel("t", "x", "y", marks)], "t")).iter(f"{SVG}text")]
    at = {e.text: (float(e.get("x")), float(e.get("y"))) for e in texts if e.text in ("short", "long")}
    assert at["short"][0] < at["long"][0]
    assert at["short"][1] > at["long"][1]
    same = [Mark(name, np.arange(3), np.ones(3), colour) for colour, name in enumerate("abc")]
    svg = draw([Panel("t", "x", "y", same)], "t")
    heights = sorted(
        float(e.get("y")) for e in ElementTree.fromstring(svg).iter(f"{SVG}text") if e.text in ("a", "b", "c")
    )
    assert min(np.diff(heights)) >= 12  # the size of the letters
    assert svg.count('class="lead') == 2  # to the two that had to make room


def test_the_contours_of_a_bowl_are_circles():
    x, y = np.linspace(-2, 2, 81), np.linspace(-1, 3, 81)
    xs, ys = contour(x[None, :] ** 2 + (y[:, None] - 1) ** 2, x, y, 1.0)
    known = np.isfinite(xs)
    np.testing.assert_allclose(np.hypot(xs[known], ys[known] - 1), 1, atol=1e-3)
    angles = np.sort(np.arctan2(ys[known] - 1, xs[known]))
    assert np.diff(angles).max() < 0.1
    assert contour(np.ones((3, 3)), x[:3], y[:3], 5.0)[0].size == 0


# ---- statistics of the test set ----


def test_the_leak_on_digits():
    found = leak(np.random.default_rng(1))
    errors = [way.wrong.mean() for way in found.ways]
    assert errors[0] < 0.08
    assert errors[-1] > 0.7
    assert found.held


def test_mcnemar_by_hand():
    """5 images that only the second gets wrong and 1 that only the first does: (5 − 1) / √6."""
    first, second = np.zeros(20, bool), np.zeros(20, bool)
    first[0], second[1:6] = True, True
    assert _mcnemar(first, second) == pytest.approx(4 / math.sqrt(6))
    assert _mcnemar(first, first) == 0
    assert not Leak([Way("a", first, 0.0), Way("b", second, 1.6), Way("c", second, 1.6)]).held


def test_all_pixels_need_a_million_steps():
    x, y, of = all_pixels()
    found = normalization(x, y, of=of, most=200)
    assert found.descents[0].predicted > 500_000
    assert found.descents[1].steps == found.descents[1].predicted < 200


# ---- eight layers learn digits ----


def test_outcomes_in_words():
    chance = math.log(10)
    losses = np.array([[chance, chance], [chance, math.nan], [chance, 5.0], [chance, 0.1], [chance, 1.5]])
    course = Course("zeros", losses, np.array([0.1, 0, 0.1, 0.99, 0.6]), np.zeros(5))
    assert course.outcomes == ["at chance", "diverged", "diverged", "trained", "between"]


def test_a_claim_that_does_not_hold_is_said_so():
    """After one epoch nothing deep has trained."""
    found = depth(seeds=[0], epochs=1)
    by_name = {claim.said: claim.held for claim in found.claims}
    assert by_name["zeros stays at chance"]
    assert by_name["randn diverges"]
    assert not by_name["√(1/n) trains"]
    assert not found.held
    assert "NOT HELD" in str(found)


@pytest.mark.parametrize("given", [{"network": "3-2"}, {"seeds": []}, {"epochs": 0}])
def test_what_depth_refuses(given):
    with pytest.raises(ValueError, match="64 inputs"):
        depth(**given)
    with pytest.raises(TypeError, match=r"range\(5\) was expected, 1 came: say \[1\]"):
        depth(seeds=1)


# ---- sanity ----


def network(start):
    return lambda rng: architecture("64-relu-32-10").model(start, rng=rng)


def test_a_sane_network():
    rng = np.random.default_rng(2)
    assert sanity(network(init.lecun_normal), *digits(rng), rng=rng, epochs=2).held


def test_each_question_can_be_answered_no():
    rng = np.random.default_rng(2)
    data = digits(rng)
    too_large = sanity(network(init.normal), *data, rng=rng, epochs=1).claims
    assert [claim.held for claim in too_large] == [False, True, True]
    stuck = sanity(network(init.zeros), *data, rng=rng, epochs=1, steps=30).claims
    assert [claim.held for claim in stuck] == [True, False, True]


def test_a_model_that_is_not_new_is_noticed():
    """It has been trained before, on the right labels: a bug that a script with one global model has."""
    rng = np.random.default_rng(3)
    x, y, x_test, y_test = digits(rng)
    net = network(init.kaiming_normal)(rng)
    optimizer = tg.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(30):
        optimizer.zero_grad()
        tg.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    found = sanity(lambda rng: net, x, y, x_test, y_test, rng=rng, rate=1e-5, epochs=1)
    assert not found.claims[0].held
    assert not found.claims[2].held
    assert found.shuffled > 0.8


def test_sanity_wants_a_label_for_each_sample():
    with pytest.raises(ShapeError, match="a label for each"):
        sanity(network(init.zeros), np.ones((3, 64)), np.zeros(2, int), np.ones((3, 64)), np.zeros(3, int))
