"""The comparison itself: one function of no arguments, its leaves, and two gradients of it.

    wrong           |backward − numeric| > 4 · error + 1e-9 · |numeric|
    inconclusive    inside of that, but only because the error is larger than 1e-4 · |numeric|
    kink            the slopes on both sides differ; right if the backward pass lies between them
    vacuous         both are 0 for every component: nothing that could be wrong was seen
    verified        otherwise

By default every component is moved. A million of them take hours; then random directions, in which all components move
at once, see the same mistakes at a price that does not grow: a wrong component changes the slope along each of them.
What they cannot see is a mistake so small that it drowns in the error bar of the whole, and that size is stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.errors import NotDifferentiableError, ShapeError
from tinygrad_edu.types import Array
from tinygrad_edu.verify.lecture import Lecture, lecture
from tinygrad_edu.verify.report import Row, judge
from tinygrad_edu.verify.sides import Backward, Objective, backward_side, numerical_side, warn_of_cost
from tinygrad_edu.verify.steps import Gradient
from tinygrad_edu.verify.theta import Theta


class Weights:
    """Random weights that make one number of many; always the same ones for the same shape."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.drawn: Array | None = None

    def __call__(self, y: Any) -> Any:
        """The sum Σ w · y as a node."""
        shape = np.shape(y.value)
        if shape == ():
            return y
        dtype = np.asarray(y.value).dtype
        if self.drawn is None:  # away from 0, so that nothing is left out; uneven, so that nothing cancels
            drawn = self.rng.uniform(0.5, 1.5, shape) * self.rng.choice([-1.0, 1.0], shape)
            self.drawn = drawn.astype(dtype)
        if self.drawn.shape != shape:
            raise ShapeError(f"check: the target returned shape {self.drawn.shape} first and {shape} then")
        return ops.sum(y * self.drawn.astype(dtype))


def steady(objective: Objective) -> None:
    """Refuse a function that has no value, or not always the same one."""
    with no_grad():
        first, second = (float(objective().value) for _ in range(2))
    if not np.isfinite(first):
        raise ValueError(
            f"check: the function has the value {first} here: a gradient can be checked where it is finite"
        )
    if first != second:
        raise ValueError(
            f"check: two calls with the same values gave {first!r} and {second!r}: it is not deterministic, or "
            f"changes what it works on, so differences would compare two functions. Freeze what is random "
            f"(dropout.frozen()), or switch it off (eval())"
        )


MOST_OF_THE_LECTURE = 5000  # components, beyond which its ε is not tried beside the one that is found


def compare(
    objective: Objective, leaves: dict[str, Any], *, gradients: Mapping[str, Any] | None = None,
    step: float | None = None, directions: int | None = None, rng: np.random.Generator,
) -> tuple[list[Row], Lecture | None]:  # fmt: skip
    """A row for every leaf, and what the lecture's formula says; the arguments are those of `check`."""
    steady(objective)
    sides = backward_side(objective, leaves)
    rounding = {name: side.rounding for name, side in sides.items()}
    found = {name: side.gradient for name, side in sides.items()}
    given = found if gradients is None else _given(gradients, leaves)
    with numerical_side(objective, leaves, list(given)) as theta:
        if directions is not None:
            rows = [
                _along(name, i, theta, given[name], rounding[name], directions, rng)
                for i, name in enumerate(given)
            ]
            return rows if gradients else _linear(rows, sides), None
        warn_of_cost(
            theta, 8 * len(theta), "check(…, directions=20) checks random directions instead, in moments"
        )
        numeric = theta.gradients(step)
        if step is None:
            numeric = _confirmed(theta, numeric, list(given.values()))
        wanted = step is None and len(theta) <= MOST_OF_THE_LECTURE
        by_the_lecture = lecture(theta, list(given.values())) if wanted else None
    rows = [
        judge(name, g, n, rounding[name], np.asarray(leaves[name].value))
        for (name, g), n in zip(given.items(), numeric, strict=True)
    ]
    return rows if gradients else _linear(rows, sides), by_the_lecture


ZOOMS = 0.0547, 8.81e-4  # of the first step: no period goes into all three


def _confirmed(theta: Theta, numeric: list[Gradient], backward: list[Array]) -> list[Gradient]:
    """The numerical gradients; where they accuse somebody, and shorter steps contradict them, they are unknown.

    Steps over many periods of a wave may agree with each other by chance.
    """
    wrong = [
        np.abs(a - n.value) > 4 * n.error + n.jump + 1e-6 * np.abs(n.value)
        for a, n in zip(backward, numeric, strict=True)
    ]
    if not any(w.any() for w in wrong):
        return numeric
    for zoom in ZOOMS:
        for w, n, close in zip(wrong, numeric, theta.gradients(zoom=zoom), strict=True):
            apart = np.abs(close.value - n.value)
            n.error[
                w & (apart > 4 * (n.error + close.error) + n.jump + close.jump + 1e-6 * np.abs(n.value))
            ] = np.inf
    return numeric


def _linear(rows: list[Row], sides: dict[str, Backward]) -> list[Row]:
    """The rows, of which none is right whose backward pass is not linear in the cotangent."""
    note = (
        "three times the cotangent does not give three times the gradient: every rule must multiply by its upstream, "
        "the cotangent of its output"
    )
    return [
        row if sides[row.name].linear or row.verdict == "wrong" else replace(row, verdict="wrong", note=note)
        for row in rows
    ]


def _along(
    name: str, i: int, theta: Theta, g: Array, rounding: float, count: int, rng: np.random.Generator
) -> Row:  # fmt: skip
    """The row of one leaf from slopes along random directions, in which no component stands still."""
    shape = (count, *g.shape)
    t = rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    numeric = theta.along(i, t)
    slopes = np.array([np.sum(g.astype(float) * each) for each in t])
    row = judge(name, slopes, numeric, rounding * g.size**0.5, of="slopes")
    # A mistake in one component changes the slope by at least half of it.
    least = 2 * float(np.min(4 * numeric.error + 1e-9 * np.abs(numeric.value), initial=np.inf))
    power = f"along {count} random directions, which would show an error of {least:.0e} in any one component"
    return replace(row, shape=g.shape, worst=(), note=f"{row.note}; {power}" if row.note else power)


# ---- gradients that came from elsewhere ----


def _given(gradients: Mapping[str, Any], leaves: dict[str, Any]) -> dict[str, Array]:
    if not isinstance(gradients, Mapping):
        raise TypeError(
            f"check: gradients={{name: array}} was expected, {type(gradients).__name__} came: the names are "
            f"{', '.join(leaves)}"
        )
    if not gradients:
        raise NotDifferentiableError(
            "check: gradients={} leaves nothing to check: leave it out, or give some"
        )
    given = {}
    for name, g in gradients.items():
        if name not in leaves:
            raise KeyError(f"check: a gradient came for {name!r}, but the parameters are {', '.join(leaves)}")
        given[name] = np.asarray(value_of(g))
        if given[name].dtype.kind not in "fiu":
            raise TypeError(
                f"check: real numbers were expected as the gradient of {name!r}, {given[name].dtype} came"
            )
        if given[name].shape != np.shape(leaves[name].value):
            raise ShapeError(
                f"check: a gradient of the shape of {name!r}, {np.shape(leaves[name].value)}, was expected, "
                f"{given[name].shape} came"
            )
    return given
