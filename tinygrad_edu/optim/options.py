"""The options of the optimizers, and the range of each: a name means the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

# (low, high, whether low itself is left out); high is always left out.
RANGES: dict[str, tuple[float, float, bool]] = {
    "lr": (0, np.inf, False),  # 0 at the end of some schedules; an optimizer starts with more
    "initial_lr": (0, np.inf, True), "lr_decay": (0, np.inf, False), "weight_decay": (0, np.inf, False),
    "momentum": (0, 1, False), "dampening": (0, 1, False), "momentum_decay": (0, np.inf, False),
    "alpha": (0, 1, False), "rho": (0, 1, False), "β₁": (0, 1, False), "β₂": (0, 1, False),
    "eps": (0, np.inf, True), "initial_accumulator_value": (0, np.inf, False),
    "max_iter": (1, np.inf, False), "max_eval": (1, np.inf, False), "history_size": (1, np.inf, False),
    "ns_steps": (1, np.inf, False), "tolerance_grad": (0, np.inf, False), "tolerance_change": (0, np.inf, False),
}  # fmt: skip


def checked(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as Python's numbers, each within its range.

    Raises:
        TypeError: something else than a number.
        ValueError: a number outside its range.
    """
    found: dict[str, Any] = {}
    for name, value in options.items():
        if name == "betas":
            if not isinstance(value, tuple | list) or len(value) != 2:
                raise TypeError(f"{kind}: betas=(β₁, β₂), two numbers, were expected, {value!r} came")
            first, second = value
            found[name] = _number(kind, "β₁", first), _number(kind, "β₂", second)
        elif name in RANGES:
            found[name] = _number(kind, name, value)
        else:
            found[name] = value
    return found


def _number(kind: str, name: str, x: Any) -> float:
    low, high, open_below = RANGES[name]
    return in_range(kind, name, x, low, high, open_below=open_below)


def in_range(kind: str, name: str, x: Any, low: float, high: float, *, open_below: bool = False) -> float:
    """A number in [low, high), or (low, high), as Python's: NumPy's would turn float32 into float64.

    Raises:
        TypeError: it is no number.
        ValueError: it lies outside.
    """
    is_number = isinstance(x, Real) or (isinstance(x, np.ndarray) and x.shape == ())
    if not is_number:
        raise TypeError(f"{kind}: a number was expected as {name}, {x!r:.40} came")
    number = x if type(x) is int else float(x)
    if not (low < number if open_below else low <= number) or not number < high:
        raise ValueError(
            f"{kind}: {name} in {'(' if open_below else '['}{low}, {high}) was expected, {x} came"
        )
    return number
