"""Real data: 1,797 handwritten digits, inside the package, so that nothing has to be downloaded.

Each is an image of 8 × 8 pixels. A pixel counts the dark points, 0 to 16, in a 4 × 4 block of a scanned form
of 32 × 32 points (Alpaydin and Kaynak 1998).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from tinygrad_edu.data.loader import require_generator
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Array

FOLDER = files("tinygrad_edu.data")


@dataclass(frozen=True, slots=True)
class Digits:
    """Images and what they show.

    Attributes:
        images: (1797, 8, 8) the pixels, whole numbers (uint8) from 0, paper, to 16, ink.
        y: (1797,) the digits (int64), from 0 to 9.
    """

    images: Array
    y: Array

    @property
    def x(self) -> Array:
        """(1797, 64) the pixels of every image, row by row, as float64 from 0.0 to 16.0."""
        return self.images.reshape(len(self.images), -1).astype(np.float64)

    @property
    def description(self) -> str:
        """Where the images come from, who made them, and their licence."""
        return (FOLDER / "digits.LICENSE.txt").read_text(encoding="utf-8")


def load_digits() -> Digits:
    """The digits; Optical Recognition of Handwritten Digits, UCI, CC BY 4.0, doi:10.24432/C50P49."""
    with (FOLDER / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Digits(arrays["images"], arrays["labels"].astype(np.int64))


def split(
    x: Array, y: Array, *, test_fraction: float = 0.2, stratify: bool = True, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Split at random into a training and a test set in which every class has the same share.

    Args:
        x: (n, …) the samples.
        y: (n,) their classes; or (n, …) numbers to be predicted, without `stratify`.
        test_fraction: of the samples that go into the test set, in (0, 1).
        stratify: whether every class is split by itself; False for numbers, of which hardly two are the same.
        rng: where chance comes from.

    Returns:
        x_train, x_test, y_train, y_test, each in the order in which the samples came.

    Raises:
        ShapeError: not one class for each sample.
        TypeError: no generator.
        ValueError: the fraction is outside (0, 1), or leaves a class, or all, without a sample on either side.
    """
    x, y = np.asarray(x), np.asarray(y)
    if (stratify and y.ndim != 1) or not x.ndim or x.shape[:1] != y.shape[:1]:
        raise ShapeError(f"split: x (n, …) and y (n,) were expected, {x.shape} and {y.shape} came")
    require_generator("split", rng)
    if not 0 < test_fraction < 1:
        raise ValueError(f"split: a test_fraction between 0 and 1 was expected, {test_fraction} came")
    test = np.zeros(len(y), bool)
    classes = {f"class {label}": np.flatnonzero(y == label) for label in np.unique(y)} if stratify else {}
    for name, indices in (classes or {"the whole": np.arange(len(y))}).items():
        members = rng.permutation(indices)
        n = round(test_fraction * len(members))
        if not 0 < n < len(members):
            hint = (
                ": of numbers that are no classes say stratify=False"
                if y.dtype.kind == "f" and stratify
                else ""
            )
            raise ValueError(
                f"split: {name} has {len(members)} samples: with test_fraction={test_fraction} the "
                f"{'test' if n == 0 else 'training'} set would have none of them{hint}"
            )
        test[members[:n]] = True
    return x[~test], x[test], y[~test], y[test]
