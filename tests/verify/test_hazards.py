"""Right and wrong pairs of forward and backward passes, at hazard points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.primitive import registry
from tinygrad_edu.verify import CostWarning, sides
from tinygrad_edu.verify.hazards import HAZARDS, hazard_points
from tinygrad_edu.verify.steps import Gradient
from tinygrad_edu.verify.symmetry import right_for_symmetric_changes

RNG = np.random.default_rng(0)
X, P, B = RNG.normal(size=(3, 5)), RNG.uniform(0.5, 2, (3, 5)), RNG.normal(size=5)
INDEX = np.array([0, 2])
Pair = tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def added_at(g: Any, x: Any, i: Any) -> tuple[Any, None]:
    out = np.zeros_like(x)
    np.add.at(out, i, g)
    return out, None


def put_at(g: Any, x: Any, i: Any) -> tuple[Any, None]:
    out = np.zeros_like(x)
    out[i] = g
    return out, None


def sorted_back(g: Any, y: Any, x: Any) -> tuple[Any]:
    out = np.zeros_like(x)
    np.put_along_axis(out, np.argsort(x, axis=1, kind="stable"), g, 1)
    return (out,)


RIGHT: dict[str, Pair] = {
    "sin": (np.sin, lambda g, y, x: (g * np.cos(x),), (X,)),
    "log, which ends at 0": (np.log, lambda g, y, x: (g / x,), (P,)),
    "sqrt, infinitely steep at 0": (np.sqrt, lambda g, y, x: (g / (2 * y),), (P,)),
    "relu": (lambda x: np.maximum(x, 0), lambda g, y, x: (g * (x > 0),), (X,)),
    "relu, 1 at 0": (lambda x: np.maximum(x, 0), lambda g, y, x: (g * (x >= 0),), (X,)),
    "abs": (np.abs, lambda g, y, x: (g * np.sign(x),), (X,)),
    "max, shared": (lambda x: x.max(), lambda g, y, x: (g * (x == y) / (x == y).sum(),), (X,)),
    "maximum, to the first": (np.maximum, lambda g, y, a, b: (g * (a >= b), g * (a < b)), (X, P)),
    "sort": (lambda x: np.sort(x, axis=1), sorted_back, (X,)),
    "softmax": (softmax, lambda g, y, x: (g * y - y * (g * y).sum(1, keepdims=True),), (X,)),
    "take": (lambda x, i: x[i], lambda g, y, x, i: added_at(g, x, i), (X, INDEX)),
    "a bias": (lambda x, b: x + b, lambda g, y, x, b: (g, g.sum(0)), (X, B)),
    "clip": (lambda x: np.clip(x, -0.5, 0.5), lambda g, y, x: (g * (np.abs(x) <= 0.5),), (X,)),
    "power, a > 0": (
        lambda a, b: a**b, lambda g, y, a, b: (g * b * a ** (b - 1), g * y * np.log(a)), (P, X),
    ),
    "a length": (lambda x: np.sqrt((x * x).sum()), lambda g, y, x: (g * x / y,), (X,)),
    "inverse": (np.linalg.inv, lambda g, y, x: (-y.T @ g @ y.T,), (X[:, :3],)),
}  # fmt: skip

# What is wrong, and a word of what is to be said.
WRONG: dict[str, tuple[Pair, str]] = {
    "output for input": ((np.sqrt, lambda g, y, x: (g / (2 * np.sqrt(y)),), (P,)), "differ"),
    "all of a tie to each": ((lambda x: x.max(), lambda g, y, x: (g * (x == y),), (X,)), "equal values"),
    "a tie to both": ((np.maximum, lambda g, y, a, b: (g * (a >= b), g * (a <= b)), (X, P)), "equal values"),
    "a tie to none": ((np.maximum, lambda g, y, a, b: (g * (a > b), g * (a < b)), (X, P)), "equal values"),
    "repeated indices": ((lambda x, i: x[i], lambda g, y, x, i: put_at(g, x, i), (X, INDEX)), "differ"),
    "not clipped": ((lambda x: np.clip(x, -9, 9), lambda g, y, x: (g,), (X,)), "differ"),
    "a zero divided by": ((lambda x: x.prod(), lambda g, y, x: (g * y / x,), (X,)), "not finite"),
    "in place": ((np.sin, lambda g, y, x: (g.__imul__(np.cos(x)),), (X,)), "changes the cotangent"),
    "its input in place": ((np.sin, lambda g, y, x: (g * np.cos(x.__imul__(1.5)),), (X,)), "changes the inputs"),
    "its output in place": ((np.exp, lambda g, y, x: (y.__imul__(g),), (X,)), "changes the output"),
    "forward in place": ((lambda x: x.__iadd__(1.0), lambda g, y, x: (g,), (X,)), "forward pass changes"),
    "without the cotangent": ((np.sin, lambda g, y, x: (np.cos(x),), (X,)), "not linear"),
    "a clipped gradient": ((np.sin, lambda g, y, x: (np.clip(g * np.cos(x), -1, 1),), (X,)), "not linear"),
    "the mean cotangent": ((np.sin, lambda g, y, x: (g.mean() * np.cos(x),), (X,)), "differ"),
    "a wrong shape": ((lambda x, b: x + b, lambda g, y, x, b: (g, g), (X, B)), r"input 1 has shape \(3, 5\)"),
    "the eighth digit": ((np.sin, lambda g, y, x: (g * np.cos(x) * (1 + 1e-7),), (X,)), "1.0000001"),
    "2 at a kink": ((np.abs, lambda g, y, x: (g * np.where(x == 0, 2, np.sign(x)),), (X,)), "differ"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_pairs_are_verified(name: str) -> None:
    f, vjp, inputs = RIGHT[name]
    report = tg.check(tg.custom_vjp(f, vjp), *inputs, hazards=True)
    assert report, report
    assert "hazard points" in str(report)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_pairs_are_found(name: str) -> None:
    (f, vjp, inputs), said = WRONG[name]
    report = tg.check(tg.custom_vjp(f, vjp), *inputs, hazards=True)
    assert report.verdict == "wrong"
    with pytest.raises(tg.errors.GradientMismatch, match=said):
        report.raise_if_failed()


def test_what_is_kept_from_the_first_call_is_found() -> None:
    total: list[Any] = [0.0]

    def vjp(g: Any, y: Any, x: Any) -> Any:
        total[0] = total[0] + g * np.cos(x)
        return (total[0],)

    assert "second call" in str(tg.check(tg.custom_vjp(np.sin, vjp), X, hazards=True))


def test_a_factor_of_1_percent_is_named_with_the_point() -> None:
    report = tg.check(tg.custom_vjp(np.tanh, lambda g, y, x: (g * (1 - x * x),)), X, hazards=True)
    assert report.rows[0].name == "input 0"
    report = tg.check(
        tg.custom_vjp(np.abs, lambda g, y, x: (np.where(x < -3, g, g * np.sign(x)),)), X, hazards=True
    )
    assert report.rows[0].name.startswith("input 0, values ")


@pytest.mark.parametrize("op", [op for op in registry.values() if op.rules], ids=lambda op: op.name)
def test_no_primitive_is_accused(op: Any) -> None:
    case = op.cases[0]
    report = tg.check(
        lambda *xs: op.call(*xs, **case.params), *case.draw(np.random.default_rng(3)), hazards=True
    )
    assert report.verdict in ("verified", "vacuous"), report


def test_parameters_are_checked_beside_the_inputs(rng: np.random.Generator) -> None:
    layer = tg.nn.Linear(3, 2, rng=rng)
    report = tg.check(layer, rng.normal(size=(5, 3)), hazards=True)
    assert report
    assert [row.name for row in report.rows] == ["input 0", "weight", "bias"]


def test_buffers_and_inputs_are_left_as_they_were(rng: np.random.Generator) -> None:
    layer, x = tg.nn.BatchNorm1d(3), rng.normal(size=(7, 3))
    held, before = x.copy(), layer.running_mean.value.copy()
    assert tg.check(layer, x, hazards=True)
    assert np.array_equal(x, held)
    assert np.array_equal(layer.running_mean.value, before)


@pytest.mark.parametrize("also", [{"gradients": {"input 0": X}}, {"step": 1e-7}])
def test_what_belongs_to_one_point_does_not_go_with_hazards(also: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="hazards move the inputs"):
        tg.check(tg.sin, X, hazards=True, **also)


def test_a_function_that_is_not_finite_at_the_example() -> None:
    with pytest.raises(ValueError, match="not finite at the example inputs"):
        tg.check(tg.custom_vjp(np.log, lambda g, y, x: (g / x,)), -P, hazards=True)


def test_the_points(rng: np.random.Generator) -> None:
    points = list(hazard_points([X, P, B, INDEX], rng))
    assert len(points) == 4 * len(HAZARDS) + 2
    for name, inputs in points:
        assert [x.shape for x in inputs] == [(3, 5), (3, 5), (5,), (2,)], name
    equal = dict(points)["all values equal in input 1"]
    assert len(np.unique(equal[1])) == 1
    assert equal[0] is X
    assert dict(points)["repeated integers"][3].tolist() == [0, 0]
    same = dict(points)["the same values in all inputs of a shape"]
    assert same[0] is same[1] is X


def only_positive(x: Any) -> Any:
    if not (x > 0).all():
        raise KeyError("positive")
    return np.log(x)


def middle(g: Any, y: Any, x: Any) -> Any:
    out = np.zeros_like(x)
    out[np.argsort(x, kind="stable")[len(x) // 2]] = g
    return (out,)


def where_largest(g: Any, y: Any, x: Any) -> Any:
    out = np.zeros_like(x)
    out[np.nonzero(x == y)[0].item()] = g
    return (out,)


@pytest.mark.parametrize(("f", "vjp", "x"), [
    (only_positive, lambda g, y, x: (g / x,), P),
    (np.median, middle, RNG.normal(size=9)),
    (np.exp, lambda g, y, x: (g * y,), X.astype(np.float32)),
    (np.std, lambda g, y, x: (g * (x - x.mean()) / (x.size * y) if y > 0 else 0 * x,), RNG.normal(size=5)),
], ids=["an error of its own", "a median", "float32", "rounding over rounding"])  # fmt: skip
def test_what_a_newcomer_found_to_be_accused(f: Callable[..., Any], vjp: Callable[..., Any], x: Any) -> None:
    report = tg.check(tg.custom_vjp(f, vjp), x, hazards=True)
    assert report.verdict == "verified", report


def test_a_backward_pass_that_raises_at_a_tie() -> None:
    report = tg.check(tg.custom_vjp(np.max, where_largest), X[0], hazards=True)
    assert "raises ValueError" in report.rows[0].note


@pytest.mark.parametrize("seed", range(4))
def test_kinks_of_a_network_that_fall_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = tg.nn.Sequential(
        tg.nn.Linear(3, 4, rng=rng), tg.nn.BatchNorm1d(4), tg.nn.ReLU(), tg.nn.Linear(4, 1, rng=rng)
    )
    report = tg.check(net, rng.normal(size=(4, 3)), hazards=True)
    assert report.verdict != "wrong", report


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="real numbers were expected of the function, complex128 came"):
        tg.check(tg.custom_vjp(np.fft.fft, lambda g, y, x: (g,)), X, hazards=True)


def test_a_loss_of_no_inputs_has_its_parameters_checked(rng: np.random.Generator) -> None:
    layer, x = tg.nn.Linear(3, 2, rng=rng), tg.tensor(rng.normal(size=(5, 3)))
    report = tg.check(lambda: (layer(x) ** 2).sum(), parameters=layer, hazards=True)
    assert report
    assert [row.name for row in report.rows] == ["weight", "bias"]


# ---- in a graph of several operations ----


def test_an_operation_of_the_users_that_is_wrong_at_ties_is_found_within_a_graph() -> None:
    largest = tg.custom_vjp(lambda x: x.max(axis=1), lambda g, y, x: g[:, None] * (x == y[:, None]))
    x = np.array([[0.3, -1.2, 2.5], [0.7, 0.1, -0.4]])
    report = tg.check(lambda x: tg.tanh(largest(2 * x)), x, hazards=True)
    assert report.verdict == "wrong"
    shared = tg.custom_vjp(
        lambda x: x.max(axis=1),
        lambda g, y, x: g[:, None] * (x == y[:, None]) / (x == y[:, None]).sum(axis=1, keepdims=True),
    )
    assert tg.check(lambda x: tg.tanh(shared(2 * x)), x, hazards=True)


def test_kinks_that_fall_together_accuse_nobody() -> None:
    same = tg.custom_vjp(lambda x: np.abs(x), lambda g, y, x: g * np.sign(x))
    report = tg.check(
        lambda x: tg.sum(same(x) - tg.relu(x) - tg.relu(-x) + x * x), np.array([0.3, -1.2]), hazards=True
    )
    assert report.verdict != "wrong"


def test_functions_of_scalars() -> None:
    assert tg.check(lambda a, b: (a * b).tanh() + a, tg.Scalar(0.4, "a"), tg.Scalar(-1.3, "b"), hazards=True)


# ---- what it costs ----


def third(x: Any) -> Any:
    return np.quantile(x, 0.3)


def of_third(g: Any, y: Any, x: Any) -> Any:
    """To the two values between which the quantile lies."""
    place = 0.3 * (x.size - 1)
    low, share = int(place), place % 1
    found, order = np.zeros_like(x), np.argsort(x, kind="stable")
    found[order[low]] += g * (1 - share)
    found[order[low + 1]] += g * share
    return found


def test_a_function_that_chooses_among_many_values_is_asked_a_bounded_number_of_times() -> None:
    calls = []

    def counted(x: Any) -> Any:
        calls.append(1)
        return third(x)

    x = np.random.default_rng(0).normal(size=16)
    assert tg.check(tg.custom_vjp(counted, of_third), x, hazards=True).verdict == "verified"
    assert len(calls) < 10_000
    exchanged = tg.custom_vjp(third, lambda g, y, x: of_third(g, y, -x))
    assert tg.check(exchanged, x, hazards=True).verdict == "wrong"


def test_a_check_that_will_take_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "PATIENCE", 1e-6)
    with pytest.warns(
        CostWarning, match=r"15 more hazard points will take about 0 minutes: smaller example inputs"
    ):
        tg.check(tg.custom_vjp(np.sin, lambda g, y, x: g * np.cos(x)), X, hazards=True)


def test_an_infinite_gradient_of_a_matrix_is_compared_without_a_warning():
    """Slopes that are −∞ in one row of a matrix, beside a function that does not see that row."""
    numeric = Gradient(np.array([[0.0, 0.0], [1.0, 2.0]]), np.full((2, 2), 1e-12), np.zeros((2, 2)))
    infinite = np.array([[-np.inf, -np.inf], [1.0, 2.0]])
    assert not right_for_symmetric_changes(infinite, numeric, np.zeros((2, 2)))
