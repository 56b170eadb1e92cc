"""Make tinygrad_edu/data/tables.npz from scikit-learn's copies of three UCI data sets: the same bytes at every run.

pip install scikit-learn && python scripts/make_tables.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from make_digits import write
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

TARGET = Path(__file__).resolve().parent.parent / "tinygrad_edu" / "data" / "tables.npz"


def main() -> None:
    """Write the file and print its SHA-256."""
    arrays = {}
    for name, load in (("iris", load_iris), ("wine", load_wine), ("breast_cancer", load_breast_cancer)):
        table = load()
        arrays[f"{name}.x"] = table.data
        arrays[f"{name}.y"] = table.target.astype(np.uint8)
        arrays[f"{name}.features"] = np.array([str(feature) for feature in table.feature_names])
        arrays[f"{name}.classes"] = np.array([str(label) for label in table.target_names])
    write(TARGET, arrays)


if __name__ == "__main__":
    main()
