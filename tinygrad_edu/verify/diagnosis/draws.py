"""Where evidence comes from: a pair of passes is asked, at a point and at others near it.

jacobian   ∂yₒ/∂xₖ by central differences of the sixth order, at three steps, of which the best two agree
rule       the backward pass at every unit cotangent
draws      the point itself, and the same with all inputs changed a little, each with a cotangent of its own
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.conduct import pulled
from tinygrad_edu.verify.diagnosis.suspicion import Evidence, same
from tinygrad_edu.verify.pair import Pair

MOST = 300  # elements of all inputs, or of the output; beyond that it would take long
DRAWS = 4

_WEIGHTS = ((1, 45 / 60), (2, -9 / 60), (3, 1 / 60))  # Fornberg 1988, table 1


def jacobian(pair: Pair, inputs: list[Array], i: int, y: Array) -> Array:
    """The matrix (elements of input i, elements of y) of derivatives; NaN where two steps do not agree."""
    x = inputs[i]
    size = float(np.sqrt(np.mean(x * x))) if x.size else 1.0
    rows = np.full((x.size, y.size), np.nan)
    for k in range(x.size):
        scale = max(abs(float(x.flat[k])), size) or 1.0
        slopes = [_slope(pair, inputs, i, k, scale * step, y) for step in (2.0**-6, 2.0**-9, 2.0**-12)]
        best = np.full(y.size, np.inf)
        for far, near in zip(slopes, slopes[1:], strict=False):
            apart = np.abs(far - near)
            taken = apart < best
            rows[k, taken], best[taken] = (far if far is slopes[0] else near)[taken], apart[taken]
        largest = float(np.abs(rows[k][np.isfinite(rows[k])]).max(initial=0.0))
        rows[k, ~(best <= 1e-7 * (np.abs(rows[k]) + largest) + 1e-12)] = np.nan
    return rows


def _slope(pair: Pair, inputs: list[Array], i: int, k: int, h: float, y: Array) -> Array:
    def at(t: float) -> Array:
        moved = [np.array(x) for x in inputs]
        moved[i].flat[k] += t
        value = np.asarray(pair.f(*moved), float)
        return value.reshape(-1) if value.shape == y.shape else np.full(y.size, np.nan)

    total = np.zeros(y.size)
    for times, weight in _WEIGHTS:
        total += weight * (at(times * h) - at(-times * h))
    return total / h


def matrices(pair: Pair, inputs: list[Array], y: Array) -> list[Array | None]:
    """The backward pass at every unit cotangent: a matrix (elements of the input, elements of y) for each input."""
    columns: list[list[Array]] = []
    for o in range(y.size):
        unit = np.zeros(y.size)
        unit[o] = 1.0
        columns.append([np.asarray(d, float) for d in pulled(pair, inputs, y, unit.reshape(y.shape))])
    found: list[Array | None] = []
    for i, x in enumerate(inputs):
        fits = x.dtype.kind == "f" and all(column[i].shape == x.shape for column in columns)
        found.append(
            np.stack([column[i].reshape(-1) for column in columns], axis=1) if fits and columns else None
        )
    return found


def evidence(pair: Pair, inputs: list[Array], rng: np.random.Generator) -> list[Evidence | None] | None:
    """What is known at a point, for each input; None where there is nothing to be known."""
    with np.errstate(all="ignore"):
        y = np.array(pair.f(*[np.array(x) for x in inputs]))
        if y.dtype.kind != "f" or not np.isfinite(y).all() or not 0 < y.size <= MOST:
            return None
        g = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape)
        floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
        if sum(inputs[i].size for i in floats) > MOST:
            return None
        given: list[Any] = [np.asarray(d, float) for d in pulled(pair, inputs, y, g)]
        rules = matrices(pair, inputs, y)
        right = {i: jacobian(pair, inputs, i, y) for i in floats}
        n = {i: (right[i] @ g.reshape(-1)).reshape(inputs[i].shape) for i in floats}
    gradients = tuple(n.get(i) for i in range(len(inputs)))
    found: list[Evidence | None] = []
    for i, x in enumerate(inputs):
        if i not in n:
            found.append(None)
            continue
        rule = rules[i]
        # A rule that is not linear in g is no matrix.
        if rule is not None and not same((rule @ g.reshape(-1)).reshape(x.shape), given[i]):
            rule = None
        terms = np.abs(right[i]) @ np.abs(g.reshape(-1))
        error = np.where(np.isnan(n[i]), np.inf, 1e-9 * terms.reshape(x.shape))
        found.append(Evidence(
            given[i], np.nan_to_num(n[i]), error, x, i, tuple(inputs), y, g, tuple(given), gradients, rule, right[i],
            lambda g, y, *xs: pair.vjp(g, y, *xs),
        ))  # fmt: skip
    return found


def nearby(inputs: list[Array], rng: np.random.Generator, by: float) -> list[Array]:
    """All numbers changed a little, each by itself; zeros and signs remain, ties do not."""
    return [
        np.asarray(x * (1 + by * rng.uniform(-1, 1, x.shape)), x.dtype) if x.dtype.kind == "f" else x
        for x in inputs
    ]


def draws(pair: Pair, inputs: list[Array], rng: np.random.Generator) -> Iterator[list[Evidence | None]]:
    """The point, and others near it."""
    for count in range(DRAWS):
        for by in (0.25, 0.02) if count else (0.0,):
            found = evidence(pair, nearby(inputs, rng, by) if by else inputs, rng)
            if found is not None:
                yield found
                break
