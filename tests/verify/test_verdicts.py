"""The five verdicts, each where it belongs; and no false alarm."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import GradientMismatch


def by_hand(f: Callable[[Any], Any], x: Any, g: Any) -> tg.verify.Report:
    """Check a claimed gradient of f."""
    leaf = tg.tensor(x, requires_grad=True, name="x", dtype=float)
    return tg.check(f, leaf, gradients={"x": np.asarray(g, float)})


# ---- verified, wrong ----


@pytest.mark.parametrize("off", [1e-6, 1e-8, -1e-7])
def test_a_constant_that_is_wrong_in_a_late_digit(off: float) -> None:
    x = np.array([0.3, -1.2, 2.0])
    assert by_hand(lambda x: tg.exp(x).sum(), x, np.exp(x))
    report = by_hand(lambda x: tg.exp(x).sum(), x, np.exp(x) * (1 + off))
    assert report.verdict == "wrong"


def test_one_component_of_many_is_found_and_named(rng: np.random.Generator) -> None:
    x, c = rng.normal(size=(2, 30, 40))
    right = 2 * c * x
    for index in [(0, 0), (17, 23), (29, 39)]:
        wrong = right.copy()
        wrong[index] *= 1.001
        (row,) = by_hand(lambda x: (c * x * x).sum(), x, wrong).rows
        assert (row.verdict, row.worst, row.wrong) == ("wrong", index, 1)
        assert row.backward == wrong[index]
        assert row.numeric == pytest.approx(right[index], rel=1e-8)
        assert row.error < 1e-4 * abs(right[index])
        assert row.difference < 1e-3  # the lecture's formula would not call it a bug
        assert row.note == "1 of 1200 components differ"


def test_a_small_gradient_is_not_hidden_by_a_large_one() -> None:
    a, b = tg.Scalar(2.0, "a"), tg.Scalar(3.0, "b")

    def f() -> Any:
        return 1e4 * a * a + 1e-3 * b * b

    assert tg.check(f, parameters=[a, b])
    report = tg.check(f, parameters=[a, b], gradients={"a": 4e4, "b": 12e-3})
    assert [row.verdict for row in report.rows] == ["verified", "wrong"]
    assert report.difference < 1e-6
    assert report.verdict == "wrong"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_no_number_is_wrong(value: float) -> None:
    (row,) = by_hand(lambda x: (x * x).sum(), [1.0, 2.0, 3.0], [2.0, value, 6.0]).rows
    assert (row.verdict, row.worst, row.wrong) == ("wrong", (1,), 1)
    assert row.note == "the backward pass gives a number that is not finite"


def test_no_gradient_at_all_is_wrong() -> None:
    (row,) = by_hand(lambda x: (x * x).sum(), [1.0, 2.0], [0.0, 0.0]).rows
    assert (row.verdict, row.wrong) == ("wrong", 2)
    assert row.note == "the backward pass gives 0 everywhere"


@pytest.mark.parametrize(
    ("factor", "said"), [(-1, "-1.00000"), (2, "2.00000"), (0.5, "0.50000"), (20, "20.00000")]
)
def test_a_constant_factor_is_named(factor: float, said: str, rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 5))
    report = by_hand(lambda x: tg.sin(x).sum(), x, factor * np.cos(x))
    assert f"every entry is {said}" in report.rows[0].note
    assert f"every entry is {said}" in str(report)


def test_a_factor_that_is_none_is_not_claimed(rng: np.random.Generator) -> None:
    x = rng.normal(size=20)
    wrong = 2 * np.cos(x)
    wrong[7] = np.cos(x[7])
    (row,) = by_hand(lambda x: tg.sin(x).sum(), x, wrong).rows
    assert row.note == "19 of 20 components differ"


def test_a_gradient_where_there_is_none_is_wrong() -> None:
    # f ignores its second component, and the backward pass does not.
    (row,) = by_hand(lambda x: x[0] * x[0], [1.0, 5.0], [2.0, 1e-6]).rows
    assert (row.verdict, row.worst) == ("wrong", (1,))


# ---- not differentiable here ----


def test_relu_at_0_is_on_a_kink() -> None:
    report = tg.check(lambda x: tg.relu(x).sum(), np.array([1.0, 0.0, -2.0]))
    (row,) = report.rows
    assert row.verdict == report.verdict == "not differentiable here"
    assert not report
    assert row.note.startswith("1 of 3 components is on a kink")
    assert row.note.endswith("at [1] 0 and 1; the backward pass gives 0, as right as any value between them")


@pytest.mark.parametrize(
    ("f", "slopes"),
    [(tg.relu, (0, 1)), (tg.absolute, (-1, 1)), (lambda x: tg.maximum(3 * x, x), (1, 3))],
    ids=["relu", "abs", "max"],
)
def test_on_a_kink_any_slope_between_both_sides_will_do(
    f: Callable[[Any], Any], slopes: tuple[int, int]
) -> None:
    left, right = slopes
    for slope in (left, 0.9 * left + 0.1 * right, (left + right) / 2, right):
        assert by_hand(lambda x: f(x).sum(), [0.0], [slope]).verdict == "not differentiable here"
    for slope in (left - 0.1, right + 0.1, right + 1e-3, -50, np.nan):
        assert by_hand(lambda x: f(x).sum(), [0.0], [slope]).verdict == "wrong"


def test_a_wrong_component_beside_a_kink_is_wrong() -> None:
    assert by_hand(lambda x: tg.relu(x).sum(), [0.0, 2.0], [0.0, 1.5]).verdict == "wrong"


# ---- vacuous, inconclusive ----


def test_a_gradient_of_0_everywhere_shows_nothing() -> None:
    report = tg.check(lambda x: (tg.relu(x) * x).sum(), np.array([-1.0, -2.0]))
    assert report.verdict == "vacuous"
    assert not report
    assert "no component can be told from 0 here, so nothing was shown" in str(report)


def test_a_gradient_of_0_that_is_nothing_but_rounding_shows_nothing_either(rng: np.random.Generator) -> None:
    # The entries of a softmax sum to 1. Of 1e-17 three times the cotangent makes anything.
    report = tg.check(lambda x: tg.sum(tg.softmax(x)), rng.normal(size=(3, 4)))
    assert report.verdict == "vacuous"


def test_where_a_function_ends_nothing_is_decided() -> None:
    with np.errstate(divide="ignore"):
        report = tg.check(lambda x: tg.sum(tg.sqrt(x)), np.array([0.0, 1.0]))  # the derivative at 0 is ∞
    assert report.verdict == "inconclusive"
    assert report.rows[0].worst == (0,)
    assert "1 of 2 components is without a numerical value" in str(report)


def test_of_what_was_not_looked_at_nothing_else_is_said(rng: np.random.Generator) -> None:
    pair = tg.custom_vjp(lambda x, b: x + b, lambda g, y, x, b: (g, g))  # b̄ is not summed over the rows
    report = tg.check(pair, rng.normal(size=(3, 4)), rng.normal(size=4), hazards=True)
    assert report.rows[0].remarks == ["not looked at, since another gradient is wrong in another way"]


def test_what_is_0_beside_the_others_is_said_to_be_so() -> None:
    (row,) = tg.check(lambda x: (tg.relu(x) * x).sum(), np.array([-1.0, 2.0])).rows
    assert row.verdict == "verified"
    assert row.remarks == ["1 of 2 components is 0, or so small that the error bar leaves few digits"]


def test_a_loss_that_ignores_a_parameter_is_vacuous_for_it() -> None:
    used, unused = tg.Scalar(2.0, "used"), tg.Scalar(3.0, "unused")
    report = tg.check(lambda: used * used, parameters=[used, unused])
    assert [row.verdict for row in report.rows] == ["verified", "vacuous"]
    assert tg.check(lambda: tg.Scalar(1.0, requires_grad=False) * 2, parameters=[used]).verdict == "vacuous"


def test_a_few_components_of_0_do_no_harm(rng: np.random.Generator) -> None:
    # Dead inputs, as the corners of the digits: their weights have no gradient, and the others do.
    x = rng.normal(size=(8, 6))
    x[:, [1, 4]] = 0
    layer = nn.Linear(6, 3, rng=rng)
    report = tg.check(lambda: tg.tanh(layer(x)).sum(), parameters=layer)
    assert report
    assert report.rows[0].undecided == 6
    assert "6 of 18 components" in str(report)


def test_what_drowns_in_rounding_is_not_decided() -> None:
    # Beside 1e6, which is spaced by 1e-10, the slope 1e-7 leaves a few digits: neither right nor wrong.
    def f(x: Any) -> Any:
        return 1e-7 * x + 1e6

    report = tg.check(f, 1.0)
    assert report.verdict == "inconclusive"
    assert not report
    assert report.rows[0].error > 1e-4 * 1e-7
    # But what lies far outside of the error bar is wrong all the same.
    assert by_hand(f, 1.0, 1e-3).verdict == "wrong"


def test_where_the_function_ends_nothing_can_be_said() -> None:
    (row,) = by_hand(lambda x: (x**1.5).sum(), [4.0, 0.0], [3.0, 0.0]).rows
    assert row.verdict == "inconclusive"


# ---- no false alarms ----


class Net(nn.Module):
    def __init__(self, activation: nn.Module, norm: bool, rng: np.random.Generator) -> None:
        self.fc1 = nn.Linear(4, 6, rng=rng, init=nn.init.kaiming_normal)
        self.norm = nn.BatchNorm1d(6) if norm else nn.Identity()
        self.act = activation
        self.fc2 = nn.Linear(6, 3, rng=rng, init=nn.init.xavier_uniform)

    def forward(self, x: Any) -> Any:
        return self.fc2(self.act(self.norm(self.fc1(x))))


KINDS: dict[str, tuple[Callable[[], nn.Module], bool]] = {
    "relu": (nn.ReLU, False),
    "tanh": (nn.Tanh, False),
    "gelu": (nn.GELU, False),
    "leaky relu and batch norm": (nn.LeakyReLU, True),
    "relu and batch norm": (nn.ReLU, True),
    "tanh and batch norm": (nn.Tanh, True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_right_networks_are_never_accused(kind: str) -> None:
    activation, norm = KINDS[kind]
    for seed in range(15):
        rng = np.random.default_rng(seed)
        net = Net(activation(), norm, rng)
        x, y = rng.normal(size=(8, 4)), rng.integers(0, 3, 8)

        def loss(net: Net = net, x: np.ndarray = x, y: np.ndarray = y) -> Any:
            return nn.functional.cross_entropy(net(tg.tensor(x)), y)

        report = tg.check(loss, parameters=net)
        expected = {"verified"}
        if norm:  # the mean that batch norm takes away takes the bias in front of it away, too
            assert {row.verdict for row in report.rows if row.name == "fc1.bias"} <= {"vacuous", "verified"}
            report = tg.check(loss, parameters={n: p for n, p in net.named_parameters() if n != "fc1.bias"})
        assert {row.verdict for row in report.rows} == expected, f"seed {seed}\n{report}"


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e3, 1e8])
def test_units_do_not_matter(scale: float, rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 4))
    for f in (lambda x: tg.tanh(x * (1 / scale)), lambda x: tg.exp(x * (1 / scale)) * scale, tg.square):
        assert tg.check(f, x * scale)


@pytest.mark.parametrize("height", [1e-200, 1e-100, 1e100, 1e200])
def test_nor_does_the_size_of_the_loss(height: float) -> None:
    # Beyond 1e154 a square overflows, below 1e-154 it vanishes.
    x = np.array([0.5, 1.0, 2.0])
    assert tg.check(lambda x: tg.exp(x).sum() * height, x)
    assert by_hand(lambda x: tg.exp(x).sum() * height, x, 1.01 * np.exp(x) * height).verdict == "wrong"


# ---- the report ----


@pytest.fixture
def mixed() -> tg.verify.Report:
    """A verified, a wrong and a vacuous parameter."""
    a = tg.tensor([[1.0, 2.0]], requires_grad=True, name="a")
    c = tg.tensor([1.0], requires_grad=True, name="c")
    d = tg.tensor([3.0], requires_grad=True, name="d")
    return tg.check(
        lambda: (a * a).sum() + (d * d * d).sum(),
        parameters=[a, c, d],
        gradients={"a": [[2.0, 4.0]], "c": [0.0], "d": [26.5]},
    )


def test_the_gravest_verdict_is_the_reports(mixed: tg.verify.Report) -> None:
    assert [row.verdict for row in mixed.rows] == ["verified", "vacuous", "wrong"]
    assert mixed.verdict == "wrong"
    assert not mixed


def test_a_report_as_text(mixed: tg.verify.Report) -> None:
    text = str(mixed)
    # a: 2, 4 right; d: 26.5 for 27: ‖0.5‖ / (√(4 + 16 + 27²) + √(4 + 16 + 26.5²))
    difference = 0.5 / (np.sqrt(20 + 27**2) + np.sqrt(20 + 26.5**2))
    assert mixed.difference == pytest.approx(difference, rel=1e-9)
    first, header, *rows = text.splitlines()
    assert first == f"WRONG   1 of 3 parameters verified   global difference {difference:.2e} (a bug)"
    assert header.split()[:3] == ["parameter", "shape", "difference"]
    (line,) = [row for row in rows if "d[0]:" in row]
    assert "26.5" in line
    assert "27" in line
    assert line.endswith("wrong")
    assert repr(mixed) == text


def test_a_report_as_json(mixed: tg.verify.Report) -> None:
    found = json.loads(json.dumps(mixed.to_dict()))
    assert found["verdict"] == "wrong"
    assert found["band"] == "a bug"
    assert found["step"] is None
    a, c, d = found["parameters"]
    assert (a["name"], a["shape"], a["verdict"]) == ("a", [1, 2], "verified")
    assert c["verdict"] == "vacuous"
    assert (d["worst"], d["backward"], d["wrong"]) == ([0], 26.5, 1)
    assert d["numeric"] == pytest.approx(27, rel=1e-9)


def test_a_report_without_numbers_is_json_too() -> None:
    # Strict JSON knows no NaN.
    report = by_hand(lambda x: (x * x).sum(), [1.0, 2.0], [np.nan, 4.0])
    json.loads(json.dumps(report.to_dict()), parse_constant=pytest.fail)


def test_raise_if_failed(mixed: tg.verify.Report) -> None:
    with pytest.raises(GradientMismatch, match=r"^gradient check: wrong\nWRONG"):
        mixed.raise_if_failed()
    tg.check(lambda x: x * x, 3.0).raise_if_failed()
    with pytest.raises(AssertionError, match="vacuous"):  # an ordinary failure to pytest
        tg.check(lambda x: 0 * x, 3.0).raise_if_failed()


def test_a_fixed_step_is_mentioned() -> None:
    report = tg.check(lambda x: x * x, 3.0, step=1e-6)
    assert "with the fixed step 1e-06" in str(report)
    assert report.to_dict()["step"] == 1e-6


@pytest.mark.parametrize(
    ("off", "band"), [(1e-9, "great"), (1e-6, "fine, have a look"), (1e-4, "be wary"), (0.01, "a bug")]
)
def test_the_lectures_bands(off: float, band: str) -> None:
    # ‖n(1 + 2·off) − n‖ / (2‖n‖) is about `off`.
    assert by_hand(lambda x: (x * x).sum(), [1.0, 3.0], np.array([2.0, 6.0]) * (1 + 2 * off)).band == band


def test_the_bands_speak_of_right_and_wrong_gradients_only() -> None:
    def said(f: Any, x: float, **options: Any) -> str:
        return str(tg.check(f, x, **options)).splitlines()[0]

    assert said(tg.tanh, 0.5).endswith(" (great)")
    for f, x in ((tg.relu, 0.0), (tg.tanh, 19.0), (lambda x: 1e-7 * x + 1e6, 1.0)):
        assert "(" not in said(f, x)
    assert "(a bug), with the fixed step" in said(tg.relu, 0.0, step=1e-7)
