"""How accurate the witnesses are: numerical derivatives, exact ones, and the curves of errors against ε.

    python -m benchmarks.accuracy --seeds 3

Over all cases of all primitives, component by component, relative to an exact derivative: the complex step of the
forward, which knows no rule. Prints what was aimed at, what was measured, and whether it was met.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

import tinygrad_edu as tg
from tinygrad_edu.suite.exact import exact
from tinygrad_edu.suite.witnesses import Trial
from tinygrad_edu.types import Array
from tinygrad_edu.verify.curves import Curve, error_curve
from tinygrad_edu.verify.theta import gradient

# The curves: functions of one number whose value and first derivatives are of one size.
CURVES: dict[str, tuple[Callable[[Any], Any], float]] = {
    "exp": (tg.exp, 1.0), "sin": (tg.sin, 1.0), "tanh": (tg.tanh, 0.7), "log": (tg.log, 1.7), "sqrt": (tg.sqrt, 1.3),
    "θ³": (lambda x: x * x * x, 1.0), "sigmoid": (tg.sigmoid, 0.5), "arctan": (tg.arctan, 0.9),
}  # fmt: skip


class Numeric(NamedTuple):
    """A numerical derivative beside the exact one."""

    error: float  # relative
    bar: float  # likewise
    held: bool  # whether the error is within the bar, and no kink was seen


class Line(NamedTuple):
    """A line of the table."""

    goal: str
    wanted: str
    measured: str
    met: bool


def trials(seed: int) -> Iterator[tuple[str, Trial]]:
    """Every case of every primitive that has a derivative, with its name."""
    for name, op in tg.registry.items():
        for number, each in enumerate(op.cases if op.rules else ()):
            yield name, Trial(op, each, np.random.default_rng([seed, number]))


def relative(found: Array, true: Array) -> list[float]:
    """The relative deviation of each component; of a 0 that was found, 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(found == true, 0.0, np.abs(found - true) / np.abs(true))
    deviations: list[float] = apart.ravel().tolist()
    return deviations


def exact_deviations(seed: int) -> dict[str, list[float]]:
    """{primitive: how far each component of the backward pass is from the complex step, relative}."""
    found: dict[str, list[float]] = {}
    for name, trial in trials(seed):
        for g, true in zip(trial.vjp(), exact(trial).gradients, strict=True):
            found.setdefault(name, []).extend(relative(g, true))
    return found


def forward_deviations(seed: int) -> dict[str, list[float]]:
    """{primitive: how far ⟨w, J t⟩ by forward mode is from ⟨Jᵀ w, t⟩ by reverse, relative to the size of the terms}."""
    found: dict[str, list[float]] = {}
    for name, trial in trials(seed):
        forward = trial.w * trial.jvp()
        backward = np.concatenate([(g * t).ravel() for g, t in zip(trial.vjp(), trial.t, strict=True)])
        size = float(np.abs(forward).sum())
        apart = abs(float(forward.sum() - backward.sum()))
        found.setdefault(name, []).append(apart / size if size else apart)
    return found


def numerical_errors(seed: int) -> dict[str, list[Numeric]]:
    """{primitive: how far each numerical derivative is from the exact one, and whether its error bar holds}."""
    found: dict[str, list[Numeric]] = {}
    for name, trial in trials(seed):
        inputs = trial.inputs(trial.xs)
        for i, true in enumerate(exact(trial).gradients):

            def f(x: Array, i: int = i, trial: Trial = trial, inputs: list[Array] = inputs) -> float:
                return float(np.sum(trial.w * trial.value(*inputs[:i], x, *inputs[i + 1 :])))

            value, error, jump = gradient(f, inputs[i])
            held = (np.abs(value - true) <= error) & (jump == 0)
            columns = (relative(value, true), relative(true + error, true), held.ravel().tolist())
            found.setdefault(name, []).extend(map(Numeric, *columns))
    return found


def curves() -> dict[tuple[str, str], Curve]:
    """{(function, dtype): its error curve}."""
    return {
        (name, np.dtype(dtype).name): error_curve(f, x, dtype=dtype, name=name)
        for name, (f, x) in CURVES.items()
        for dtype in (np.float64, np.float32)
    }


# ---- the goals ----


def exact_lines(seeds: int, console: Console) -> list[Line]:
    """The backward pass beside exact derivatives."""
    lines = []
    for what, measure in (("complex step", exact_deviations), ("forward mode", forward_deviations)):
        values = [
            value
            for seed in track(
                range(seeds), what, console=console, transient=True, disable=not console.is_terminal
            )
            for deviations in measure(seed).values()
            for value in deviations
        ]
        median, largest = float(np.median(values)), max(values)
        said = f"{median:.1e} (largest {largest:.1e})"
        lines.append(Line(f"backward and {what}", "median ≤ 1e-14", said, median <= 1e-14))
    return lines


def numerical_lines(seeds: int, console: Console) -> list[Line]:
    """Numerical derivatives and their error bars."""
    found = [
        each
        for seed in track(
            range(seeds),
            "numerical derivatives",
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        for errors in numerical_errors(seed).values()
        for each in errors
    ]
    median, bar = (float(np.median(column)) for column in list(zip(*found, strict=True))[:2])
    held = sum(each.held for each in found) / len(found)
    return [
        Line("numerical derivatives", "median ≤ 1e-11", f"{median:.1e} (of {len(found):,})", median <= 1e-11),
        Line("their error bars", "right in ≥ 99 %", f"{held:.2%} (median bar {bar:.0e})", held >= 0.99),
    ]


def curve_lines() -> list[Line]:
    """Slopes and bottoms of the curves of all functions."""
    found = curves()
    lines = []
    for dtype in ("float64", "float32"):
        for method, order, power in (("one-sided", 1, 1 / 2), ("central", 2, 1 / 3)):
            measured = [curve.methods[method] for (_, d), curve in found.items() if d == dtype]
            right = [m.truncation or math.nan for m in measured]
            left = [m.rounding or math.nan for m in measured]
            ratios = [m.step / (m.theory.step or math.nan) for m in measured]
            epsilon = float(np.finfo(dtype).eps)
            plain = found["exp", dtype].methods[method].step / epsilon**power
            slopes_met = max(abs(p - order) for p in right) <= 0.1 and max(abs(p + 1) for p in left) <= 0.15
            what, root = f"{dtype}, {method}", f"ε^{'½' if order == 1 else '⅓'}"
            lines += [
                Line(f"{what}: slopes", f"+{order} and −1", f"{_range(right)}, {_range(left)}", slopes_met),
                Line(f"{what}: best ε", "theory, within 2×", f"{_range(ratios)} ×", _within_2(ratios)),
                Line(f"{what}: of exp", f"{root}, within 2×", f"{plain:.2f} ×", _within_2([plain])),
            ]
    return lines


def _within_2(ratios: list[float]) -> bool:
    return all(0.5 <= ratio <= 2 for ratio in ratios)


def _range(values: list[float]) -> str:
    return f"{min(values):.2f}…{max(values):.2f}".replace("-", "−")


def main() -> int:
    """Measure, print a table, and return 1 if something was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="how often, at other points (default: 1)"
    )
    seeds = parser.parse_args().seeds
    console = Console(soft_wrap=True)
    lines = [*exact_lines(seeds, console), *numerical_lines(seeds, console), *curve_lines()]
    table = Table("", "wanted", "measured", "", box=None, pad_edge=False)
    for line in lines:
        table.add_row(line.goal, line.wanted, line.measured, "met" if line.met else "missed")
    console.print(table)
    sources = Counter(exact(trial).source for _, trial in trials(0))
    console.print(
        "exact derivatives by " + ", ".join(f"{source}: {n} cases" for source, n in sources.items())
    )
    return int(not all(line.met for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
