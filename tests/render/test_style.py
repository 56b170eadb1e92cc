"""Numbers, names and colours."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tinygrad_edu.render.look.style import (
    DARK,
    LIGHT,
    THEMES,
    Palette,
    bars,
    clean,
    escape,
    gradient_fill,
    number,
    quoted,
    shape,
    typeset,
)  # fmt: skip


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (2.0, "2"), (-3.0, "−3"), (0.70710678, "0.7071"), (6.88137, "6.8814"),
        (-1.5, "−1.5"), (5.58e-5, "5.58e−5"), (-2.3e-17, "−2.3e−17"), (0.0004999, "0.0005"),
        (1e-4, "0.0001"), (0.02198, "0.022"), (12.3456, "12.346"), (1234.56, "1234.6"), (99999.6, "100000"),
        (999999.0, "999999"), (1e6, "1e6"), (1.234e20, "1.23e20"),
        (float("inf"), "∞"), (float("-inf"), "−∞"), (float("nan"), "NaN"),
        (None, "—"), (5e-324, "4.94e−324"), (1.7976931348623157e308, "1.8e308"),
    ],
)  # fmt: skip
def test_numbers_are_short_and_have_a_real_minus_sign(x, text):
    assert number(x) == text


def test_only_zero_reads_as_zero():
    for exponent in range(-300, 5):
        assert number(10.0**exponent) not in ("0", "−0")
        assert "-" not in number(-(10.0**exponent))


def test_the_number_read_back_is_the_number_to_three_digits():
    for x in np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-100, 100):
        assert float(number(x).replace("−", "-")) == pytest.approx(x, rel=5e-3)


def test_shapes_and_bars():
    assert shape(()) == "scalar"
    assert shape((8, 4)) == "8×4"
    assert bars((0, 1, 4, 8)) == "▁▂▅█"
    assert bars((0, 0)) == ""


def test_one_letter_with_digits_is_an_index():
    assert [typeset(name) for name in ("w12", "θ1", "fc1", "x", "w1234", "x₁")] == [
        "w₁₂", "θ₁", "fc1", "x", "w1234", "x₁",
    ]  # fmt: skip


def test_text_is_cleaned_escaped_and_clipped():
    assert clean("a\x00b\x9f\ud800") == "a\ufffdb\ufffd\ufffd"
    assert clean("two\r\n\tlines\u2028more\n") == "two lines more "
    assert clean("\u202eevil") == "\ufffdevil"
    assert len(clean("x" * 500)) == 80
    assert escape('<b a="1">&') == "&lt;b a=&quot;1&quot;&gt;&amp;"
    assert quoted('a"\\') == '"a&quot;∖"'


def test_the_gradient_scale_has_a_shade_for_every_size():
    shades = [gradient_fill(LIGHT, norm) for norm in (0.0, 1e-6, 1e-4, 0.05, 0.5, 10.0, 1e4, float("nan"))]
    assert shades == [LIGHT.scale[i] for i in (0, 0, 1, 2, 3, 4, 5, 5)]


def channels(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """WCAG 2.1, definition of the contrast ratio."""
    high, low = sorted((float(channels(c) @ (0.2126, 0.7152, 0.0722)) for c in (a, b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", THEMES.values(), ids=THEMES)
def test_text_can_be_read_and_borders_seen(palette: Palette):
    fills = [look.fill for look in palette.roles.values()] + [palette.paper, palette.bad_fill]
    for fill in fills:
        for colour in (palette.ink, palette.value):
            assert contrast(colour, fill) >= 4.5
    for look in palette.roles.values():
        assert contrast(look.tag, look.fill) >= 4.5
        assert contrast(palette.gradient, look.fill) >= 4.5
        for ground in (palette.paper, *palette.groups):
            assert contrast(look.border, ground) >= 3
    for ground in (palette.paper, *palette.groups):
        assert contrast(palette.dim, ground) >= 4.5
        assert contrast(palette.line, ground) >= 3
    for shade in palette.scale:
        assert contrast(palette.scale_text, shade) >= 4.5
    for colour, ground in (
        (palette.gradient, palette.pill), (palette.dim, palette.pill), (palette.chip_text, palette.chip),
        (palette.bad, palette.bad_fill), (palette.bad, palette.paper), (palette.accent_text, palette.paper),
    ):  # fmt: skip
        assert contrast(colour, ground) >= 4.5


DEFICIENCIES = (  # Machado, Oliveira & Fernandes (2009), table 1, severity 1.0: protan, deutan, tritan
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
)


def lab(linear: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of linear sRGB, white point D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    t = to_xyz @ np.clip(linear, 0, 1) / to_xyz.sum(1)
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("matrix", DEFICIENCIES, ids=["protan", "deutan", "tritan"])
def test_value_and_gradient_differ_to_every_eye(palette, matrix):
    value, gradient = (lab(np.array(matrix) @ channels(c)) for c in (palette.value, palette.gradient))
    assert np.linalg.norm(value - gradient) >= 40


def test_roles_differ_in_their_looks():
    for palette in THEMES.values():
        for a, b in combinations(palette.roles.values(), 2):
            assert a != b
