"""What a rule does to the upstream, as a matrix, beside the matrix that it should be.

    x̄ = R g          the rule                     R = Jᵀ S       the upstream is used wrongly
    x̄ = Jᵀ g         what it should be            R = D Jᵀ       each element has a factor of its own

Both have a row for every element of the input and a column for every element of the output. An entry is a path from the
one to the other: where R is 0 and Jᵀ is not, a path is missing; where Jᵀ is 0 and R is not, there is one too many.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis.suspicion import FEWEST, Evidence, Suspicion, diagonal, same


def both_of(e: Evidence) -> tuple[Array, Array] | None:
    """R and Jᵀ, if they are known and differ."""
    if e.rule is None or e.jacobian is None or same(e.rule, e.jacobian) or e.rule.shape != e.jacobian.shape:
        return None
    if not np.all(np.isfinite(e.rule)):
        return None
    return np.where(np.isnan(e.jacobian), np.nan, e.rule), e.jacobian


def missing_paths(e: Evidence) -> Iterator[Suspicion]:
    """Entries that are 0, and others that should be."""
    if (both := both_of(e)) is None:
        return
    rule, right = both
    size = float(np.nanmax(np.abs(right), initial=0.0)) or 1.0
    differ = np.abs(rule - right) > 1e-6 * (np.abs(right) + 0.1 * size)
    none, asked = np.abs(rule) <= 1e-9 * size, np.abs(right) > 1e-6 * size
    if np.all((none & asked)[differ]) and rule.any():
        yield from _missing(rule, asked, differ)
    elif np.all((~none & ~asked)[differ]):
        if not asked.any():
            return
        if not asked[differ.any(axis=1)].any():
            yield Suspicion("region", "wrong where the derivative is 0: a mask is forgotten")
        elif np.all(~none[np.ix_(asked.any(axis=1), asked.any(axis=0))]):
            yield Suspicion("axis", "every output counts for every element: a sum runs over too much")
        else:
            yield Suspicion("twice", "outputs count that do not depend on the element: a path too many")


def _missing(rule: Array, asked: Array, differ: Array) -> Iterator[Suspicion]:
    uses, wrong = asked.sum(axis=1), differ.any(axis=1)
    columns = ~np.any(rule, axis=0) & asked.any(axis=0)
    if np.all(~np.any(rule[wrong], axis=1)):
        where = ", ".join(map(str, np.flatnonzero(wrong)))
        words = f"the elements at {where} of the flat array always get 0, and they do count"
        yield Suspicion("path", words, likely=True)
    elif uses[wrong].min() > 1 and np.sum(uses[~wrong] == 1) > 1 and not np.any(uses[~wrong] > 1):
        yield Suspicion(
            "ties", "wrong where an element is used more than once: add up its uses (+=, np.add.at)"
        )
    elif columns.any() and not differ[:, ~columns].any():
        which = ", ".join([*map(str, np.flatnonzero(columns)[:9]), *["…"] * bool(columns.sum() > 9)])
        yield Suspicion("path", f"outputs {which} do not count: add up the paths from all of them")
    else:
        yield Suspicion(
            "path", "some of the paths from an element to the outputs are missing: add up all of them"
        )


def masks(e: Evidence) -> Iterator[Suspicion]:
    """Elements that get nothing, while all others are right."""
    if (both := both_of(e)) is None:
        return
    rule, right = both
    cut = ~np.any(rule, axis=1) & np.any(np.nan_to_num(right), axis=1)
    if cut.any() and rule.any() and same(rule[~cut], right[~cut]):
        words = "0 where the derivative is not: a mask is wrong, or does not belong there"
        yield Suspicion("region", words, likely=True)


def identities(e: Evidence) -> Iterator[Suspicion]:
    """The upstream itself, where it was to be multiplied."""
    if (both := both_of(e)) is None:
        return
    rule, right = both
    size = float(np.nanmax(np.abs(right), initial=0.0))
    asked, there = np.abs(right) > 1e-9 * size, rule != 0
    if np.array_equal(asked | np.isnan(right), there) and same(
        rule, np.where(np.isnan(right), np.nan, 1.0 * there)
    ):
        yield Suspicion(
            "chain", "the upstream is passed on as it is: multiply it by the local derivative", likely=True
        )
    elif not asked[there].any() or rule.shape[0] != rule.shape[1] or e.theta is None or e.y is None:
        return
    elif e.theta.shape == e.y.shape and same(rule, np.where(np.isnan(right), np.nan, np.eye(len(rule)))):
        yield Suspicion("path", "the upstream is passed on as it is: all other paths are missing")


def moved(e: Evidence) -> Iterator[Suspicion]:
    """The same entries in other places; and the same with each row divided by its uses."""
    if (both := both_of(e)) is None:
        return
    rule, right = both
    if np.any(np.isnan(right)):
        return
    size = float(np.abs(right).max(initial=0.0))
    asked, there = np.abs(right) > 1e-9 * size, rule != 0
    uses = asked.sum(axis=1, keepdims=True)
    if np.any(uses > 1) and same(rule, right / np.maximum(uses, 1)):
        yield Suspicion("count", "averaged over the uses of an element: add them up")
    if (
        asked.sum() >= FEWEST
        and not np.array_equal(asked, there)
        and same(np.sort(rule, None), np.sort(right, None))
    ):
        if diagonal(rule) and diagonal(right):
            yield Suspicion("region", "a mask of other places: as many pass, and not the right ones")
        else:
            yield Suspicion("order", "the right entries of the upstream arrive at the wrong places")


def upstreams(e: Evidence) -> Iterator[Suspicion]:
    """Which upstream would have made the gradient right: R = Jᵀ S."""
    if (both := both_of(e)) is None or e.y is None:
        return
    rule, right = both
    count, shape = right.shape[1], e.y.shape
    if count < 2:
        return
    for name, mixed in (("mean", np.full((count, count), 1 / count)), ("sum", np.ones((count, count)))):
        if same(rule, right @ mixed):
            yield Suspicion("upstream", f"the {name} of the upstream is used in every place of it")
    at = np.arange(count).reshape(shape)
    for k in range(count):
        if same(rule, right @ np.eye(count)[:, [k] * count].T):
            yield Suspicion("upstream", "one entry of the upstream is used for all")
    if count < FEWEST:
        return
    orders = [(f"reversed along axis {axis}", np.flip(at, axis)) for axis in range(at.ndim)]
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
    if (both := both_of(e)) is None or e.theta is None:
        return
    if not np.all(np.any(np.nan_to_num(both[1]), axis=1)):
        return  # what is too much may as well be let through by a mask
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
    if (both := both_of(e)) is None:
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
            if np.all(np.abs(weight - 1) < 0.1):
                yield Suspicion(
                    "epsilon",
                    "off by a little, by a factor that varies: an ε is in another place",
                    likely=True,
                )
            else:
                yield Suspicion("chain", words)


def conservation(e: Evidence) -> Iterator[Suspicion]:
    """A sum that is 0 for the right gradient, whatever the upstream, and is not for this one."""
    if (both := both_of(e)) is None or e.theta is None:
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
