"""Make tinygrad_edu/data/digits.npz from scikit-learn's copy of the UCI digits: the same bytes at every run.

    pip install scikit-learn && python scripts/make_digits.py

The images are those of the test half of the "Optical Recognition of Handwritten Digits" data set, which is
what scikit-learn ships: 1,797 images of 8 × 8 pixels with values 0 … 16.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).resolve().parent.parent / "tinygrad_edu" / "data" / "digits.npz"


def main() -> None:
    """Write the file and print its SHA-256."""
    digits = load_digits()
    arrays = {"images": digits.images.astype(np.uint8), "labels": digits.target.astype(np.uint8)}
    if not np.array_equal(arrays["images"], digits.images):
        raise ValueError("the pixels are not whole numbers from 0 to 255")
    write(TARGET, arrays)


def write(target: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as .npz, the same bytes on every machine, and print their SHA-256."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            # Neither the time nor the operating system may show in the bytes.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue(), compresslevel=9)
    print(hashlib.sha256(target.read_bytes()).hexdigest(), target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
