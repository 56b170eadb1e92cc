from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim


def with_gradients(*gradients):
    leaves = []
    for g in gradients:
        w = tg.tensor(np.zeros_like(g), requires_grad=True)
        w.grad = None if g is None else tg.tensor(g)
        leaves.append(w)
    return leaves


def test_the_global_norm_keeps_the_direction():
    leaves = with_gradients([3.0, 0.0], [[0.0], [4.0], [12.0]])
    unused = tg.tensor([1.0], requires_grad=True)
    assert optim.clip_grad_norm_([*leaves, unused], 6.5) == pytest.approx(13)
    np.testing.assert_allclose(leaves[0].grad.numpy(), [1.5, 0])
    np.testing.assert_allclose(leaves[1].grad.numpy(), [[0], [2], [6]])
    assert unused.grad is None
    assert optim.clip_grad_norm_(leaves, 6.5) == pytest.approx(6.5, rel=1e-15)


def test_what_is_short_enough_is_left():
    (w,) = with_gradients([0.3, 0.4])
    before = w.grad
    assert optim.clip_grad_norm_([w], 0.5000001) == pytest.approx(0.5)
    assert w.grad is before
    assert optim.clip_grad_norm_([tg.tensor([1.0], requires_grad=True)], 1.0) == 0


def test_each_by_its_own_norm():
    leaves = with_gradients([3.0, 4.0], [0.5])
    assert optim.clip_each_grad_norm_(leaves, 1.0) == pytest.approx([5, 0.5])
    np.testing.assert_allclose(leaves[0].grad.numpy(), [0.6, 0.8])
    np.testing.assert_allclose(leaves[1].grad.numpy(), [0.5])


def test_by_value():
    (w,) = with_gradients([-3.0, 0.2, 5.0])
    optim.clip_grad_value_([w], 0.5)
    np.testing.assert_array_equal(w.grad.numpy(), [-0.5, 0.2, 0.5])


@pytest.mark.parametrize(("p", "norm"), [(1, 19), (2, 13), (math.inf, 12)])
def test_other_norms(p, norm):
    leaves = with_gradients([3.0, -4.0], [12.0])
    assert optim.clip_grad_norm_(leaves, 100, norm_type=p) == pytest.approx(norm)


def test_squares_that_leave_the_range_of_numbers():
    leaves = with_gradients([3e200, 4e200])
    assert optim.clip_grad_norm_(leaves, 1.0) == pytest.approx(5e200)
    np.testing.assert_allclose(leaves[0].grad.numpy(), [0.6, 0.8])
    (small,) = with_gradients(np.array([3e-30, 4e-30], np.float32))
    assert optim.clip_grad_norm_([small], 1e-30) == pytest.approx(5e-30, rel=1e-6)
    assert small.grad.dtype == np.float32


def test_a_shared_gradient_is_not_changed_for_others():
    a, b = (tg.tensor([1.0, 1.0], requires_grad=True) for _ in range(2))
    tg.sum(3 * (a + b)).backward()
    optim.clip_grad_norm_([a], 1.0)
    np.testing.assert_array_equal(b.grad.numpy(), [3, 3])


def test_scalars():
    s = tg.Scalar(1.0)
    (s * 8).backward()
    assert optim.clip_grad_norm_([s], 2.0) == 8
    assert s.grad == 2
    optim.clip_grad_value_([s], 0.5)
    assert type(s.grad) is float
    assert s.grad == 0.5


@pytest.mark.parametrize("clip", [optim.clip_grad_norm_, optim.clip_each_grad_norm_, optim.clip_grad_value_])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_refused_before_anything_changes(clip, bad):
    good, w = with_gradients([100.0], [0.0, bad])
    w.name = "w"
    with pytest.raises(FloatingPointError, match="'w' has an infinity or a NaN in its own"):
        clip([good, w], 1.0)
    assert good.grad.item() == 100


def test_what_is_not_finite_may_be_let_pass():
    good, w = with_gradients([100.0], [1.0, math.inf])
    assert optim.clip_grad_norm_([good, w], 1.0, error_if_nonfinite=False) == math.inf
    assert good.grad.item() == 100
    assert optim.clip_each_grad_norm_([good, w], 1.0, error_if_nonfinite=False) == [100, math.inf]
    assert good.grad.item() == 1
    optim.clip_grad_value_([w], 0.5, error_if_nonfinite=False)
    np.testing.assert_array_equal(w.grad.numpy(), [0.5, 0.5])


def test_arguments_that_make_no_sense(rng):
    (w,) = with_gradients([1.0])
    for call in (
        lambda: optim.clip_grad_norm_([w], 0), lambda: optim.clip_grad_norm_([w], 1.0, norm_type=0.5),
        lambda: optim.clip_each_grad_norm_([w], -1), lambda: optim.clip_grad_value_([w], math.nan),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"expected, .* came"):
            call()
    with pytest.raises(TypeError, match=r"Linear came: say model.parameters\(\)"):
        optim.clip_grad_norm_(nn.Linear(1, 1, rng=rng), 1.0)
    with pytest.raises(TypeError, match=r"or \[w\] for one"):
        optim.clip_grad_value_(w, 1.0)
