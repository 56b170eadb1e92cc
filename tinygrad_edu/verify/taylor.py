"""The Taylor test: what a gradient leaves over, and how fast that falls. It needs no ε.

    R₀(h) = |f(x + h t) − f(x)|                  falls like h
    R₁(h) = |f(x + h t) − f(x) − h ⟨∇f, t⟩|      falls like h² if the gradient is right, like h if it is wrong

For a wrong slope s leaves h (f′ − s) over, which is of the first order however small the mistake is. So h is made
smaller until it can be seen which of the two is left, or until nothing is left but rounding. A difference of two
derivatives asks for a tolerance; an order does not (Farrell, Ham, Funke and Rognes 2013, sec. 6).

What it cannot see is a mistake below about √(noise · f″), 1e-7 of a derivative of the order of 1: before h is small
enough to uncover that, both remainders are rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.chance import generator
from tinygrad_edu.verify.line import Line
from tinygrad_edu.verify.noise import each, noise_of

STEPS = 4.0 ** -np.arange(27) / 8  # from 1/8 down to 3e-17
PARTS = 3  # in which they are taken: most functions have sunk into their rounding after the second
ABOVE = 64.0  # how many times the rounding a remainder must be to say something of its order
ENOUGH = 4  # remainders from which an order is read, the smallest that still say something


class Taylor(NamedTuple):
    """The remainders of one function along one line, and what they say of its slope.

    Attributes:
        steps: h, descending.
        zeroth: R₀ at each of them, the larger of both sides.
        first: R₁ likewise; both are NaN where f is not defined on a side.
        floor: what rounding may add to either.
        order: p of R₁ = c hᵖ, where h is smallest; None if all of R₁ is rounding, as for a linear function.
        kink: whether the slopes on both sides of x are different.
    """

    steps: Array
    zeroth: Array
    first: Array
    floor: Array
    order: float | None
    kink: bool

    @property
    def verdict(self) -> Literal["right", "wrong", "undecided"]:
        """Whether the slope is right."""
        if self.order is None:
            return "right" if np.isfinite(self.first).sum() >= ENOUGH else "undecided"
        if self.order >= 1.8:
            return "right"
        return "wrong" if abs(self.order - 1) <= 0.1 and not self.kink else "undecided"

    @property
    def reason(self) -> str:
        """The verdict in words, such as `order 2: right`."""
        if self.order is None:
            if self.verdict == "right":
                return "no remainder beyond rounding: right"
            return "undecided: the function is not defined around x"
        if self.verdict != "undecided":
            return f"order {self.order:.2g}: {self.verdict}"
        if self.kink:
            return f"undecided: order {self.order:.2g}, and the slopes on the two sides of x differ: a kink"
        if self.order < 0.9:
            return f"undecided: order {self.order:.2g}: there is no derivative, or f is not smooth enough to see it"
        return f"undecided: order {self.order:.2g}, between right and wrong: the mistake is tiny, or f not smooth"

    def __bool__(self) -> bool:
        return self.verdict == "right"

    def __str__(self) -> str:
        lines = ["       h         R₀         R₁"]
        shown = np.flatnonzero(np.isfinite(self.first))[::2]
        lines += [
            f"{self.steps[k]:8.0e}   {self.zeroth[k]:8.1e}   {self.first[k]:8.1e}"
            + ("   rounding" if self.first[k] <= self.floor[k] else "")
            for k in shown
        ]
        return "\n".join([*lines, self.reason])


def taylor(
    f: Callable[..., Any], *xs: Any, gradients: Sequence[Any] | None = None, directions: Sequence[Any] | None = None,
    rng: np.random.Generator | None = None,
) -> Taylor:  # fmt: skip
    """The Taylor test of a function and its gradients, along one line.

    Args:
        f: a function of nodes, or of numbers and arrays; more numbers than one are added up with random weights.
        xs: where, see `Line`.
        gradients: one for each input that is of floats, to be tested; f returns one number then. By default the
            engine's.
        directions: t, one for each input that is of floats; by default random.
        rng: of the random weights and directions; by default always the same ones.

    Raises:
        NotDifferentiableError: there are no gradients, and f does not compute with nodes.
        ShapeError: gradients or directions of other shapes than the inputs; gradients of more than one number.
        ValueError: no input is of floats.
    """
    line = Line(f, xs, directions, rng=generator(rng, "taylor"))
    slope = line.slope(gradients)

    def along(s: float) -> float:
        return float(line(np.float64(s * line.scale)))

    return remainders(along, slope * line.scale, noise_of(along, 0.0))


def remainders(along: Callable[[float], float], slope: float, noise: float) -> Taylor:
    """The Taylor test of one number as the slope of a function of one number at 0.

    Args:
        along: the function; it changes noticeably, and not beyond recognition, over a distance of about 1.
        slope: to be tested.
        noise: the rounding error of the function, see `noise_of`.
    """
    middle = each(along, [0.0])[0]
    parts: list[tuple[Array, Array, Array]] = []
    for steps in np.split(STEPS, PARTS):
        parts.append(_over(along, middle, slope, noise, steps))
        _, over, floor = parts[-1]
        if np.all(np.abs(over[:, -2:]) <= floor[-2:]):
            break
    zeroth, over, floor = (np.concatenate(columns, axis=-1) for columns in zip(*parts, strict=True))
    steps, first = STEPS[: floor.size], np.abs(over).max(axis=0)
    told = np.flatnonzero(first > floor)[-ENOUGH:]
    if len(told) < 2:
        return Taylor(steps, zeroth, first, floor, None, False)
    order = float(np.polyfit(np.log(steps[told]), np.log(first[told]), 1)[0])
    one, other = over[:, told[-1]]
    kink = abs(order - 1) <= 0.1 and abs(one - other) > 0.1 * max(abs(one), abs(other))
    return Taylor(steps, zeroth, first, floor, order, bool(kink))


def _over(
    along: Callable[[float], float], middle: float, slope: float, noise: float, steps: Array
) -> tuple[Array, Array, Array]:
    """R₀, what is over on the right and on the left with its sign (2, n), and what rounding may be of them."""
    with np.errstate(all="ignore"):
        onward, back = each(along, steps) - middle, middle - each(along, -steps)
        zeroth = np.maximum(np.abs(onward), np.abs(back))
        floor = ABOVE * (noise + np.finfo(float).eps * (steps * abs(slope) + zeroth))
        return zeroth, np.stack([onward - steps * slope, back - steps * slope]), floor
