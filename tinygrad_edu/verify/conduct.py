"""How a backward pass conducts itself, whatever its numbers are: three witnesses that need no numerical derivative.

    hygiene      the inputs, y and ȳ are left alone; a second call gives the same; every gradient has its input's shape
    linearity    vjp(a ȳ₁ + b ȳ₂) = a vjp(ȳ₁) + b vjp(ȳ₂), to rounding: there is no tolerance to choose
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


def linearity(
    pair: Pair, inputs: list[Array], y: Array, g: Array, found: list[Array], least: dict[int, float],
    rng: np.random.Generator,
) -> str:  # fmt: skip
    """What is wrong with the backward pass as a function of the cotangent, in which it must be linear."""
    other = rng.normal(size=y.shape)
    of_other = pulled(pair, inputs, y, other)
    for a, b in ((-1.0, 0.0), (1e4, 0.0), (1e-4, 0.0), (2.0, -3.0)):
        combined = pulled(pair, inputs, y, a * g + b * other)
        for i, (d, e, c) in enumerate(zip(found, of_other, combined, strict=True)):
            expected, size = a * d + b * e, np.abs(a * d) + np.abs(b * e)
            finite = np.isfinite(expected) & np.isfinite(c)
            eps = float(np.finfo(c.dtype).eps) if c.dtype.kind == "f" else 0.0
            allowed = max(1e-9, 64 * eps) * np.maximum(size, norm(size[finite]) / max(c.size, 1) ** 0.5)
            allowed = allowed + least.get(i, 0.0) * (abs(a) + abs(b))
            if np.any(np.abs(c - expected)[finite] > allowed[finite]):
                what = f"{a:g} times the cotangent does not give {a:g} times the gradient" if not b else ""
                return f"the backward pass is not linear in the cotangent{': ' + what if what else ''}"
    return ""


def rounding_of(pair: Pair, inputs: list[Array], y: Array, g: Array, found: list[Array]) -> list[float]:
    """How much of each gradient is rounding: three times the cotangent gives three times the gradient, rounded anew."""
    rounding = []
    for d, e in zip(found, pulled(pair, inputs, y, 3 * g), strict=True):
        finite = np.isfinite(d) & np.isfinite(e)
        apart, largest = (e / 3 - d)[finite], float(np.abs(d[finite]).max(initial=0.0))
        eps = float(np.finfo(d.dtype).eps) if d.dtype.kind == "f" else 0.0
        rounding.append(min(8 * norm(apart) / max(apart.size, 1) ** 0.5, 16 * eps * largest))
    return rounding
