"""The lecture's gradient check, exactly: one ε for everything, one number for all.

    approx_i = (J(θ + ε e_i) − J(θ − ε e_i)) / 2ε        with ε = 10⁻⁷
    difference = ‖approx − dθ‖ / (‖approx‖ + ‖dθ‖)       10⁻⁷ is great, 10⁻⁵ wants a look, 10⁻³ is a bug

It is shown beside the judgement with found steps, and where the two disagree it is said why. Rounding of J, divided
by ε, puts right gradients above the line of 10⁻⁷; and one norm for all hides what is small beside the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_edu.reporting.check import BANDS
from tinygrad_edu.types import Array
from tinygrad_edu.verify.noise import norm
from tinygrad_edu.verify.theta import Theta

STEP = 1e-7
GREAT = BANDS["great"]


class Lecture(NamedTuple):
    """What the lecture's formula gives.

    Attributes:
        difference: in [0, 1].
        rounding: the difference that the rounding of J would make of right gradients, about.
    """

    difference: float
    rounding: float

    def note(self, verdict: str, ours: float) -> str:
        """A sentence where its line would misjudge what is known to be right or wrong, or "".

        Args:
            verdict: that of the check with found steps.
            ours: the difference with those.
        """
        said = (
            f"at the lecture's ε = {STEP:g} the difference is {self.difference:.2e} ({band(self.difference)})"
        )
        if verdict == "verified" and self.difference > GREAT:
            cause = (
                f"rounding of the value, divided by ε, makes about {self.rounding:.0e}"
                if self.rounding > self.difference / 4
                else "the function bends too much within ε"
            )
            return f"{said} though all is right: {cause}"
        if verdict == "wrong" and 0 < self.difference <= 1e-5 and ours <= 1e-4:
            return f"{said} though something is wrong: it is small beside all gradients together"
        return ""


def band(difference: float) -> str:
    """What the lecture says of a difference."""
    return next((words for words, limit in BANDS.items() if difference <= limit), "a bug")


def difference_of(apart: float, approx: float, backward: float) -> float:
    """‖approx − dθ‖ / (‖approx‖ + ‖dθ‖) of the three norms; the first alone where both gradients are 0."""
    return apart / (approx + backward) if approx + backward > 0 else apart


def lecture(theta: Theta, backward: Sequence[Array]) -> Lecture:
    """The lecture's check of gradients, one for each of the arrays in θ."""
    approx, given = (np.concatenate([np.ravel(g) for g in gs]) for gs in (theta.central(STEP), backward))
    known = np.isfinite(approx) & np.isfinite(given)
    norms = norm((approx - given)[known]), norm(approx[known]), norm(given[known])
    # Each of two values is off by about the noise.
    rounding = theta.noise / STEP * (max(int(known.sum()), 1) / 2) ** 0.5
    return Lecture(difference_of(*norms), difference_of(rounding, *norms[1:]))
