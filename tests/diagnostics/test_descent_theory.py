"""Gradient descent against closed forms: bowls whose eigenvalues are known, and data whose moments are."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.diagnostics import normalization, two_pixels, whiten
from tinygrad_edu.diagnostics.descent import bowl, descend, linear_cost, logistic_cost, value
from tinygrad_edu.errors import ShapeError


def quadratic(eigenvalues, minimum, seed=0):
    """½ (θ − θ*)ᵀ H (θ − θ*) + 3 with the eigenvalues given, along random axes."""
    axes = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(eigenvalues),) * 2))[0]
    h = axes @ np.diag(eigenvalues) @ axes.T
    return lambda w: tg.sum((w - minimum) * tg.matmul(h, w - minimum)) / 2 + 3.0


def test_a_bowl_has_the_eigenvalues_that_it_was_made_of():
    minimum = np.array([1.0, -2.0, 0.5])
    found = bowl(quadratic([0.5, 4.0, 50.0], minimum), 3)
    np.testing.assert_allclose(found.eigenvalues, [0.5, 4.0, 50.0], rtol=1e-12)
    np.testing.assert_allclose(found.minimum, minimum, rtol=1e-12)
    assert found.value == pytest.approx(3.0, rel=1e-12)
    assert found.condition == pytest.approx(100.0, rel=1e-10)
    assert found.largest_step == pytest.approx(2 / 50, rel=1e-12)


def test_a_flat_direction_does_not_count():
    found = bowl(quadratic([0.0, 1.0, 9.0], np.zeros(3)), 3)
    assert found.condition == pytest.approx(9.0, rel=1e-9)


@pytest.mark.parametrize("part", [0.3, 0.99, 1.01, 1.5])
def test_along_the_steepest_direction_a_step_multiplies_by_what_theory_says(part):
    found = bowl(quadratic([1.0, 7.0], np.array([2.0, 3.0])), 2)
    assert found.measured_growth(part, steps=8) == pytest.approx(abs(1 - 2 * part), rel=1e-6)


def test_below_the_largest_step_descent_converges_and_above_it_does_not():
    minimum = np.array([2.0, 3.0])
    cost = quadratic([1.0, 7.0], minimum)
    start = np.zeros(2)
    below = descend(cost, start, 0.99 * 2 / 7, 1000)
    above = descend(cost, start, 1.01 * 2 / 7, 1000)
    assert np.linalg.norm(below[-1] - minimum) < 1e-6
    assert np.linalg.norm(above[-1] - minimum) > 1e6


def test_the_steps_are_those_that_a_diagonal_bowl_takes_by_hand():
    """In θ₁ alone the excess falls by (1 − η λ)² a step: 0.81ᵏ ≤ 10⁻³ after 33 steps, as 32.8 = 3 ln 10 / −ln 0.81."""
    cost = quadratic([1.0], np.array([5.0]))
    found = bowl(cost, 1)
    assert found.predicted_steps(np.zeros(1), 0.1, 1e-3) == 33
    path = descend(
        cost, np.zeros(1), 0.1, 100, until=found.value + 1e-3 * (value(cost, np.zeros(1)) - found.value)
    )
    assert len(path) - 1 == 33


def test_a_step_that_diverges_has_no_number_of_steps():
    found = bowl(quadratic([1.0, 7.0], np.zeros(2)), 2)
    with pytest.raises(ValueError, match="between 0 and 2 / λmax"):
        found.predicted_steps(np.ones(2), 2.01 / 7, 1e-3)


def test_a_cost_that_does_not_curve_has_no_minimum():
    with pytest.raises(ValueError, match="that curves was expected"):
        bowl(lambda w: tg.sum(w), 2)


def test_the_linear_cost_has_the_second_moments_as_its_hessian_and_least_squares_as_its_minimum():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((50, 3)) * [1, 5, 0.2] + [0, 3, 1], rng.standard_normal(50)
    found = bowl(linear_cost(x, y), 3)
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(x.T @ x / 50), rtol=1e-9)
    np.testing.assert_allclose(found.minimum, np.linalg.lstsq(x, y, rcond=None)[0], rtol=1e-9)


def test_the_logistic_minimum_satisfies_its_equation():
    """At the minimum Σ (σ(x w) − y) x / n + decay · w = 0."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((80, 2)) * [1, 4]
    y = (x @ [1.0, 0.5] + rng.logistic(size=80) > 0).astype(float)
    w = bowl(logistic_cost(x, y, 0.01), 2).minimum
    gradient = x.T @ (1 / (1 + np.exp(-x @ w)) - y) / 80 + 0.01 * w
    assert np.abs(gradient).max() < 1e-10


# ---- normalization ----


def test_of_two_standardized_features_the_condition_is_that_of_their_correlation():
    """H = [[1, ρ], [ρ, 1]] has the eigenvalues 1 ± ρ."""
    x, y, of = two_pixels()
    found = normalization(x, y, of=of)
    rho = abs(np.corrcoef(x.T)[0, 1])
    np.testing.assert_allclose(found.descents[1].bowl.eigenvalues, [1 - rho, 1 + rho], rtol=1e-9)
    assert found.descents[1].bowl.condition == pytest.approx((1 + rho) / (1 - rho), rel=1e-9)
    assert [d.bowl.condition for d in found.descents[2:]] == pytest.approx([1, 1], rel=1e-9)
    assert found.held
    assert [d.steps for d in found.descents[2:]] == [1, 1]


def test_a_prediction_beyond_the_steps_that_are_run():
    x, y, _ = two_pixels()
    found = normalization(x, y, most=10)
    assert found.descents[0].steps is None
    assert "> 10" in str(found)
    assert found.to_dict()["scalings"][0]["steps"] is None


@pytest.mark.parametrize(
    ("x", "y", "given", "said"),
    [
        (np.ones((3, 2)), np.ones(4), {}, "came"),
        (np.ones((3, 2)), np.ones(3), {"model": "cubic"}, "linear or logistic"),
        (np.ones((3, 2)), np.ones(3), {"tolerance": 1.0}, "tolerance in"),
    ],
)
def test_what_cannot_be_normalized(x, y, given, said):
    with pytest.raises((ShapeError, ValueError), match=said):
        normalization(x, y, **given)


# ---- whitening ----


@pytest.mark.parametrize("kind", ["pca", "zca"])
def test_whitened_data_have_the_identity_as_covariance(kind):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((200, 4)) @ rng.standard_normal((4, 4)) + 5
    z = whiten(x, kind).transform(x)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(z.T @ z / 200, np.eye(4), atol=1e-9)


def test_what_is_no_number_is_not_whitened():
    x = np.array([[1.0, 2.0], [3.0, np.nan], [0.0, 1.0]])
    with pytest.raises(ValueError, match=r"whiten: x\[1, 1\] is nan"):
        whiten(x)


def test_zca_is_the_nearest_of_all_whitenings():
    """Any whitening turned by an orthogonal matrix is one; of these zca is nearest to the data in the mean square."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((100, 3)) @ rng.standard_normal((3, 3))
    x -= x.mean(axis=0)
    z = whiten(x, "zca").transform(x)
    for _ in range(20):
        turned = z @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
        assert ((z - x) ** 2).sum() < ((turned - x) ** 2).sum()


def test_an_axis_without_variance_is_zero_and_counted():
    x = np.random.default_rng(5).standard_normal((30, 2))
    found = whiten(np.c_[x, x.sum(axis=1)], "zca")
    assert found.constant == 1
    with pytest.raises(ShapeError, match="3 features"):
        found.transform(x)
    with pytest.raises(ShapeError):
        whiten(np.ones(3))
    with pytest.raises(ValueError, match="'pca' or 'zca'"):
        whiten(x, "other")
