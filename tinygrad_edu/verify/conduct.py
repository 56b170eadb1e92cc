"""How a backward pass conducts itself, whatever its numbers are: three witnesses that need no numerical derivative.

    hygiene      the inputs, y and ȳ are left alone; a second call gives the same; every gradient has its input's shape
    linearity    vjp(2ᵏ ȳ) = 2ᵏ vjp(ȳ) and vjp(−ȳ) = −vjp(ȳ), in which nothing is rounded, however much may cancel;
                 vjp(a ȳ₁ + b ȳ₂) = a vjp(ȳ₁) + b vjp(ȳ₂), as far as the backward pass has digits
    rounding     vjp(3 ȳ) / 3 − vjp(ȳ): by how much the result is rounding

A backward pass that ignores ȳ, clips it, or adds to what it returned before, is found out here.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.noise import norm
from tinygrad_edu.verify.pair import Pair


def hygiene(pair: Pair, inputs: list[Array], y: Array, g: Array) -> tuple[list[Array], str]:
    """The gradients, and what is wrong with the way they came about."""
    xs, given, output = [np.array(x) for x in inputs], g.copy(), y.copy()
    again = np.array(pair.f(*xs))
    if not all(map(_same, xs, inputs)):
        return [], "the forward pass changes its inputs in place"
    if not _same(again, y):
        return [], "two forward passes with the same inputs differ"
    first = pair.vjp(given, output, *xs)
    if len(first) != len(inputs):
        return [], f"{len(first)} gradients came for {len(inputs)} inputs"
    first = [np.zeros(x.shape) if d is None else np.array(d) for d, x in zip(first, inputs, strict=True)]
    if not all(map(_same, xs, inputs)):
        return first, "the backward pass changes the inputs in place"
    if not _same(given, g):
        return first, "the backward pass changes the cotangent of the output in place"
    if not _same(output, y):
        return first, "the backward pass changes the output in place"
    second = pair.vjp(g.copy(), y.copy(), *[np.array(x) for x in inputs])
    for i, (d, e, x) in enumerate(zip(first, second, inputs, strict=True)):
        if d.shape != x.shape:
            return first, f"the gradient of {pair.names[i]} has shape {d.shape}, the input {x.shape}"
        if d.dtype.kind not in "fiu" and x.dtype.kind == "f":
            return first, f"real numbers were expected as the gradient of {pair.names[i]}, {d.dtype} came"
        if x.dtype.kind == "f" and e is not None and not _same(np.array(e), d):
            return (
                first,
                "a second call of the backward pass gives another gradient: it keeps something from the first",
            )
    return first, ""


def _same(a: Array, b: Array) -> bool:
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f"))


def pulled(pair: Pair, inputs: list[Array], y: Array, g: Array) -> list[Array]:
    """The gradients, from copies of everything."""
    found = pair.vjp(g.copy(), y.copy(), *[np.array(x) for x in inputs])
    return [np.zeros(x.shape) if d is None else np.array(d) for d, x in zip(found, inputs, strict=True)]


#: A power of two changes no digit of a number, nor of any sum of products with it. So a linear backward pass gives the
#: same digits again, even where most of what it gives is rounding.
FACTORS = -1.0, 2.0**13, 2.0**-13


def linearity(
    pair: Pair, inputs: list[Array], y: Array, g: Array, found: list[Array], least: dict[int, float],
    rng: np.random.Generator,
) -> str:  # fmt: skip
    """What is wrong with the backward pass as a function of the cotangent, in which it must be linear."""
    for factor in FACTORS:
        for d, c in zip(found, pulled(pair, inputs, y, factor * g), strict=True):
            if _differ(c, factor * d, np.abs(factor * d)):
                return (
                    f"the backward pass is not linear in the cotangent: {factor:g} times the cotangent does not give "
                    f"{factor:g} times the gradient"
                )
    other = rng.normal(size=y.shape)
    both = 2 * g - 3 * other
    of_other, of_both = (pulled(pair, inputs, y, each) for each in (other, both))
    for i, (d, e, c) in enumerate(zip(found, of_other, of_both, strict=True)):
        expected, size = 2 * d - 3 * e, 2 * np.abs(d) + 3 * np.abs(e)
        if _differ(c, expected, size):
            unrest = (
                times * _unrest(pair, inputs, y, each, i) for times, each in ((2, g), (3, other), (1, both))
            )
            if _differ(c, expected, size, 5 * least.get(i, 0.0) + 64 * sum(unrest)):
                return "the backward pass is not linear in the cotangent"
    return ""


def _differ(found: Array, expected: Array, size: Array, allowed: float = 0.0) -> bool:
    """Whether two gradients differ by more than rounding of their own size and of what else is allowed."""
    finite = np.isfinite(expected) & np.isfinite(found)
    kind = np.finfo(found.dtype if found.dtype.kind == "f" else float)
    typical = norm(size[finite]) / max(found.size, 1) ** 0.5
    within = max(1e-9, 64 * float(kind.eps)) * np.maximum(size, typical) + allowed + float(kind.tiny)
    return bool(np.any(np.abs(found - expected)[finite] > within[finite]))


def _unrest(pair: Pair, inputs: list[Array], y: Array, g: Array, i: int) -> float:
    """How much of gradient i is rounding: it is another one for multiples that are no powers of two.

    A rule that is not linear does not excuse itself by that, for it has given multiples for powers of two.
    """
    middle, most = pulled(pair, inputs, y, g)[i], 0.0
    for factor in range(3, 19, 2):
        apart = np.abs(pulled(pair, inputs, y, factor * g)[i] / factor - middle)
        most = max(most, float(apart[np.isfinite(apart)].max(initial=0.0)))
    return most


def rounding_of(pair: Pair, inputs: list[Array], y: Array, g: Array, found: list[Array]) -> list[float]:
    """How much of each gradient is rounding: three times the cotangent gives three times the gradient, rounded anew."""
    rounding = []
    for d, e in zip(found, pulled(pair, inputs, y, 3 * g), strict=True):
        finite = np.isfinite(d) & np.isfinite(e)
        apart, largest = (e / 3 - d)[finite], float(np.abs(d[finite]).max(initial=0.0))
        eps = float(np.finfo(d.dtype).eps) if d.dtype.kind == "f" else 0.0
        rounding.append(min(8 * norm(apart) / max(apart.size, 1) ** 0.5, 16 * eps * largest))
    return rounding
