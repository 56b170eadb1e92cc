"""A verdict in a word, with cause and remedy: exploding, vanishing, dead, saturated, or fine.

It is read off measured figures. Let F be the mean square of the last layer's output as a part of the first's, and B
that of the gradient at the first layer as a part of the last's. One can be off by chance or by the widths of the
layers; so between what is fine and what is an error there is a wide strip in which nothing is said.

    exploding    something is not finite, or F or B is above 10⁴
    saturated    half of all outputs of tanh or σ are on a flat piece
    dead         four fifths of the units of a ReLU are 0 for every sample
    vanishing    F or B is below 10⁻⁴
    fine         F and B within 10^±2, less than half dead, less than a tenth saturated, and three layers at least

Deep in a ReLU network up to half of the units may be 0 for every sample, and nothing be wrong: samples grow alike on
the way, and half of all units are 0 for each (Poole et al. 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.diagnostics.finding import short

if TYPE_CHECKING:
    from tinygrad_edu.diagnostics.layers import Layers

BAD, GOOD = 1e4, 1e2
# n · Var w and what a network of this activation makes of it, and how its weights should start.
NEEDED = {
    "relu": ("between ReLUs 2 keeps the size", "init.kaiming_normal"),
    "tanh": ("below 1 a tanh network loses it", "init.xavier_normal"),
    "sigmoid": (
        "σ has a slope of 1/4 at most, so a layer multiplies E[g²] by a 16th of that",
        "init.xavier_normal",
    ),
    "": ("of linear layers 1 keeps the size", "init.lecun_normal"),
}
LARGE_INPUT = 10.0  # the mean square of inputs that nobody has standardized


@dataclass(frozen=True)
class Verdict:
    """A word, why, and what to do; the word is empty if the figures do not decide, and the cause says why not."""

    word: str
    cause: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        said = f"{self.word}: {self.cause}" if self.cause else self.word
        return f"{said}. Remedy: {self.remedy}" if self.remedy else said


def judged(found: Layers) -> Verdict:
    """The verdict on the layers of a model."""
    rows = [row for row in found.rows if row.kind == "layer"]
    sizes = [("output", row.name, row.square) for row in found.rows]
    sizes += [("gradient", row.name, row.gradient) for row in reversed(found.rows)]
    for what, name, square in sizes:  # in the order in which they were computed
        if not math.isfinite(square):
            cause = (
                f"the mean square of the {what} of {name} is beyond the range of numbers; {_weights(found)}"
            )
            return Verdict("exploding", cause, _remedy(found))
    flat = [row for row in found.rows if row.saturated is not None]
    if flat and np.mean([row.saturated for row in flat]) >= 0.5:
        part = float(np.mean([row.saturated for row in flat]))
        return Verdict(
            "saturated",
            f"{part:.0%} of the outputs of {', '.join(sorted({row.kind for row in flat}))} are where the slope is "
            f"nearly 0; {_weights(found)}",
            _remedy(found),
        )
    if len(rows) < 2:
        return Verdict("", "of fewer than two layers with weights there is no first and last to compare")
    forward, backward = _ratio(rows[-1].square, rows[0].square), _ratio(rows[0].gradient, rows[-1].gradient)
    out, back = short(forward), short(backward)
    ratios = f"from the first layer to the last E[x²] is multiplied by {out}, and back E[g²] by {back}"
    if max(forward, backward) > BAD:
        return Verdict("exploding", f"{ratios}; {_weights(found)}", _remedy(found))
    dying = [row for row in found.rows if row.dead is not None and row.dead >= 0.8]
    if dying and any(weight.rms > 0 for weight in found.weights if weight.spread is not None):
        worst = max(dying, key=lambda row: row.dead or 0.0)
        return Verdict(
            "dead",
            f"{worst.dead:.0%} of the units of {worst.name} are 0 for every sample, and get no gradient",
            "start biases at 0 and weights with init.kaiming_normal, take smaller steps, or a leaky ReLU",
        )
    if min(forward, backward) < 1 / BAD:
        return Verdict("vanishing", f"{ratios}; {_weights(found)}", _remedy(found))
    return _between(found, len(rows), ratios, all(1 / GOOD <= each <= GOOD for each in (forward, backward)))


def _between(found: Layers, depth: int, ratios: str, within: bool) -> Verdict:
    """Fine, or why it cannot be said: nothing is an error any more."""
    doubts = [] if within else ["that is neither within 10^±2 nor beyond 10^±4"]
    for row in found.rows:
        if (row.dead or 0) >= 0.5:
            doubts.append(f"{row.dead:.0%} of the units of {row.name} are 0 for every sample")
        if (row.saturated or 0) >= 0.1:
            doubts.append(f"{row.saturated:.0%} of the outputs of {row.name} are on a flat piece")
    if not doubts and depth < 3:
        doubts = ["nothing is wrong with that, but two layers say little of a deep network"]
    return Verdict("", "; ".join([ratios, *doubts])) if doubts else Verdict("fine", ratios)


def _ratio(a: float, b: float) -> float:
    """The ratio a / b; 0 for a signal that is not there at all."""
    return a / b if b else 0.0


def _activation(found: Layers) -> str:
    kinds = [row.kind for row in found.rows if row.kind in NEEDED]
    return max(kinds, key=kinds.count) if kinds else ""


def _weights(found: Layers) -> str:
    """What the weights do, beside what the activation needs."""
    spreads = [weight.spread for weight in found.weights if weight.spread is not None]
    kind = _activation(found)
    said = (
        f"the median of n · Var w is {short(float(np.median(spreads)))}"
        if spreads
        else "there are no weights"
    )
    large = found.input_square > LARGE_INPUT
    return f"{said}; {NEEDED[kind][0]}" + (
        f"; inputs have E[x²] = {short(found.input_square)}" if large else ""
    )


def _remedy(found: Layers) -> str:
    how = f"init.apply(model, weight={NEEDED[_activation(found)][1]}, bias=init.zeros, rng=rng)"
    large = found.input_square > LARGE_INPUT
    if _activation(found) == "sigmoid":
        how = f"ReLU or tanh in the place of σ, {how}"
    return how + (", and standardize the inputs" if large else ", or a normalization layer between")
