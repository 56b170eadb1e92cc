"""Vanishing and exploding, in closed form: L linear layers whose weights are all W = c · I.

Each layer multiplies by c, so after l of them a signal is cˡ times as large. A gradient comes back through the
transposes, which are c · I as well, and at layer l it is c^(L − l) times what it was at the output. With c = 1.5 and
L = 30 that is 191,751, with c = 0.5 it is 10⁻⁹. The gradient of a weight is the product of both, ḡ xᵀ: c^(L − l) ·
c^(l − 1) = c^(L − 1) in every layer. So here all weights suffer alike, and a first layer that learns less than the
last needs more than this.

If c is negative, sizes are powers of |c|, and the sign turns at every layer. If it is 0, the signal is dead at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.diagnostics.chart import Mark, Panel
from tinygrad_edu.diagnostics.finding import Claim, Finding, columns, short
from tinygrad_edu.diagnostics.observing import observe
from tinygrad_edu.nn import init
from tinygrad_edu.tensor import tensor
from tinygrad_edu.types import Array

WIDTH, BATCH = 3, 5  # no result depends on them
SAFE = 300  # powers of ten within which float64 rounds as it should


@dataclass(frozen=True)
class Power:
    """A network of one scale, as it was run.

    Attributes:
        scale: c.
        activations: (L + 1,), the size of the signal before and after each layer, as a part of that of the input.
        gradients: (L + 1,), the size of the gradient at the same places, as a part of that at the output.
        weights: (L,), the size of the gradient of each weight, as a part of that of a network with W = I.
        signs: (L + 1,), 1 where the signal has the signs of the input, −1 where it has the opposite ones, 0 if it is 0.
        leaves: {dtype: (predicted, observed)}, after how many layers 1 is no normal number any more; empty for c = 0
            and ±1.
    """

    scale: float
    activations: Array
    gradients: Array
    weights: Array
    signs: Array
    leaves: dict[str, tuple[int, int]]

    @property
    def depth(self) -> int:
        """L."""
        return len(self.weights)

    def predicted(self) -> tuple[Array, Array, Array]:
        """Closed forms of the three: |c|ˡ, |c|^(L − l) and |c|^(L − 1)."""
        layers, size = np.arange(self.depth + 1.0), abs(self.scale)
        return size**layers, size ** layers[::-1], np.full(self.depth, size ** (self.depth - 1.0))

    @property
    def base(self) -> str:
        """What sizes are powers of."""
        return f"|{self.scale:g}|" if self.scale < 0 else f"{self.scale:g}"

    @property
    def off(self) -> float:
        """The largest relative difference from the closed forms; an absolute one where they are 0."""
        pairs = zip((self.activations, self.gradients, self.weights), self.predicted(), strict=True)
        return max(float((np.abs(m - p) / np.where(p > 0, p, 1)).max()) for m, p in pairs)


@dataclass(frozen=True)
class Powers(Finding):
    """Networks of several scales and one depth."""

    schema: ClassVar[str] = "powers"
    networks: list[Power]

    @property
    def title(self) -> str:
        """The scales and the depth."""
        scales = ", ".join(f"{each.scale:g}" for each in self.networks)
        return f"{self.networks[0].depth} linear layers with W = c · I, c = {scales}"

    @property
    def claims(self) -> list[Claim]:
        """Every size is the power of c that it should be, but for one rounding in each layer."""
        found = []
        for each in self.networks:
            allowed = (2 * each.depth + 4) * np.finfo(float).eps
            c, last = f"{each.scale:g}", short(float(each.activations[-1]))
            b = "|c|" if each.scale < 0 else "c"
            said = f"c = {c}: activations are {b}^l, gradients {b}^(L − l), those of weights {b}^(L − 1), to rounding"
            figures = f"{b}^L = {last}; off by {each.off:.1e} at most, {allowed:.1e} allowed"
            found.append(Claim(said, bool(each.off <= allowed), figures))
            if each.scale < 0:
                turned = np.array_equal(each.signs, (-1.0) ** np.arange(each.depth + 1))
                figures = f"{int(np.sum(each.signs[1:] != each.signs[:-1]))} times in {each.depth} layers"
                found.append(Claim(f"c = {c}: the sign turns at every layer", turned, figures))
            if each.leaves:
                said = f"c = {c}: a signal leaves the range of numbers where the logarithm says"
                figures = ", ".join(
                    f"{name} after {b} layers (predicted {a})" for name, (a, b) in each.leaves.items()
                )
                near = all(abs(a - b) <= _slack(a, name) for name, (a, b) in each.leaves.items())
                found.append(Claim(said, near, figures))
        return found

    def content(self) -> dict[str, Any]:
        """Sizes as measured and predicted."""
        networks = []
        for each in self.networks:
            forms = zip(("activations", "gradients", "weights"), each.predicted(), strict=True)
            sizes = {name: {"measured": getattr(each, name), "predicted": form} for name, form in forms}
            leaves = {name: {"predicted": a, "observed": b} for name, (a, b) in each.leaves.items()}
            networks.append({"scale": each.scale, "depth": each.depth, **sizes, "leaves_the_range": leaves})
        return {"networks": networks}

    def lines(self) -> list[str]:
        """A few layers of each network."""
        depth = self.networks[0].depth
        shown = sorted({0, 1, 2, depth // 3, 2 * depth // 3, depth - 1, depth} & set(range(depth + 1)))
        lines = []
        for each in self.networks:
            forward, backward, _ = each.predicted()
            rows = [
                [
                    "layer",
                    "activations",
                    f"{each.base}^l",
                    "gradients",
                    f"{each.base}^(L−l)",
                    "of its weight",
                ]
            ]
            rows += [
                [str(k), *map(short, (each.activations[k], forward[k], each.gradients[k], backward[k])),
                 short(each.weights[k - 1]) if k else ""]
                for k in shown
            ]  # fmt: skip
            lines += [*columns(rows), ""]
        return lines[:-1]

    def panels(self) -> list[Panel]:
        """Dots as measured, on the lines of the closed forms."""
        both = ("Activations after each layer", "activations"), ("Gradients at the same places", "gradients")
        panels = []
        for i, (title, name) in enumerate(both):
            marks = []
            for colour, each in enumerate(self.networks):
                layers, form = np.arange(each.depth + 1), each.predicted()[i]
                marks.append(Mark("", layers, form, colour, "dashed"))
                marks.append(Mark(f"c = {each.scale:g}", layers, getattr(each, name), colour, "dots"))
            b = "|c|" if any(each.scale < 0 for each in self.networks) else "c"
            note = "dots: measured, dashed: " + (f"{b}ˡ" if i == 0 else f"{b}^(L − l)")
            panels.append(Panel(title, "layer l", "size", marks, log_y=True, note=note, backward=i == 1))
        return panels


def powers(
    scales: Sequence[float] = (1.5, 0.5), depth: int = 30, *, rng: np.random.Generator | None = None
) -> Powers:
    """Run networks of `depth` layers with W = c · I, forward and backward.

    Args:
        scales: the c.
        depth: L, at least 1.
        rng: of the input and the cotangent; the result does not depend on them but for rounding.

    Raises:
        ValueError: no scale, one that is not finite, no layer, or c^L beyond 10^±300, unless c is 0.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    if not scales or depth < 1 or not all(map(math.isfinite, scales)):
        raise ValueError(
            f"powers: finite scales and a layer at least were expected, {list(scales)}, {depth} came"
        )
    for c in scales:
        if c == 0:
            continue
        if abs(c) != 1 and abs(math.log(abs(c))) < 1e-4:
            raise ValueError(
                f"powers: scales of ±1, or at least 0.01 % away from it, were expected, {c} came"
            )
        if abs(depth * math.log10(abs(c))) > SAFE:
            raise ValueError(
                f"powers: c^L between 10^-{SAFE} and 10^{SAFE} was expected, {c:g}^{depth} is outside: choose a depth "
                f"of at most {int(SAFE / abs(math.log10(abs(c))))}"
            )
    return Powers([_run(float(c), depth, rng) for c in scales])


def _run(c: float, depth: int, rng: np.random.Generator) -> Power:
    start = partial(init.eye, gain=c)
    net = nn.Sequential(*(nn.Linear(WIDTH, WIDTH, bias=False, init=start, rng=rng) for _ in range(depth)))
    x, g = rng.standard_normal((2, BATCH, WIDTH))
    seen = observe(net, tensor(x, requires_grad=True), cotangent=g)
    signals = [x, *(each.value for each in seen.outputs)]
    gradients = [*seen.inputs, *(each.gradient for each in seen.outputs)]
    weights = [gradient for _, gradient in seen.parameters.values()]
    return Power(
        c,
        _sizes(signals, x),
        _sizes(gradients, g),
        _sizes(weights, g.T @ x),
        _signs(signals, x),
        _leaves(abs(c)),
    )


def _sizes(arrays: Sequence[Array], of: Array) -> Array:
    return np.array([float(np.abs(a).max()) for a in arrays]) / float(np.abs(of).max())


def _signs(arrays: Sequence[Array], of: Array) -> Array:
    """The sign of each array by that of the first, 0 if they do not agree everywhere."""
    ratios = [np.sign(a) * np.sign(of) for a in arrays]
    return np.array([float(r.flat[0]) if (r == r.flat[0]).all() else 0.0 for r in ratios])


def _leaves(c: float) -> dict[str, tuple[int, int]]:
    """The first L at which c^L is above the largest, or below the smallest normal number: predicted, and multiplied."""
    found: dict[str, tuple[int, int]] = {}
    for dtype in (np.float32, np.float64):
        limits, factor = np.finfo(dtype), dtype(c)
        if factor in (0, 1):
            continue
        edge = float(limits.max if factor > 1 else limits.tiny)
        predicted = math.floor(math.log(edge) / math.log(factor)) + 1
        signal, layers = dtype(1), 0
        with np.errstate(over="ignore", under="ignore"):
            while limits.tiny <= signal <= limits.max:
                signal, layers = signal * factor, layers + 1
        found[dtype.__name__] = (predicted, layers)
    return found


def _slack(layers: int, dtype: str) -> float:
    """By how many layers rounding can shift the end: each moves log c^L by ε/2, and a layer by log c."""
    limits = np.finfo(dtype)
    return 1 + layers * layers * float(limits.eps) / 2 / math.log(float(limits.max))
