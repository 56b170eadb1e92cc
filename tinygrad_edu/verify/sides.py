"""The two sides of a gradient check: what a backward pass says, and what the function does.

Both are asked of one function of no arguments, whose parameters are leaves. The backward side is one reverse sweep. The
numerical side moves the leaves, one component or one direction at a time, and asks for the value again; from a replay
of the graph if that is faithful, and for many points at once if that gives the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import preserved
from tinygrad_edu.core.recording import NEEDED, no_grad, recording
from tinygrad_edu.types import Array
from tinygrad_edu.verify.batched import Batch, agrees
from tinygrad_edu.verify.noise import each, norm
from tinygrad_edu.verify.replay import beside, faithful, held_by, replay
from tinygrad_edu.verify.theta import Theta, one_by_one

Objective = Callable[[], Any]
PATIENCE = 60.0  # seconds that a check may take without a warning


class CostWarning(UserWarning):
    """A gradient check will take long."""


class Backward(NamedTuple):
    """What the engine says of one leaf.

    Attributes:
        gradient: of the shape of the leaf.
        rounding: how much of it is rounding.
        linear: whether it is linear in the cotangent that the sweep begins with, as every derivative is.
    """

    gradient: Array
    rounding: float
    linear: bool


def backward_side(objective: Objective, leaves: dict[str, Any]) -> dict[str, Backward]:
    """The gradients of the engine by every leaf.

    Three times the cotangent gives three times the gradient, but rounded otherwise. That matters where large terms
    cancel: the derivative by a bias in front of a batch norm is 0, and what comes out is rounding alone. And a rule
    that does not multiply by its cotangent is found out, although the last operation of all gets 1: by a power of two,
    which rounds nothing, if three times the cotangent has made it suspect.
    """
    with recording(NEEDED):
        y = objective()
    if not y.requires_grad:
        return {name: Backward(np.asarray(leaf.zeros()), 0.0, True) for name, leaf in leaves.items()}
    nodes = list(leaves.values())
    found, thrice = (_pulled(y, nodes, seed) for seed in (1.0, 3.0))
    largest = max((float(np.abs(g[np.isfinite(g)]).max(initial=0.0)) for g in found), default=0.0)

    apart = _apart(found, thrice, 3.0)
    guilty = _beyond_rounding(apart, found, largest)
    if any(guilty):
        guilty = _beyond_rounding(_apart(found, _pulled(y, nodes, 4.0), 4.0), found, largest)
    sides = {}
    for name, g, rest, wrong in zip(leaves, found, apart, guilty, strict=True):
        # No more than rounding can explain: a rule that is not linear in the cotangent must not excuse itself.
        rounding = min(8 * norm(rest) / max(g.size, 1) ** 0.5, 16 * float(np.finfo(g.dtype).eps) * largest)
        sides[name] = Backward(g, rounding, not wrong)
    return sides


def _pulled(y: Any, nodes: list[Any], seed: float) -> list[Array]:
    return [np.asarray(g) for g in gradients(y, nodes, seed)]


def _apart(found: list[Array], multiples: list[Array], times: float) -> list[Array]:
    """How far the gradients are from those of a multiple of the cotangent; what is not finite is for the judge."""
    with np.errstate(all="ignore"):
        apart = (np.asarray(m, float) / times - g for g, m in zip(found, multiples, strict=True))
        return [np.where(np.isfinite(rest), rest, 0.0) for rest in apart]


def _beyond_rounding(apart: list[Array], found: list[Array], largest: float) -> list[bool]:
    return [
        float(np.abs(rest).max(initial=0.0)) > max(1e-6, 64 * float(np.finfo(g.dtype).eps)) * largest
        for g, rest in zip(found, apart, strict=True)
    ]


@contextmanager
def numerical_side(objective: Objective, leaves: dict[str, Any], chosen: Sequence[str]) -> Iterator[Theta]:
    """Within it the objective can be asked for its value at other values of the chosen leaves, which are the θ.

    All leaves are float64 meanwhile, with the values that they have. So what is computed from them is float64, too,
    and the numerical side has the digits to judge a float32 gradient by.
    """
    with preserved(leaves.values()):
        for leaf in leaves.values():
            leaf.value = held_by(leaf, np.array(leaf.value, dtype=float))
        present = {leaf: np.asarray(leaf.value) for leaf in leaves.values()}
        moving = [leaves[name] for name in chosen]

        def place(values: Iterable[Array]) -> None:
            for leaf, x in zip(present, values, strict=True):
                leaf.value = held_by(leaf, x)

        def called(values: Sequence[Array]) -> float:
            place((present | dict(zip(moving, values, strict=True))).values())
            with no_grad():
                return float(objective().value)

        with recording(NEEDED):
            record = objective()
        xs = [present[leaf] for leaf in moving]
        f, at_once = one_by_one(called), 64
        points = beside(xs)
        values = each(called, points)
        place(present.values())
        replayed = replay(record, moving)

        def again(values: Sequence[Array]) -> float:
            return float(replayed(*map(held_by, moving, values)))

        if faithful(again, points, values):
            f, batch = one_by_one(again), Batch(record, moving)
            if agrees(batch, points, values):
                f, at_once = batch, batch.at_once
        yield Theta(f, xs, at_once)


def warn_of_cost(theta: Theta, evaluations: int, advice: str) -> None:
    """Say so before a check that will take more than a minute."""
    seconds = evaluations * theta.seconds() if evaluations > 1000 else 0.0
    warn_of_time(seconds, f"about {evaluations:,} values of the function are needed, which", advice)


def warn_of_time(seconds: float, what: str, advice: str) -> None:
    """The warning itself: what will take so long, and what can be done about it."""
    if seconds > PATIENCE:
        long = f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
        warnings.warn(f"check: {what} will take about {long}: {advice}", CostWarning, stacklevel=5)
