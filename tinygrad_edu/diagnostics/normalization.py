"""Normalizing inputs: the cost before and after x := (x − μ) / σ, and why gradient descent then goes faster.

The Hessian of a linear model's cost is xᵀx / n, the second moments of its inputs. Features of different size or far
from 0 give it eigenvalues of different size: the contours are elongated, the largest stable step 2 / λmax is set by
the steepest direction, and the flattest one needs about κ = λmax / λmin steps. Afterwards xᵀx / n holds the
correlations alone, and of whitened inputs it is the identity: κ = 1, and one step arrives. All of it is predicted,
and then run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tinygrad_edu.data import Standardizer
from tinygrad_edu.diagnostics.chart import Mark, Panel
from tinygrad_edu.diagnostics.contours import contour
from tinygrad_edu.diagnostics.descent import Bowl, bowl, descend, linear_cost, logistic_cost, value
from tinygrad_edu.diagnostics.finding import Claim, Finding, columns, short
from tinygrad_edu.diagnostics.whitening import whiten
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Array

Model = Literal["linear", "logistic"]
PARTS = (0.99, 1.01)  # of the largest step: just stable, and just not
GRID = 128  # points along each side of a cost surface
LEVELS = 2.0 ** np.arange(
    -8, 4
)  # of J − J*, as parts of what it is at the start: each contour is twice the one within


@dataclass(frozen=True)
class Descent:
    """Gradient descent from 0 with η = 1 / λmax on inputs that were scaled in one way.

    Attributes:
        name: how they were scaled.
        bowl: the cost around its minimum.
        path: the points that were visited, (k + 1, d).
        excess: J − J* at each, (k + 1,).
        predicted: how many steps the tolerance takes, by the quadratic closed form.
        steps: how many it took, or None if there was no end to it.
        growth: {part of the largest step: (predicted, measured) growth of the distance in one step}.
    """

    name: str
    bowl: Bowl
    path: Array
    excess: Array
    predicted: int
    steps: int | None
    growth: dict[float, tuple[float, float]]


@dataclass(frozen=True)
class Normalization(Finding):
    """One cost with its inputs as they are, standardized and whitened.

    Attributes:
        of: the data.
        model: linear or logistic.
        tolerance: of J − J*, as a part of what it is at the start.
        most: steps at most.
        descents: one for each scaling, the first of the inputs as they are.
    """

    schema: ClassVar[str] = "normalization"
    of: str
    model: Model
    tolerance: float
    most: int
    descents: list[Descent]

    @property
    def title(self) -> str:
        """The model and its data."""
        return f"Normalizing inputs: {self.model} regression on {self.of}"

    @property
    def claims(self) -> list[Claim]:
        """The largest step is 2 / λmax; a quadratic takes the predicted steps; normalized inputs need fewer."""
        below, above = ([d.growth[part] for d in self.descents] for part in PARTS)
        off = max(abs(predicted - measured) for predicted, measured in below + above)
        found = [
            Claim(
                "the largest stable step is 2/λmax: 1 % below it descent converges, 1 % above it diverges",
                all(m < 1 for _, m in below) and all(m > 1 for _, m in above) and off < 1e-3,
                f"the distance is multiplied by {_span(below)}, and by {_span(above)}; predicted "
                f"{below[0][0]:.2f} and {above[0][0]:.2f}",
            )
        ]
        raw, standard, *white = self.descents
        if self.model == "linear":
            counted = [d for d in self.descents if d.predicted <= self.most]
            said = "descent takes the steps that the eigenvalues say"
            figures = ", ".join(f"{d.name} {_steps(d, self.most)} of {d.predicted}" for d in counted)
            found += [Claim(said, all(d.steps == d.predicted for d in counted), figures)] if counted else []
            found += [
                Claim(f"{d.name}: κ = 1 and one step arrives", d.bowl.condition < 1 + 1e-6 and d.steps == 1,
                      f"κ − 1 = {d.bowl.condition - 1:.1e}, {_steps(d, self.most)}")
                for d in white
            ]  # fmt: skip
        if standard.steps is None and raw.steps is None:
            return found  # neither has arrived: see the line below the table
        found.append(
            Claim(
                "on standardized inputs descent needs fewer steps than on the inputs as they are",
                (standard.steps or self.most + 1) < (raw.steps or self.most + 1),
                f"{_steps(standard, self.most)} instead of {_steps(raw, self.most)}, "
                f"κ {short(standard.bowl.condition)} instead of {short(raw.bowl.condition)}",
            )
        )
        return found

    def content(self) -> dict[str, Any]:
        """Eigenvalues, steps and paths."""
        scalings = [
            {
                "scaling": d.name, "eigenvalues": d.bowl.eigenvalues, "condition": d.bowl.condition,
                "largest_step": d.bowl.largest_step, "minimum": d.bowl.minimum, "cost": d.bowl.value,
                "steps_predicted": d.predicted, "steps": d.steps, "excess": d.excess, "path": d.path,
                "growth": [{"part": p, "predicted": a, "measured": b} for p, (a, b) in d.growth.items()],
            }
            for d in self.descents
        ]  # fmt: skip
        return {"data": self.of, "model": self.model, "tolerance": self.tolerance, "scalings": scalings}

    def lines(self) -> list[str]:
        """One row for each scaling."""
        rows = [["inputs", "λmin", "λmax", "κ", "2/λmax", "×0.99", "×1.01", "steps", "predicted"]]
        for d in self.descents:
            b = d.bowl
            growth = [f"{d.growth[part][1]:.4f}" for part in PARTS]
            counted = _steps(d, self.most)
            rows.append([d.name, *map(short, (b.curved[0], b.curved[-1], b.condition, b.largest_step)), *growth,
                         counted, str(d.predicted)])  # fmt: skip
        notes = [] if self.model == "linear" else [
            "predicted: as if the cost were its bowl at the minimum everywhere; from afar it takes other steps.",
        ]  # fmt: skip
        if all(d.steps is None for d in self.descents[:2]):
            notes.append(
                f"undecided: whether standardized inputs need fewer steps; neither arrived within {self.most}."
            )
        return [
            *columns(rows), "",
            "×0.99, ×1.01: what a step of this part of 2/λmax multiplies the distance from the minimum by, as run.",
            f"steps: of η = 1/λmax from 0, until J − J* is {self.tolerance:g} of what it was.",
            *notes,
        ]  # fmt: skip

    def panels(self) -> list[Panel]:
        """The contours before and after, and the cost as it falls."""
        surfaces = [_surface(d) for d in self.descents[:2]]
        ground = self.tolerance / 10  # one step to the last digit would leave no room for the others
        marks = [
            Mark(d.name, np.arange(len(d.excess)), np.maximum(d.excess / d.excess[0], ground), colour)
            for colour, d in enumerate(self.descents)
        ]
        title = "The cost as it falls"
        falling = Panel(title, "step", "(J − J*) / its start", marks, log_y=True, note="η = 1/λmax each")
        return [*surfaces, falling]


def normalization(
    x: Array,
    y: Array,
    *,
    model: Model = "linear",
    of: str = "your data",
    tolerance: float = 1e-3,
    most: int = 1000,
) -> Normalization:
    """Descend on inputs as they are, standardized, and whitened in two ways.

    Args:
        x: (n, d) the inputs; a column of ones, if a bias is wanted, is to be among them.
        y: (n,) the targets; 0 or 1 for a logistic model.
        model: whose cost it is.
        of: the data, in a few words.
        tolerance: of J − J*, as a part of what it is at θ = 0.
        most: steps at most.

    Raises:
        ShapeError: x and y do not belong together.
        ValueError: another model, or a tolerance outside (0, 1).
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ShapeError(f"normalization: x (n, d) and y (n,) were expected, {x.shape} and {y.shape} came")
    if model not in ("linear", "logistic") or not 0 < tolerance < 1 or most < 1:
        raise ValueError(
            f"normalization: a linear or logistic model, a tolerance in (0, 1) and a step at least were expected, "
            f"{model!r}, {tolerance} and {most} came"
        )
    scaled = {
        "as they are": x, "standardized": Standardizer().fit_transform(x),
        "PCA-whitened": whiten(x, "pca").transform(x), "ZCA-whitened": whiten(x, "zca").transform(x),
    }  # fmt: skip
    found = []
    for name, z in scaled.items():
        cost = linear_cost(z, y) if model == "linear" else logistic_cost(z, y)
        around, start = bowl(cost, z.shape[1]), np.zeros(z.shape[1])
        step, first = 1 / float(around.eigenvalues[-1]), value(cost, start) - around.value
        predicted = around.predicted_steps(start, step, tolerance)
        path = descend(cost, start, step, most, until=around.value + tolerance * first)
        excess = np.array([value(cost, theta) - around.value for theta in path])
        steps = len(path) - 1 if excess[-1] <= tolerance * first * (1 + 1e-9) else None
        growth = {part: (around.predicted_growth(part), around.measured_growth(part)) for part in PARTS}
        found.append(Descent(name, around, path, excess, predicted, steps, growth))
    return Normalization(of, model, tolerance, most, found)


def _steps(descent: Descent, most: int) -> str:
    return f"> {most}" if descent.steps is None else str(descent.steps)


def _span(growths: list[tuple[float, float]]) -> str:
    low, high = min(m for _, m in growths), max(m for _, m in growths)
    return f"{low:.4f}" if f"{low:.4f}" == f"{high:.4f}" else f"{low:.4f} … {high:.4f}"


def _surface(descent: Descent) -> Panel:
    """Contours of the cost over the first two parameters, the others at the minimum, and the path on them."""
    around = descent.bowl
    centre, path = around.minimum[:2], descent.path[:, :2]
    reach = 1.35 * float(np.abs(path - centre).max())  # alike in both directions, so that a circle is one
    x, y = (c + np.linspace(-r, r, GRID) for c, r in zip(centre, (1.4 * reach, reach), strict=True))
    theta = around.minimum.copy()
    surface = np.empty((GRID, GRID))
    for i in range(GRID):
        for j in range(GRID):
            theta[:2] = x[j], y[i]
            surface[i, j] = value(around.cost, theta) - around.value
    marks = [Mark("", *contour(surface, x, y, level * descent.excess[0]), 7, "contour") for level in LEVELS]
    marks.append(Mark("", path[:, 0], path[:, 1], 1, "path"))
    steps = f"{len(path) - 1} step{'s' * (len(path) != 2)}"
    note = f"κ = {short(around.condition)}, 2/λmax = {short(around.largest_step)}, {steps}"
    return Panel(f"Inputs {descent.name}", "w₁", "w₂", marks, note=note)
