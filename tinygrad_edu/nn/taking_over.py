"""Taking over values: those of a file must mean in a module what they meant where they were written.

A value gets the dtype of what it replaces. That may round it, as float32 rounds float64, but must not make something
else of it: 1e300 would become infinite in float32, and 3.7 batches would become 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.types import Array


def differing(
    kind: str, held: Mapping[str, Any], state: Mapping[str, Any], strict: bool
) -> tuple[list[str], list[str]]:
    """The paths that are held and missing in the state, and those that it has in excess; if strict, a ValueError."""
    missing = [path for path in held if path not in state]
    unexpected = [path for path in state if path not in held]
    if strict and (missing or unexpected):
        raise ValueError(
            f"load_state_dict: the names of this {kind} were expected; missing: {', '.join(missing) or 'none'}; "
            f"unexpected: {', '.join(unexpected) or 'none'}. strict=False loads those that it has"
        )
    return missing, unexpected


def fitting(kind: str, held: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Array]:
    """{path: array} of those in `state` that are held, in the dtype of what they replace.

    Args:
        kind: the class of the module, for errors.
        held: {path: parameter or buffer}.
        state: {path: values}.

    Raises:
        ShapeError: an array of another shape.
        TypeError: something other than real numbers.
        ValueError: numbers that the dtype of what they replace does not hold.
    """
    arrays = {path: np.asarray(value_of(state[path])) for path in held if path in state}
    shapes = {path: np.shape(held[path].value) for path in arrays}
    wrong = [f"{path} {x.shape}, not {shapes[path]}" for path, x in arrays.items() if x.shape != shapes[path]]
    if wrong:
        raise ShapeError(
            f"load_state_dict: the shapes of this {kind} were expected, these differ: {'; '.join(wrong)}"
        )
    return {path: _converted(path, x, np.result_type(held[path].value)) for path, x in arrays.items()}


def _converted(path: str, x: Array, dtype: Any) -> Array:
    if x.dtype.kind not in "fiub":
        raise TypeError(f"load_state_dict: real numbers were expected for {path}, dtype {x.dtype} came")
    if dtype.kind in "iu" and not np.all(x == np.round(x)):  # NaN and ∞ are no counts either
        raise ValueError(f"load_state_dict: whole numbers were expected for {path}, {dtype}, others came")
    with np.errstate(over="ignore", invalid="ignore"):
        converted = x.astype(dtype)
    lost = np.isfinite(x) & ~np.isfinite(converted) if dtype.kind == "f" else converted != x
    if np.any(lost):
        raise ValueError(
            f"load_state_dict: numbers that {dtype} holds were expected for {path}, {x[lost][0]:.4g} came: "
            f"make the module with dtype={x.dtype}"
        )
    return converted
