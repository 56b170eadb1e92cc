"""The conventions where there is no derivative: kinks and ties."""

from __future__ import annotations

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg


def slopes(f, *points):
    """The derivative at every point, as the Scalar has it and as the Tensor has it, in both sweeps."""
    x = np.array(points)
    by_tensor = tg.grad(lambda v: tg.sum(f(v)))(x)
    by_scalar = [tg.grad(f)(v) for v in points]
    close(by_scalar, by_tensor)
    close(tg.jvp(f, [x], [np.ones(x.shape)])[1], by_tensor)
    close([tg.jvp(f, [v], [1.0])[1] for v in points], by_tensor)
    return by_tensor.tolist()


def test_relu_at_zero_has_slope_zero():
    assert slopes(tg.relu, -2.0, -0.0, 0.0, 1e-300, 2.0) == [0, 0, 0, 1, 1]
    assert [tg.relu(v) for v in (-2.0, 0.0, 3.0)] == [0.0, 0.0, 3.0]


def test_absolute_at_zero_has_slope_zero():
    assert slopes(tg.absolute, -2.0, -0.0, 0.0, 3.0) == [-1, 0, 0, 1]
    assert abs(tg.Scalar(-2.0)).value == 2.0


def test_a_tie_of_maximum_or_minimum_gives_half_to_each():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    for f, wanted in ((tg.maximum, [0, 0.5, 1]), (tg.minimum, [1, 0.5, 0])):
        da, db = tg.grad(lambda a, b, f=f: f(a, b).sum(), (0, 1))(a, b)
        close(da, wanted)
        close(da + db, np.ones(3))
        pairs = [tg.grad(f, (0, 1))(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
        close(pairs, np.stack([da, db], axis=1))


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize(("name", "wanted"), [("maximum", [0, 0.5, 1]), ("minimum", [1, 0.5, 0])])
def test_extrema_with_a_number(name, wanted, left):
    f = getattr(tg, name)
    assert slopes((lambda x: f(2.0, x)) if left else (lambda x: f(x, 2.0)), 1.0, 2.0, 3.0) == wanted
    assert slopes((lambda x: f(2, x)) if left else (lambda x: f(x, 2)), 1.0, 2.0, 3.0) == wanted


def test_above_is_the_share_of_the_first():
    wanted = [0.0, 0.5, 1.0]
    close(tg.above(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])), wanted)
    close(tg.above(np.array([1, 2, 3]), np.array([2, 2, 2])), wanted)
    close(tg.above(2.0, np.array([3.0, 2.0, 1.0])), wanted)
    assert tg.above(2, 2) == 0.5


def test_the_same_operand_twice():
    assert slopes(lambda x: tg.maximum(x, x), -1.0, 2.0) == [1, 1]
    assert slopes(lambda x: tg.maximum(x, -x), -1.0, 0.0, 2.0) == [-1, 0, 1]


@pytest.mark.parametrize(("low", "high", "wanted"), [(1.0, 2.0, [0, 1, 1, 1, 0]), (1.0, None, [0, 1, 1, 1, 1]),
                                                     (None, 2.0, [1, 1, 1, 1, 0])])  # fmt: skip
def test_clip_passes_the_gradient_at_its_bounds(low, high, wanted):
    points = (0.5, 1.0, 1.5, 2.0, 3.0)
    assert slopes(lambda x: tg.clip(x, low, high), *points) == wanted
    close(tg.clip(np.array(points), low, high), np.clip(points, low, high))


def test_clip_to_bounds_of_each_element():
    low = np.array([0.0, 1.0, 2.0])
    close(tg.grad(lambda x: tg.clip(x, low).sum())(np.ones(3)), [1, 1, 0])
    close(tg.clip(tg.tensor(np.ones(3)), low, low + 0.5), [0.5, 1.0, 2.0])


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize(("x", "axis", "wanted"), [
    ([1.0, 3.0, 3.0], None, [0, 1 / 2, 1 / 2]),
    ([[2.0, 2.0], [2.0, 1.0]], None, [[1 / 3, 1 / 3], [1 / 3, 0]]),
    ([[2.0, 5.0], [2.0, 1.0]], 0, [[1 / 2, 1], [1 / 2, 0]]),
    ([[2.0, 2.0], [2.0, 1.0]], 1, [[1 / 2, 1 / 2], [1, 0]]),
    ([[2.0, 2.0], [2.0, 1.0]], (0, -1), [[1 / 3, 1 / 3], [1 / 3, 0]]),
])  # fmt: skip
@pytest.mark.parametrize("keepdims", [True, False])
def test_ties_along_an_axis_share_equally(name, x, axis, wanted, keepdims):
    sign = 1 if name == "max" else -1
    f = getattr(tg, name)
    values = sign * np.array(x)
    close(tg.grad(lambda v: f(v, axis, keepdims).sum())(values), wanted)
    t = np.arange(values.size, dtype=float).reshape(values.shape)
    close(tg.jvp(lambda v: tg.sum(f(v, axis, keepdims)), [values], [t])[1], np.sum(np.array(wanted) * t))


def test_where_chooses_values_and_gradients():
    x = np.array([-2.0, 3.0])
    close(tg.grad(lambda v: tg.where(v > 0, v * v, -v).sum())(x), [-1.0, 6.0])
    assert tg.grad(lambda v: tg.where(v > 0, v * v, -v))(3.0) == 6.0


@pytest.mark.parametrize("condition", [True, False, np.True_, np.False_])
def test_where_with_one_condition_for_all(condition):
    a, b = np.ones(3), np.full((2, 3), 5.0)
    x, y = tg.tensor(a, requires_grad=True), tg.tensor(b, requires_grad=True)
    z = tg.where(condition, x, y)
    close(z, np.where(condition, a, b))
    z.backward(np.ones((2, 3)))
    close(x.grad, np.full(3, 2.0 * condition))
    close(y.grad, np.full((2, 3), 1.0 - condition))


@pytest.mark.parametrize(
    "condition", [1, 1.0, 0.0, np.array([1.0, 0.0]), np.array([1, 0]), tg.tensor([1.0, 0.0])], ids=str
)
def test_where_wants_a_condition(condition):
    with pytest.raises(TypeError, match=r"where: a condition of True and False was expected.*compare first"):
        tg.where(condition, tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))


def test_comparisons_have_values_and_no_derivative():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    x = tg.tensor(a, requires_grad=True)
    for name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"):
        y = getattr(tg, name)(x, b)
        np.testing.assert_array_equal(y.numpy(), getattr(np, name)(a, b))
        assert not y.requires_grad
    assert tg.logical_not(x > 2).numpy().tolist() == [True, True, False]
    assert tg.logical_not(tg.Scalar(0.0)).value == 1.0
    assert tg.sign(tg.tensor([-2.0, 0.0, 3.0])).numpy().tolist() == [-1, 0, 1]
    assert [tg.sign(v) for v in (-2.0, 0.0, 3.0)] == [-1, 0, 1]
    assert np.isnan(tg.sign(float("nan")))


def test_nan_is_passed_on():
    nan = float("nan")
    for f in (tg.relu, tg.absolute, lambda x: tg.maximum(x, 1.0), lambda x: tg.minimum(1.0, x)):
        assert np.isnan(f(nan))
        assert np.isnan(f(np.array(nan)))
        assert np.isnan(f(tg.Scalar(nan)).value)


@pytest.mark.parametrize(("bounds", "message"), [
    ({}, r"at least one of low and high was expected, neither came"),
    ({"low": 2.0, "high": 1.0}, r"low ≤ high was expected, low=2\.0 and high=1\.0 came"),
    ({"low": np.zeros(3), "high": np.array([1.0, -1.0, 1.0])}, r"low ≤ high was expected"),
])  # fmt: skip
def test_clip_wants_bounds(bounds, message):
    for x in (np.ones(3), tg.tensor(np.ones(3), requires_grad=True)):
        with pytest.raises(ValueError, match=message):
            tg.clip(x, **bounds)


def test_the_bounds_of_clip_are_constants():
    low, x = tg.tensor([0.0, 2.0, 0.0]), tg.tensor(np.ones(3), requires_grad=True)
    y = tg.clip(x, low)
    close(y, [1.0, 2.0, 1.0])
    y.backward(np.ones(3))
    close(x.grad, [1.0, 0.0, 1.0])
    with pytest.raises(TypeError, match=r"clip|gradient would be lost"):  # rather than lose it silently
        tg.clip(x, tg.tensor([0.0, 2.0, 0.0], requires_grad=True))
