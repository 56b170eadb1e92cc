"""Error curves: slopes and bottoms against theory on paper, what is left out, and what is drawn."""

from __future__ import annotations

import json
import math
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.cli import main
from tinygrad_edu.errors import NotDifferentiableError, ShapeError
from tinygrad_edu.verify.curves import Curve, error_curve
from tinygrad_edu.verify.line import Line, NotAnalytic, complex_slope
from tinygrad_edu.verify.numerical import Estimate

# A function, where, and its value and first three derivatives there, on paper.
t = math.tanh(0.7)
SMOOTH: dict[str, tuple[Any, float, tuple[float, float, float, float]]] = {
    "exp": (tg.exp, 1.0, (math.e, math.e, math.e, math.e)),
    "sin": (tg.sin, 1.0, (math.sin(1), math.cos(1), -math.sin(1), -math.cos(1))),
    "log": (tg.log, 1.7, (math.log(1.7), 1 / 1.7, -1 / 1.7**2, 2 / 1.7**3)),
    "cube": (lambda x: x * x * x, 1.0, (1.0, 3.0, 6.0, 6.0)),
    "tanh": (tg.tanh, 0.7, (t, 1 - t * t, -2 * t * (1 - t * t), (1 - t * t) * (6 * t * t - 2))),
    "log, far away": (tg.log, 1e6, (math.log(1e6), 1e-6, -1e-12, 2e-18)),
}
BOTH = pytest.mark.parametrize("dtype", [np.float64, np.float32])
ALL = pytest.mark.parametrize("name", SMOOTH)


@pytest.fixture(scope="module")
def curves() -> dict[tuple[str, Any], Curve]:
    return {
        (name, dtype): error_curve(f, x, dtype=dtype, name=name)
        for name, (f, x, _) in SMOOTH.items()
        for dtype in (np.float64, np.float32)
    }


Curves = dict[tuple[str, Any], Curve]


# ---- slopes and bottoms ----


@ALL
@BOTH
def test_truncation_rises_with_the_order_and_rounding_falls_with_minus_1(
    curves: Curves, name: str, dtype: Any
) -> None:
    methods, near = curves[name, dtype].methods, 0.03 if dtype is np.float64 else 0.08
    assert methods["one-sided"].truncation == pytest.approx(1, abs=near)
    assert methods["central"].truncation == pytest.approx(2, abs=near)
    assert methods["complex step"].truncation == pytest.approx(2, abs=near)
    for method in ("one-sided", "central", "extrapolated"):
        assert methods[method].rounding == pytest.approx(-1, abs=0.05 if dtype is np.float64 else 0.15)
    assert methods["complex step"].rounding is None


@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "cube"])
def test_the_extrapolation_is_of_the_sixth_order(curves: Curves, name: str) -> None:
    assert curves[name, np.float64].methods["extrapolated"].truncation == pytest.approx(6, abs=0.15)


def test_of_a_cube_the_extrapolation_has_no_truncation(curves: Curves) -> None:
    # Of a polynomial below the seventh degree nothing is cut off, so there is no line on the right.
    assert curves["cube", np.float64].methods["extrapolated"].truncation is None


@ALL
@BOTH
def test_the_best_steps_are_those_of_theory(curves: Curves, name: str, dtype: Any) -> None:
    value, slope, second, third = SMOOTH[name][2]
    found = curves[name, dtype].methods
    # Moré and Wild: σ is between u |f| and what is usual of it; rounding x moves f, too.
    u, x = float(np.finfo(dtype).eps) / 2, SMOOTH[name][1]
    sigma = u * math.hypot(value, slope * x) / math.sqrt(3)
    best = {
        "one-sided": 8**0.25 * math.sqrt(sigma / abs(second)),
        "central": (3 * sigma / abs(third)) ** (1 / 3),
    }
    for method, step in best.items():
        assert 1 / 2 <= found[method].step / step <= 2, method
        assert 1 / 2 <= (found[method].theory.step or 0) / step <= 2, method
        assert 1 / 3 <= found[method].error / (found[method].theory.error or 0) <= 3, method
    assert 1 / 3 <= found["complex step"].step / math.sqrt(6 * u * abs(slope / third)) <= 4
    assert found["complex step"].error <= 8 * u


@BOTH
def test_where_f_and_its_derivatives_are_equal_the_best_steps_are_powers_of_epsilon(
    curves: Curves, dtype: Any
) -> None:
    found, epsilon = curves["exp", dtype].methods, float(np.finfo(dtype).eps)
    assert 1 / 2 <= found["one-sided"].step / epsilon ** (1 / 2) <= 2
    assert 1 / 2 <= found["central"].step / epsilon ** (1 / 3) <= 2


@ALL
def test_the_truncation_is_that_of_taylor(curves: Curves, name: str) -> None:
    curve, (_, slope, second, third) = curves[name, np.float64], SMOOTH[name][2]
    near, far = SMOOTH[name][1] * 1e-5, SMOOTH[name][1] * 1e-3
    near, far = (float(curve.centres[np.abs(np.log(curve.centres / h)).argmin()]) for h in (near, far))
    assert curve.at("one-sided", near) == pytest.approx(abs(second / slope) * near / 2, rel=0.05)
    assert curve.at("central", far) == pytest.approx(abs(third / slope) * far**2 / 6, rel=0.05)
    assert curve.at("complex step", far) == pytest.approx(abs(third / slope) * far**2 / 6, rel=0.05)


def test_the_extrapolation_cuts_off_the_seventh_derivative(curves: Curves) -> None:
    # Of central differences at h, h/2 and h/4 with the weights 1, −20 and 64, all over 45: h⁶ f⁽⁷⁾ / (7! · 64).
    curve = curves["exp", np.float64]
    there = (curve.steps > 0.1) & (curve.steps < 0.25)
    cut_off = curve.steps[there] ** 6 / (5040 * 64)
    np.testing.assert_allclose(curve.methods["extrapolated"].errors[there], cut_off, rtol=0.02)


def test_at_the_lectures_epsilon(curves: Curves) -> None:
    curve = curves["cube", np.float64]
    assert curve.at("one-sided", 1e-7) == pytest.approx(1e-7, rel=0.2)  # ε f″ / 2 f′
    assert curve.at("central", 1e-7) < 1e-8
    assert curve.at("complex step", 1e-7) < 1e-13
    assert curves["cube", np.float32].at("central", 1e-7) > 0.01  # in single precision that ε is none


# ---- other functions ----


def test_arrays_move_in_one_direction(rng: np.random.Generator) -> None:
    w = rng.normal(size=(3, 2))
    curve = error_curve(lambda w: (w.tanh() * w).sum(), w)
    assert curve.methods["central"].truncation == pytest.approx(2, abs=0.05)
    assert "no attribute 'tanh'" in curve.omitted["complex step"]  # a method of nodes, not of complex arrays
    direction = np.zeros((3, 2))
    direction[1, 0] = 1.0
    alone = error_curve(lambda w: (tg.tanh(w) * w).sum(), w, direction=direction)
    x = w[1, 0]
    assert alone.derivative == pytest.approx((1 - math.tanh(x) ** 2) * x + math.tanh(x), rel=1e-14)
    assert not alone.omitted


def test_several_inputs_and_outputs(rng: np.random.Generator) -> None:
    curve = error_curve(tg.matmul, rng.normal(size=(2, 3)), rng.normal(size=(3, 5)), rng=rng)
    assert curve.methods["one-sided"].truncation == pytest.approx(1, abs=0.05)
    assert curve.methods["central"].truncation is None  # a product of two is of the second degree
    assert curve.note == ""


def test_a_seed_decides_everything(rng: np.random.Generator) -> None:
    x = rng.normal(size=3)
    one, again, other = (
        error_curve(tg.tanh, x, rng=np.random.default_rng(seed)).to_dict() for seed in (1, 1, 2)
    )
    assert one == again
    assert one["derivative"] != other["derivative"]


def test_a_function_of_plain_numbers_with_its_derivative() -> None:
    with pytest.raises(NotDifferentiableError, match="give its derivative"):
        error_curve(math.exp, 1.0)
    curve = error_curve(math.exp, 1.0, derivative=math.e)
    assert curve.methods["central"].truncation == pytest.approx(2, abs=0.05)
    assert "takes no complex numbers" in curve.omitted["complex step"]


def test_a_derivative_of_0_has_absolute_errors() -> None:
    curve = error_curve(tg.cosh, 0.0)
    assert not curve.relative
    assert curve.methods["one-sided"].truncation == pytest.approx(1, abs=0.05)
    assert curve.methods["central"].error == 0  # even around 0: both sides are equal


def test_a_linear_function_has_no_truncation() -> None:
    methods = error_curve(lambda x: 3 * x, 1.3).methods
    assert [method.truncation for method in methods.values()] == [None] * 4
    assert methods["central"].rounding == pytest.approx(-1, abs=0.05)
    assert [method.theory.step for method in methods.values()] == [None] * 4


def test_where_the_function_ends_the_methods_are_left_out() -> None:
    edge = error_curve(tg.log, 1.0)  # the first step is 1, and log 0 is infinite
    assert not math.isfinite(edge.methods["central"].errors[0])
    assert edge.to_dict()["methods"]["central"]["errors"][0] is None
    assert edge.methods["central"].truncation == pytest.approx(2, abs=0.03)
    ET.fromstring(edge.svg())
    with pytest.raises(ValueError, match="finite"):
        error_curve(tg.sqrt, 0.0)
    over = error_curve(lambda x: np.where(x > 0.5, math.nan, x), 0.5, derivative=1.0)
    assert set(over.methods) == set()
    assert set(over.omitted) == {"one-sided", "central", "extrapolated", "complex step"}
    assert "not defined" in str(over)
    ET.fromstring(over.svg())


# ---- never a wrong curve ----


@pytest.mark.parametrize(
    ("f", "x", "derivative", "why"),
    [
        (tg.absolute, 1.1, None, "not analytic"),
        (tg.sigmoid, 0.5, None, "takes no complex numbers"),
        (tg.erf, 0.5, None, "takes no complex numbers"),
        (lambda x: np.real(x) ** 2, 0.7, 1.4, "not analytic"),
        (lambda x: np.conj(x) * x, 0.7, 1.4, "not analytic"),
        (lambda x: np.asarray(x).astype(np.float64) ** 2, 0.7, 1.4, "takes no complex numbers"),
    ],
)
def test_a_complex_step_that_says_nothing_is_left_out(f: Any, x: float, derivative: Any, why: str) -> None:
    curve = error_curve(f, x, derivative=derivative)
    assert "complex step" not in curve.methods
    assert why in curve.omitted["complex step"]
    assert curve.note == ""


def test_a_kink_is_named() -> None:
    curve = error_curve(tg.relu, 0.0)
    assert curve.note == (
        "x is on a kink: the slopes on its two sides are 0 and 1; any value between them will do, here 0, "
        "and no ε is better than another"
    )
    beyond = error_curve(tg.relu, 0.0, derivative=1.5)
    assert beyond.note.endswith("on its two sides are 0 and 1, between which the derivative 1.5 is not")
    assert [method.theory.step for method in curve.methods.values()] == [None] * 3
    assert "kink" in str(curve)


def test_the_derivative_of_another_function_is_named() -> None:
    curve = error_curve(tg.exp, 1.0, derivative=2.71828)
    assert curve.note.startswith("the derivative 2.71828 is not that of f, which is 2.71828183")
    assert error_curve(tg.exp, 1.0, derivative=math.e).note == ""


def test_a_spoiled_rule_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tg.registry["tanh"], "rules", (lambda y, x: 1 - x * x,))
    monkeypatch.setattr(tg.registry["tanh"], "rule", lambda i: lambda y, x: 1 - x * x)
    assert "is not that of f" in error_curve(tg.tanh, 0.7).note


def test_a_slope_along_the_imaginary_axis_needs_one_along_the_real_axis() -> None:
    assert complex_slope(np.exp, Estimate(1.0, 1e-12, 0.0)) == 1.0
    for vague in (Estimate(1.0, math.inf, 0.0), Estimate(math.nan, math.nan, 0.0), Estimate(1.0, 1e-12, 0.5),
                  Estimate(1.01, 1e-4, 0.0)):  # fmt: skip
        with pytest.raises(NotAnalytic, match="not analytic here"):
            complex_slope(np.exp, vague)


def test_what_does_not_fit_is_refused(rng: np.random.Generator) -> None:
    for dtype in (np.float16, "double trouble"):
        with pytest.raises(ValueError, match="float32 or float64 was expected as the dtype"):
            error_curve(tg.exp, 1.0, dtype=dtype)
    for x in (-1.0, 0.0):
        with pytest.raises(ValueError, match=r"log is (nan|-inf) here: choose a point where it is finite"):
            error_curve(tg.log, x, name="log")
    with pytest.raises(TypeError, match="a function that returns a number or an array"):
        error_curve(lambda x: None, 1.0)
    with pytest.raises(ValueError, match="floats"):
        error_curve(tg.exp, np.array([1, 2]))
    with pytest.raises(ShapeError, match="directions"):
        error_curve(tg.exp, 1.0, direction=np.ones(3))
    with pytest.raises(ShapeError, match="one number"):
        error_curve(tg.exp, rng.normal(size=3), derivative=np.ones(3))
    with pytest.raises(ValueError, match="light, dark or auto"):
        error_curve(tg.exp, 1.0).svg("blue")


@BOTH
def test_a_line_is_computed_in_the_dtype_of_its_step(dtype: Any, rng: np.random.Generator) -> None:
    line = Line(tg.softmax, [rng.normal(size=(2, 3))], rng=rng, dtype=dtype)
    assert line(dtype(0.25)).dtype == dtype
    assert line(np.result_type(dtype, np.complex64).type(0.25j)).dtype == np.result_type(dtype, np.complex64)
    assert line(np.float64(0)) == line.at_0
    assert np.linalg.norm(line.ts[0]) == pytest.approx(1, rel=1e-6)


# ---- what is drawn ----


@ALL
@BOTH
def test_the_text_fits_a_terminal(curves: Curves, name: str, dtype: Any) -> None:
    lines = str(curves[name, dtype]).split("\n")
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in str(curves[name, dtype])
    plotted = [line[7:] for line in lines if line[6:7] in ("│", "┤")]
    for mark in "126i":
        assert any(mark in line for line in plotted)


def test_the_plot_is_where_the_numbers_are(curves: Curves) -> None:
    lines = str(curves["exp", np.float64]).split("\n")
    plotted = [line for line in lines if line[6:7] in ("│", "┤")]
    # The complex step runs along the ground from the left; one-sided differences end highest on the right.
    ground = max(i for i, line in enumerate(plotted) if "iiiiiiiiii" in line)
    assert ground >= len(plotted) - 2
    assert min(i for i, line in enumerate(plotted) if line.rstrip().endswith("1")) <= 4
    assert any("10⁻¹⁶" in line for line in plotted)
    assert any("ε = 10⁻⁷" in line for line in lines)


def test_the_table_has_theory_beside_what_was_measured(curves: Curves) -> None:
    text = str(curves["exp", np.float64])
    for name, order in (("one-sided", 1), ("central", 2)):
        found = re.search(
            rf"^{name} +\+(\S+) \(\+{order}\) +−(\S+) \(−1\) +(\S+) +(\S+) ", text, re.MULTILINE
        )
        assert found
        assert float(found[1]) == pytest.approx(order, abs=0.05)
        assert float(found[2]) == pytest.approx(1, abs=0.05)
        assert 1 / 2 <= float(found[3]) / float(found[4]) <= 2


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_picture_is_well_formed(curves: Curves, theme: str) -> None:
    text = curves["cube", np.float32].svg(theme)
    root = ET.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    said = [node.text or "" for node in root.iter(f"{space}text")]
    for name in ("one-sided", "central", "extrapolated", "complex step", "the lecture's ε = 10⁻⁷"):
        assert name in said
    assert ("prefers-color-scheme: dark" in text) == (theme == "auto")
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for node in root.iter(f"{space}circle"):
        assert 0 < float(node.attrib["cx"]) < width
        assert 0 < float(node.attrib["cy"]) < height
    # A cube: the best central step, 3e-3, is to the right of the best one-sided one, 2e-4, and lower.
    one, two = (
        node
        for node in root.iter(f"{space}circle")
        if node.attrib["class"] in ("ring one-sided", "ring central")
    )
    by_name = {node.attrib["class"].split()[1]: node.attrib for node in (one, two)}
    assert float(by_name["central"]["cx"]) > float(by_name["one-sided"]["cx"])
    assert float(by_name["central"]["cy"]) > float(by_name["one-sided"]["cy"])


def test_names_are_escaped() -> None:
    ET.fromstring(error_curve(tg.exp, 1.0, name='a < b & "c"').svg())


# ---- the command ----


@pytest.fixture
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def test_the_command_without_a_name(capsys: pytest.CaptureFixture[str], plain_terminal: None) -> None:
    assert main(["curve"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("relative error of the derivative of θ³ at θ = 1 against ε, float64")
    assert "\x1b" not in out
    assert re.search(r"^one-sided +\+1\.00 \(\+1\)", out, re.MULTILINE)


def test_the_command_writes_data_and_a_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, plain_terminal: None
) -> None:
    data, svg = tmp_path / "curve.json", tmp_path / "curve.svg"
    assert main(["curve", "tanh", "--float32", "--seed", "3", "--json", str(data), "--svg", str(svg)]) == 0
    content = json.loads(data.read_text(encoding="utf-8"))
    assert content["dtype"] == "float32"
    assert content["methods"]["central"]["truncation"] == pytest.approx(2, abs=0.1)
    assert len(content["methods"]["central"]["errors"]) == len(content["steps"])
    ET.fromstring(svg.read_text(encoding="utf-8"))
    assert "float32" in capsys.readouterr().out


def test_colours_are_for_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["curve", "exp"]) == 0
    coloured = capsys.readouterr().out
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    assert main(["curve", "exp"]) == 0
    assert "\x1b" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        ["tahn"],
        ["greater"],
        ["--seed", "-1"],
        ["--json", "a", "--svg", "a"],
        ["--svg", os.path.join("no", "a.svg")],
    ],
    ids=["name", "no derivative", "seed", "one file", "no folder"],
)
def test_a_wrong_command_line(
    wrong: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code: Any = main(["curve", *wrong])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
