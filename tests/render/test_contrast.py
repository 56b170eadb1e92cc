"""Every text on every fill that pictures really have can be read, in both themes; no meaning is left to colour alone.

The pairs are not listed here: they are read off the labels of drawings of all kinds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.render import Drawing, draw
from tinygrad_edu.render.diagnosing.diagnosis import diagnose
from tinygrad_edu.render.look.style import THEMES, Palette
from tinygrad_edu.render.look.themes import counterparts

LINES = re.compile(r'\bpencolor="(#\w+)"|\bcolor="(#\w+)"')


def everything(network: Any, theme: str) -> list[Drawing]:
    """Drawings in which everything occurs that has a colour."""
    net, loss = network()
    x, t = tg.Scalar(2.0, name="x"), tg.Scalar(1.0, name="t", requires_grad=False)
    chain = x * 2.0
    for _ in range(30):
        chain = chain.tanh()
    stale = x * t
    sick = tg.tensor([np.nan, 1.0], requires_grad=True, name="sick")
    ill = (sick * 2.0).sum()
    sizes = [tg.tensor([10.0**k, 0.0], requires_grad=True, name=f"size {k}") for k in range(-8, 5)]
    scale = sum((s * s).sum() for s in sizes)
    for root in (chain, ill, scale):
        root.backward()
    w = tg.tensor([1.0, 2.0], name="w")
    x.assign(3.0)
    options: dict[str, Any] = {"theme": theme, "title": "title", "subtitle": "subtitle"}
    return [
        draw(loss, names=net, **options), draw(loss, names=net, depth=1, highlight="fc1*", **options),
        draw(chain, max_cards=9, local=True, **options), draw(stale, **options), draw(ill, **options),
        draw(scale, leaves="cards", **options), draw(scale, leaves="inset", **options),
        draw(w * sick, parameters=[w, sick], **options), draw(w * sick, parameters=[w], leaves="inset", **options),
        diagnose(ill, **options), diagnose(loss, names=net, **options),
    ]  # fmt: skip


def channels(colour: str) -> np.ndarray:
    """Linear sRGB."""
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """The contrast ratio of WCAG 2.1."""
    high, low = sorted((float(channels(c) @ (0.2126, 0.7152, 0.0722)) for c in (a, b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def pairs(label: str, ground: str) -> Iterator[tuple[str, str, str]]:
    """(words, colour, fill behind them) of an HTML-like label."""
    stack: list[tuple[Any, str, str]] = [(ElementTree.fromstring(f"<L>{label}</L>"), ground, "")]
    while stack:
        element, fill, colour = stack.pop()
        fill = element.get("BGCOLOR", fill)
        colour = element.get("COLOR", colour) if element.tag == "FONT" else colour
        if element.text and element.text.strip():
            yield element.text, colour, fill
        stack += [(child, fill, colour) for child in element]


def drawn(drawing: Drawing, paper: str) -> Iterator[tuple[str, str, str]]:
    """(words, colour, ground) of all texts, and of all lines, whose words are "line"."""
    grounds = [paper]
    for line in drawing.source.splitlines():
        label = re.search(r"label=<(.*)>", line)
        fill = re.search(r'fillcolor="(#\w+)"', line)
        ground = fill[1] if fill else paper
        for found in LINES.findall(line):
            yield ("frame" if found[0] else "line"), found[0] or found[1], grounds[-1]
        if "subgraph" in line and fill:
            grounds.append(fill[1])
        elif line == "}" and len(grounds) > 1:
            grounds.pop()
        if label:
            inside = label[1].split("> tooltip=")[0].split("> margin=")[0]
            yield from pairs(inside, ground)
        elif "->" in line and "label=" in line:
            edge = re.search(r'fontcolor="(#\w+)"', drawing.source)
            assert edge is not None
            yield line, edge[1], paper


@pytest.mark.parametrize("theme", ["light", "dark", "auto, seen by a reader in the dark"])
def test_what_is_written_can_be_read_and_what_is_drawn_be_seen(network, theme):
    dark = counterparts() if theme.startswith("auto") else {}
    palette = THEMES["light" if dark else theme]
    seen, poor = set(), {}
    for drawing in everything(network, "auto" if dark else theme):
        for words, colour, ground in drawn(drawing, palette.paper):
            pair = tuple(dark.get(c.lower(), c) for c in (colour, ground))
            seen.add(pair)
            needed = 0 if words == "frame" else 3 if words == "line" else 4.5  # a module is named, too
            if contrast(*pair) < needed:
                poor[words, *pair] = round(contrast(*pair), 2)
    assert poor == {}
    assert len(seen) > 25


def test_every_colour_of_a_picture_that_follows_has_a_counterpart(network):
    pytest.importorskip("pygraphviz")
    for drawing in everything(network, "auto"):
        svg = drawing.svg()
        head, _, body = svg.partition("</style>")
        colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', body)) - {"none", "transparent"}
        assert colours <= set(counterparts())
        assert 'class="follows"' in head
        assert "@media (prefers-color-scheme: dark)" in head
    assert "<style>" not in draw(tg.Scalar(1.0), theme="dark").svg()


DEFICIENCIES = {  # Machado, Oliveira & Fernandes (2009), table 1, severity 1.0
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(linear: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of linear sRGB, white point D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    t = to_xyz @ np.clip(linear, 0, 1) / to_xyz.sum(1)
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(a: str, b: str, matrix: Any) -> float:
    """ΔE of 1976."""
    return float(np.linalg.norm(lab(np.array(matrix) @ channels(a)) - lab(np.array(matrix) @ channels(b))))


def test_the_difference_of_colours_is_that_of_the_textbook():
    white, black = "#FFFFFF", "#000000"
    assert difference(white, black, np.eye(3)) == pytest.approx(100, abs=0.1)  # L* goes from 0 to 100
    assert difference("#FF0000", "#00FF00", np.eye(3)) == pytest.approx(
        170.6, abs=0.3
    )  # the primaries of sRGB
    red, green = (np.array(DEFICIENCIES["deutan"]) @ channels(c) for c in ("#FF0000", "#00FF00"))
    assert np.linalg.norm(lab(red) - lab(green)) < 0.6 * 170.6  # what the deficiency takes away


@pytest.mark.parametrize("palette", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("matrix", DEFICIENCIES.values(), ids=DEFICIENCIES)
def test_values_and_gradients_and_roles_are_told_apart_by_every_eye(palette: Palette, matrix):
    assert difference(palette.value, palette.gradient, matrix) >= 40
    near = [
        (a, b)
        for (a, one), (b, other) in combinations(palette.roles.items(), 2)
        if difference(one.border, other.border, matrix) < 12
    ]
    for a, b in near:  # a second code: another line, or another word in the corner
        assert palette.roles[a].dashed != palette.roles[b].dashed or {"intermediate", "constant"} == {a, b}
    for look in palette.roles.values():
        assert difference(palette.bad, look.border, matrix) >= 12


def test_where_colours_are_near_words_are_not(network):
    x, c = tg.Scalar(2.0, name="x"), tg.Scalar(1.0, name=None, requires_grad=False)
    sick = tg.tensor([np.nan], name="sick")
    source = draw(x * c, leaves="cards").source
    assert ">input</FONT>" in source
    assert ">const</FONT>" in source
    assert ">output</FONT>" in source
    assert "⚠" in draw(sick).source
