"""Whitening: inputs whose features are uncorrelated and have variance 1.

Standardizing scales each feature by itself and leaves what they have in common. Let C = V Λ Vᵀ be their covariance,
then

    z = Λ^(−1/2) Vᵀ (x − μ)       PCA whitening: along the principal axes
    z = V Λ^(−1/2) Vᵀ (x − μ)     ZCA whitening: turned back, so that z is as near to x as it can be

both have the covariance I (Kessy, Lewin and Strimmer 2018). As with μ and σ, all of it comes from the training set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Array

FLAT = 1e-10  # the part of the largest variance below which an axis is constant but for rounding


@dataclass(frozen=True)
class Whitening:
    """A linear map, x ↦ (x − mean) @ matrix.

    Attributes:
        mean: (d,), of the training set.
        matrix: (d, d).
        constant: how many axes have no variance; along those z is 0.
    """

    mean: Array
    matrix: Array
    constant: int

    def transform(self, x: Array) -> Array:
        """Samples (n, d) with the training set's statistics.

        Raises:
            ShapeError: another number of features.
        """
        if np.ndim(x) != 2 or np.shape(x)[1] != len(self.mean):
            raise ShapeError(
                f"transform: samples of {len(self.mean)} features were expected, {np.shape(x)} came"
            )
        z: Array = (x - self.mean) @ self.matrix
        return z


def whiten(x: Array, kind: Literal["pca", "zca"] = "zca") -> Whitening:
    """Fit to the training set x (n, d).

    Raises:
        ShapeError: not (n, d).
        ValueError: another kind, fewer than two samples, or a value that is NaN or infinite.
    """
    x = np.asarray(x, float)
    if x.ndim != 2:
        raise ShapeError(f"whiten: samples of shape (n, features) were expected, {x.shape} came")
    if kind not in ("pca", "zca") or len(x) < 2:
        raise ValueError(
            f"whiten: 'pca' or 'zca' and at least two samples were expected, {kind!r}, {len(x)} came"
        )
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"whiten: x[{row}, {column}] is {x[row, column]}: remove or fill such values first")
    mean = x.mean(axis=0)
    variances, axes = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    varies = variances > FLAT * max(variances[-1], 0.0)
    scaled = axes * np.where(varies, 1 / np.sqrt(np.where(varies, variances, 1)), 0)
    return Whitening(mean, scaled if kind == "pca" else scaled @ axes.T, int((~varies).sum()))
