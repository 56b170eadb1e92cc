"""How good is a numerical derivative? Its error as a function of ε, on the lecture's g(θ) = θ³ at θ = 1.

    python demos/04_error_curves.py [FOLDER]

Saves error_curve.svg into the folder; without one, into a new temporary folder.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.verify import central, complex_step, one_sided
from tinygrad_edu.verify.curves import error_curve
from tinygrad_edu.verify.numerical import extrapolated
from tinygrad_edu.verify.taylor import taylor


def g(theta: float) -> float:
    """The lecture's function; g′(1) = 3."""
    return theta * theta * theta


def two_sides() -> None:
    """One side or both: the lecture's numbers."""
    print("g(θ) = θ³ at θ = 1 with ε = 0.01; the derivative is 3")
    print(f"    one-sided  (g(θ + ε) − g(θ)) / ε        = {one_sided(g, 1.0, 0.01):.6f}   off by about 3ε")
    print(f"    central    (g(θ + ε) − g(θ − ε)) / 2ε   = {central(g, 1.0, 0.01):.6f}   off by ε²")


def smaller_steps() -> None:
    """Each method follows its order, until rounding takes over."""
    print("\nexp at 1, the relative errors. A smaller ε is better, and then it is worse:")
    print("         ε   one-sided    central   extrapolated")
    for k in (1, 3, 5, 7, 9, 11):
        eps = 10.0**-k
        errors = [abs(d(math.exp, 1.0, eps) / math.e - 1) for d in (one_sided, central, extrapolated)]
        print(f"    {eps:6.0e}   {errors[0]:9.0e}   {errors[1]:8.0e}   {errors[2]:12.0e}")
    found = complex_step(np.exp, 1.0, 1e-30)
    print(f"The complex step subtracts nothing, so ε = 1e-30 will do: off by {abs(found / math.e - 1):.0e}")


def the_whole_curve(folder: Path) -> None:
    """The V, in double and in single precision."""
    print()
    curve = error_curve(tg.exp, 1.0, name="exp at 1")
    print(curve)
    print(f"Drawn: {curve.save(folder / 'error_curve.svg')}")
    single = error_curve(tg.exp, 1.0, dtype=np.float32)
    print("\nThe lecture's ε = 1e-7 in float32, where 1 + ε/2 is 1: central differences are off by")
    print(f"{single.at('central', 1e-7):.0%}; the best ε there is {single.methods['central'].step:.0e}.")


def without_a_step() -> None:
    """What a right gradient leaves over falls like h², what a wrong one leaves like h."""
    print("\nThe Taylor test needs no ε. For tanh′ = 1 − y² at 0.7, and for 1 − x²:")
    y = math.tanh(0.7)
    for rule, slope in (("1 − y²", 1 - y * y), ("1 − x²", 1 - 0.7**2)):
        print(f"    {rule}: {taylor(math.tanh, 0.7, gradients=[slope]).reason}")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="error_curves_"))
    target.mkdir(parents=True, exist_ok=True)
    two_sides()
    smaller_steps()
    the_whole_curve(target)
    without_a_step()
