"""Real tables, inside the package: flowers, wines, and cells, each row a sample and each column a measurement.

    load_iris             150 flowers    4 lengths and widths    3 kinds           Fisher 1936
    load_wine             178 wines     13 chemical analyses     3 growers         Aeberhard and Forina 1991
    load_breast_cancer    569 tumours   30 shapes of cells       malignant, benign Wolberg, Street and Mangasarian 1993

The measurements of the wines and the cells are of very different size, from 0.1 to 1000: data to be normalized.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from tinygrad_edu.types import Array

FOLDER = files("tinygrad_edu.data")


@dataclass(frozen=True, slots=True)
class Table:
    """Measurements, and what they belong to.

    Attributes:
        x: (n, features) float64.
        y: (n,) the classes (int64).
        features: the name of each column.
        classes: the name of each class.
    """

    x: Array
    y: Array
    features: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def description(self) -> str:
        """Where the tables come from, who made them, and their licence."""
        return (FOLDER / "tables.LICENSE.txt").read_text(encoding="utf-8")


def load_iris() -> Table:
    """150 flowers of three kinds of iris, in centimetres; UCI, CC BY 4.0, doi:10.24432/C56C76."""
    return _table("iris")


def load_wine() -> Table:
    """178 wines of three growers; UCI, CC BY 4.0, doi:10.24432/C5PC7J."""
    return _table("wine")


def load_breast_cancer() -> Table:
    """569 tumours, 0 malignant and 1 benign, by the nuclei of cells; UCI, CC BY 4.0, doi:10.24432/C5DW2B."""
    return _table("breast_cancer")


def _table(name: str) -> Table:
    with (FOLDER / "tables.npz").open("rb") as file, np.load(file, allow_pickle=False) as held:
        x, y, features, classes = (held[f"{name}.{part}"] for part in ("x", "y", "features", "classes"))
    return Table(x, y.astype(np.int64), tuple(features.tolist()), tuple(classes.tolist()))
