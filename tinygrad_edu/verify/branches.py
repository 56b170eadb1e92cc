"""The V of a numerical derivative: two lines and a bottom, as measured and as theory has them.

                    truncation            rounding        the best step                    the error there
    one-sided       h |f″| / 2            √2 σ / h        (8 σ² / f″²)^¼        ∼ √u       h |f″| / √2
    central         h² |f‴| / 6           σ / √2 h        (3 σ / |f‴|)^⅓        ∼ ∛u       h² |f‴| / √12
    extrapolated    h⁶ |f⁽⁷⁾| / 322560    4.1 σ / h                             ∼ u^(1/7)
    complex step    h² |f‴| / 6           none            any h ≤ √(6 u |f′ / f‴|)         ∼ u |f′|

σ is the noise of f, about u |f|, where u is the unit roundoff, half the distance from 1 to the next number. On
logarithmic scales truncation is a line that rises with the order of the method, and rounding one that falls with −1.
The bottom is where their squares add up to the least (Moré and Wild 2012: 8^¼ √(σ / |f″|) for one-sided ones).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinygrad_edu.types import Array

PER_BIN, BINS = (
    16,
    3,
)  # steps in a bin, and bins in an octave: single errors jump about, the size of several does not
CLEAR = 8.0  # how many times the least error an error must be to belong to one of the two lines


class Theory(NamedTuple):
    """What theory says of a method; None where it says nothing.

    Attributes:
        truncation: the slope of its line.
        rounding: likewise.
        step: the best, h.
        error: its size there.
    """

    truncation: float
    rounding: float | None
    step: float | None
    error: float | None

    def relative_to(self, size: float) -> Theory:
        """With the error in units of `size`."""
        return self if self.error is None else self._replace(error=self.error / size)


class Method(NamedTuple):
    """The errors of one method.

    Attributes:
        errors: at each step, NaN where f is not defined.
        sizes: of the errors in each bin of neighbouring steps, the root of the mean square.
        truncation: the slope of the line on the right, by least squares; None where no such line is to be seen.
        rounding: that of the line on the left, likewise.
        step: where the error is least; of the complex step, the largest step at which it is nothing but rounding.
        error: its size there.
        theory: what theory says of the last four.
    """

    errors: Array
    sizes: Array
    truncation: float | None
    rounding: float | None
    step: float
    error: float
    theory: Theory


# What is known before f is.
SLOPES = {
    "one-sided": Theory(1, -1, None, None), "central": Theory(2, -1, None, None),
    "extrapolated": Theory(6, -1, None, None), "complex step": Theory(2, None, None, None),
}  # fmt: skip


def theories(
    f: Callable[[float], float], scale: float, slope: float, noise: float, unit: float
) -> dict[str, Theory]:
    """What theory says of each method, for a function of one number at 0.

    Args:
        f: the function, in float64.
        scale: the distance over which it changes noticeably.
        slope: f′(0).
        noise: σ of the function as the methods compute it.
        unit: u likewise.
    """
    h, H = scale * 2.0**-11, scale * 2.0**-8  # wide: (f″ h²) and (f‴ h³) have to stand out from the rounding
    least = unit * scale  # a step that is less is none
    second = abs(f(h) - 2 * f(0.0) + f(-h)) / h**2
    third = abs(f(2 * H) - 2 * f(H) + 2 * f(-H) - f(-2 * H)) / (2 * H**3)
    size = max(abs(slope), abs(f(0.0)) / scale)
    found = SLOPES.copy()
    if 1e-5 * size / scale < second < math.inf:
        step = (8 * noise**2 / second**2) ** 0.25
        if step > least:
            found["one-sided"] = Theory(1, -1, step, step * second / math.sqrt(2))
    found["complex step"] = Theory(2, None, None, unit * abs(slope))
    if 1e-5 * size / scale**2 < third < math.inf:
        step = (3 * noise / third) ** (1 / 3)
        if step > least:
            found["central"] = Theory(2, -1, step, step**2 * third / math.sqrt(12))
        found["complex step"] = Theory(2, None, math.sqrt(6 * unit * abs(slope) / third), unit * abs(slope))
    return found


def measure(
    name: str, errors: Array, centres: Array, scale: float, unit: float, theory: Theory
) -> Method | None:
    """The lines and the bottom of a V; None if there are hardly any errors.

    Args:
        name: of the method.
        errors: at steps in descending order, PER_BIN for each bin.
        centres: of the bins.
        scale: as above.
        unit: u.
        theory: to stand beside it.
    """
    sizes = np.sqrt((errors**2).reshape(-1, PER_BIN).mean(axis=1))
    known = np.isfinite(sizes)
    if known.sum() < 5 * BINS:
        return None
    logs = np.log(np.maximum(np.where(known, sizes, np.inf), unit / 16))  # what is less is a lucky 0
    smooth = np.full(logs.shape, np.inf)
    # Five bins: the bottom is flat, and chance ripples it.
    smooth[2:-2] = np.convolve(logs, np.full(5, 0.2), "valid")
    bottom = int(smooth.argmin())
    if name == "complex step":  # no V: up to where truncation is as large as what it lies on
        ground = max(math.exp(smooth[bottom]), unit)
        bottom = int(np.flatnonzero(smooth <= math.log(math.sqrt(2) * ground))[0])
    step, error = float(centres[bottom]), float(np.exp(smooth[bottom]) if sizes[bottom] else 0.0)
    # A sixth power stands out from the rounding at long steps only.
    longest = scale / 2 if theory.truncation > 2 else scale / 4
    clear = known & (sizes > 0) & (sizes >= CLEAR * error)
    right = np.flatnonzero(clear & (centres > step) & (centres <= longest))[-6 * BINS :]
    left = np.flatnonzero(clear & (centres < step) & (centres >= 32 * unit * scale))
    rounding = None if name == "complex step" else _slope(centres[left], sizes[left])
    return Method(errors, sizes, _slope(centres[right], sizes[right]), rounding, step, error, theory)


def _slope(steps: Array, sizes: Array) -> float | None:
    """The p of size = c hᵖ; of fewer than two octaves it would be chance."""
    if len(steps) < 2 * BINS:
        return None
    return float(np.polyfit(np.log(steps), np.log(sizes), 1)[0])
