"""What a gradient check found: a verdict for every parameter, its worst component, and the lecture's difference.

A report is true only if every parameter is verified. Parameters whose derivative is 0 everywhere are *vacuous*:
they cannot be wrong there, but nothing has been shown either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tinygrad_edu.errors import GradientMismatch
from tinygrad_edu.types import Array
from tinygrad_edu.verify.numerical import Gradient

Verdict = Literal["verified", "wrong", "inconclusive", "not differentiable here", "vacuous"]


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter.

    Attributes:
        name: its name.
        shape: its shape.
        verdict: one of five words.
        difference: the lecture's formula for this parameter alone, in [0, 1].
        worst: the index of the component that is furthest outside of its tolerance.
        backward: what the backward pass says there.
        numeric: the numerical derivative there.
        error: the error bar of that.
        wrong: how many components are wrong.
        undecided: how many components are too small for the error bar.
        note: what was noticed, in words, or "".
        squares: ‖numeric − backward‖², ‖numeric‖², ‖backward‖², of which a whole report's difference is made.
    """

    name: str
    shape: tuple[int, ...]
    verdict: Verdict
    difference: float
    worst: tuple[int, ...]
    backward: float
    numeric: float
    error: float
    wrong: int
    undecided: int
    note: str
    squares: tuple[float, float, float]


def judge(name: str, backward: Array, numeric: Gradient) -> Row:
    """Compare a gradient with its numerical values, component by component."""
    a, (n, error, jump) = np.asarray(backward, dtype=float), numeric
    eps = np.finfo(backward.dtype).eps
    distance = np.abs(a - n)
    # What rounding in the backward pass may add. A float32 sum also has errors of the size of its largest terms.
    rounding = np.sqrt(eps) / 16 * np.abs(n)
    if eps > 1e-8 and n.size:
        rounding = rounding + 16 * eps * np.sqrt(np.mean(np.square(n)))
    tolerance = 4 * error + rounding + jump * (1 + 1e-5)  # at a kink, any slope between the two sides will do
    wrong = ~(distance <= tolerance)  # a NaN is wrong
    kinks = ~wrong & (jump > 0)
    undecided = ~wrong & ~kinks & (error > eps**0.25 * np.abs(n))
    # Of a component that is 0 no numerical value can have digits. It may stay undecided if its error bar shows that it
    # is next to nothing beside the others.
    size = np.sqrt(np.mean(np.square(n))) if n.size else 0.0
    blind = undecided & (error > 1e-6 * size)
    with np.errstate(all="ignore"):
        badness = np.where(
            np.isnan(distance), np.inf, distance / np.where(tolerance > 0, tolerance, np.finfo(float).tiny)
        )
    worst = np.unravel_index(int(np.argmax(badness)), a.shape) if a.size else ()
    squares = (_square(n - a), _square(n), _square(a))
    verdict: Verdict = (
        "wrong" if wrong.any()
        else "vacuous" if not kinks.any() and np.all(np.maximum(np.abs(n), np.abs(a)) <= 4 * error)
        else "inconclusive" if blind.any()
        else "not differentiable here" if kinks.any()
        else "verified"
    )  # fmt: skip
    at = tuple(map(int, worst))
    backward_there, numeric_there, error_there = (float(v[at]) if a.size else 0.0 for v in (a, n, error))
    return Row(
        name, a.shape, verdict, _difference(squares), at, backward_there, numeric_there, error_there,
        int(wrong.sum()), int(undecided.sum()), _notice(verdict, a, numeric, kinks), squares,
    )  # fmt: skip


def _square(x: Array) -> float:
    return float(np.sum(np.square(x)))


def _difference(squares: Sequence[float]) -> float:
    apart, n, a = np.sqrt(squares)
    return float(apart / (n + a)) if n + a > 0 else float(apart)


def _notice(verdict: Verdict, a: Array, numeric: Gradient, kinks: Array) -> str:
    n, error, _ = numeric
    if verdict == "vacuous":
        return "the derivative is 0 everywhere: nothing could be seen to be wrong"
    if kinks.any():
        on = f"{int(kinks.sum())} of {a.size} components are on a kink"
        return f"{on}; there the backward pass gives a slope between those of both sides"
    if verdict != "wrong":
        return ""
    if not np.all(np.isfinite(a)):
        return "the backward pass gives a number that is not finite"
    if not a.any():
        return "the backward pass gives 0 everywhere"
    clear = np.abs(n) > 1e3 * error  # only where the numerical value has enough digits for a ratio
    if not clear.any():
        return ""
    ratio = a[clear] / n[clear]
    spread = float(np.ptp(ratio) / np.abs(ratio).max()) if np.abs(ratio).max() else 0.0
    typical = float(np.median(ratio))
    tail = np.all(np.abs(a - typical * n) <= 4 * error * (1 + abs(typical)) + 1e-6 * np.abs(typical * n))
    if spread < 1e-5 and tail and clear.sum() > 1:
        return f"every entry is {typical:.6f} × the numeric value (spread {spread:.0e})"
    share = int(np.sum(np.abs(a - n) > 4 * error + 1e-6 * np.abs(n)))
    return f"{share} of {a.size} components differ"


class Report:
    """The rows of a gradient check; true only if all of them are verified."""

    def __init__(self, rows: Sequence[Row], step: float | None) -> None:
        self.rows, self.step = tuple(rows), step

    @property
    def difference(self) -> float:
        """‖approx − dθ‖ / (‖approx‖ + ‖dθ‖) over all parameters, in [0, 1]."""
        return _difference(np.sum([row.squares for row in self.rows], axis=0))

    @property
    def verdict(self) -> Verdict:
        """The gravest of the rows' verdicts."""
        found = {row.verdict for row in self.rows}
        order: tuple[Verdict, ...] = ("wrong", "inconclusive", "not differentiable here", "vacuous")
        return next((verdict for verdict in order if verdict in found), "verified")

    def __bool__(self) -> bool:
        return self.verdict == "verified"

    def raise_if_failed(self) -> None:
        """Raise GradientMismatch, with the whole report, unless everything is verified."""
        if not self:
            raise GradientMismatch(f"gradient check: {self.verdict}\n{self}")

    @property
    def band(self) -> str:
        """What the lecture says of such a difference."""
        d = self.difference
        return (
            "great"
            if d <= 1e-7
            else "fine, have a look"
            if d <= 1e-5
            else "be wary"
            if d <= 1e-3
            else "a bug"
        )

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        rows = [
            {"name": row.name, "shape": list(row.shape), "verdict": row.verdict, "difference": row.difference,
             "worst": list(row.worst), "backward": row.backward, "numeric": row.numeric, "error": row.error,
             "wrong": row.wrong, "undecided": row.undecided, "note": row.note}
            for row in self.rows
        ]  # fmt: skip
        return {
            "verdict": self.verdict,
            "difference": self.difference,
            "band": self.band,
            "step": self.step,
            "parameters": rows,
        }

    def __str__(self) -> str:
        right = sum(row.verdict == "verified" for row in self.rows)
        lines = [
            f"{self.verdict.upper()}   {right} of {len(self.rows)} parameters verified   "
            f"global difference {self.difference:.2e} ({self.band})"
            + (f", with the fixed step {self.step:g}" if self.step is not None else "")
        ]
        width = max([len(row.name) for row in self.rows] + [9])
        shapes = max([len(str(row.shape)) for row in self.rows] + [5])
        lines.append(
            f"  {'parameter':{width}}  {'shape':{shapes}}  difference  worst component: backward, numeric ± error"
        )
        for row in self.rows:
            index = f"[{', '.join(map(str, row.worst))}]" if row.worst else ""
            lines.append(
                f"  {row.name:{width}}  {row.shape!s:{shapes}}  {row.difference:8.1e}    "
                f"{row.name}{index}: {row.backward:.9g}, {row.numeric:.9g} ± {row.error:.0e}   {row.verdict}"
            )
            if row.note:
                lines.append(f"  {'':{width}}  {row.note}")
            if row.undecided and row.verdict in ("verified", "inconclusive"):
                of = f"{row.undecided} of {int(np.prod(row.shape))} components"
                lines.append(f"  {'':{width}}  {of} are too close to 0 for digits of their own")
        return "\n".join(lines)

    __repr__ = __str__
