"""Gradient checking: compare what a backward pass says with what the function does.

All parameters are flattened into one θ, all derivatives into dθ, and every component is moved a little:

    approx_i = (J(θ + ε e_i) − J(θ − ε e_i)) / 2ε        difference = ‖approx − dθ‖ / (‖approx‖ + ‖dθ‖)

About 1e-7 is great, above 1e-3 there is a bug. So the lecture, and `step=1e-7` does exactly that. By default more is
asked for. The step is found for each component, each numerical value has an error bar, and every parameter is judged
by its own worst component, so that a small gradient is not hidden by a large one (see `compare`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.core.recording import NEEDED, recording
from tinygrad_edu.custom import CustomFunction
from tinygrad_edu.errors import NotDifferentiableError
from tinygrad_edu.state import state_restored
from tinygrad_edu.verify.blame import guilty, planted
from tinygrad_edu.verify.chance import generator
from tinygrad_edu.verify.compare import Weights, compare
from tinygrad_edu.verify.examination import judge_few, rows_at_hazards
from tinygrad_edu.verify.explanation import explained
from tinygrad_edu.verify.leaves import leaves_of, leaves_of_graph, output_of
from tinygrad_edu.verify.pair import pair_of
from tinygrad_edu.verify.replay import replay
from tinygrad_edu.verify.report import Report, Row
from tinygrad_edu.verify.zeros import names_of, settled


def check(
    target: Callable[..., Any] | Node, *inputs: Any, parameters: Any = None,
    gradients: Mapping[str, Any] | None = None, step: float | None = None, directions: int | None = None,
    hazards: bool = False, allow_zero: str | Iterable[str] = (), rng: np.random.Generator | None = None,
) -> Report:  # fmt: skip
    """Check the gradients of a function, a module, a loss or a whole graph against numerical ones.

    Nothing is left changed: parameters, inputs, buffers and `.grad` are afterwards what they were.

    A function of symmetric matrices, such as np.linalg.eigvalsh, reads one triangle of them, and its gradient is shared
    between both. Make one of all matrices of it: tg.check(lambda x: f((x + x.T) / 2), x).

    Args:
        target: a function of nodes, or a module. It returns a node; of any other shape than () it is reduced to one
            number by random weights, since a plain sum would hide some errors. Or the node at the end of a graph,
            which is checked by all of its leaves that require a gradient.
        inputs: what to call it with. Floats, arrays and lists of floats, and tensors that require a gradient are
            checked, too; integers, and tensors that require none, are passed on, and lists to a module of Scalars.
        parameters: further leaves to check: a module, a leaf, {name: leaf}, or a list of modules and leaves. Of a
            module as the target, its own parameters are taken.
        gradients: {name: array} to check instead of those of the engine: a backward pass written by hand. Parameters
            without an entry are left out.
        step: a fixed ε for plain central differences, as in the lecture; by default it is found.
        directions: how many random directions to check instead of every component, ≥ 1: the same mistakes are seen in
            a time that does not grow with the number of components, but not where they are.
        hazards: check the inputs at many more points, made of them, where wrong rules give themselves away: ties,
            zeros, large and equal values, … (see `verify.hazards`); and that the backward pass is linear in its
            cotangent, changes nothing in place and keeps nothing from call to call.
        allow_zero: names of parameters whose derivative may be 0, such as a bias in front of a normalization: they are
            verified by that, and not vacuous.
        rng: of the random weights and points; by default always the same ones.

    Returns:
        A report; true only if every parameter is verified.

    Raises:
        NotDifferentiableError: there is nothing to check, or the target returned something other than a node.
        ValueError: the function is not deterministic, its value is not finite, or two leaves have one name.
        KeyError: a gradient for a parameter that there is not, or such a name in allow_zero.
        TypeError: no function, no parameters, no {name: array} or no generator, where they are expected.
        StaleValueError: a leaf of the graph was assigned after it had been used.

    Warns:
        CostWarning: the check will take more than a minute.
    """
    started = time.perf_counter()
    _refuse_options(target, gradients, step, directions, hazards)
    rng = generator(rng, "check")
    weights = Weights(rng)
    if isinstance(target, Node):
        if inputs or hazards:
            raise ValueError(
                "check: a node was computed already: inputs or hazards need the function that computes it"
            )
        leaves = leaves_of_graph(target, parameters)
        target, arguments = replay(target, list(leaves.values())), list(leaves.values())
    else:
        arguments, leaves = leaves_of(target, inputs, parameters)
    if not leaves:
        raise NotDifferentiableError(
            "check: there is nothing to check: pass inputs of floats, a module, or parameters=…"
        )
    allowed = names_of(allow_zero, leaves)
    rows: list[Row] = []
    if hazards:
        pair, point = pair_of(target, arguments, leaves)
        rows = rows_at_hazards(pair, point, rng) if point else []  # of a loss of no inputs there is none
        if pair.record and any(row.verdict == "wrong" for row in rows):
            rows = _told(rows, guilty(pair.record(point)[0]))
        leaves = {name: leaf for name, leaf in leaves.items() if name not in pair.names}
    if not leaves:
        return Report(rows, step, seconds=time.perf_counter() - started)

    def objective() -> Any:
        with state_restored():  # running statistics must not walk away while the function is probed
            return weights(output_of(target, arguments))

    def recorded() -> Any:
        with recording(NEEDED):
            return objective()

    more, lecture = compare(objective, leaves, gradients=gradients, step=step, directions=directions, rng=rng)
    if directions is None and any(row.verdict == "wrong" for row in more):
        if gradients is not None:
            given = {name: np.asarray(value_of(g)) for name, g in gradients.items()}
            blamed = planted(recorded(), leaves, given) if any(map(_is_open, more)) else ""
            more = [replace(row, note=blamed) if blamed and _is_open(row) else row for row in more]
        elif isinstance(target, CustomFunction):  # the functions themselves can be asked for the cause
            pair, point = pair_of(target, arguments, leaves)
            causes = explained(pair, point, more, judge_few, point)
            more = [cause if _is_open(row) else row for row, cause in zip(more, causes, strict=True)]
        else:
            more = _told(more, guilty(recorded()))
    if any(row.verdict == "vacuous" for row in more):
        output = recorded()
        more = [settled(row, allowed, output, leaves[row.name]) for row in more]
    nodes = {row.name: leaves[row.name] for row in more}
    return Report([*rows, *more], step, lecture, nodes, time.perf_counter() - started)


def _is_open(row: Row) -> bool:
    """Whether a row is wrong, and its numbers do not say why."""
    return row.verdict == "wrong" and row.note.endswith(" differ")


def _told(rows: list[Row], blamed: str) -> list[Row]:
    """The rows, of which the wrong ones say which operation is to blame; what their own numbers say remains."""
    return [
        replace(row, note=blamed if _is_open(row) else f"{row.note}; {blamed}")
        if blamed and row.verdict == "wrong" else row
        for row in rows
    ]  # fmt: skip


def _refuse_options(target: Any, gradients: Any, step: Any, directions: Any, hazards: bool) -> None:
    """Refuse what no check can be made of, and options that do not go together."""
    if not isinstance(target, Node) and not callable(target):
        raise TypeError(
            f"check: a function, a module or a computed node was expected, {type(target).__name__} came"
        )
    if step is not None and not (isinstance(step, Real) and 0 < float(step) < np.inf):
        raise ValueError(
            f"check: a positive step was expected, {step!r} came: 1e-7 is the lecture's, None finds one"
        )
    if directions is not None and (
        not isinstance(directions, Integral) or directions is True or directions < 1
    ):
        raise ValueError(f"check: a number of directions, 1 or more, was expected, {directions!r} came")
    if directions is not None and (step is not None or hazards):
        raise ValueError("check: directions go neither with a fixed step nor with hazards: leave one out")
    if hazards and (gradients is not None or step is not None):
        raise ValueError(
            "check: hazards move the inputs, so gradients of one point, or a fixed step, do not go with them: "
            "make a function of your backward pass, tg.custom_vjp(f, vjp), or leave hazards out"
        )
