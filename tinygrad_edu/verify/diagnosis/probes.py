"""What would have made it right: the rule is called again, with something put in another thing's place.

    vjp(g, y, x)  wrong,   vjp(g, x, x)  right        the output is used where the input belongs
    vjp(g, x, y)  right                               the input is used where the output belongs
    vjp(g, y, b, a)  right                            the operands are exchanged

A rule that becomes right by an exchange has told what was exchanged.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis.suspicion import FEWEST, Evidence, Suspicion, diagonal, same


def _called(e: Evidence, g: Array, y: Array, xs: Sequence[Array], i: int | None = None) -> Array | None:
    """What the rule says of an input, or None if it can make nothing of such arguments."""
    assert e.pull is not None
    try:
        with np.errstate(all="ignore"):
            found = e.pull(g.copy(), y.copy(), *[np.array(x) for x in xs])[e.i if i is None else i]
        return None if found is None else np.array(found, float)
    except Exception:  # it was not made for this
        return None


def _fits(e: Evidence, found: Any) -> bool:
    return found is not None and bool(np.all(np.isfinite(found)) and e.is_right(found) and e.n.any())


def exchanged(e: Evidence) -> Iterator[Suspicion]:
    """The right gradient of another input."""
    for j, right in enumerate(e.right):
        if j == e.i or right is None or right.size < 2 or right.shape != e.a.shape or not right.any():
            continue
        mine = e.right[e.i]
        if same(e.a, right) and not same(e.n, right):
            other = e.given[j]
            back = other is not None and mine is not None and same(other, mine)
            if back or not same(right, -e.n):  # of a − b either sign may be wrong
                yield Suspicion(
                    "exchanged", f"this is the gradient of input {j}: the gradients are exchanged"
                )


def swapped(e: Evidence) -> Iterator[Suspicion]:
    """Two inputs in each other's place, or one in both."""
    if e.pull is None or e.g is None or e.y is None or e.clear.sum() < 2:
        return
    x = e.inputs[e.i]
    for j, other in enumerate(e.inputs):
        if j == e.i or other.shape != x.shape or other.dtype.kind != "f":
            continue
        xs = list(e.inputs)
        xs[e.i], xs[j] = other, x
        if _fits(e, _called(e, e.g, e.y, xs)) or _fits(e, _called(e, e.g, e.y, xs, j)):
            words = f"right if inputs {min(e.i, j)} and {max(e.i, j)} change places in the rule"
            yield Suspicion("exchanged", words, likely=True)


def places(e: Evidence) -> Iterator[Suspicion]:
    """The output in the place of an input, or the other way round."""
    if e.pull is None or e.g is None or e.y is None or e.clear.sum() < 2:
        return
    for j, x in enumerate(e.inputs):
        if x.dtype.kind != "f" or x.shape != e.y.shape:
            continue
        name = "the input" if len(e.inputs) == 1 else f"input {j}"
        if _fits(e, _called(e, e.g, x, e.inputs)):
            yield Suspicion("input for output", f"the output is used where {name} belongs")
        xs = [e.y if k == j else other for k, other in enumerate(e.inputs)]
        if _fits(e, _called(e, e.g, e.y, xs)):
            yield Suspicion("input for output", f"{name} is used where the output belongs")


def negated(e: Evidence) -> Iterator[Suspicion]:
    """A sign inside of the rule."""
    if e.pull is None or e.g is None or e.y is None or e.clear.sum() < 2:
        return
    for j, x in enumerate(e.inputs):
        if x.dtype.kind == "f" and x.any():
            xs = [-x if k == j else other for k, other in enumerate(e.inputs)]
            for sign in (1.0, -1.0):
                found = _called(e, e.g, e.y, xs)
                if _fits(e, None if found is None else sign * found):
                    words = f"right at the negative of input {j}: a sign inside of the rule"
                    yield Suspicion("sign", words, likely=True)


def turned(e: Evidence) -> Iterator[Suspicion]:
    """A factor that is transposed or reversed, or a sum over the other axis."""
    if e.pull is None or e.g is None or e.y is None or e.clear.sum() < FEWEST:
        return
    things = {"the upstream": e.g, "the output": e.y} | {f"input {j}": x for j, x in enumerate(e.inputs)}
    names = list(things)
    for k, name in enumerate(names):
        x = things[name]
        turns = [("transposed", x.T)] if x.ndim == 2 and x.shape[0] == x.shape[1] else []
        turns += [
            (f"reversed along axis {axis}", np.flip(x, axis)) for axis in range(x.ndim) if x.shape[axis] > 1
        ]
        for words, other in turns:
            changed = [*things.values()]
            changed[k] = other
            found = None if same(other, x) else _called(e, changed[0], changed[1], changed[2:])
            if _fits(e, found):
                yield Suspicion("order", f"right if {name} is {words} in the rule")
            elif words == "transposed" and _fits(e, None if found is None else found + e.a):
                yield Suspicion("path", f"one use of two: add the same with {name} transposed")
    everything = list(things.values())
    for axis in range(e.a.ndim):
        flipped = [np.flip(x, axis) if x.ndim > axis else x for x in everything]
        found = _called(e, flipped[0], flipped[1], flipped[2:])
        if (
            found is not None
            and found.shape == e.a.shape
            and (_fits(e, np.flip(found, axis)) or _fits(e, found))
        ):
            yield Suspicion("order", f"right if everything is reversed along axis {axis} in the rule")
    if e.a.ndim == 2 and e.y.shape == e.a.shape:
        turned = [x.T if x.ndim == 2 else x for x in everything]
        found = _called(e, turned[0], turned[1], turned[2:])
        if found is None or found.ndim != 2:
            return
        if _fits(e, found.T):
            if e.a.shape[0] == e.a.shape[1]:
                yield Suspicion("order", "right if everything is transposed in the rule")
            else:
                yield Suspicion("axis", "right for the other axis: the rule runs over the wrong one")
        elif _fits(e, found.T + e.a):
            yield Suspicion("path", "one use of two: add the same with everything transposed")


def shifted(e: Evidence) -> Iterator[Suspicion]:
    """Indices or labels that are off by one."""
    if e.pull is None or e.g is None or e.y is None or e.clear.sum() < FEWEST:
        return
    for j, x in enumerate(e.inputs):
        for by in (1, -1) if x.dtype.kind in "iu" else ():
            xs = [other + by if k == j else other for k, other in enumerate(e.inputs)]
            if _fits(e, _called(e, e.g, e.y, xs)):
                yield Suspicion(
                    "order", f"right if input {j} is moved by {by} in the rule: indices are off by one"
                )


def early(e: Evidence) -> Iterator[Suspicion]:
    """A sum of the upstream before it is multiplied: only its sum over an axis counts, and all of it should."""
    if e.rule is None or e.jacobian is None or e.y is None or e.y.ndim < 2:
        return
    rule, right = (matrix.reshape(len(matrix), *e.y.shape) for matrix in (e.rule, e.jacobian))
    for axis in range(e.y.ndim):
        if e.y.shape[axis] < 2 or not rule.any():
            continue
        flat, other = (
            same(m, np.broadcast_to(m.mean(axis=axis + 1, keepdims=True), m.shape)) for m in (rule, right)
        )
        if flat and not other:
            yield Suspicion(
                "axis", f"the upstream is summed over axis {axis} before it is multiplied: multiply first"
            )


def ratios(e: Evidence) -> Iterator[Suspicion]:
    """A ratio to the right gradient that is an input, the output, or made of them."""
    if (
        e.theta is None
        or e.y is None
        or e.a.shape != e.n.shape
        or not e.clear.any()
        or not np.all(np.isfinite(e.a))
    ):
        return
    ratio = np.where(e.clear, e.a / np.where(e.n == 0, 1, e.n), np.nan)
    factors = {"the output": _spread(e.y, e.a)}
    for j, x in enumerate(e.inputs):
        if x.dtype.kind == "f":
            factors["the input" if len(e.inputs) == 1 else f"input {j}"] = _spread(x, e.a)
    known = {name: value for name, value in factors.items() if value is not None and np.all(value != 0)}
    for name, value in _candidates(known, e):
        for what, factor in (("too much", value), ("missing", 1 / value)):
            times = ratio / factor
            weight = float(np.nanmedian(times))
            if not np.all(np.isfinite(factor)) or not same(times, np.where(e.clear, weight, np.nan)):
                continue
            for c, said in ((1.0, ""), (2.0, ", and 2"), (0.5, ", and ½")):
                if abs(abs(weight) - c) < 1e-6:
                    sign = ", and the sign is wrong" if weight < 0 else ""
                    yield Suspicion("chain", f"a factor is {what}: {name}{said}{sign}")


def _candidates(known: dict[str, Array], e: Evidence) -> Iterator[tuple[str, Array]]:
    """Factors that may have been forgotten."""
    with np.errstate(all="ignore"):
        for name, x in known.items():
            yield name, x
            yield f"the square of {name}", x * x
            yield f"the root of {name}", np.sqrt(np.abs(x))
            yield f"exp of {name}", np.exp(x)
            yield f"the logarithm of {name}", np.log(np.abs(x))
            yield f"1 − {name}", 1 - x
        for p, q in itertools.combinations(known, 2):
            yield f"{p} / {q}", known[p] / known[q]
    if e.jacobian is not None and diagonal(e.jacobian):
        slope = np.nansum(e.jacobian, axis=1).reshape(e.a.shape)
        if np.all(slope):
            yield "the local derivative", slope


def _spread(value: Array, like: Array) -> Array | None:
    """A value for every element of the gradient, where the shapes allow just one way."""
    if value.shape == like.shape or value.shape == ():
        return np.broadcast_to(value, like.shape)
    for axis in range(like.ndim):
        if value.shape == like.shape[:axis] + like.shape[axis + 1 :]:
            return np.broadcast_to(np.expand_dims(value, axis), like.shape)
    return None


def epsilons(e: Evidence) -> Iterator[Suspicion]:
    """A denominator d that has grown by ε: then d (n/a − 1) = ε for all elements."""
    if (
        e.g is None
        or e.y is None
        or e.theta is None
        or not e.clear.all()
        or not np.all(e.a)
        or e.a.size < FEWEST
    ):
        return
    more = e.n / e.a - 1
    denominators = [np.abs(x) for x in (e.theta, e.y) if x.shape == e.a.shape]
    if e.g.shape == e.a.shape:
        denominators.append(np.abs(e.g / e.n))
    for d in denominators:
        found = d * more
        typical = float(np.median(found))
        if 1e-9 < abs(typical) < 0.2 and np.all(np.abs(found - typical) <= 1e-3 * abs(typical)):
            yield Suspicion(
                "epsilon", f"a denominator has an ε = {typical:.3g} that the forward pass has not"
            )
            return
