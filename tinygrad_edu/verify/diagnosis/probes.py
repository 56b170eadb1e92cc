"""What would have made it right: the rule is called again, with something put in another thing's place.

    vjp(g, y, x)  wrong,   vjp(g, x, x)  right        the output is used where the input belongs
    vjp(g, x, y)  right                               the input is used where the output belongs
    vjp(g, y, b, a)  right                            the operands are exchanged

A rule that becomes right by an exchange has told what was exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis.suspicion import FEWEST, Evidence, Suspicion, same


def _called(e: Evidence, g: Array, y: Array, xs: Sequence[Array]) -> Array | None:
    """What the rule says of the input, or None if it can make nothing of such arguments."""
    assert e.pull is not None
    try:
        with np.errstate(all="ignore"):
            found = e.pull(g.copy(), y.copy(), *[np.array(x) for x in xs])[e.i]
        return None if found is None else np.array(found, float)
    except Exception:  # it was not made for this
        return None


def _fits(e: Evidence, found: Any) -> bool:
    return found is not None and np.all(np.isfinite(found)) and e.is_right(found) and bool(e.n.any())


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
        elif same(e.a, e.n + right) and not same(e.n, right):
            yield Suspicion("twice", f"the gradient of input {j} is added: a path too many")


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
        if _fits(e, _called(e, e.g, e.y, xs)):
            yield Suspicion(
                "exchanged", f"right if inputs {min(e.i, j)} and {max(e.i, j)} change places in the rule"
            )


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
                    yield Suspicion("sign", f"right at the negative of input {j}: a sign inside of the rule")


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
            if not same(other, x) and _fits(e, _called(e, changed[0], changed[1], changed[2:])):
                yield Suspicion("order", f"right if {name} is {words} in the rule")
    everything = list(things.values())
    for axis in range(e.a.ndim):
        flipped = [np.flip(x, axis) if x.ndim > axis else x for x in everything]
        for turn in (lambda found, axis=axis: np.flip(found, axis), lambda found: found):
            found = _called(e, flipped[0], flipped[1], flipped[2:])
            if found is not None and found.shape == e.a.shape and _fits(e, turn(found)):
                yield Suspicion("order", f"right if everything is reversed along axis {axis} in the rule")
    if e.a.ndim == 2 and e.y.shape == e.a.shape:
        turned = [x.T if x.ndim == 2 else x for x in everything]
        found = _called(e, turned[0], turned[1], turned[2:])
        if found is not None and found.ndim == 2 and _fits(e, found.T):
            yield Suspicion("axis", "right for the other axis: the rule runs over the wrong one")


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
    """A ratio to the right gradient that is an input, the output, their quotient, …"""
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
    with np.errstate(all="ignore"):
        tried = [(name, value) for name, value in known.items()]
        tried += [(f"{name} squared", value**2) for name, value in known.items()]
        tried += [(f"√({name})", np.sqrt(np.abs(value))) for name, value in known.items()]
        tried += [(f"exp of {name}", np.exp(value)) for name, value in known.items()]
        tried += [(f"1 − {name}", 1 - value) for name, value in known.items()]
        tried += [(f"ln of {name}", np.log(np.abs(value))) for name, value in known.items()]
        tried += [(f"{p} / {q}", known[p] / known[q]) for p in known for q in known if p < q]
        if e.jacobian is not None and _elementwise(e):
            tried.append(("the local derivative", np.nansum(e.jacobian, axis=1).reshape(e.a.shape)))
        for name, value in tried:
            if not np.all(np.isfinite(value)) or (
                np.ptp(value) < 1e-3 * np.abs(value).max() and value.size > 1 and len(e.inputs) > 9
            ):
                continue
            for what, factor in (("too much", value), ("missing", 1 / value)):
                for sign in (1, -1):
                    if np.all(np.isfinite(factor)) and same(
                        np.where(e.clear, ratio, np.nan), np.where(e.clear, sign * factor, np.nan)
                    ):
                        also = ", and the sign is wrong" if sign < 0 else ""
                        yield Suspicion("chain", f"a factor is {what}: {name}{also}")


def _elementwise(e: Evidence) -> bool:
    assert e.jacobian is not None
    rows, columns = e.jacobian.shape
    return rows == columns and not np.any(np.nan_to_num(e.jacobian) * (1 - np.eye(rows)))


def _spread(value: Array, like: Array) -> Array | None:
    """A value for every element of the gradient, where the shapes allow just one way."""
    if value.shape == like.shape or value.shape == ():
        return np.broadcast_to(value, like.shape)
    for axis in range(like.ndim):
        if value.shape == like.shape[:axis] + like.shape[axis + 1 :]:
            return np.broadcast_to(np.expand_dims(value, axis), like.shape)
    return None


def epsilons(e: Evidence) -> Iterator[Suspicion]:
    """A denominator that has grown: g/a − g/n is the same for all elements, up to its sign."""
    if e.g is None or e.g.shape != e.a.shape or not e.clear.all() or not np.all(e.a) or e.a.size < FEWEST:
        return
    more = np.abs(e.g / e.a) - np.abs(e.g / e.n)
    typical = float(np.median(more))
    if 1e-7 < typical < 0.2 and np.all(np.abs(more - typical) <= 1e-3 * typical):
        yield Suspicion(
            "epsilon", f"an ε = {typical:.3g} is in the denominator that the forward pass does not have"
        )
