"""Normalizing inputs: x := (x − μ) / σ for every feature, with the μ and σ of the *training* set.

The test set is scaled with the training statistics, too. Its own would let the test set leak into the model,
and a feature would mean something else there than it did in training. So a `Standardizer` is fitted once, and
refuses to be fitted to other data unless that is said in so many words.
"""

from __future__ import annotations

import hashlib

import numpy as np

from tinygrad_edu.errors import ShapeError, TinygradEduError
from tinygrad_edu.types import Array


class LeakError(TinygradEduError, RuntimeError):
    """Something was about to be learned from data that is there to test with."""


class Standardizer:
    """Scale every feature to mean 0 and standard deviation 1.

    A feature that never varies has no scale: it is only centred, and counted in `constant`.

    Attributes:
        mean: (features,) μ, once fitted; float64 at least, whatever the samples are.
        std: (features,) σ, dividing by n and not by n − 1; 1 where a feature is constant.
        constant: the indices of the constant features.
        n: the number of samples it was fitted to.
        fingerprint: SHA-256 of the values it was fitted to.
    """

    mean: Array
    std: Array
    constant: Array
    n: int
    fingerprint: str | None = None

    def fit(self, x: Array, *, refit: bool = False) -> Standardizer:
        """Take μ and σ from the training set.

        Args:
            x: (n, features) the training samples, n ≥ 1.
            refit: forget what it was fitted to before.

        Raises:
            LeakError: it was fitted to other data before, and `refit` was not said.
            ShapeError: not (n, features).
            ValueError: no samples, or a value that is NaN or infinite.
        """
        x = _samples(x, "fit")
        if not len(x):
            raise ValueError("fit: at least one sample was expected, none came")
        fingerprint = hashlib.sha256(f"{x.dtype}{x.shape}".encode() + x.tobytes()).hexdigest()
        if self.fingerprint not in (None, fingerprint) and not refit:
            raise LeakError(
                f"fit: {self!r} is to be fitted to {len(x)} other samples. If that is the test set, it "
                f"would leak into the model: scale it with the training statistics, by transform(x). To "
                f"start over on purpose, say fit(x, refit=True)"
            )
        # Squares leave the range of numbers long before the numbers do, so every feature is brought into (−1, 1):
        # by a power of two, which rounds nothing.
        _, exponent = np.frexp(np.abs(x).max(axis=0))
        scaled = np.ldexp(x.astype(np.result_type(x, np.float64)), -exponent)
        # Rounding leaves the mean of equal numbers only near that number, and their deviation only near 0.
        # Seen from the first sample, a constant feature is exactly 0 everywhere.
        offset = scaled - scaled[0]
        self.mean = np.ldexp(scaled[0] + offset.mean(axis=0), exponent)
        deviation = np.ldexp(offset.std(axis=0), exponent)
        self.std = np.where(deviation == 0, 1, deviation)
        self.constant = np.flatnonzero(deviation == 0)
        self.n, self.fingerprint = len(x), fingerprint
        return self

    def transform(self, x: Array) -> Array:
        """(x − μ) / σ with the training statistics, (n, features); float32 stays float32."""
        x = self._fitting(x, "transform")
        return ((x - self.mean) / self.std).astype(x.dtype)

    def inverse(self, z: Array) -> Array:
        """Back to the original units: z · σ + μ, (n, features)."""
        z = self._fitting(z, "inverse")
        return (z * self.std + self.mean).astype(z.dtype)

    def fit_transform(self, x: Array) -> Array:
        """Fit to the training set and scale it."""
        return self.fit(x).transform(x)

    def _fitting(self, x: Array, what: str) -> Array:
        if self.fingerprint is None:
            raise RuntimeError(f"{what}: the training statistics are not known yet: call fit(x_train) first")
        x = _samples(x, what)
        if x.shape[1] != len(self.mean):
            raise ShapeError(f"{what}: fitted to {len(self.mean)} features, {x.shape[1]} came")
        return x

    def __repr__(self) -> str:
        if self.fingerprint is None:
            return "Standardizer(not fitted)"
        return (
            f"Standardizer(fitted to {self.n} samples of {len(self.mean)} features, "
            f"{len(self.constant)} of them constant, sha256 {self.fingerprint[:12]})"
        )


def _samples(x: Array, what: str) -> Array:
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(float)
    if x.ndim != 2:
        raise ShapeError(f"{what}: samples of shape (n, features) were expected, {x.shape} came")
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, column = bad[0]
        raise ValueError(f"{what}: x[{row}, {column}] is {x[row, column]}: remove or fill such values first")
    return x
