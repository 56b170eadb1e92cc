"""The witnesses of layers: what is asked of their derivatives in every situation, one question each.

    numeric        every component of every parameter and input against a numerical derivative (`verify.check`)
    hazards        the inputs at chosen points, where wrong rules give themselves away
    adjoint        ⟨w, J t⟩ = ⟨Jᵀ w, t⟩ for all parameters and inputs together: both sweeps speak of the same J
    second order   H t by the recorded gradient against differences of gradients, to 1e-6
    dtype          float32 stays float32, forward and on every edge of the backward pass

A witness gets a `Situation` and returns what is wrong, or None. Where it cannot tell it raises `Undecided`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import Node, assign, describe, preserved, value_of
from tinygrad_edu.core.recording import NEEDED, recording
from tinygrad_edu.core.sweep import forward_sweep, reverse_sweep, topological_order
from tinygrad_edu.errors import NotDifferentiableError
from tinygrad_edu.state import state_restored
from tinygrad_edu.suite.finding import Undecided
from tinygrad_edu.suite.situation import Situation
from tinygrad_edu.types import Array
from tinygrad_edu.verify.gradcheck import check
from tinygrad_edu.verify.hazards import hazard_points
from tinygrad_edu.verify.report import Report
from tinygrad_edu.verify.steps import extrapolate


def report_of(at: Situation, **options: Any) -> Report:
    """The gradient check of all parameters and inputs; what is random is frozen."""
    with at.frozen():
        return check(at.output, *at.operands, parameters=at.parameters, rng=at.rng, **options)


def judged(report: Report, expected: list[str]) -> str | None:
    """What is wrong in a report; a derivative that is 0, and is said to be 0, is right."""
    wrong = [row for row in report.rows if row.verdict == "wrong"]
    if wrong:
        row = wrong[0]
        numeric = f"{row.numeric:.12g} ± {row.error:.0e}"
        return f"{row.name}{list(row.worst)}: {row.backward:.12g}, numerically {numeric}; {row.note}"
    names = [row.name.partition(", ")[0] for row in report.rows]  # after it, at which hazard
    if sorted(names) != sorted(expected):
        return f"the check spoke of {', '.join(names)} where there are {', '.join(expected)}"
    for row in report.rows:
        if row.verdict not in ("verified", "vacuous"):
            raise Undecided(f"{row.name}: {row.verdict}. {row.note}")
    return None


def hazards(at: Situation) -> str | None:
    """The inputs at ties, zeros, large and equal values."""
    if at.of_scalars:
        return _numbers_at_hazards(at)
    if not at.training and _program(at, True) == _program(at, False):
        return None  # the same operations on the same values: in training it has been asked already
    return judged(report_of(at, hazards=True), list(at.leaves))


def _numbers_at_hazards(at: Situation) -> str | None:
    """The same for Scalars: all of them together are one vector, whose elements may be tied."""
    inputs = [x for x in at.operands if isinstance(x, Node)]
    start = np.array([x.value for x in inputs])
    for name, (values,) in hazard_points([start], at.rng):
        assign(list(zip(inputs, values.tolist(), strict=True)))
        try:
            report = report_of(at)
        except (ArithmeticError, ValueError):  # the function has no finite value there
            continue
        if report.verdict == "wrong":
            return f"{name}: {judged(report, list(at.leaves))}"
    return None


def _program(at: Situation, training: bool) -> list[Any]:
    """Which operations make the output, and what each of them gives."""
    at.switch(training)
    return [(node.op, np.asarray(node.value).tobytes()) for node in topological_order([at.recorded()])]


# ---- the two sweeps ----


def adjoint(at: Situation) -> str | None:
    """Forward and reverse mode of all leaves together."""
    y = at.recorded()
    leaves = list(at.leaves.values())
    w = weights(y, at.rng)
    tangents = [_like(leaf, at.rng.normal(size=np.shape(leaf.value))) for leaf in leaves]

    def forward(scale: float) -> Array:
        (t,) = forward_sweep(
            [y], {leaf: _like(leaf, scale * t) for leaf, t in zip(leaves, tangents, strict=True)}
        )
        return np.asarray(w * (y.zeros() if t is None else t)) / scale

    def backward(scale: float) -> Array:
        found = gradients(y, leaves, _like(y, scale * w))
        return (
            np.concatenate([np.ravel(np.asarray(g) * t) for g, t in zip(found, tangents, strict=True)])
            / scale
        )

    if at.each.first_order:
        return refused(lambda: forward(1.0), "the forward mode")
    there, back = forward(1.0), backward(1.0)
    size = float(np.abs(there).sum() + np.abs(back).sum())
    # Multiplied by 3 or 7 both are rounded otherwise, which matters where large terms cancel, as in a batch norm.
    rounding = sum(abs(f(s).sum() - f(1.0).sum()) for f in (forward, backward) for s in (3.0, 7.0))
    apart = abs(there.sum() - back.sum())
    if apart <= 1e-12 * size + min(8 * rounding, 1e-8 * size):
        return None
    return f"⟨w, J t⟩ = {there.sum()}, ⟨Jᵀ w, t⟩ = {back.sum()}"


def second_order(at: Situation) -> str | None:
    """H t, relative error at most 1e-6, of Σ w · y by all leaves together."""
    with at.frozen():
        y = at.recorded()
        leaves, w = at.leaves, weights(y, at.rng)
        nodes = list(leaves.values())
        if at.each.first_order:
            return refused(lambda: gradients(y, nodes, w, create_graph=True), "the recorded gradient")
        plain = gradients(y, nodes, w)
        recorded = gradients(y, nodes, w, create_graph=True)
        for name, g, other in zip(leaves, recorded, plain, strict=True):
            if not np.allclose(value_of(g), other, rtol=1e-12, atol=1e-14):
                return f"{name}: the recorded gradient differs from the plain one"
        tangents = [_like(leaf, at.rng.normal(size=np.shape(leaf.value))) for leaf in nodes]
        total = sum(_inner(g, t) for g, t in zip(recorded, tangents, strict=True))
        found = gradients(total, nodes) if total.requires_grad else [leaf.zeros() for leaf in nodes]
        numeric, error = _slope_of_gradient(at, nodes, tangents, w)
    size = max(_largest(numeric), _largest(plain))
    if not error <= 1e-7 * size:
        raise Undecided(f"differences of gradients have an error of {error:.0e}")
    for name, a, n in zip(leaves, found, numeric, strict=True):
        apart = _largest([a - n])
        if not apart <= 1e-6 * _largest([n]) + 4 * error + 1e-12 * size:
            return f"{name}: H t is off by {apart:.1e}, where its largest component is {_largest([n]):.3g}"
    return None


def _slope_of_gradient(
    at: Situation, nodes: list[Any], tangents: list[Any], w: Any
) -> tuple[list[Any], float]:
    """The derivative of the gradient along the tangents, from central differences, and how far it may be off."""
    start = [leaf.value for leaf in nodes]

    def gradient_at(s: float) -> list[Array]:
        with preserved(nodes), recording(NEEDED), state_restored():
            assign([(leaf, x + s * t) for leaf, x, t in zip(nodes, start, tangents, strict=True)])
            return [np.asarray(g) for g in gradients(at.output(), nodes, w)]

    def limit(h: float) -> tuple[list[Any], float]:
        slopes = [
            [(a - b) / (2 * s) for a, b in zip(gradient_at(s), gradient_at(-s), strict=True)]
            for s in (h, h / 2, h / 4)
        ]
        pairs = [extrapolate(*three) for three in zip(*slopes, strict=True)]
        rounding = 2.0**-50 * _largest(gradient_at(0.0)) / h
        return [value for value, _ in pairs], _largest([off for _, off in pairs]) + 4 * rounding

    found: list[tuple[list[Any], float]] = []
    for h in (2.0**-5, 2.0**-8, 2.0**-11, 2.0**-14):
        with suppress(ArithmeticError, ValueError):  # so far the function does not reach
            found.append(limit(h))
    if not found:
        raise Undecided("the function ends too near to these values")
    return min(found, key=lambda one: one[1])


def dtype(at: Situation) -> str | None:
    """Nothing is widened, wherever it is on its way."""
    y = at.recorded()
    leaves, w = at.leaves, weights(y, at.rng)
    if at.of_scalars:
        kinds = {type(g) for g in (y.value, *gradients(y, list(leaves.values()), w))}
        return None if kinds == {float} else f"{kinds} came, where Scalars hold Python's floats"
    sent: list[tuple[str, Any]] = [("the output", y.value)]
    # Leaves convert what they receive, so the edges are looked at, and not the leaves alone.
    found = reverse_sweep(y, w, observe=lambda step: sent.extend((f"what {describe(step.node)} sends back", c)
                                                                 for _, c in step.sent))  # fmt: skip
    sent += [(f"the gradient of {name}", found[leaf]) for name, leaf in leaves.items() if leaf in found]
    wide = [f"{what} is {np.asarray(x).dtype}" for what, x in sent if np.asarray(x).dtype != at.dtype]
    return f"of float32 operands and parameters {wide[0]}" if wide else None


# ---- small things ----


def refused(
    question: Callable[[], Any], what: str, kind: type[Exception] = NotDifferentiableError
) -> str | None:
    """What is wrong with an answer that ought to be an error of some kind, and a sentence."""
    try:
        question()
    except kind as error:
        return None if len(str(error).split()) > 3 else f"{what} is refused without a reason: {error!r}"
    return f"{what} is not refused"


def weights(y: Any, rng: np.random.Generator) -> Any:
    """Random weights of an output, away from 0, in its own form."""
    shape = np.shape(y.value)
    return _like(y, rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def _like(node: Any, x: Any) -> Any:
    return float(x) if type(node.value) is float else np.asarray(x, np.asarray(node.value).dtype)


def _inner(a: Any, b: Any) -> Any:
    product = a * b
    return ops.sum(product) if np.shape(value_of(product)) else product


def _largest(xs: list[Any]) -> float:
    return max((float(np.abs(x).max(initial=0.0)) for x in xs), default=0.0)
