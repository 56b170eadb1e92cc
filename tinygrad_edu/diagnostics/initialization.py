"""The init doctor: every way to start a network side by side, predicted and measured, forward and backward.

For each layer of a network, and each way to start its weights, the mean square of its sums z is predicted by theory
(see `propagation`) and measured on random networks, and so is that of the gradient. A way that lets both stay within
a few powers of ten is one that a network can be trained from.

    zeros, 0.01 · randn, randn       without a rule
    √(1/n), √(2/n)                   LeCun et al. 1998, He et al. 2015
    Xavier                           √(2 / (n_in + n_out)), Glorot and Bengio 2010
    orthogonal, LSUV                 Saxe et al. 2014, Mishkin and Matas 2015
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.diagnostics.architecture import Architecture, architecture, architecture_of
from tinygrad_edu.diagnostics.chart import Mark, Panel
from tinygrad_edu.diagnostics.finding import Claim, Finding, columns, short
from tinygrad_edu.diagnostics.observing import observe
from tinygrad_edu.diagnostics.propagation import predict
from tinygrad_edu.diagnostics.statistics import mean_square
from tinygrad_edu.diagnostics.ways import FAR, WAYS, Way, logarithms, middle
from tinygrad_edu.nn import init
from tinygrad_edu.types import Array

BATCH = 64
SIGMAS = 5  # how far a measurement may be from theory


@dataclass(frozen=True)
class Initialization(Finding):
    """All ways to start one network.

    Attributes:
        network: its widths and activations.
        ways: to start it.
        omitted: {name: why}, of ways in which it cannot start.
    """

    schema: ClassVar[str] = "initialization"
    network: Architecture
    ways: list[Way]
    omitted: dict[str, str]

    @property
    def title(self) -> str:
        """The network."""
        return f"How {self.network.text} may start"

    @property
    def draws(self) -> int:
        """How many networks each way was measured on."""
        return len(self.ways[0].forward)

    @property
    def claims(self) -> list[Claim]:
        """Theory predicts what is measured; and what it says of ReLU and tanh."""
        worst = max(self.ways, key=lambda way: way.deviation)
        said = f"theory predicts E[z²] and E[z̄²] of every layer, within {SIGMAS} σ of what chance allows"
        figures = f"{worst.deviation:.1f} σ at the worst, {worst.name}, {_networks(self.draws)} each"
        return [Claim(said, worst.deviation <= SIGMAS, figures), *self._published()]

    def _published(self) -> list[Claim]:
        """The figures of He et al. (2015) for ReLU, and 1 / (2 L) for tanh, where the network is of that kind."""
        kinds, k = set(self.network.activations), self.network.depth - 1
        even = k >= 8 and len(set(self.network.widths[1:-1])) == 1
        ways, found = {way.name: way for way in self.ways}, []
        if kinds == {"relu"} and even:
            for name, factor, said in (("√(2/n)", 1.0, "hold"), ("√(1/n)", 0.5, "halve")):
                logs = logarithms(np.maximum(ways[name].forward[:, [0, k - 1]], 1 / FAR))
                rate = float(logs[1] - logs[0]) / (k - 1)
                spread = float(ways[name].theory.forward_spread[k - 1])
                allowed = (SIGMAS * spread / math.sqrt(self.draws) + spread**2 / 2) / (k - 1)
                off, measured = abs(rate - math.log(factor)), math.exp(rate)
                figures = f"a factor of {measured:.3f} in each of {k - 1}, {factor:g} in theory"
                found.append(
                    Claim(f"{name}: ReLU layers {said} the mean square", bool(off <= allowed), figures)
                )
        if kinds == {"tanh"} and even:
            z = float(
                middle(ways["√(1/n)"].forward)[k - 1]
            )  # after k − 1 activations, passed on by Var w = 1/n
            spread = float(ways["√(1/n)"].theory.forward_spread[k - 1]) / math.sqrt(self.draws)
            figures = f"{z:.4f} after {k - 1}, 1 / (2 · {k - 1}) = {1 / (2 * (k - 1)):.4f}"
            near = abs(math.log(2 * (k - 1) * z)) <= math.log(1.1) + SIGMAS * spread
            found.append(Claim("√(1/n): tanh layers let E[x²] fall as 1 / (2 L)", near, figures))
        return found

    def content(self) -> dict[str, Any]:
        """Mean squares by layer."""
        ways = [
            {
                "way": way.name, "deviation": way.deviation,
                "forward": {"predicted": way.theory.forward, "measured": middle(way.forward),
                            "spread": way.theory.forward_spread},
                "backward": {"predicted": way.theory.backward, "measured": middle(way.backward),
                             "spread": way.theory.backward_spread},
            }
            for way in self.ways
        ]  # fmt: skip
        kind = {"widths": self.network.widths, "activations": self.network.activations}
        found = {"networks": self.draws, "ways": ways, "omitted": self.omitted}
        return {"architecture": self.network.text, **kind, **found}

    def lines(self) -> list[str]:
        """A few layers, forward and backward, each with theory above the measurement."""
        depth, lines = self.network.depth, []
        shown = sorted({0, depth // 4, depth // 2, 3 * depth // 4, depth - 2, depth - 1} & set(range(depth)))
        for title, name in (("E[z²] of layer", "forward"), ("E[z̄²] of layer", "backward")):
            rows = [[title, "", *(str(k + 1) for k in shown), ""]]
            for way in self.ways:
                measured = middle(getattr(way, name))
                rows.append([way.name, "theory", *(short(getattr(way.theory, name)[k]) for k in shown), ""])
                rows.append(["", "measured", *(short(measured[k]) for k in shown), _word(measured)])
            lines += [*columns(rows, left=2), ""]
        how = f"measured: the geometric mean of {_networks(self.draws)}; E[z̄²] as a part of that of the last layer."
        return [*lines, how, *(f"{name} was left out. {why}" for name, why in self.omitted.items())]

    def panels(self) -> list[Panel]:
        """Dots as measured, on dashed lines of theory."""
        layers = np.arange(1, self.network.depth + 1)
        panels = []
        for title, name in (("Signals", "forward"), ("Gradients", "backward")):
            marks = []
            for colour, way in enumerate(self.ways):
                marks.append(Mark("", layers, getattr(way.theory, name), colour, "dashed"))
                marks.append(Mark(way.name, layers, middle(getattr(way, name)), colour, "dots"))
            back = name == "backward"
            said = "E[z̄²] / that of the last" if back else "E[z²]"
            note = "dots: measured, dashed: theory"
            panels.append(Panel(title, "layer", said, marks, log_y=True, note=note, backward=back))
        return panels


def initialization(
    network: str | nn.Module,
    x: Array | None = None,
    *,
    draws: int = 3,
    rng: np.random.Generator | None = None,
) -> Initialization:
    """Start a network in every way, several times each, and send a batch forward and back.

    Args:
        network: "64-relu-100x8-10" (see `architecture`), or a `Sequential` of linear layers and activations.
        x: (batch, n), the inputs; by default standard normal.
        draws: networks of each way, at least 1.
        rng: where chance comes from.

    Raises:
        TypeError: another model.
        ValueError: a network that cannot be read, or no draw.
    """
    found = architecture(network) if isinstance(network, str) else architecture_of(network)
    rng = np.random.default_rng(0) if rng is None else rng
    if draws < 1:
        raise ValueError(f"initialization: at least one draw was expected, {draws} came")
    if x is None:
        x = rng.standard_normal((BATCH, found.widths[0]))
    ways, omitted = [], {}
    for name in WAYS:
        try:
            ways.append(_measured(found, name, x, draws, rng))
        except ValueError as error:
            if name != "LSUV":  # which says so of a narrow network in which all units of a layer have died
                raise
            omitted[name] = str(error)
    return Initialization(found, ways, omitted)


def _measured(network: Architecture, name: str, x: Array, draws: int, rng: np.random.Generator) -> Way:
    start, variance = WAYS[name]
    forward, backward = np.empty((2, draws, network.depth))
    for i in range(draws):
        model = network.model(start, rng=rng)
        if name == "LSUV":
            init.lsuv(model, x, start=None)
        with np.errstate(over="ignore", invalid="ignore"):
            seen = observe(model, x, cotangent=rng.standard_normal((len(x), network.widths[-1])))
            rows = [each for each in seen.outputs if each.kind == "layer"]
            forward[i] = [mean_square(each.value) for each in rows]
            backward[i] = [mean_square(each.gradient) for each in rows]
    return Way(name, predict(network, variance, mean_square(x)), forward, backward / backward[:, -1:])


def _networks(n: int) -> str:
    return f"{n} network{'s' * (n > 1)}"


def _word(measured: Array) -> str:
    if not np.isfinite(measured).all() or measured.max() > 1e4:
        return "explodes"
    return "vanishes" if measured.min() < 1e-4 else ""
