"""Diagnosis: the cause of a wrong gradient, in words, with a confidence.

Most mistakes leave a trace. The chapters look for it, from the numbers alone to the function itself:

    suspicion   what is known, what is suspected, and what may be said
    numbers     one gradient beside the right one: a factor, numbers in other places, λ·θ
    matrices    the rule and the Jacobian: paths that are missing, or too many; an upstream that is averaged
    statistics  paths by a mean, a variance or a length, and the weight with which they count
    formulas    the derivative of another function, by its values
    probes      the rule once more, with the input in the place of the output, or one operand in that of another
    draws       where all of this evidence comes from: a pair of passes, at two points

`diagnose` has only the numbers, as of a backward pass that is given as arrays; `verify.explanation` has the functions.
"""

from __future__ import annotations

from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis import numbers
from tinygrad_edu.verify.diagnosis.suspicion import Diagnosis, Evidence, Suspicion, concluded

__all__ = ["Diagnosis", "Evidence", "Suspicion", "diagnose"]

_BY_NUMBERS = (numbers.nothing, numbers.factor, numbers.places, numbers.penalty, numbers.regions)


def diagnose(a: Array, n: Array, error: Array, theta: Array | None) -> str:
    """The cause of a wrong gradient in a sentence, or "" if there is none to be named.

    Args:
        a: what the backward pass says.
        n: the numerical values.
        error: their error bars.
        theta: the parameter or input itself, if it is known.
    """
    found = concluded(_BY_NUMBERS, [Evidence(a, n, error, theta)])
    return str(found) if found else ""
