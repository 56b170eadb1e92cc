"""Normalizing inputs: x := (x − μ) / σ for every feature, with the μ and σ of the *training* set.

The test set is scaled with the training statistics, too. Its own would let the test set leak into the model,
and a feature would mean something else there than it did in training. So a `Standardizer` is fitted once, and
refuses to be fitted to other data unless that is said in so many words.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import Any, Self

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError, TinygradEduError
from tinygrad_edu.types import Array


class LeakError(TinygradEduError, RuntimeError):
    """Something was about to be learned from data that is there to test with."""


class Scaler:
    """What all scalings share, x ↦ (x − center) / scale for every feature: fitted to the training set, and to no other.

    A subclass says in `statistics` what its center and scale are. Scikit-learn's protocol is understood, so it may be a
    step of a `Pipeline`, or be cloned.

    Attributes:
        center: (features,) once fitted; float64 at least, whatever the samples are.
        scale: (features,) > 0; 1 where a feature is constant.
        constant: the indices of the features that have no scale; those are only centred.
        n: the number of samples it was fitted to.
        fingerprint: SHA-256 of the values it was fitted to.
    """

    center: Array
    scale: Array
    constant: Array
    n: int
    fingerprint: str | None = None

    def statistics(self, x: Array) -> tuple[Array, Array]:
        """Center and scale of samples x (n, features), of numbers in (−1, 1); where a scale is 0, 1 is taken."""
        raise NotImplementedError(f"{type(self).__name__} defines no statistics(self, x): center and scale")

    def fit(self, x: Array, y: Any = None, *, refit: bool = False) -> Self:
        """Take the statistics of the training set.

        Args:
            x: (n, features) the training samples, n ≥ 1.
            y: what belongs to them; it is not looked at.
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
        center, scale = self.statistics(np.ldexp(x.astype(np.result_type(x, np.float64)), -exponent))
        scale = np.ldexp(scale, exponent)
        self.center = np.ldexp(center, exponent)
        self.scale = np.where(scale == 0, 1, scale)
        self.constant = np.flatnonzero(scale == 0)
        self.n, self.fingerprint = len(x), fingerprint
        return self

    def transform(self, x: Array) -> Array:
        """(x − center) / scale with the training statistics, (n, features); float32 stays float32."""
        x = self._fitting(x, "transform")
        return ((x - self.center) / self.scale).astype(x.dtype)

    def inverse(self, z: Array) -> Array:
        """Back to the original units: z · scale + center, (n, features)."""
        z = self._fitting(z, "inverse")
        return (z * self.scale + self.center).astype(z.dtype)

    def fit_transform(self, x: Array, y: Any = None) -> Array:
        """Fit to the training set and scale it."""
        return self.fit(x).transform(x)

    # ---- scikit-learn's names ----

    def inverse_transform(self, z: Array) -> Array:
        """`inverse`."""
        return self.inverse(z)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments it was made with: there are none."""
        return {}

    def set_params(self, **params: Any) -> Self:
        """Nothing can be set; a ValueError says so."""
        if params:
            raise ValueError(f"{type(self).__name__}: no parameters were expected, {', '.join(params)} came")
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return self.fingerprint is not None

    def __sklearn_tags__(self) -> Any:  # asked for by nobody else, so it is there
        known = import_module("sklearn.utils")
        needs_no_y = known.TargetTags(required=False)
        return known.Tags(
            estimator_type="transformer", target_tags=needs_no_y, transformer_tags=known.TransformerTags()
        )

    def _fitting(self, x: Array, what: str) -> Array:
        if self.fingerprint is None:
            raise RuntimeError(f"{what}: the training statistics are not known yet: call fit(x_train) first")
        x = _samples(x, what)
        if x.shape[1] != len(self.center):
            raise ShapeError(f"{what}: fitted to {len(self.center)} features, {x.shape[1]} came")
        return x

    def __repr__(self) -> str:
        if self.fingerprint is None:
            return f"{type(self).__name__}(not fitted)"
        return (
            f"{type(self).__name__}(fitted to {self.n} samples of {len(self.center)} features, "
            f"{len(self.constant)} of them constant, sha256 {self.fingerprint[:12]})"
        )


class Standardizer(Scaler):
    """Scale every feature to mean 0 and standard deviation 1.

    A feature that never varies has no scale: it is only centred, and counted in `constant`.

    Attributes:
        mean: μ, the center.
        std: σ, the scale, dividing by n and not by n − 1; 1 where a feature is constant.
    """

    @property
    def mean(self) -> Array:
        """(features,) μ."""
        return self.center

    @property
    def std(self) -> Array:
        """(features,) σ."""
        return self.scale

    def statistics(self, x: Array) -> tuple[Array, Array]:
        """μ and σ."""
        # Rounding leaves the mean of equal numbers only near that number, and their deviation only near 0.
        # Seen from the first sample, a constant feature is exactly 0 everywhere.
        offset = x - x[0]
        return x[0] + offset.mean(axis=0), offset.std(axis=0)


def _samples(x: Array, what: str) -> Array:
    x = np.asarray(value_of(x))
    if x.dtype.kind not in "fiub":
        raise TypeError(f"{what}: real numbers were expected, dtype {x.dtype} came")
    if x.dtype.kind != "f":
        x = x.astype(float)
    if x.ndim != 2:
        raise ShapeError(f"{what}: samples of shape (n, features) were expected, {x.shape} came")
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, column = bad[0]
        raise ValueError(f"{what}: x[{row}, {column}] is {x[row, column]}: remove or fill such values first")
    return x
