"""Every layer of a model in figures: what goes through it, what comes back, and how much a step would change it.

    activations      the mean square of the output, and its histogram
    gradients        the same of the gradient at the same place
    dead             numbers of a ReLU's output that are 0 for every sample of the batch: they get no gradient at all
    saturated        outputs of tanh or σ where the slope is below 1/20 of its largest
    update           rms(η ∂L/∂w) / rms(w), of a step of plain gradient descent; about 10⁻³ is usual (Karpathy 2015)
    n · Var w        what the weights of a layer multiply the mean square by (see `nn.init`)

The `verdict` is read off these figures alone, and says nothing where they do not (see `verdicts`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.diagnostics.chart import Mark, Panel
from tinygrad_edu.diagnostics.finding import WIDTH, Claim, Finding, columns, short
from tinygrad_edu.diagnostics.observing import Output, observe
from tinygrad_edu.diagnostics.statistics import histogram, mean_square, refuse_not_finite
from tinygrad_edu.diagnostics.verdicts import Verdict, judged
from tinygrad_edu.nn import functional
from tinygrad_edu.nn.init import fans
from tinygrad_edu.nn.init.assigning import role
from tinygrad_edu.render.look.style import bars
from tinygrad_edu.types import Array

FLAT = 1 / 20  # of the largest slope


@dataclass(frozen=True)
class Row:
    """One output.

    Attributes:
        name: its path.
        kind: layer, relu, tanh, sigmoid, or the class of another module.
        square: the mean of the squares of the activations.
        gradient: the mean of the squares of their gradients.
        histogram: counts of the activations in bins of ±3 rms; what is outside counts in the outermost.
        gradients: the same of the gradients.
        dead: the part of the units that are 0 for every sample; None if it is no ReLU.
        saturated: the part of the numbers on a flat piece; None if it is neither tanh nor σ.
    """

    name: str
    kind: str
    square: float
    gradient: float
    histogram: tuple[int, ...]
    gradients: tuple[int, ...]
    dead: float | None
    saturated: float | None


@dataclass(frozen=True)
class Weight:
    """One parameter.

    Attributes:
        name: its path.
        rms: the root of the mean of its squares.
        gradient: the same of its gradient.
        update: of a step, rms(η g) / rms(w); infinite for a parameter of zeros, NaN if both are 0.
        spread: n_in · mean w²; None if it is no weight of at least two axes.
    """

    name: str
    rms: float
    gradient: float
    update: float
    spread: float | None


@dataclass(frozen=True)
class Layers(Finding):
    """A model on one batch.

    Attributes:
        of: the model, in a few words.
        rows: its outputs, in the order of the graph.
        weights: its parameters.
        input_square: the mean square of what it was called with.
        loss: its value, or None if a random cotangent was sent back.
        rate: η.
    """

    schema: ClassVar[str] = "layers"
    of: str
    rows: list[Row]
    weights: list[Weight]
    input_square: float
    loss: float | None
    rate: float

    @property
    def title(self) -> str:
        """The model."""
        return f"The layers of {self.of}"

    @cached_property
    def verdict(self) -> Verdict:
        """In a word, with cause and remedy; if the figures do not decide, an empty word, and why they do not."""
        return judged(self)

    @property
    def claims(self) -> list[Claim]:
        """That signals get through; nothing where the figures do not decide."""
        verdict = self.verdict
        if not verdict.word:
            return []
        fine = verdict.word == "fine"
        return [Claim("signals and gradients get through", fine, verdict.cause if fine else str(verdict))]

    def content(self) -> dict[str, Any]:
        """Rows, parameters and the verdict."""
        rows = [{name: getattr(row, name) for name in Row.__dataclass_fields__} for row in self.rows]
        weights = [
            {name: getattr(weight, name) for name in Weight.__dataclass_fields__} for weight in self.weights
        ]
        verdict = {"word": self.verdict.word, "cause": self.verdict.cause, "remedy": self.verdict.remedy}
        return {"input_square": self.input_square, "loss": self.loss, "rate": self.rate, "verdict": verdict,
                "outputs": rows, "parameters": weights}  # fmt: skip

    def lines(self) -> list[str]:
        """Outputs, then parameters; and why nothing was decided, if nothing was."""
        rows = [["output", "kind", "E[x²]", "E[g²]", "dead", "saturated", "activations", "gradients"]]
        rows += [
            [r.name, r.kind, short(r.square), short(r.gradient), _percent(r.dead), _percent(r.saturated),
             bars(r.histogram), bars(r.gradients)]
            for r in self.rows
        ]  # fmt: skip
        table = [["parameter", "rms", "of its gradient", "update", "n · Var w"]]
        table += [
            [w.name, *map(short, (w.rms, w.gradient, w.update)), "" if w.spread is None else short(w.spread)]
            for w in self.weights
        ]
        loss = "a random cotangent was sent back" if self.loss is None else f"loss {short(self.loss)}"
        given = short(self.input_square) if math.isfinite(self.input_square) else "—"
        open_ = [] if self.verdict.word else ["", *wrap(f"undecided: {self.verdict.cause}", WIDTH)]
        return [f"inputs: E[x²] = {given};  {loss};  η = {self.rate:g}", "",
                *columns(rows, left=2), "", *columns(table), *open_]  # fmt: skip

    def panels(self) -> list[Panel]:
        """Mean squares on the way, and updates."""
        n = np.arange(1.0, len(self.rows) + 1)
        marks = []
        for colour, name in enumerate(("square", "gradient")):
            y = np.array([getattr(row, name) for row in self.rows])
            marks.append(Mark("E[x²]" if name == "square" else "E[g²]", n, y, colour))
            marks.append(Mark("", n, y, colour, "dots"))
        held = {i: row.name for i, row in enumerate(self.rows, 1) if row.kind == "layer"}
        names = _ticks({i: row.name for i, row in enumerate(self.rows, 1)}) or _ticks(held)
        sizes = Panel(
            "Activations and gradients", "output", "mean square", marks, True, "of every output", names
        )
        weights = [weight for weight in self.weights if weight.spread is not None]
        k, update = np.arange(1.0, len(weights) + 1), np.array([weight.update for weight in weights])
        steps = [Mark("", k, update, 2, "dots"), Mark("usual", k, np.full(len(k), 1e-3), 7, "dashed")]
        note, names = (
            f"rms(η g) / rms(w) of one step, η = {self.rate:g}",
            _ticks({i: each.name.removesuffix(".weight") for i, each in enumerate(weights, 1)}),
        )
        return [sizes, Panel("Updates of weights", "weight", "update / weight", steps, True, note, names)]


def layers(
    model: Any, *inputs: Any, labels: Any = None, loss: Callable[[Any], Any] | None = None, rate: float = 0.1,
    rng: np.random.Generator | None = None, of: str = "",
) -> Layers:  # fmt: skip
    """Look at every layer of a model on one batch; nothing of the model changes.

    Args:
        model: a module.
        inputs: what it is called with, a batch.
        labels: (batch,) integers, for the cross entropy of its output; or
        loss: any function of its output that returns one number. Without both a random cotangent is sent back, of
            mean square 1, which shows how gradients grow on the way, but not how large they are.
        rate: η of the step whose size is shown.
        rng: of the cotangent.
        of: the model, in a few words.

    Raises:
        TypeError: no module, or one whose output is no node, and no loss of it.
        ValueError: no parameters, labels and a loss, a rate that is not positive, or inputs that are not finite.
    """
    if labels is not None and loss is not None:
        raise ValueError("layers: labels or a loss was expected, both came")
    if not 0 < rate < math.inf:
        raise ValueError(f"layers: a positive learning rate was expected, {rate} came")
    if labels is not None:
        loss = lambda y: functional.cross_entropy(y, labels)  # noqa: E731
    refuse_not_finite("layers", *map(value_of, inputs))
    with np.errstate(over="ignore", invalid="ignore"):  # an exploding model is what this is for
        back = None if loss is not None else np.random.default_rng(0) if rng is None else rng
        seen = observe(model, *inputs, loss=loss, cotangent=back)
        squares = [mean_square(x) for x in map(value_of, inputs) if np.asarray(x).dtype.kind == "f"]
        rows = [_row(each) for each in seen.outputs]
        weights = [_weight(path, w, g, rate) for path, (w, g) in seen.parameters.items()]
    name = of or (model.brief() if hasattr(model, "brief") else type(model).__name__)
    return Layers(name, rows, weights, float(np.mean(squares)) if squares else math.nan, seen.loss, rate)


def _row(output: Output) -> Row:
    y = output.value
    dead = saturated = None
    if output.kind == "relu":
        dead = float((y == 0).all(axis=0).mean()) if y.ndim > 1 else float((y == 0).mean())
    elif output.kind == "tanh":
        saturated = float((1 - y * y < FLAT).mean())
    elif output.kind == "sigmoid":
        saturated = float((4 * y * (1 - y) < FLAT).mean())
    return Row(output.name, output.kind, mean_square(y), mean_square(output.gradient), histogram(y),
               histogram(output.gradient), dead, saturated)  # fmt: skip


def _weight(path: str, w: Array, g: Array, rate: float) -> Weight:
    rms, slope = math.sqrt(mean_square(w)), math.sqrt(mean_square(g))
    spread = None
    if role(path, w.shape) == "weight":
        spread = fans(w.shape, "out_in")[0] * mean_square(w)
    update = rate * slope / rms if rms else math.nan if slope == 0 else math.inf
    return Weight(path, rms, slope, update, spread)


def _ticks(names: dict[int, str]) -> dict[float, str]:
    """Names for an axis, if there is room for them; else numbers stand there."""
    room = sum(len(name) + 1 for name in names.values()) <= 42
    return {float(i): name for i, name in names.items()} if room else {}


def _percent(part: float | None) -> str:
    return "" if part is None else f"{part:.0%}"
