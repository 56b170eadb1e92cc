"""The tables are the published ones: their sizes, and figures that their authors and UCI print."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import numpy as np
import pytest

from tinygrad_edu import data

# What scripts/make_tables.py printed, made from scikit-learn 1.9.1.
SHA256 = "ca8c7f803d38530c2db7a182fde1258b3ae681ab84afa43ae64530f4d26f8076"


def test_the_file_is_the_one_that_was_made() -> None:
    content = (files("tinygrad_edu.data") / "tables.npz").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256


@pytest.mark.parametrize(
    ("load", "features", "counts"),
    [
        (data.load_iris, 4, [50, 50, 50]), (data.load_wine, 13, [59, 71, 48]),
        (data.load_breast_cancer, 30, [212, 357]),
    ],
    ids=["iris", "wine", "breast cancer"],
)  # fmt: skip
def test_sizes_as_published(load, features: int, counts: list[int]) -> None:
    table = load()
    assert table.x.shape == (sum(counts), features)
    assert np.bincount(table.y).tolist() == counts
    assert (table.x.dtype, table.y.dtype) == (np.float64, np.int64)
    assert len(table.features) == len(set(table.features)) == features
    assert len(table.classes) == len(counts)
    assert np.isfinite(table.x).all()
    assert "CC BY 4.0" in table.description


def test_the_means_that_fisher_prints() -> None:
    """The Use of Multiple Measurements in Taxonomic Problems, 1936, table II: setosa and versicolor."""
    iris = data.load_iris()
    printed = [[5.006, 3.428, 1.462, 0.246], [5.936, 2.770, 4.260, 1.326]]
    for label, means in enumerate(printed):
        np.testing.assert_allclose(iris.x[iris.y == label].mean(axis=0), means, atol=5e-4)


def test_the_ranges_that_uci_prints() -> None:
    """wdbc.names prints the extremes of each mean: radius 6.981 … 28.11, texture 9.71 … 39.28, area 143.5 … 2501."""
    table = data.load_breast_cancer()
    for name, low, high in (
        ("mean radius", 6.981, 28.11),
        ("mean texture", 9.71, 39.28),
        ("mean area", 143.5, 2501.0),
    ):
        column = table.x[:, table.features.index(name)]
        assert (column.min(), column.max()) == (low, high)
    wine = data.load_wine()
    assert wine.x[:, wine.features.index("alcohol")].mean() == pytest.approx(13.0, abs=0.05)
    assert wine.x[:, wine.features.index("proline")].max() == 1680
