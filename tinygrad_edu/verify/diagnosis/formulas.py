"""The derivative of another function: an elementwise rule whose factor is a well-known one, and not its own.

    x̄ = ȳ · r(x, y)        r is 1 − y², and y is not tanh x
    x̄ = ȳ · c (x − t)      y is not the square of x − t
    x̄ = ȳ / n              y is not the mean of n elements

What the factor is can be read off, where each element counts for one output. If it is one of those that everybody
knows, it has most likely been taken from there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis.matrices import both_of
from tinygrad_edu.verify.diagnosis.suspicion import FEWEST, Evidence, Suspicion, diagonal, same


def elsewhere(e: Evidence) -> Iterator[Suspicion]:
    """A factor that is the derivative of another function."""
    if (both := both_of(e)) is None or e.theta is None or e.y is None or e.theta.shape != e.y.shape:
        return
    rule, right = both
    if e.theta.size < FEWEST or not diagonal(rule) or not diagonal(right) or np.any(np.isnan(right)):
        return
    # Of several inputs the factor may have come about otherwise.
    several = sum(x.dtype.kind == "f" for x in e.inputs) > 1
    for v, name in ((e.theta, "x"), (e.y, "y")):
        with np.errstate(all="ignore"):
            known = list(_known(v.reshape(-1), name))
        for text, value, of in known:
            if not np.all(np.isfinite(value)) or not np.ptp(value) > 0:
                continue
            for sign, minus in ((1, ""), (-1, "−")):
                if same(np.diag(rule), sign * value):
                    said = f"−({text})" if minus and " − " in text else minus + text
                    words = f"the local derivative is taken as {said}: that is the rule of {of}"
                    yield Suspicion("formula", words, likely=several)


def errors(e: Evidence) -> Iterator[Suspicion]:
    """The rule of a squared, or of an absolute error, for another loss."""
    if (both := both_of(e)) is None or e.theta is None or e.theta.size < FEWEST:
        return
    rule, right = both
    if rule.shape[1] != 1 or np.any(np.isnan(right)):
        return
    factor, n = rule.reshape(e.theta.shape), e.theta.size
    for j, other in enumerate(e.inputs):
        if j == e.i or other.shape != e.theta.shape or other.dtype.kind != "f":
            continue
        apart = e.theta - other
        for d, times, of in ((apart, (1, 2), "a squared error"), (np.sign(apart), (1,), "an absolute error")):
            if np.ptp(d) > 0 and any(same(factor, c / m * d) for c in times for m in (1, n)):
                yield Suspicion(
                    "formula", f"the gradient is that of {of}, between inputs {min(e.i, j)} and {max(e.i, j)}"
                )


def means(e: Evidence) -> Iterator[Suspicion]:
    """The rule of a mean, for something else that is made of many elements."""
    if (both := both_of(e)) is None:
        return
    rule, there = both[0], both[0] != 0
    count = there.sum(axis=0, keepdims=True)
    if np.all(count >= FEWEST) and same(rule, there / np.maximum(count, 1)):
        yield Suspicion("formula", "the gradient is that of a mean", likely=True)


def _known(v: Array, name: str) -> Iterator[tuple[str, Array, str]]:
    """Derivatives that everybody knows, in the variable in which they are known: their text, value, and function."""
    yield f"2{name}", 2 * v, "a square"
    yield f"3{name}²", 3 * v * v, "a cube"
    yield f"1/{name}", 1 / v, "the logarithm"
    yield f"1/{name}²", 1 / v**2, "1/x"
    yield f"1/(2√{name})", 1 / (2 * np.sqrt(np.abs(v))), "the root"
    yield f"1/(1 + {name})", 1 / (1 + v), "ln(1 + x)"
    yield f"e^{name}", np.exp(v), "exp"
    yield f"e^−{name}", np.exp(-v), "exp(−x)"
    yield f"{name} · e^({name} − 1)", v * np.exp(v - 1), "powers, as if the exponent were a constant"
    yield f"cos {name}", np.cos(v), "sin"
    yield f"sin {name}", np.sin(v), "cos"
    yield f"cosh {name}", np.cosh(v), "sinh"
    yield f"sinh {name}", np.sinh(v), "cosh"
    yield f"1/(1 + {name}²)", 1 / (1 + v * v), "arctan"
    yield f"1/√(1 − {name}²)", 1 / np.sqrt(1 - v * v), "arcsin"
    yield f"{name} · (1 − {name})", v * (1 - v), "the sigmoid, in its output"
    yield f"1 − {name}²", 1 - v * v, "tanh, in its output"
    yield f"1 − {name}", 1 - v, "1 − exp(−x), in its output"
