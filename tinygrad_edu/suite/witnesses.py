"""The witnesses: what a derivative rule is asked, one question each.

    value          on arrays as on nodes; and nearly as in extended precision
    vjp            every component against a numerical derivative with its error bar, for two cotangents
    jvp            against the numerical derivative along a direction
    adjoint        ⟨w, J t⟩ = ⟨Jᵀ w, t⟩, to rounding: both sweeps speak of the same J
    complex step   every component of the vjp to 13 digits, against an exact derivative of the forward (see `exact`)
    second order   the recorded vjp, and the recorded jvp, differentiated again
    unmodified     inputs, cotangents and tangents are what they were
    dtype          float32 stays float32, in all three passes

A witness gets a `Trial`, a primitive at one point, and returns what is wrong in words, or None. Where the numerical
side is too vague to tell, it raises `Undecided`: to pass what cannot be judged would be to skip it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.cases import Case
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.core.sweep import forward_sweep, reverse_sweep
from tinygrad_edu.suite.exact import exact
from tinygrad_edu.suite.finding import Undecided
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.types import Array
from tinygrad_edu.verify.noise import noise_of
from tinygrad_edu.verify.numerical import differentiate
from tinygrad_edu.verify.steps import Gradient
from tinygrad_edu.verify.theta import gradient


class Trial:
    """A primitive at one point: what it is given, and how to ask it."""

    def __init__(self, op: Primitive, each: Case, rng: np.random.Generator, dtype: Any = np.float64) -> None:
        self.op, self.rng = op, rng
        self.params = each.params
        self.wanted = [domain.differentiable for domain in each.domains]
        if not any(self.wanted):
            raise Undecided("no operand of this case is differentiable, so nothing can be seen")
        drawn = each.draw(rng)
        self.xs = [
            np.asarray(x, dtype if wanted else None) for x, wanted in zip(drawn, self.wanted, strict=True)
        ]
        self.w = np.asarray(
            rng.uniform(0.5, 1.5, self.value().shape) * rng.choice([-1, 1], self.value().shape), dtype
        )
        self.t = [np.asarray(rng.normal(size=x.shape), dtype) for x in self.inputs(self.xs)]

    def inputs(self, xs: Sequence[Any]) -> list[Any]:
        """Those operands that there is a derivative with respect to."""
        return [x for x, wanted in zip(xs, self.wanted, strict=True) if wanted]

    def value(self, *inputs: Array, by: Callable[..., Any] | None = None) -> Array:
        """The forward on plain arrays, with other inputs if they are given; or another form of the forward."""
        moved = iter(inputs or self.inputs(self.xs))
        operands = [next(moved) if wanted else x for x, wanted in zip(self.xs, self.wanted, strict=True)]
        return np.asarray((by or self.op.call)(*operands, **self.params))

    def nodes(self, *inputs: Array) -> tuple[Any, list[Any]]:
        """The result as a node, and the leaves."""
        moved = iter(inputs or self.inputs(self.xs))
        leaves = [
            Tensor(next(moved) if wanted else x, wanted)
            for x, wanted in zip(self.xs, self.wanted, strict=True)
        ]
        return self.op.call(*leaves, **self.params), self.inputs(leaves)

    def vjp(self, *inputs: Array) -> list[Array]:
        """The cotangents of the inputs."""
        y, leaves = self.nodes(*inputs)
        return [np.asarray(g) for g in gradients(y, leaves, self.w)]

    def jvp(self, *inputs: Array) -> Array:
        """The tangent of the result."""
        y, leaves = self.nodes(*inputs)
        return np.asarray(forward_sweep([y], dict(zip(leaves, self.t, strict=True)))[0])


# ---- the witnesses: each returns what is wrong, or None ----


def _value(trial: Trial) -> str | None:
    y, _ = trial.nodes()
    if not np.array_equal(y.numpy(), trial.value(), equal_nan=True):
        return "nodes and plain arrays give different values"
    precise = [x.astype(np.longdouble) for x in trial.inputs(trial.xs)]
    return _compare("value", trial.value(), trial.value(*precise), 1e-12)


def _vjp(trial: Trial) -> str | None:
    for _ in range(2):
        found = trial.vjp()
        for i, (x, g) in enumerate(zip(trial.inputs(trial.xs), found, strict=True)):
            if g.shape != x.shape:
                return f"the cotangent of operand {i} has shape {g.shape}, the operand {x.shape}"
            wrong = _numeric(_along(trial, i, lambda *moved: np.sum(trial.w * trial.value(*moved))), x, g)
            if wrong:
                return f"operand {i}: {wrong}"
        trial.w = trial.w[..., ::-1].copy() * 1.25 if trial.w.ndim else trial.w * -1.25
    return None


def _jvp(trial: Trial) -> str | None:
    inputs, tangent = trial.inputs(trial.xs), trial.jvp()
    if tangent.shape != trial.value().shape:
        return f"the tangent has shape {tangent.shape}, the result {trial.value().shape}"

    def along(s: float) -> float:
        return float(
            np.sum(trial.w * trial.value(*[x + s * t for x, t in zip(inputs, trial.t, strict=True)]))
        )

    expected = differentiate(along, 0.0, noise=noise_of(along, 0.0, 0.1), scale=0.1)
    wrong = _apart(np.asarray(np.sum(trial.w * tangent)), Gradient(*map(np.asarray, expected)))
    return f"along a direction: {wrong}" if wrong else None


def _adjoint(trial: Trial) -> str | None:
    forward = trial.w * trial.jvp()
    backward = np.concatenate([(g * t).ravel() for g, t in zip(trial.vjp(), trial.t, strict=True)])
    size = np.abs(forward).sum() + np.abs(backward).sum()
    apart = abs(forward.sum() - backward.sum())
    return None if apart <= 1e-13 * size else f"⟨w, J t⟩ = {forward.sum()}, ⟨Jᵀ w, t⟩ = {backward.sum()}"


def _complex_step(trial: Trial) -> str | None:
    source, _, derivatives = exact(trial)
    for i, (g, true) in enumerate(zip(trial.vjp(), derivatives, strict=True)):
        if g.shape != true.shape:
            return f"the cotangent of operand {i} has shape {g.shape}, the operand {true.shape}"
        apart = np.abs(g - true)
        allowed = (
            1e-13 * np.abs(true).max(initial=0.0) + 1e-50
        )  # the square of the step: of x³ at 0 it is all there is
        if not apart.max(initial=0.0) <= allowed:  # a NaN is bad
            at = tuple(map(int, np.unravel_index(apart.argmax(), apart.shape)))
            return f"operand {i}: {g[at]:.15g} at {list(at)}, by the {source} {true[at]:.15g}"
    return None


def _second_order(trial: Trial) -> str | None:
    inputs = trial.inputs(trial.xs)

    def first(*moved: Array) -> float:
        return float(sum(np.sum(g * t) for g, t in zip(trial.vjp(*moved), trial.t, strict=True)))

    y, leaves = trial.nodes()
    recorded = gradients(y, leaves, trial.w, create_graph=True)
    for g, plain in zip(recorded, trial.vjp(), strict=True):
        if not np.allclose(value_of(g), plain, rtol=1e-12, atol=1e-14):
            return "the recorded vjp differs from the plain one"
    total = sum((g * t).sum() for g, t in zip(recorded, trial.t, strict=True))
    by_vjp = gradients(total, leaves) if total.requires_grad else [leaf.zeros() for leaf in leaves]
    y, leaves = trial.nodes()
    tangents = {leaf: Tensor(t) for leaf, t in zip(leaves, trial.t, strict=True)}
    (tangent,) = forward_sweep([y], tangents, create_graph=True)
    total = (tangent * trial.w).sum()
    by_jvp = gradients(total, leaves) if total.requires_grad else [leaf.zeros() for leaf in leaves]
    for i, (x, g, other) in enumerate(zip(inputs, by_vjp, by_jvp, strict=True)):
        wrong = _numeric(_along(trial, i, first), x, np.asarray(g))
        if wrong:
            return f"operand {i}: {wrong}"
        if not np.allclose(g, other, rtol=1e-9, atol=1e-11):
            return f"operand {i}: vjp and jvp, differentiated again, give {g} and {other}"
    return None


def _unmodified(trial: Trial) -> str | None:
    inputs = [x.copy() for x in trial.xs]
    w, t = trial.w.copy(), [t.copy() for t in trial.t]
    trial.value()
    trial.vjp()
    trial.jvp()
    same = all(map(np.array_equal, [*inputs, w, *t], [*trial.xs, trial.w, *trial.t]))
    return None if same else "an input, a cotangent or a tangent was changed in place"


def _dtype(trial: Trial) -> str | None:
    trial.xs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in trial.xs]
    trial.w, trial.t = trial.w.astype(np.float32), [t.astype(np.float32) for t in trial.t]
    sent: list[Array] = []  # by the rule itself: on their way to a leaf gradients get its dtype anyway
    y, _ = trial.nodes()
    reverse_sweep(y, trial.w, observe=lambda step: sent.extend(np.asarray(c) for _, c in step.sent))
    found = {"value": [trial.value()], "rule's vjp": sent, "vjp": trial.vjp(), "jvp": [trial.jvp()]}
    wide = [f"{name} is {x.dtype}" for name, xs in found.items() for x in xs if x.dtype != np.float32]
    return f"of float32 operands the {wide[0]}" if wide else None


WITNESSES: dict[str, Callable[[Trial], str | None]] = {
    "value": _value, "vjp": _vjp, "jvp": _jvp, "adjoint": _adjoint, "complex step": _complex_step,
    "second order": _second_order, "unmodified": _unmodified, "dtype": _dtype,
}  # fmt: skip


def _along(trial: Trial, i: int, f: Callable[..., Any]) -> Callable[[Array], float]:
    """A function of all inputs as one of input i alone."""

    def of_one(value: Array) -> float:
        inputs = trial.inputs(trial.xs)
        inputs[i] = value
        return float(f(*inputs))

    return of_one


def _numeric(f: Callable[[Array], float], x: Array, g: Array) -> str | None:
    """Compare a gradient with the numerical one."""
    return _apart(g, gradient(f, x))


def _apart(g: Array, numeric: Gradient) -> str | None:
    n, error, _ = numeric
    known = np.isfinite(error)
    bad = known & ~(np.abs(g - n) <= 4 * error + 1e-9 * np.abs(n))  # a NaN is bad
    # The cases draw numbers of the order of 1, so that is the size of what is judged here.
    vague = ~(error <= 1e-5 * max(1.0, float(np.abs(g).max(initial=0.0))))
    if not bad.any() and not vague.any():
        return None
    at = tuple(map(int, np.argwhere(bad if bad.any() else vague)[0]))
    said = f"{g[at]:.12g} at {list(at)}, numerically {n[at]:.12g} ± {error[at]:.0e}"
    if bad.any():
        return said
    raise Undecided(said)


def _compare(what: str, got: Array, expected: Array, tolerance: float) -> str | None:
    scale = np.abs(expected).max(initial=0.0)
    apart = np.abs(got - expected).max(initial=0.0)
    return None if apart <= tolerance * scale else f"{what}: {got}, more precisely {expected}"
