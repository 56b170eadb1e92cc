"""What a rule does to the upstream, as a matrix, beside the matrix that it should be.

    x̄ = R g          the rule                     R = J S        the upstream is used wrongly
    x̄ = Jᵀ g         what it should be            R = D J        a factor of each input's own

Both have a row for every element of the input and a column for every element of the output. An entry is a path from the
one to the other: where R is 0 and Jᵀ is not, a path is missing; where Jᵀ is 0 and R is not, there is one too many.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis.suspicion import FEWEST, Evidence, Suspicion, same


def _both(e: Evidence) -> tuple[Array, Array] | None:
    if e.rule is None or e.jacobian is None or same(e.rule, e.jacobian) or e.rule.shape != e.jacobian.shape:
        return None
    if not np.all(np.isfinite(e.rule)):
        return None
    return np.where(np.isnan(e.jacobian), np.nan, e.rule), e.jacobian


def missing_paths(e: Evidence) -> Iterator[Suspicion]:
    """Entries that are 0, and others that should be."""
    if (both := _both(e)) is None:
        return
    rule, right = both
    size = float(np.nanmax(np.abs(right), initial=0.0)) or 1.0
    differ = np.abs(rule - right) > 1e-6 * (np.abs(right) + 0.1 * size)
    none, asked = np.abs(rule) <= 1e-9 * size, np.abs(right) > 1e-6 * size
    if np.all((none & asked)[differ]) and rule.any():
        yield _missing(e, rule, asked, differ)
    elif np.all((~none & ~asked)[differ]):
        masked = differ.any(axis=1)
        if not asked[masked].any():
            yield Suspicion("region", "wrong where the derivative is 0: a mask is forgotten")
        elif asked.any():
            yield Suspicion("twice", "outputs count that do not depend on the element: a path too many")


def _missing(e: Evidence, rule: Array, asked: Array, differ: Array) -> Suspicion:
    uses, wrong = asked.sum(axis=1), differ.any(axis=1)
    whole = ~np.any(rule[wrong], axis=1)
    columns = ~np.any(rule, axis=0) & asked.any(axis=0)
    if whole.all():
        return Suspicion(
            "region", "0 where the derivative is not: a mask that does not belong there, or too wide a one"
        )
    if columns.any() and not differ[:, ~columns].any():
        return Suspicion("path", "some of the outputs do not count: add up the paths from all of them")
    if uses[wrong].min() > 1 and np.any(uses[~wrong] == 1) and not np.any(uses[~wrong] > 1):
        return Suspicion(
            "ties", "wrong where an element is used more than once: add up its uses (+=, np.add.at)"
        )
    diagonal = rule.shape[0] == rule.shape[1] and not np.any(rule - np.diag(np.diagonal(rule)))
    if diagonal:
        return Suspicion(
            "path",
            "the diagonal alone: each output depends on other elements, too, and their paths are missing",
        )
    return Suspicion(
        "path", "some of the paths from an element to the outputs are missing: add up all of them"
    )


def upstreams(e: Evidence) -> Iterator[Suspicion]:
    """Which upstream would have made the gradient right: R = Jᵀ S."""
    if (both := _both(e)) is None or e.y is None:
        return
    rule, right = both
    count, shape = right.shape[1], e.y.shape
    if count < 2:
        return
    kinds = (
        (
            "upstream",
            "the mean of the upstream is used in every place of it",
            np.full((count, count), 1 / count),
        ),
        ("upstream", "the sum of the upstream is used in every place of it", np.ones((count, count))),
    )
    for cause, words, mixed in kinds:
        if same(rule, right @ mixed):
            yield Suspicion(cause, words)
    at = np.arange(count).reshape(shape)
    for k in range(count):
        if same(rule, right @ np.eye(count)[:, [k] * count].T):
            yield Suspicion("upstream", "one entry of the upstream is used for all")
    if count < FEWEST:
        return
    orders = [("reversed along axis " + str(axis), np.flip(at, axis)) for axis in range(at.ndim)]
    orders += [
        (f"shifted along axis {axis}", np.roll(at, k, axis))
        for axis in range(at.ndim)
        for k in range(1, shape[axis])
    ]
    orders += [("in another order", at.T), ("reversed", np.flip(at))]
    for words, order in orders:
        if same(rule, right[:, order.reshape(-1)]):
            yield Suspicion("order", f"the upstream is used {words}")


def axes(e: Evidence) -> Iterator[Suspicion]:
    """A sum over too much."""
    if (both := _both(e)) is None or e.theta is None:
        return
    rule, right = (matrix.reshape(*e.theta.shape, -1) for matrix in both)
    for axis in range(e.theta.ndim):
        length = e.theta.shape[axis]
        if length > 1:
            total = np.broadcast_to(right.sum(axis=axis, keepdims=True), right.shape)
            if same(rule, total):
                yield Suspicion(
                    "axis", f"summed over axis {axis} of the gradient, too: name the axis of the sum"
                )
    if e.theta.ndim and same(rule, np.broadcast_to(both[1].sum(axis=0), right.shape)):
        yield Suspicion("axis", "one sum over everything: name the axes of the sum")


def scales(e: Evidence) -> Iterator[Suspicion]:
    """A factor of each output, or of each element of the input."""
    if (both := _both(e)) is None:
        return
    rule, right = both
    size = float(np.nanmax(np.abs(right), initial=0.0))
    asked = np.abs(right) > 1e-4 * size
    for axis, words in (
        (0, "each output's share is off by a factor of its own: a local derivative is missing, or too much"),
        (
            1,
            "each element is off by a factor of its own, for all outputs alike: a factor is missing, or too much",
        ),
    ):
        if int(asked.sum(axis=axis).min(initial=9)) < 2 or right.shape[1 - axis] < 2:
            continue  # of one number a factor says nothing
        weight = np.sum(rule * right, axis=axis, keepdims=True) / np.sum(
            right * right, axis=axis, keepdims=True
        )
        if same(rule, weight * right) and np.all(weight):
            yield Suspicion("chain", words)


def residuals(e: Evidence) -> Iterator[Suspicion]:
    """What is missing, as the share of a mean, of a length, or of a direct path."""
    if (both := _both(e)) is None or e.theta is None or e.y is None:
        return
    rule, right = both
    x, shape = e.theta, (*e.theta.shape, -1)
    rest = right - rule
    if x.shape == e.y.shape and x.size >= FEWEST and not _diagonal(right):
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
        if x.shape[axis] < FEWEST:
            continue
        r = rest.reshape(shape)
        mean = x.mean(axis=axis, keepdims=True)
        flat = r.mean(axis=axis, keepdims=True)
        excess = "missing" if np.abs(rule).sum() < 2 * np.abs(right).sum() else "wrong"
        if same(r, np.broadcast_to(flat, r.shape)):
            yield Suspicion("path", f"what is {excess} is constant along axis {axis}: the path by the mean")
        for way, direction in (("x − mean(x)", x - mean), ("x", x)):
            d = direction[..., None]
            length = np.sum(d * d, axis=axis, keepdims=True)
            if not np.all(length > 0):
                continue
            along = d * np.sum(r * d, axis=axis, keepdims=True) / length
            if same(r, along):
                path = "the variance" if way != "x" else "the length"
                yield Suspicion(
                    "path", f"what is {excess} is a multiple of {way} along axis {axis}: the path by {path}"
                )
            if way != "x" and x.shape[axis] > FEWEST and same(r, along + flat):
                words = f"what is {excess} is a constant and a multiple of {way} along axis {axis}"
                yield Suspicion("path", f"{words}: the paths by the mean and by the variance")


def _diagonal(matrix: Array) -> bool:
    return matrix.shape[0] == matrix.shape[1] and not np.any(
        np.nan_to_num(matrix) * (1 - np.eye(len(matrix)))
    )


def conservation(e: Evidence) -> Iterator[Suspicion]:
    """A sum that is 0 for the right gradient, whatever the upstream, and is not for this one."""
    if (both := _both(e)) is None or e.theta is None:
        return
    rule, right = (matrix.reshape(*e.theta.shape, -1) for matrix in both)
    for axis in range(e.theta.ndim):
        if e.theta.shape[axis] < 2 or not np.any(right):
            continue
        size = np.abs(right).sum(axis=axis)
        kept = np.all(np.abs(right.sum(axis=axis)) <= 1e-8 * (size + size.max()))
        if kept and np.any(np.abs(rule.sum(axis=axis)) > 1e-6 * (size + size.max())):
            words = f"a right gradient sums to 0 along axis {axis}, and this one does not: a path is missing"
            yield Suspicion("path", words, likely=True)
