"""What a gradient check found: a verdict for every parameter, its worst component, and the lecture's difference.

A report is true only if every parameter is verified. Where all of the derivative is 0, nothing was shown: *vacuous*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinygrad_edu.errors import GradientMismatch
from tinygrad_edu.types import Array
from tinygrad_edu.verify.diagnosis import diagnose
from tinygrad_edu.verify.lecture import STEP, Lecture, band, difference_of
from tinygrad_edu.verify.noise import norm
from tinygrad_edu.verify.steps import Gradient
from tinygrad_edu.verify.symmetry import ADVICE, right_for_symmetric_changes

if TYPE_CHECKING:
    from tinygrad_edu.reporting import Picture

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
        norms: ‖numeric − backward‖, ‖numeric‖, ‖backward‖, of which a whole report's difference is made.
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
    norms: tuple[float, float, float]

    @property
    def remarks(self) -> list[str]:
        """The sentences that stand below the row: the note, and what the verdict leaves out."""
        said = [self.note] if self.note else []
        if self.undecided and (self.verdict == "verified" or (self.verdict == "inconclusive" and not said)):
            few = "0, or so small that the error bar leaves few digits"
            said.append(f"{_counted(self.undecided, math.prod(self.shape))} {few}")
        return said


def judge(
    name: str, backward: Array, numeric: Gradient, rounding: float = 0.0, theta: Array | None = None, *,
    of: str = "components",
) -> Row:  # fmt: skip
    """Compare a gradient with its numerical values, component by component.

    Args:
        name: of the parameter.
        backward: the gradient that is to be judged; its dtype says how precise it can be.
        numeric: the numerical one; components with an infinite error are unknown.
        rounding: how much of `backward` may be rounding, in absolute terms.
        theta: the values of the parameter, which may tell something of the cause.
        of: what the numbers are, in words.
    """
    a, (n, error, jump) = np.asarray(backward, dtype=float), numeric
    eps = float(np.finfo(backward.dtype).eps) if backward.dtype.kind == "f" else float(np.finfo(float).eps)
    known = np.isfinite(error) & np.isfinite(n)
    of_numeric = norm(n[known])
    size = of_numeric / max(int(known.sum()), 1) ** 0.5
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        distance = np.abs(a - n)
    slack = rounding + math.sqrt(eps) / 16 * np.abs(n)
    if eps > 1e-8:  # a float32 sum has errors of the size of its largest terms
        slack = slack + 16 * eps * size
    tolerance = 4 * error + slack + jump * (1 + 1e-5)  # at a kink, any slope between the two sides will do
    wrong = (known & ~(distance <= tolerance)) | np.isnan(a)
    mirrored = bool(wrong.any()) and right_for_symmetric_changes(a, numeric, slack)
    wrong &= not mirrored
    kinks = known & ~wrong & (jump > 0)
    undecided = ~wrong & ~kinks & ~(error <= eps**0.25 * np.abs(n))
    # Of a component that is 0 no numerical value can have digits. It may stay undecided if its error bar shows that
    # it is next to nothing beside the others.
    blind = undecided & ~(error <= 1e-6 * size)
    zero = (np.abs(n) <= 4 * error + rounding) & (np.abs(a) <= 4 * error + rounding)
    verdict: Verdict
    if wrong.any():
        verdict = "wrong"
    elif known.all() and zero.all() and not kinks.any():  # also of nothing at all
        verdict = "vacuous"
    elif blind.any() or mirrored:
        verdict = "inconclusive"
    else:
        verdict = "not differentiable here" if kinks.any() else "verified"
    with np.errstate(all="ignore"):
        badness = distance / np.where(tolerance > 0, tolerance, np.finfo(float).tiny)
    badness = np.where(np.isnan(badness), np.inf, badness)
    if wrong.any():  # the worst of those, and not one that could not be decided
        badness = np.where(wrong, badness, -1.0)
    at = tuple(map(int, np.unravel_index(int(np.argmax(badness)), a.shape))) if a.size else ()
    there = [float(x[at]) + 0.0 if a.size else 0.0 for x in (a, n, error)]  # −0 + 0 is 0
    norms = (norm((n - a)[known]), of_numeric, norm(a[known]))
    return Row(
        name, a.shape, verdict, difference_of(*norms), at, there[0], there[1], there[2],
        int(wrong.sum()), int(undecided.sum()),
        ADVICE if mirrored else _notice(verdict, a, numeric, wrong, kinks, theta, of), norms,
    )  # fmt: skip


def _notice(
    verdict: Verdict, a: Array, numeric: Gradient, wrong: Array, kinks: Array, theta: Array | None,
    of: str,
) -> str:  # fmt: skip
    n, error, jump = numeric
    if not a.size:
        return "it has no elements, so there was nothing to check"
    if verdict == "vacuous":
        return "no component can be told from 0 here, so nothing was shown: check at other values, or with another loss"
    if verdict == "not differentiable here":
        k = int(np.argmax(kinks))
        slopes = n.flat[k] + jump.flat[k] * np.array([-1, 1])
        low, high = np.where(np.abs(slopes) > 4 * error.flat[k], slopes, 0)
        at = f" at {[*map(int, np.unravel_index(k, a.shape))]}" if a.ndim else ""
        return (
            f"{_counted(kinks.sum(), a.size)} on a kink, where the slopes of the two sides differ,{at} {low:.6g} and "
            f"{high:.6g}; the backward pass gives {a.flat[k] + 0.0:.6g}, as right as any value between them"
        )
    if verdict == "inconclusive" and not np.isfinite(error).all():
        which = _counted(np.sum(~np.isfinite(error)), a.size)
        return f"{which} without a numerical value: the function ends there, or turns too fast"
    if verdict != "wrong":
        return ""
    return diagnose(a, n, error, theta) or f"{int(wrong.sum())} of {a.size} {of} differ"


def _counted(some: int, size: int) -> str:
    """How many components: "2 of 5 components are"."""
    return f"{some} of {size} component{'s' * (size != 1)} {'is' if some == 1 else 'are'}"


class Report:
    """The rows of a gradient check; true only if all of them are verified."""

    def __init__(
        self, rows: Sequence[Row], step: float | None, lecture: Lecture | None = None,
        nodes: Mapping[str, Any] | None = None, seconds: float = 0.0,
    ) -> None:  # fmt: skip
        self.rows, self.step, self.lecture, self.seconds = tuple(rows), step, lecture, seconds
        self.nodes = dict(nodes or {})

    @property
    def difference(self) -> float:
        """‖approx − dθ‖ / (‖approx‖ + ‖dθ‖) over all parameters, in [0, 1]."""
        norms = np.array([row.norms for row in self.rows]).reshape(-1, 3).T
        return difference_of(*map(norm, norms))

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
        __tracebackhide__ = True  # pytest is to show the line of the test
        if not self:
            raise GradientMismatch(f"gradient check: {self.verdict}\n{self}")

    @property
    def band(self) -> str:
        """What the lecture says of such a difference."""
        return band(self.difference)

    @property
    def note(self) -> str:
        """A sentence where the lecture's line, at its own ε, would misjudge, and why; or ""."""
        return self.lecture.note(self.verdict, self.difference) if self.lecture else ""

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON; what is not finite, which JSON cannot say, is None."""
        rows = [
            {field.name: _plain(getattr(row, field.name)) for field in fields(Row) if field.name != "norms"}
            for row in self.rows
        ]
        return {
            "verdict": self.verdict, "difference": _plain(self.difference), "band": self.band, "step": self.step,
            "lecture": {"step": STEP, "difference": _plain(self.lecture.difference)} if self.lecture else None,
            "note": self.note, "parameters": rows,
        }  # fmt: skip

    def __str__(self) -> str:
        from tinygrad_edu.verify.text import text

        return text(self)

    __repr__ = __str__

    def __rich__(self) -> Any:
        """The report for `rich.print`, as a table."""
        from tinygrad_edu.reporting import Printed, gradient_check

        return Printed(gradient_check(self))

    def save(
        self, path: str | PathLike[str], *, graph: Picture | None = None, title: str | None = None
    ) -> Path:  # fmt: skip
        """Write the report; the suffix decides the format: .txt, .json, .xml (JUnit) or .html.

        Args:
            path: of the file.
            graph: whatever has a method `svg()`, such as `tg.draw(loss)`; the page shows it.
            title: the headline of the page, and the name of the test suite.

        Raises:
            ValueError: another suffix, or a picture that is no SVG.
            OSError: the file cannot be written; it is then what it was.
        """
        from tinygrad_edu.reporting import gradient_check, save

        return save(gradient_check(self, graph=graph, title=title), path)


def _plain(x: Any) -> Any:
    x = list(x) if isinstance(x, tuple) else x
    return None if isinstance(x, float) and not math.isfinite(x) else x
