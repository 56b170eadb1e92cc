"""Make tinygrad_edu/data/tables.npz from scikit-learn's copies of three UCI data sets: the same bytes at every run.

pip install scikit-learn && python scripts/make_tables.py
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

TARGET = Path(__file__).resolve().parent.parent / "tinygrad_edu" / "data" / "tables.npz"


def main() -> None:
    """Write the file and print its SHA-256."""
    with zipfile.ZipFile(TARGET, "w") as archive:
        for name, load in (("iris", load_iris), ("wine", load_wine), ("breast_cancer", load_breast_cancer)):
            table = load()
            parts = {
                "x": table.data,
                "y": table.target.astype(np.uint8),
                "features": np.array([str(feature) for feature in table.feature_names]),
                "classes": np.array([str(label) for label in table.target_names]),
            }
            for part, array in parts.items():
                content = io.BytesIO()
                np.save(content, array, allow_pickle=False)
                # Neither the time nor the operating system may show in the bytes.
                entry = zipfile.ZipInfo(f"{name}.{part}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                entry.create_system = 3
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content.getvalue(), compresslevel=9)
    print(hashlib.sha256(TARGET.read_bytes()).hexdigest(), TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
