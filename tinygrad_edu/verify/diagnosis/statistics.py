"""Paths that lead through a statistic of the input: its mean, its variance, its length, the sum of a softmax.

    ∂yₒ/∂xₖ = direct, if o = k,  +  α  (by the mean)  +  β dₒ dₖ  (by the variance, d = x − mean)

Beside the diagonal there is no direct path, so α and β can be read off there; and their ratio to what they should be
is the weight with which the rule counts a path: 0 if it is missing, n if a sum and a mean are mixed up.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis.matrices import both_of
from tinygrad_edu.verify.diagnosis.suspicion import FEWEST, Evidence, Suspicion, diagonal, same


def weights(e: Evidence) -> Iterator[Suspicion]:
    """The weight of the paths to other places than the element's own."""
    if (both := both_of(e)) is None or e.theta is None or e.y is None or e.theta.shape != e.y.shape:
        return
    rule, right = both
    beside = ~np.eye(len(right), dtype=bool)
    a, n = rule[beside], right[beside]
    if diagonal(right) or np.count_nonzero(np.nan_to_num(n)) < FEWEST:
        return
    weight = float(np.nansum(a * n) / np.nansum(n * n))
    if not same(a, weight * n) or abs(weight - 1) < 1e-6:
        return
    if abs(weight) < 1e-9:
        words = "each output depends on other elements, too: their paths are missing"
        yield Suspicion("path", words, likely=True)
        return
    for share in {*e.theta.shape, *(1 / m for m in e.theta.shape)}:
        if abs(weight - share) < 1e-6 * share:
            yield Suspicion(
                "count", f"the paths by other elements count {weight:.6g} times: a sum and a mean mixed up"
            )


def residuals(e: Evidence) -> Iterator[Suspicion]:
    """What is missing, as the share of a mean, of a length, or of a direct path."""
    if (both := both_of(e)) is None or e.theta is None or e.y is None:
        return
    rule, right = both
    x, shape = e.theta, (*e.theta.shape, -1)
    rest = right - rule
    if x.shape == e.y.shape and x.size >= FEWEST and not diagonal(right):
        if same(rest, np.eye(x.size)):
            yield Suspicion("path", "what is missing is the upstream itself: the direct path, of a skip")
        if same(rest, -np.eye(x.size)):
            yield Suspicion("twice", "the upstream itself is too much: a direct path that there is not")
    if x.ndim == 2 and x.shape[0] == x.shape[1] and x.shape[0] > 1:
        turned = np.swapaxes(rule.reshape(*x.shape, -1), 0, 1).reshape(rule.shape)
        if same(rest, turned) and not same(turned, rule):
            yield Suspicion(
                "path", "what is missing is the transpose of what is there: the path of the other use"
            )
    for axis in range(x.ndim):
        if x.shape[axis] < FEWEST or np.any(np.isnan(rest)):
            continue
        for words, span in _spans(x, axis):
            parts = [_within(m.reshape(shape), span, axis) for m in (rest, right)]
            if parts[0] and not parts[1]:
                likely = x.shape != e.y.shape or "constant" in words  # it may be a wrong mean as well
                yield Suspicion("path", f"what is missing is {words}, along axis {axis}", likely=likely)


def normalizations(e: Evidence) -> Iterator[Suspicion]:
    """The weights of the paths by the mean and by the variance, which are read off beside the diagonal: α + β dₖ dₗ."""
    if (both := both_of(e)) is None or e.theta is None or e.y is None or e.theta.shape != e.y.shape:
        return
    x = e.theta
    for axis in range(x.ndim):
        length = x.shape[axis]
        if length <= FEWEST or np.any(np.isnan(both[1])):
            continue
        d = np.moveaxis(x - x.mean(axis=axis, keepdims=True), axis, -1).reshape(-1, length)
        at = np.moveaxis(np.arange(x.size).reshape(x.shape), axis, -1).reshape(-1, length)
        beside = ~np.eye(length, dtype=bool)
        group = np.empty(x.size, int)
        group[at] = np.arange(len(at))[:, None]
        if np.any(both[0][group[:, None] != group]) or np.any(both[1][group[:, None] != group]):
            continue  # other statistics than those along this axis
        fits = [
            _fitted([m[np.ix_(k, k)][beside] for k in at], [np.outer(v, v)[beside] for v in d]) for m in both
        ]
        if fits[0] is None or fits[1] is None:
            continue
        for which, name in enumerate(("mean", "variance")):
            rule, right = fits[0][which], fits[1][which]
            if np.any(rule) and not np.any(right):
                yield Suspicion("twice", f"a path by the {name} along axis {axis} that there is not")
            if not np.all(right) or not same(rule, float(np.median(rule / right)) * right):
                continue
            weight = float(np.median(rule / right))
            if abs(weight) < 1e-6:
                yield Suspicion("path", f"the path by the {name} along axis {axis} is missing")
            elif abs(weight - 1) > 1e-6:
                yield Suspicion(
                    "count", f"the path by the {name} along axis {axis} counts {weight:.6g} times"
                )


def _fitted(blocks: list[Array], products: list[Array]) -> tuple[Array, Array] | None:
    """α and β of every block, if they explain all of it."""
    found: list[Array] = []
    size = max(float(np.abs(block).max()) for block in blocks)
    for block, product in zip(blocks, products, strict=True):
        terms = np.stack([np.ones_like(product), product], axis=1)
        solution, *_ = np.linalg.lstsq(terms, block, rcond=None)
        if np.any(np.abs(terms @ solution - block) > 1e-6 * size):
            return None
        found.append(np.where(np.abs(solution) * np.abs(terms).max(axis=0) < 1e-6 * size, 0.0, solution))
    alpha, beta = np.array(found).T
    return alpha, beta


def _spans(x: Array, axis: int) -> Iterator[tuple[str, list[Array]]]:
    """Directions in which a path by a statistic of the input leads, each of length 1 along the axis."""
    ones = np.ones_like(x)
    centred = x - x.mean(axis=axis, keepdims=True)
    directions = []
    for d in (ones, x, centred):
        length = np.sqrt(np.sum(d * d, axis=axis, keepdims=True))
        directions.append(d / np.where(length > 0, length, 1))
    yield "a constant: the path by the mean", directions[:1]
    yield "a multiple of x: the path by the length", directions[1:2]
    yield "a multiple of x − mean(x): the path by the variance", directions[2:]
    if x.shape[axis] > FEWEST:
        yield (
            "a constant and a multiple of x: the paths by the mean and by the variance",
            [directions[0], directions[2]],
        )


def _within(r: Array, span: list[Array], axis: int) -> bool:
    parts = (d[..., None] * np.sum(r * d[..., None], axis=axis, keepdims=True) for d in span)
    return same(r, sum(parts, np.zeros_like(r)))
