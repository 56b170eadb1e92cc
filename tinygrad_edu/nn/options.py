"""Options: a number that is out of its range is refused where it is given, and not at the first call."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any


def require(name: str, words: str, given: Any, holds: Callable[[Any], bool] = math.isfinite) -> Any:
    """The number, if it is one and the condition holds.

    Args:
        name: of the layer or function, for the error.
        words: the option and its range, such as "delta > 0".
        given: what came.
        holds: the condition.

    Raises:
        TypeError: it is no real number.
        ValueError: the condition does not hold.
    """
    if not isinstance(given, Real):
        raise TypeError(f"{name}: a number was expected, {words}, {given!r:.40} came")
    if not holds(given):
        raise ValueError(f"{name}: {words} was expected, {given} came")
    return given
