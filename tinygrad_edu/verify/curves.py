"""The error of a numerical derivative as a function of its step: a V, whose bottom no ε fits for every function.

    error(h) = |D(h) − f′| / |f′|        D one-sided, central, extrapolated, complex step (see `numerical`)

With a large step the error is truncation, with a small one rounding. Here both are measured, beside an exact
derivative, at steps from the size of x down to its last digit. The slopes of the two lines and the bottom come from the
errors alone; what theory says of them stands beside (see `branches`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.reporting import write
from tinygrad_edu.types import Array
from tinygrad_edu.verify.branches import BINS, PER_BIN, SLOPES, Method, measure, theories
from tinygrad_edu.verify.chance import generator
from tinygrad_edu.verify.line import Line, NotAnalytic, complex_slope
from tinygrad_edu.verify.noise import noise_along
from tinygrad_edu.verify.numerical import Estimate, differentiate
from tinygrad_edu.verify.steps import extrapolate

LECTURE = 1e-7  # the lecture's ε
OCTAVE = PER_BIN * BINS  # steps from h to h/2


@dataclass(frozen=True)
class Curve:
    """The errors of several methods at many steps.

    Attributes:
        name: of the function.
        steps: (n,), descending.
        centres: (bins,), of the bins of neighbouring steps.
        methods: {name: its errors}.
        omitted: {name: why}, of methods that say nothing of this function.
        derivative: from which the errors are measured.
        noise: σ, the rounding error of the function.
        dtype: in which all but the derivative was computed.
        note: what is strange about the curve, if anything.
        jump: half the difference of the slopes on the two sides of x; 0 unless x is on a kink.
    """

    name: str
    steps: Array
    centres: Array
    methods: dict[str, Method]
    omitted: dict[str, str]
    derivative: float
    noise: float
    dtype: np.dtype[Any]
    note: str
    jump: float

    @property
    def unit(self) -> float:
        """The unit roundoff u."""
        return float(np.finfo(self.dtype).eps) / 2

    @property
    def relative(self) -> bool:
        """Whether the errors are divided by the derivative; not if it is 0."""
        return self.derivative != 0

    def at(self, method: str, step: float) -> float:
        """The size of a method's error at a step."""
        return float(self.methods[method].sizes[np.abs(np.log(self.centres / step)).argmin()])

    def to_dict(self) -> dict[str, Any]:
        """The curve for JSON; None where f is not defined."""
        methods = {
            name: {
                "truncation": m.truncation, "rounding": m.rounding, "step": m.step, "error": m.error,
                "theory": m.theory._asdict(), "errors": [e if math.isfinite(e) else None for e in m.sizes.tolist()],
            }
            for name, m in self.methods.items()
        }  # fmt: skip
        return {
            "schema": "tinygrad-edu/error-curve/1", "function": self.name, "dtype": self.dtype.name, "u": self.unit,
            "derivative": self.derivative, "relative": self.relative, "noise": self.noise, "note": self.note,
            "steps": self.centres.tolist(), "methods": methods, "omitted": self.omitted,
        }  # fmt: skip

    def svg(self, theme: str = "auto") -> str:
        """A picture; `light`, `dark`, or `auto` for what the reader's screen prefers.

        Raises:
            ValueError: another theme.
        """
        from tinygrad_edu.verify.picture import picture

        return picture(self, theme)

    def save(self, path: str | PathLike[str], theme: str = "auto") -> Path:
        """Write the picture.

        Raises:
            ValueError: another theme.
            OSError: the file cannot be written; it is then what it was.
        """
        return write(self.svg(theme), path)

    def __str__(self) -> str:
        return self.text()

    def text(self, columns: int = 75) -> str:
        """The plot and the table, for a terminal of so many columns; 75 are as many as they fill."""
        from tinygrad_edu.verify.plot import text

        return text(self, columns)


def error_curve(
    f: Callable[..., Any], *xs: Any, derivative: Any = None, dtype: Any = np.float64, direction: Any = None,
    rng: np.random.Generator | None = None, name: str = "f",
) -> Curve:  # fmt: skip
    """The errors of numerical derivatives of a function, at steps from the size of x down to its last digit.

    Args:
        f: a function of nodes, or of numbers and arrays; more numbers than one are added up with random weights.
        xs: where: numbers or arrays. What is not of floats does not move; a number always counts as a float.
        derivative: the exact one: of the shape of x, or a list of one for each of several; by default it is computed by
            the engine's backward pass.
        dtype: np.float64, or np.float32, in which f is then computed.
        direction: of the shape of x, or a list; by default a random one of the length 1, which for a number is 1.
        rng: of the random weights and directions; by default always the same ones.
        name: of the function, for the title.

    Raises:
        NotDifferentiableError: no derivative was given, and f does not compute with nodes.
        ShapeError: a derivative or a direction of another shape than x, or a derivative of more than one number.
        ValueError: another dtype, no floats among the inputs, or f or its derivative is not finite.
    """
    if dtype not in (np.float32, np.float64, "float32", "float64", float):
        raise ValueError(f"error_curve: float32 or float64 was expected as the dtype, {dtype} came")
    line = Line(f, xs, _several(direction), rng=generator(rng, "error_curve"), dtype=dtype)
    if not math.isfinite(line.at_0):
        raise ValueError(f"error_curve: {name} is {line.at_0} here: choose a point where it is finite")
    slope = line.slope(_several(derivative))
    if not math.isfinite(slope):
        raise ValueError(
            f"error_curve: the derivative of {name} is {slope} here: choose a point where it is finite"
        )
    return _measured(line, slope, name)


def _several(given: Any) -> Sequence[Any] | None:
    return given if given is None or isinstance(given, list | tuple) else [given]


def _measured(line: Line, slope: float, name: str) -> Curve:
    unit = float(np.finfo(line.dtype).eps) / 2
    n = round(-math.log2(unit)) * OCTAVE  # down to where x + h is x

    def wide(s: float) -> float:
        return float(line(np.float64(s)))

    def narrow(at: Array) -> Array:  # computed in the dtype, and exact from here on
        return _values(line, at.astype(line.dtype)).astype(float)

    numeric = differentiate(
        wide, 0.0, scale=line.scale, noise=noise_along(lambda at: _values(line, at), 0.0, line.scale)
    )
    # Two octaves more, for the half and the quarter of a step that the extrapolation asks for.
    steps = (line.scale * 2.0 ** (-np.arange(n + 2 * OCTAVE) / OCTAVE)).astype(line.dtype).astype(float)
    found, omitted = _differences(narrow, steps, n), {}
    try:
        complex_slope(line, numeric)
        imaginary = 1j * steps[:n].astype(line.dtype)
        found["complex step"] = _values(line, imaginary).imag.astype(float) / steps[:n]
    except NotAnalytic as reason:
        omitted["complex step"] = str(reason)
    noise = noise_along(narrow, 0.0, line.scale)
    theory = SLOPES if numeric.jump else theories(wide, line.scale, slope, noise, unit)
    centres, size = np.exp(np.log(steps[:n]).reshape(-1, PER_BIN).mean(axis=1)), abs(slope) or 1.0
    methods = {}
    for method, values in found.items():
        measured = measure(
            method, np.abs(values - slope) / size, centres, line.scale, unit, theory[method].relative_to(size)
        )
        if measured is None:
            omitted[method] = "is not defined around x"
        else:
            methods[method] = measured
    return Curve(
        name, steps[:n], centres, methods, omitted, slope, noise, line.dtype, _note(slope, numeric), numeric.jump
    )  # fmt: skip


def _values(line: Line, at: Array) -> Array:
    """The line at several steps, real or imaginary, in the dtype of the steps."""
    with np.errstate(all="ignore"):
        return np.array([line(s) for s in at])


def _differences(f: Callable[[Array], Array], steps: Array, n: int) -> dict[str, Array]:
    """The real methods at the first n of the steps, which come OCTAVE to an octave."""
    with np.errstate(all="ignore"):
        middle, right, left = f(np.zeros(1)), f(steps), f(-steps)
        one_sided, central = (right - middle) / steps, (right - left) / (2 * steps)
        halves, quarters = central[OCTAVE : OCTAVE + n], central[2 * OCTAVE :]
        extrapolated = extrapolate(central[:n], halves, quarters)[0]
    return {"one-sided": one_sided[:n], "central": central[:n], "extrapolated": extrapolated}


def _note(slope: float, numeric: Estimate) -> str:
    """Whether the curve is one of another derivative than that of f."""
    value, error, jump = numeric
    if jump:
        low, high = value - jump, value + jump
        said = f"x is on a kink: the slopes on its two sides are {low:.6g} and {high:.6g}"
        if low - 4 * error <= slope <= high + 4 * error:
            return (
                f"{said}; any value between them will do, here {slope:.6g}, and no ε is better than another"
            )
        return f"{said}, between which the derivative {slope:.6g} is not"
    if abs(slope - value) > 4 * error + 1e-9 * abs(value):
        return f"the derivative {slope:.9g} is not that of f, which is {value:.9g} ± {error:.0e}"
    return ""
