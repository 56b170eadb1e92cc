"""Other scalings of inputs: into a range, or by numbers that outliers do not move.

    MinMax    (x − min) / (max − min)               all training samples lie in [0, 1]
    Robust    (x − median) / (q₃ − q₁)              half of them lie between the quartiles q₁ and q₃

One outlier moves a mean a little, a standard deviation more, and a maximum entirely; the median and the quartiles it
hardly moves at all. All take their statistics from the training set, and are guarded as the `Standardizer` is.
Whitening, which takes away what features have in common, is `diagnostics.whiten`.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.data.standardize import Scaler
from tinygrad_edu.types import Array


class MinMax(Scaler):
    """Scale every feature so that the training samples lie in [0, 1]; others may lie outside."""

    def statistics(self, x: Array) -> tuple[Array, Array]:
        """The smallest value, and how far it is from the largest."""
        low = x.min(axis=0)
        return low, x.max(axis=0) - low


class Robust(Scaler):
    """Scale every feature by its median and the distance of its quartiles (Tukey 1977).

    Half of all values may be the same; then there is no distance, and the feature is only centred.
    """

    def statistics(self, x: Array) -> tuple[Array, Array]:
        """The median, and the distance of the quartiles, each interpolated between its neighbours."""
        first, median, third = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
        return median, third - first
