"""Gradient checking: compare what a backward pass says with what the function does.

All parameters are flattened into one θ, all derivatives into dθ, and every component is moved a little:

    approx_i = (J(θ + ε e_i) − J(θ − ε e_i)) / 2ε        difference = ‖approx − dθ‖ / (‖approx‖ + ‖dθ‖)

About 1e-7 is great, above 1e-3 there is a bug. So the lecture, and `step=1e-7` does exactly that. By default more is
asked for. The step is found for each component, each numerical value has an error bar, and every parameter is judged
by its own worst component, so that a small gradient is not hidden by a large one:

    wrong           |backward − numeric| > 4 · error + 1e-9 · |numeric|
    inconclusive    inside of that, but only because the error is larger than 1e-4 · |numeric|
    kink            the slopes on both sides differ; right if the backward pass lies between them
    vacuous         both are 0 for every component: nothing that could be wrong was seen
    verified        otherwise
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import Node, preserved, value_of
from tinygrad_edu.core.recording import NEEDED, no_grad, recording
from tinygrad_edu.errors import NotDifferentiableError, ShapeError
from tinygrad_edu.state import state_restored
from tinygrad_edu.types import Array
from tinygrad_edu.verify.batched import Batch, agrees
from tinygrad_edu.verify.hazards import rows_at_hazards
from tinygrad_edu.verify.leaves import leaves_of
from tinygrad_edu.verify.noise import norm
from tinygrad_edu.verify.numerical import gradients_by_all, one_by_one
from tinygrad_edu.verify.pair import pair_of
from tinygrad_edu.verify.replay import faithful, held_by, replay
from tinygrad_edu.verify.report import Report, Row, judge
from tinygrad_edu.verify.steps import Gradient


def check(
    target: Callable[..., Any], *inputs: Any, parameters: Any = None, gradients: Mapping[str, Any] | None = None,
    step: float | None = None, hazards: bool = False, rng: np.random.Generator | None = None,
) -> Report:  # fmt: skip
    """Check the gradients of a function, a module or a loss against numerical ones.

    Nothing is left changed: parameters, inputs, buffers and `.grad` are afterwards what they were.

    Args:
        target: a function of nodes, or a module. It returns a node; of any other shape than () it is reduced to one
            number by random weights, since a plain sum would hide some errors.
        inputs: what to call it with. Floats, arrays and lists of floats, and tensors that require a gradient are
            checked, too; integers, and tensors that require none, are passed on, and lists to a module of Scalars.
        parameters: further leaves to check: a module, a leaf, {name: leaf}, or a list of modules and leaves. Of a
            module as the target, its own parameters are taken.
        gradients: {name: array} to check instead of those of the engine: a backward pass written by hand. Parameters
            without an entry are left out.
        step: a fixed ε for plain central differences, as in the lecture; by default it is found.
        hazards: check the inputs at many more points, made of them, where wrong rules give themselves away: ties,
            zeros, large and equal values, … (see `verify.hazards`); and that the backward pass is linear in its
            cotangent, changes nothing in place and keeps nothing from call to call.
        rng: of the random weights and points; by default always the same ones.

    Returns:
        A report; true only if every parameter is verified.

    Raises:
        NotDifferentiableError: there is nothing to check, or the target returned something other than a node.
        ValueError: the function is not deterministic, its value is not finite, or two leaves have one name.
        KeyError: a gradient for a parameter that there is not.
        TypeError: no parameters, or no {name: array}, where they are expected.
    """
    if step is not None and not 0 < step < np.inf:
        raise ValueError(
            f"check: a positive step was expected, {step} came: 1e-7 is the lecture's, None finds one"
        )
    if hazards and (gradients is not None or step is not None):
        raise ValueError(
            "check: hazards move the inputs, so gradients of one point, or a fixed step, do not go with them: "
            "make a function of your backward pass, tg.custom_vjp(f, vjp), or leave hazards out"
        )
    arguments, leaves = leaves_of(target, inputs, parameters)
    if not leaves:
        raise NotDifferentiableError(
            "check: there is nothing to check: pass inputs of floats, a module, or parameters=…"
        )
    rng = rng or np.random.default_rng(0)
    rows: list[Row] = []
    if hazards:
        pair, point = pair_of(target, arguments, leaves)
        rows = rows_at_hazards(pair, point, rng) if point else []  # of a loss of no inputs there is none
        leaves = {name: leaf for name, leaf in leaves.items() if name not in pair.names}
    if not leaves:
        return Report(rows, step)
    weights = _Weights(rng)
    objective = _objective(target, arguments, weights)
    _steady(objective)
    found, rounding = _backward(objective, leaves)
    given = found if gradients is None else _given(gradients, leaves)
    numeric = _numeric(objective, leaves, given, step)
    for name, g in given.items():
        theta = np.asarray(leaves[name].value)
        rows.append(judge(name, g, numeric[name], rounding[name], theta))
    return Report(rows, step)


# ---- one number, and always the same one ----


class _Weights:
    """Random weights that make one number of many; always the same ones for the same shape."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.drawn: Array | None = None

    def __call__(self, y: Any) -> Any:
        if not isinstance(y, Node):
            raise NotDifferentiableError(f"check: the target was to return a node, {type(y).__name__} came")
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


def _objective(target: Any, arguments: list[Any], weights: _Weights) -> Callable[[], Any]:
    def objective() -> Any:
        with state_restored():  # running statistics must not walk away while the function is probed
            return weights(target(*arguments))

    return objective


def _steady(objective: Callable[[], Any]) -> None:
    """Refuse a function that has no value, or not always the same one."""
    with no_grad():
        first, second = (float(objective().value) for _ in range(2))
    if not np.isfinite(first):
        raise ValueError(
            f"check: the function has the value {first} here: a gradient can be checked where it is finite"
        )
    if first != second:
        raise ValueError(
            f"check: two calls with the same values gave {first!r} and {second!r}: the function is not "
            f"deterministic, so differences would compare two functions. Freeze what is random (dropout.frozen()), "
            f"or switch it off (eval())"
        )


# ---- the two gradients ----


def _backward(
    objective: Callable[[], Any], leaves: dict[str, Any]
) -> tuple[dict[str, Array], dict[str, float]]:
    """The gradients of the engine, and how much of each is rounding.

    Three times the cotangent gives three times the gradient, but rounded otherwise. That matters where large terms
    cancel: the derivative by a bias in front of a batch norm is 0, and what comes out is rounding alone.
    """
    with recording(NEEDED):
        y = objective()
    if not y.requires_grad:
        return {name: np.asarray(leaf.zeros()) for name, leaf in leaves.items()}, dict.fromkeys(leaves, 0.0)
    nodes = list(leaves.values())
    found, thrice = ([np.asarray(g) for g in gradients(y, nodes, seed)] for seed in (1.0, 3.0))
    largest = max((float(np.abs(g).max(initial=0.0)) for g in found), default=0.0)
    rounding = {}
    for name, g, g3 in zip(leaves, found, thrice, strict=True):
        apart = np.asarray(g3, float) / 3 - g
        # No more than rounding can explain: a rule that is not linear in the cotangent must not excuse itself.
        most = 16 * float(np.finfo(g.dtype).eps) * largest
        rounding[name] = min(8 * norm(apart) / max(apart.size, 1) ** 0.5, most)
    return dict(zip(leaves, found, strict=True)), rounding


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


def _numeric(
    objective: Callable[[], Any], leaves: dict[str, Any], wanted: Iterable[str], step: float | None
) -> dict[str, Gradient]:
    """The derivatives by every component of some leaves, one by one; by a replay of the graph, if it is faithful.

    All leaves are float64 meanwhile, with the values that they have. So what is computed from them is float64, too,
    and the numerical side has the digits to judge a float32 gradient by.
    """
    with preserved(leaves.values()):
        for leaf in leaves.values():
            leaf.value = held_by(leaf, np.array(leaf.value, dtype=float))
        present = {leaf: np.asarray(leaf.value) for leaf in leaves.values()}

        def place(values: Iterable[Array]) -> None:
            for leaf, x in zip(present, values, strict=True):
                leaf.value = held_by(leaf, x)

        def actual(values: Iterable[Array]) -> float:
            place(values)
            with no_grad():
                return float(objective().value)

        with recording(NEEDED):
            record = objective()
        replaying = faithful(record, present, actual)
        place(present.values())
        names = list(wanted)
        chosen = [present[leaves[name]] for name in names]

        def at(values: Sequence[Array]) -> float:
            return actual(
                (present | dict(zip((leaves[name] for name in names), values, strict=True))).values()
            )

        f, at_once = one_by_one(at), 64
        if replaying:
            moving = [leaves[name] for name in names]
            replayed, batch = replay(record, moving), Batch(record, moving)

            def again(values: Sequence[Array]) -> float:
                return float(replayed(*map(held_by, moving, values)))

            if agrees(batch, again, chosen):
                f, at_once = batch, batch.at_once
            else:
                f = one_by_one(again)
        found = gradients_by_all(f, chosen, step=step, at_once=at_once)
    return dict(zip(names, found, strict=True))
