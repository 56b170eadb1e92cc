"""Made data: without noise the points lie on the figures that are said, and chance comes from the generator alone."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu import data


def test_moons_lie_on_two_half_circles(rng: np.random.Generator) -> None:
    x, y = data.moons(101, noise=0.0, rng=rng)
    first, second = x[y == 0], x[y == 1]
    assert (len(first), len(second)) == (51, 50)
    np.testing.assert_allclose((first**2).sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(((second - [1, 0.5]) ** 2).sum(axis=1), 1, rtol=1e-12)
    assert (first[:, 1] >= 0).all()
    assert (second[:, 1] <= 0.5).all()


def test_circles_and_spirals(rng: np.random.Generator) -> None:
    x, y = data.circles(100, factor=0.3, noise=0.0, rng=rng)
    np.testing.assert_allclose(np.hypot(*x.T), np.where(y == 0, 1, 0.3), rtol=1e-12)
    x, y = data.spirals(300, classes=3, turns=1.5, noise=0.0, rng=rng)
    assert np.bincount(y).tolist() == [100, 100, 100]
    turned = np.angle(x[:, 0] + 1j * x[:, 1]) / (2 * np.pi) - 1.5 * np.hypot(*x.T) - y / 3
    np.testing.assert_allclose(turned, np.round(turned), atol=1e-9)


def test_no_line_divides_xor(rng: np.random.Generator) -> None:
    x, y = data.xor(400, rng=rng)
    assert np.mean((x[:, 0] * x[:, 1] < 0) == (y == 1)) > 0.99
    design = np.column_stack([np.ones(400), x])
    guessed = design @ np.linalg.lstsq(design, 2.0 * y - 1, rcond=None)[0] > 0
    assert np.mean(guessed == y) < 0.8


def test_elongated_regression_has_the_condition_number_it_says(rng: np.random.Generator) -> None:
    x, y = data.elongated_regression(20_000, ratio=7.0, noise=0.0, rng=rng)
    np.testing.assert_allclose(np.linalg.lstsq(x, y, rcond=None)[0], [1, 1 / 7], rtol=1e-9)
    assert np.linalg.cond(x.T @ x) == pytest.approx(49, rel=0.05)


@pytest.mark.parametrize(
    "make", [data.moons, data.circles, data.spirals, data.xor, data.elongated_regression]
)
def test_noise_and_chance(make) -> None:
    one, same, other = (make(60, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], same[0])
    np.testing.assert_array_equal(one[1], same[1])
    assert not np.array_equal(one[0], other[0])
    assert one[0].shape == (60, 2)
    if make is not data.elongated_regression:
        assert one[1].dtype == np.int64
    for wrong in ({"n": 0}, {"noise": -1.0}, {"noise": np.nan}):
        with pytest.raises(ValueError, match=f"{make.__name__}: n ≥ "):
            make(**wrong, rng=np.random.default_rng(0))


def test_other_numbers_outside_their_range(rng: np.random.Generator) -> None:
    for call in (
        lambda: data.circles(factor=1.0, rng=rng), lambda: data.spirals(classes=1, rng=rng),
        lambda: data.spirals(turns=0.0, rng=rng), lambda: data.elongated_regression(ratio=0.0, rng=rng),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="expected"):
            call()
