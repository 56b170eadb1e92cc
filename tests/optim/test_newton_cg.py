"""Newton's method by products with the Hessian, beside closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import NotDifferentiableError


def leaf(value):
    return tg.tensor(value, requires_grad=True)


def test_one_step_finds_the_minimum_of_a_bowl(rng):
    """Of ½ wᵀ A w − bᵀ w it is A⁻¹ b, whatever the condition number; w lies in two tensors."""
    A = rng.normal(size=(6, 6))
    A, b = A @ A.T + 0.1 * np.eye(6), rng.normal(size=6)
    parts = [leaf(rng.normal(size=(2, 2))), leaf(rng.normal(size=2))]
    optimizer = optim.NewtonCG(parts)

    def cost():
        w = tg.concatenate([parts[0].reshape(4), parts[1]])
        return (w * (A @ w)).sum() / 2 - (b * w).sum()

    for _ in range(3):  # roughly at first, as the chapter says
        optimizer.step(cost)
    found = np.concatenate([part.numpy().ravel() for part in parts])
    np.testing.assert_allclose(found, np.linalg.solve(A, b), rtol=1e-6, atol=1e-8)


def test_the_error_is_squared_near_a_minimum():
    """Of f = cosh w Newton's step is w − tanh w, about w³ / 3."""
    w = tg.Scalar(0.5)
    optimizer = optim.NewtonCG([w])
    for _ in range(3):
        before = w.value
        optimizer.step(lambda: tg.cosh(w))
        assert w.value == pytest.approx(before - np.tanh(before), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("backward", [False, True])
def test_the_bent_valley(backward):
    """Rosenbrock's, in far fewer steps than descent; whether the closure calls backward does not matter."""
    w = leaf([-1.2, 1.0])
    optimizer = optim.NewtonCG([w])

    def cost():
        loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
        if backward:
            optimizer.zero_grad()
            loss.backward()
        return loss

    losses = [optimizer.step(cost).item() for _ in range(40)]
    assert losses[0] == pytest.approx(24.2)
    assert losses[-1] < 1e-15
    assert all(after <= before for before, after in itertools.pairwise(losses))


def test_downhill_where_it_is_not_convex():
    """At w = 0.1 the second derivative of w⁴ − w² is negative: Newton's step would lead up, to the maximum at 0."""
    w = tg.Scalar(0.1)
    optimizer = optim.NewtonCG([w])
    for _ in range(12):
        optimizer.step(lambda: w**4 - w**2)
    assert w.value == pytest.approx(0.5**0.5, rel=1e-6)


def test_logistic_regression_as_newton_in_closed_form(rng):
    """Iteratively reweighted least squares: w ← w + (Xᵀ S X)⁻¹ Xᵀ (t − p); both reach the same minimum."""
    X, t = rng.normal(size=(80, 3)), rng.integers(2, size=80).astype(float)
    w = np.zeros(3)
    for _ in range(20):
        p = 1 / (1 + np.exp(-X @ w))
        w = w + np.linalg.solve(X.T @ (X * (p * (1 - p))[:, None]), X.T @ (t - p))
    net = nn.Linear(3, 1, bias=False, rng=rng)
    optimizer = optim.NewtonCG(net.parameters())
    for _ in range(8):
        optimizer.step(lambda: nn.functional.binary_cross_entropy_with_logits(net(X), t[:, None]))
    np.testing.assert_allclose(net.weight.numpy()[0], w, rtol=1e-7)


def test_what_it_refuses():
    w = leaf([1.0])
    with pytest.raises(TypeError, match=r"NewtonCG: step\(closure\) was expected"):
        optim.NewtonCG([w]).step()
    with pytest.raises(ValueError, match="one group was expected, 2 came"):
        optim.NewtonCG([{"params": [w]}, {"params": [leaf([2.0])]}])
    with pytest.raises(NotDifferentiableError):
        optim.NewtonCG([w]).step(lambda: tg.tensor([1.0], requires_grad=False).sum())
    with pytest.raises(FloatingPointError, match="a finite gradient was expected"), np.errstate(all="ignore"):
        optim.NewtonCG([w], check_finite=True).step(lambda: (w * np.inf).sum())
    lone = leaf([1.0, 2.0])
    optimizer = optim.NewtonCG([lone])

    def fails():
        if lone.numpy()[0] != 1.0:
            raise KeyError
        return (lone**2).sum()

    with pytest.raises(KeyError):
        optimizer.step(fails)
    np.testing.assert_array_equal(lone.numpy(), [1.0, 2.0])
    flat = leaf([3.0])
    assert optim.NewtonCG([flat]).step(lambda: (flat * 0.0).sum()).item() == 0.0
    assert flat.item() == 3.0
