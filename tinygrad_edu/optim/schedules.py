"""Schedules: the learning rate as a function of the step.

    schedule = WarmUp(100, Cosine(900))
    for step in range(1000):
        optimizer.lr = optimizer.initial_lr * schedule(step)

A schedule gives the factor by which the rate at the start is multiplied. It is a pure function of the step, counted
from 0: it remembers nothing, so that it can be drawn before the training, and a training that goes on later needs no
state of it. The names of the arguments are PyTorch's.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tinygrad_edu.optim.options import in_range

#: The factor at a step, ≥ 0.
Schedule: TypeAlias = Callable[[int], float]


def _require(schedule: Any, name: str, low: float, high: float, *, open_below: bool = False) -> None:
    in_range(type(schedule).__name__, name, getattr(schedule, name), low, high, open_below=open_below)


@dataclass(frozen=True)
class Step:
    """gamma^⌊t / step_size⌋: a stair.

    Args:
        step_size: the length of a stair, ≥ 1.
        gamma: > 0.
    """

    step_size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        _require(self, "step_size", 1, math.inf)
        _require(self, "gamma", 0, math.inf, open_below=True)

    def __call__(self, step: int) -> float:
        """The factor."""
        return float(self.gamma ** (step // self.step_size))


@dataclass(frozen=True)
class MultiStep:
    """gamma to the number of milestones that have been reached: a stair at places of one's own.

    Args:
        milestones: steps, ascending.
        gamma: > 0.
    """

    milestones: tuple[int, ...]
    gamma: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(self.milestones))
        if list(self.milestones) != sorted(self.milestones):
            raise ValueError(f"MultiStep: ascending milestones were expected, {self.milestones} came")
        _require(self, "gamma", 0, math.inf, open_below=True)

    def __call__(self, step: int) -> float:
        """The factor."""
        return float(self.gamma ** bisect_right(self.milestones, step))


@dataclass(frozen=True)
class Exponential:
    """gammaᵗ.

    Args:
        gamma: > 0; at 0.99 half is left after 69 steps.
    """

    gamma: float

    def __post_init__(self) -> None:
        _require(self, "gamma", 0, math.inf, open_below=True)

    def __call__(self, step: int) -> float:
        """The factor."""
        return float(self.gamma**step)


@dataclass(frozen=True)
class Cosine:
    """Down along half a cosine (Loshchilov and Hutter 2017, eq. 5): slow, fast, slow; and it stays there.

    Args:
        T_max: the step at which it arrives, ≥ 1. PyTorch's goes up again after it.
        eta_min: the factor there, in [0, 1).
    """

    T_max: int
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        _require(self, "T_max", 1, math.inf)
        _require(self, "eta_min", 0, 1)

    def __call__(self, step: int) -> float:
        """The factor."""
        return _along_cosine(1.0, self.eta_min, min(step, self.T_max) / self.T_max)


@dataclass(frozen=True)
class CosineWarmRestarts:
    """Down along half a cosine again and again (Loshchilov and Hutter 2017, "SGDR").

    Args:
        T_0: the length of the first descent, ≥ 1.
        T_mult: how many times longer each is than the one before, a whole number ≥ 1.
        eta_min: the factor that it approaches, in [0, 1).
    """

    T_0: int
    T_mult: int = 1
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        _require(self, "T_0", 1, math.inf)
        _require(self, "T_mult", 1, math.inf)
        _require(self, "eta_min", 0, 1)

    def __call__(self, step: int) -> float:
        """The factor."""
        if self.T_mult == 1:
            return _along_cosine(1.0, self.eta_min, step % self.T_0 / self.T_0)
        length = self.T_0
        while step >= length:  # as many times as there are restarts, which is about the logarithm of the step
            step, length = step - length, length * self.T_mult
        return _along_cosine(1.0, self.eta_min, step / length)


@dataclass(frozen=True)
class WarmUp:
    """Up in a straight line, then any other schedule (Goyal et al. 2017, section 2.2).

    At the start gradients are large and the means of Adam are made of few steps: small steps do less harm then.

    Args:
        steps: the length of the line, ≥ 1.
        then: the schedule that follows, which begins with its own step 0; None for a factor that stays at 1.
        start_factor: where the line starts, in (0, 1): at 0 the first step would be none.
    """

    steps: int
    then: Schedule | None = None
    start_factor: float = 1 / 3

    def __post_init__(self) -> None:
        _require(self, "steps", 1, math.inf)
        _require(self, "start_factor", 0, 1, open_below=True)

    def __call__(self, step: int) -> float:
        """The factor."""
        if step < self.steps:
            return self.start_factor + (1 - self.start_factor) * step / self.steps
        return 1.0 if self.then is None else self.then(step - self.steps)


@dataclass(frozen=True)
class OneCycle:
    """Up, and down to far below the start (Smith and Topin 2018, "super-convergence").

    1 / div_factor → 1 → 1 / (div_factor · final_div_factor): the rate of the optimizer is the largest one here.

    Args:
        total_steps: the length of the cycle, after which there is no factor any more.
        pct_start: the share of the way up, in (0, 1), which must be more than one step.
        anneal_strategy: "cos" or "linear".
        div_factor, final_div_factor: ≥ 1.
    """

    total_steps: int
    pct_start: float = 0.3
    anneal_strategy: str = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        _require(self, "pct_start", 0, 1, open_below=True)
        _require(self, "div_factor", 1, math.inf)
        _require(self, "final_div_factor", 1, math.inf)
        if not self.pct_start * self.total_steps > 1:
            raise ValueError(
                f"OneCycle: a way up of more than one step was expected, pct_start={self.pct_start} of "
                f"total_steps={self.total_steps} came"
            )
        if self.anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"OneCycle: anneal_strategy 'cos' or 'linear' was expected, {self.anneal_strategy!r} came"
            )

    def __call__(self, step: int) -> float:
        """The factor.

        Raises:
            ValueError: a step beyond the cycle. It ended with a rate at which nothing is learned.
        """
        if step > self.total_steps:
            raise ValueError(
                f"OneCycle: a step of at most total_steps={self.total_steps} was expected, {step} came: say how many "
                f"steps the training has"
            )
        along = _along_cosine if self.anneal_strategy == "cos" else _along_line
        top, end = self.pct_start * self.total_steps - 1, self.total_steps - 1
        first = 1 / self.div_factor
        if step <= top:
            return along(first, 1.0, step / top)
        return along(1.0, first / self.final_div_factor, (min(step, end) - top) / (end - top))


def length_of(schedule: Any) -> float:
    """How many steps a schedule has factors for: ∞ but for one that has a cycle at its end."""
    if isinstance(schedule, WarmUp):
        return schedule.steps + length_of(schedule.then)
    return schedule.total_steps if isinstance(schedule, OneCycle) else math.inf


def _along_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _along_line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
