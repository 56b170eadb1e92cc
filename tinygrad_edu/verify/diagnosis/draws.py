"""Where evidence comes from: a pair of passes is asked, at a point and at others near it.

jacobian   ∂yₒ/∂xₖ by central differences of the sixth order, at three steps, of which the best two agree
rule       the backward pass at every unit cotangent
draws      the point itself, and the same with all inputs changed a little, each with a cotangent of its own
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.conduct import pulled
from tinygrad_edu.verify.diagnosis.suspicion import Evidence, same
from tinygrad_edu.verify.pair import Pair

MOST = 300  # elements of all inputs, or of the output; beyond that it would take long
DRAWS = 4

_WEIGHTS = (45 / 60, -9 / 60, 1 / 60)  # Fornberg 1988, table 1


def jacobian(pair: Pair, inputs: list[Array], i: int, y: Array) -> Array:
    """The matrix (elements of input i, elements of y) of derivatives; NaN at kinks, and where steps disagree."""
    x = inputs[i]
    size = float(np.sqrt(np.mean(x * x))) if x.size else 1.0
    rows = np.full((x.size, y.size), np.nan)
    for k in range(x.size):
        scale = max(abs(float(x.flat[k])), size) or 1.0
        found = [_slope(pair, inputs, i, k, scale * step, y) for step in (2.0**-6, 2.0**-9, 2.0**-12)]
        best = np.full(y.size, np.inf)
        for (far, _), (near, _) in itertools.pairwise(found):
            apart = np.abs(far - near)
            taken = apart < best
            rows[k, taken], best[taken] = (far if far is found[0][0] else near)[taken], apart[taken]
        largest = float(np.abs(rows[k][np.isfinite(rows[k])]).max(initial=0.0))
        rows[k, ~(best <= 1e-7 * (np.abs(rows[k]) + largest) + 1e-12)] = np.nan
        # The slopes to both sides of a smooth function come closer to each other with the step; at a kink they do not.
        (_, wide), (_, close) = found[1:]
        rows[k, (close > 0.5 * wide) & (close > 1e-6 * (largest + 1e-300))] = np.nan
    return rows


def _slope(pair: Pair, inputs: list[Array], i: int, k: int, h: float, y: Array) -> tuple[Array, Array]:
    """The derivatives of all outputs, and the difference between the slopes to the right and to the left."""

    def at(t: float) -> Array:
        moved = [np.array(x) for x in inputs]
        moved[i].flat[k] += t
        value = np.asarray(pair.f(*moved), float)
        return value.reshape(-1) if value.shape == y.shape else np.full(y.size, np.nan)

    right, left = at(h), at(-h)
    total = _WEIGHTS[0] * (right - left)
    for times, weight in enumerate(_WEIGHTS[1:], 2):
        total += weight * (at(times * h) - at(-times * h))
    return total / h, np.abs(right + left - 2 * y.reshape(-1)) / h


def matrices(pair: Pair, inputs: list[Array], y: Array, rng: np.random.Generator) -> list[Array | None]:
    """For each input the matrix (elements of the input, elements of y) that the backward pass multiplies by.

    Its cotangents are nowhere 0, since some rules take a 0 for a place that has not been reached.
    """
    cotangents = rng.uniform(0.5, 1.5, (y.size, y.size)) + y.size * np.eye(y.size)
    rows = [pulled(pair, inputs, y, g.reshape(y.shape)) for g in cotangents]
    found: list[Array | None] = []
    for i, x in enumerate(inputs):
        if x.dtype.kind != "f" or any(row[i].shape != x.shape for row in rows):
            found.append(None)
            continue
        matrix = np.linalg.solve(cotangents, np.stack([row[i].reshape(-1).astype(float) for row in rows])).T
        size = np.abs(matrix[np.isfinite(matrix)]).max(initial=0.0)
        found.append(np.where(np.abs(matrix) < 1e-11 * size, 0.0, matrix))
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
        rules = matrices(pair, inputs, y, rng)
        scaled = pulled(pair, inputs, y, 1e4 * g)
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
        if rule is not None and not (
            same((rule @ g.reshape(-1)).reshape(x.shape), given[i]) and same(scaled[i] / 1e4, given[i])
        ):
            rule = None
        terms = np.abs(right[i]) @ np.abs(g.reshape(-1))
        error = np.where(np.isnan(n[i]), np.inf, 1e-9 * terms.reshape(x.shape))
        found.append(Evidence(
            given[i], np.nan_to_num(n[i]), error, x, i, tuple(inputs), y, g, tuple(given), gradients, rule, right[i],
            lambda g, y, *xs: pair.vjp(g, y, *xs),
        ))  # fmt: skip
    return found


def _changed(inputs: list[Array], rng: np.random.Generator, by: float, moved: bool) -> list[Array]:
    """All numbers changed a little, and moved to other places; the same zeros, and about the same range, remain."""
    changed = []
    for x in inputs:
        if moved:
            x = rng.permutation(x.ravel()).reshape(x.shape)
        if x.dtype.kind == "f":
            x = np.asarray(x * (1 + by * rng.uniform(-1, 1, x.shape)), x.dtype)
        changed.append(x)
    return changed


def draws(pair: Pair, inputs: list[Array], rng: np.random.Generator) -> Iterator[list[Evidence | None]]:
    """The point, and others of such values."""
    for count in range(DRAWS):
        ways = ((0.2, True), (0.2, False), (0.02, False)) if count else ((0.0, False),)
        for by, moved in ways:
            found = evidence(pair, _changed(inputs, rng, by, moved) if count else inputs, rng)
            if found is not None:
                yield found
                break
