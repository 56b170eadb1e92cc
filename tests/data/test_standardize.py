"""Standardizing: the formula, what it refuses, and what rounding must not do to it."""

from __future__ import annotations

import hashlib
import math
import re
from typing import Any

import numpy as np
import pytest

from tinygrad_edu.data import LeakError, Standardizer, load_digits
from tinygrad_edu.errors import ShapeError, TinygradEduError

# By hand: the means are 3 and 20, the deviations √(8/3) and √(200/3).
TRAIN = np.array([[1.0, 10.0], [3.0, 20.0], [5.0, 30.0]])
OTHER = np.array([[3.0, 40.0], [7.0, 20.0]])


def test_the_statistics_of_a_small_example() -> None:
    scaler = Standardizer().fit(TRAIN)
    np.testing.assert_allclose(scaler.mean, [3, 20], rtol=1e-15)
    np.testing.assert_allclose(scaler.std, [(8 / 3) ** 0.5, (200 / 3) ** 0.5], rtol=1e-15)
    assert scaler.n == 3
    assert scaler.constant.tolist() == []


@pytest.mark.parametrize("level", [0.0, 1e3, -1e6, 1e9])
def test_the_statistics_are_those_of_exact_sums(level: float, rng: np.random.Generator) -> None:
    x = level + rng.normal(size=(500, 3)) * [1e-2, 1.0, 50.0]
    scaler = Standardizer().fit(x)
    for column, mean, std in zip(x.T.tolist(), scaler.mean, scaler.std, strict=True):
        exact = math.fsum(column) / 500
        spread = math.sqrt(math.fsum((value - exact) ** 2 for value in column) / 500)
        assert mean == pytest.approx(exact, rel=1e-14, abs=1e-14 * max(map(abs, column)))
        assert std == pytest.approx(spread, rel=1e-12 + abs(level) * 1e-15)


def test_the_test_set_is_scaled_with_the_training_statistics() -> None:
    z = Standardizer().fit(TRAIN).transform(OTHER)
    np.testing.assert_allclose(z, [[0, 20 / (200 / 3) ** 0.5], [4 / (8 / 3) ** 0.5, 0]], rtol=1e-15)


def test_mean_0_and_deviation_1_on_real_data() -> None:
    x = load_digits().x
    scaler = Standardizer()
    z = scaler.fit_transform(x)
    # The corners that no pen reaches: these three pixels are blank in all 1,797 images.
    assert scaler.constant.tolist() == [0, 32, 39]
    assert (z[:, scaler.constant] == 0).all()
    varying = np.delete(z, scaler.constant, axis=1)
    np.testing.assert_allclose(varying.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose((varying**2).mean(axis=0), 1, rtol=1e-12)


def test_inverse_brings_back_the_data(rng: np.random.Generator) -> None:
    x = rng.normal(5, 3, size=(50, 4))
    scaler = Standardizer().fit(x[:30])
    np.testing.assert_allclose(scaler.inverse(scaler.transform(x)), x, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 100, 1437, 200_000])
def test_a_constant_feature_is_recognized_in_spite_of_rounding(n: int, dtype: type[np.floating[Any]]) -> None:
    x = np.column_stack([np.full(n, 0.1), np.linspace(0, 1, n)]).astype(dtype)
    assert np.unique(x[:, 0]).size == 1
    scaler = Standardizer().fit(x)
    assert scaler.constant.tolist() == [0]
    assert scaler.std[0] == 1
    assert (scaler.transform(x)[:, 0] == 0).all()


def test_a_small_variation_on_a_large_value_is_not_taken_for_none() -> None:
    x = np.array([[1e6], [1e6 + 2**-20]])
    scaler = Standardizer().fit(x)
    assert scaler.constant.tolist() == []
    np.testing.assert_allclose(scaler.transform(x), [[-1], [1]], rtol=1e-3)


def test_a_variation_too_small_to_square_counts_as_none() -> None:
    z = Standardizer().fit_transform(np.array([[0.0], [5e-324]]))
    assert np.isfinite(z).all()


def test_float32_stays_float32_and_is_averaged_in_float64() -> None:
    # Added up one by one in float32, 200,000 numbers near 0.1 are off in the fourth digit.
    x = np.tile(np.array([[0.1], [0.3]], np.float32), (100_000, 1))
    scaler = Standardizer().fit(x)
    np.testing.assert_allclose(scaler.mean, [0.2], rtol=1e-7)
    np.testing.assert_allclose(scaler.std, [0.1], rtol=1e-6)
    z = scaler.transform(x[:2])
    assert z.dtype == scaler.inverse(z).dtype == np.float32


def test_whole_numbers_become_float64() -> None:
    z = Standardizer().fit_transform(TRAIN.astype(np.uint8))
    assert z.dtype == np.float64
    np.testing.assert_array_equal(z, Standardizer().fit_transform(TRAIN))


def test_the_data_are_left_alone() -> None:
    x = TRAIN.copy()
    Standardizer().fit_transform(x)
    np.testing.assert_array_equal(x, TRAIN)


def test_fitting_to_other_data_is_refused_and_nothing_changes() -> None:
    scaler = Standardizer().fit(TRAIN)
    for learn in (scaler.fit, scaler.fit_transform):
        with pytest.raises(
            LeakError, match=r"fitted to 3 samples of 2 features.* 2 other samples.*refit=True"
        ):
            learn(OTHER)
    np.testing.assert_array_equal(scaler.mean, [3, 20])
    assert scaler.n == 3


def test_a_leak_is_an_error_of_the_package() -> None:
    assert issubclass(LeakError, TinygradEduError)


def test_fitting_to_the_same_data_again_is_harmless() -> None:
    scaler = Standardizer().fit(TRAIN)
    before = repr(scaler)
    assert repr(scaler.fit(np.asfortranarray(TRAIN))) == before


def test_fitting_anew_on_purpose() -> None:
    scaler = Standardizer().fit(TRAIN).fit(OTHER, refit=True)
    np.testing.assert_array_equal(scaler.mean, [5, 30])
    assert scaler.n == 2


def test_the_same_numbers_in_another_arrangement_are_other_data() -> None:
    scaler = Standardizer().fit(TRAIN)
    with pytest.raises(LeakError):
        scaler.fit(TRAIN.reshape(2, 3))


@pytest.mark.parametrize("use", ["transform", "inverse"])
def test_use_before_fit_is_refused(use: str) -> None:
    with pytest.raises(RuntimeError, match=rf"{use}: .*call fit\(x_train\) first"):
        getattr(Standardizer(), use)(TRAIN)


@pytest.mark.parametrize("use", ["transform", "inverse"])
def test_another_number_of_features_is_refused(use: str) -> None:
    with pytest.raises(ShapeError, match=f"{use}: fitted to 2 features, 3 came"):
        getattr(Standardizer().fit(TRAIN), use)(np.zeros((4, 3)))


@pytest.mark.parametrize("shape", [(3,), (3, 2, 2), ()])
def test_samples_must_have_two_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=re.escape(f"(n, features) were expected, {shape} came")):
        Standardizer().fit(np.zeros(shape))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_the_first_value_that_is_no_number_is_named(value: float) -> None:
    x = TRAIN.copy()
    x[1, 1] = x[2, 0] = value
    with pytest.raises(ValueError, match=rf"fit: x\[1, 1\] is {value}"):
        Standardizer().fit(x)
    with pytest.raises(ValueError, match=rf"transform: x\[1, 1\] is {value}"):
        Standardizer().fit(TRAIN).transform(x)


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample was expected, none came"):
        Standardizer().fit(np.zeros((0, 2)))


def test_it_tells_what_it_was_fitted_to() -> None:
    assert repr(Standardizer()) == "Standardizer(not fitted)"
    digest = hashlib.sha256(b"float64(3, 2)" + TRAIN.tobytes()).hexdigest()[:12]
    told = f"Standardizer(fitted to 3 samples of 2 features, 0 of them constant, sha256 {digest})"
    assert repr(Standardizer().fit(TRAIN)) == told


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1.0, 1e200, 8e307])
def test_the_ends_of_the_range_are_no_different(size: float) -> None:
    """Squares of such numbers are 0 or infinite, and so are the sums of the largest."""
    x = size * np.array([[1.0, 2.0, 1.0], [2.0, -1.0, 1.0], [2.0, -1.0, 1.0]])
    scaler = Standardizer().fit(x)
    assert scaler.constant.tolist() == [2]
    np.testing.assert_allclose(scaler.mean / size, [5 / 3, 0, 1], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(scaler.std[:2] / size, [2**0.5 / 3, 2**0.5], rtol=1e-14)
    np.testing.assert_allclose(scaler.transform(x)[1], [0.5**0.5, -(0.5**0.5), 0], rtol=1e-13)
