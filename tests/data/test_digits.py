"""The digits are the published ones, and the split is fair."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import numpy as np
import pytest

from tinygrad_edu import data
from tinygrad_edu.errors import ShapeError

# What scripts/make_digits.py printed, made from scikit-learn 1.9.1.
SHA256 = "b3b9c8cc11d765ce4264d8748bf3edbafa5038d91c93cf713ddbd6ae8652b410"

# How often each digit occurs in the test half, from the description that UCI distributes with it.
OCCURRENCES = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]

# The first line of the test half as UCI distributes it: a zero.
FIRST = """
    0  0  5 13  9  1  0  0
    0  0 13 15 10 15  5  0
    0  3 15  2  0 11  8  0
    0  4 12  0  0  8  8  0
    0  5  8  0  0  9  8  0
    0  4 11  0  1 12  7  0
    0  2 14  5 10 12  0  0
    0  0  6 13 10  0  0  0
"""


@pytest.fixture(scope="module")
def digits() -> data.Digits:
    return data.load_digits()


def test_the_file_is_the_one_that_was_made() -> None:
    content = (files("tinygrad_edu.data") / "digits.npz").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256


def test_the_digits_are_the_published_ones(digits: data.Digits) -> None:
    assert np.bincount(digits.y).tolist() == OCCURRENCES
    assert digits.images[0].ravel().tolist() == [int(pixel) for pixel in FIRST.split()]
    assert digits.y[0] == 0


def test_shapes_types_and_range(digits: data.Digits) -> None:
    assert digits.images.shape == (1797, 8, 8)
    assert digits.images.dtype == np.uint8
    assert digits.x.shape == (1797, 64)
    assert digits.x.dtype == np.float64
    assert digits.y.shape == (1797,)
    assert digits.y.dtype == np.int64
    assert (digits.images.min(), digits.images.max()) == (0, 16)


def test_rows_of_x_are_the_images_row_by_row(digits: data.Digits) -> None:
    assert digits.x[7, 8 * 3 + 5] == digits.images[7, 3, 5] != digits.images[7, 5, 3]


def test_writing_into_x_leaves_the_images_alone(digits: data.Digits) -> None:
    digits.x[:] = -1
    assert digits.images.max() == 16
    assert digits.x.max() == 16


def test_the_authors_and_the_licence_are_named(digits: data.Digits) -> None:
    for words in ("Alpaydin", "Kaynak", "10.24432/C50P49", "CC BY 4.0"):
        assert words in digits.description


def test_split_is_a_partition(rng: np.random.Generator, digits: data.Digits) -> None:
    number = np.arange(1797)
    train, test, y_train, y_test = data.split(number, digits.y, test_fraction=0.3, rng=rng)
    assert sorted([*train, *test]) == list(number)
    assert (digits.y[train] == y_train).all()
    assert (digits.y[test] == y_test).all()


def test_split_gives_every_class_its_share(rng: np.random.Generator, digits: data.Digits) -> None:
    _, _, y_train, y_test = data.split(digits.x, digits.y, test_fraction=0.25, rng=rng)
    # A quarter of each count above, to the nearest whole number; a half goes to the even one.
    assert np.bincount(y_test).tolist() == [44, 46, 44, 46, 45, 46, 45, 45, 44, 45]
    assert len(y_train) + len(y_test) == 1797


def test_split_depends_on_the_generator_alone(digits: data.Digits) -> None:
    number = np.arange(1797)

    def test_set(seed: int) -> list[int]:
        chosen: list[int] = data.split(number, digits.y, rng=np.random.default_rng(seed))[1].tolist()
        return chosen

    assert test_set(1) == test_set(1)
    assert test_set(1) != test_set(2)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_split_refuses_a_fraction_outside_0_and_1(rng: np.random.Generator, fraction: float) -> None:
    with pytest.raises(ValueError, match=f"between 0 and 1 was expected, {fraction} came"):
        data.split(np.zeros((4, 2)), np.array([0, 0, 1, 1]), test_fraction=fraction, rng=rng)


@pytest.mark.parametrize(("x", "y"), [((4, 2), (3,)), ((4, 2), (4, 1)), ((), (1,))])
def test_split_refuses_other_shapes(rng: np.random.Generator, x: tuple[int, ...], y: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"x \(n, …\) and y \(n,\) were expected"):
        data.split(np.zeros(x), np.zeros(y), rng=rng)


def test_split_refuses_to_leave_a_class_out(rng: np.random.Generator) -> None:
    y = np.array([0, 0, 0, 0, 7])
    with pytest.raises(ValueError, match=r"class 7 has 1 samples.* the test set would have none"):
        data.split(y, y, test_fraction=0.4, rng=rng)
    with pytest.raises(ValueError, match=r"class 7 has 1 samples.* the training set would have none"):
        data.split(y, y, test_fraction=0.6, rng=rng)


def test_numbers_are_split_without_classes() -> None:
    x, y = data.elongated_regression(50, rng=np.random.default_rng(0))
    x_train, x_test, y_train, y_test = data.split(x, y, stratify=False, rng=np.random.default_rng(1))
    assert (len(x_train), len(x_test)) == (40, 10)
    together = {tuple(row): value for row, value in zip(x, y, strict=True)}
    for rows, values in ((x_train, y_train), (x_test, y_test)):
        assert [together.pop(tuple(row)) for row in rows] == values.tolist()
    assert not together
    several = data.split(x, np.stack([y, y], axis=1), stratify=False, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(several[1], x_test)
    with pytest.raises(ValueError, match="of numbers that are no classes say stratify=False"):
        data.split(x, y, rng=np.random.default_rng(1))
    with pytest.raises(ValueError, match="the whole has 1 samples"):
        data.split(x[:1], y[:1], stratify=False, rng=np.random.default_rng(1))
    with pytest.raises(TypeError, match="split: a generator was expected"):
        data.split(x, y, stratify=False, rng=3)
