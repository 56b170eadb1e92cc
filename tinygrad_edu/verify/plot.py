"""An error curve for a terminal: a plot of characters on logarithmic scales, and a table beside theory.

Each method is drawn by one character, the order of its truncation error, so that it is legible without colour: 1 is
one-sided, 2 central, 6 extrapolated, and i the complex step. Nothing is wider than 80 columns, or than it may be.
"""

from __future__ import annotations

import math
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.reporting.terminal import beside
from tinygrad_edu.types import Array

if TYPE_CHECKING:
    from tinygrad_edu.verify.branches import Method
    from tinygrad_edu.verify.curves import Curve

MARKS = {"one-sided": "1", "central": "2", "extrapolated": "6", "complex step": "i"}
COLUMNS, HEIGHT, MARGIN = 75, 20, 7  # characters; the margin is for the powers of ten on the left
LEAST = 32  # columns, below which nothing could be seen
LECTURE = 1e-7  # the lecture's ε
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(exponent: int) -> str:
    """10⁻⁷."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def bounds(curve: Curve) -> tuple[int, int, int, int]:
    """The powers of ten at the left, the right, the bottom and the top of a picture."""
    left, right = math.floor(math.log10(curve.centres.min())), math.ceil(math.log10(curve.centres.max()))
    sizes = np.concatenate([np.empty(0), *(method.sizes for method in curve.methods.values())])
    seen = sizes[np.isfinite(sizes) & (sizes > 0)]
    lowest, highest = (seen.min(), seen.max()) if seen.size else (curve.unit, 1.0)
    top = math.ceil(math.log10(max(highest, curve.unit)))
    # Errors that hardly differ are a level, and no hills.
    return left, right, min(math.floor(math.log10(max(lowest, curve.unit))), top - 4), top


def title(curve: Curve) -> str:
    """What the picture shows."""
    of = "relative error" if curve.relative else "error"
    return f"{of} of the derivative of {curve.name} against ε, {curve.dtype.name}"


def text(curve: Curve, columns: int = COLUMNS) -> str:
    """The plot and the table, in no more columns than that, but in 32 at least."""
    columns = max(min(columns, COLUMNS), LEAST)
    return "\n".join([*plot(curve, columns), "", *table(curve, columns)])


def plot(curve: Curve, columns: int = COLUMNS) -> list[str]:
    """The lines of the plot, with a legend."""
    left, right, bottom, top = bounds(curve)
    width = columns - MARGIN
    cells = [[" "] * width for _ in range(HEIGHT)]

    def column(step: Array | float) -> Array:
        return np.asarray((np.log10(step) - left) / (right - left) * (width - 1))

    def row(size: Array | float) -> Array:
        return np.asarray((top - np.log10(size)) / (top - bottom) * (HEIGHT - 1))

    lecture = round(float(column(LECTURE)))
    if 0 <= lecture < width:
        for line in cells:
            line[lecture] = "┊"
    for name, method in curve.methods.items():
        with np.errstate(divide="ignore"):
            _draw(cells, column(curve.centres), np.minimum(row(method.sizes), HEIGHT - 1), MARKS[name])
    ticks = {round(float(row(10.0**k))): k for k in range(bottom, top + 1, _every(top - bottom, 9))}
    lines = [*wrap(title(curve), columns), ""]
    for i, line in enumerate(cells):
        label = power_of_ten(ticks[i]) if i in ticks else ""
        lines.append(f"{label:>{MARGIN - 1}}{'┤' if i in ticks else '│'}{''.join(line)}".rstrip())
    axis, labels = ["─"] * width, [" "] * columns
    for k in range(left, right + 1, _every(right - left, max(width // 7, 1))):
        at, label = round(float(column(10.0**k))), power_of_ten(k)
        axis[at] = "┬"
        start = min(max(MARGIN + at - len(label) // 2, 0), columns - len(label))
        labels[start : start + len(label)] = label
    legend = [f"{MARKS[name]} {name}" for name in curve.methods]
    if 0 <= lecture < width:
        legend.append("┊ ε = 10⁻⁷")
    return [
        *lines, " " * (MARGIN - 1) + "└" + "".join(axis), "".join(labels).rstrip(), "",
        *(" " * MARGIN + line for line in beside(legend, width)),
    ]  # fmt: skip


def _draw(cells: list[list[str]], columns: Array, rows: Array, mark: str) -> None:
    """One mark in each column; where the line is steep, several under one another."""
    known = np.isfinite(rows)
    order = np.argsort(columns[known])
    at = np.arange(math.ceil(columns[known].min()), math.floor(columns[known].max()) + 1)
    heights = np.interp(at, columns[known][order], rows[known][order]).round().astype(int).tolist()
    for x, height, before in zip(at, heights, [heights[0], *heights], strict=False):
        step = 1 if height < before else -1
        for y in range(height, before, step) if height != before else [height]:
            cells[y][x] = mark


def _every(powers: int, most: int) -> int:
    """How many powers of ten from one label to the next."""
    return max(math.ceil(powers / most), 1)


# ---- the table ----


def table(curve: Curve, columns: int = COLUMNS) -> list[str]:
    """Slopes and bottoms, each with theory beside it in brackets. On a kink there are none, but something to say."""
    if curve.jump:
        return _remarks(curve, columns)
    if columns < COLUMNS:
        lines = [line for name, method in curve.methods.items() for line in _in_words(name, method, columns)]
        return ["in brackets what theory says", *lines, "", *_remarks(curve, columns)]
    lines = [
        f"{'':12}  {'slope, and in theory':^23}   {'the best ε':^15}   {'the error there':^15}",
        f"{'method':12}  {'on the right':>12} {'on the left':>11}   {'':7} {'theory':>7}   {'':7} {'theory':>7}",
    ]
    lines += [_row(name, method) for name, method in curve.methods.items()]
    lines += ["", *_remarks(curve, columns)]
    return lines


def _in_words(name: str, method: Method, columns: int) -> list[str]:
    """A row where a table is too wide."""
    right, left, step, error = method.theory
    said = (
        f"{name}: slope {_beside(method.truncation, right)} on the right, {_beside(method.rounding, left)} on the "
        f"left; best ε {_short(method.step).strip()} ({_short(step).strip()}), with the error "
        f"{_short(method.error).strip()} ({_short(error).strip()})"
    )
    return wrap(said, columns, subsequent_indent="    ")


def _row(name: str, method: Method) -> str:
    right, left, step, error = method.theory
    return (
        f"{name:12}  {_beside(method.truncation, right):>12} {_beside(method.rounding, left):>11}   "
        f"{_short(method.step)} {_short(step)}   {_short(method.error)} {_short(error)}"
    )


def _beside(measured: float | None, theory: float | None) -> str:
    """`+0.99 (+1)`."""
    if theory is None:
        return "none"
    return f"{'—' if measured is None else f'{measured:+.2f}'} ({theory:+.0f})".replace("-", "−")


def _short(x: float | None) -> str:
    return f"{'—' if x is None else f'{x:.1e}':>7}"


def _remarks(curve: Curve, columns: int) -> list[str]:
    said = [curve.note] * bool(curve.note)
    said += [f"u = {curve.unit:.2e}, half the distance from 1 to the next number of {curve.dtype.name}"]
    here = [f"{name} {curve.at(name, LECTURE):.0e}" for name in curve.methods]
    if here and curve.centres.min() <= LECTURE <= curve.centres.max():
        said.append(f"the error at ε = 1e-07: {', '.join(here)}")
    exact = [name for name, method in curve.methods.items() if not np.nan_to_num(method.sizes).any()]
    if exact:
        said.append(f"without any error, and so drawn at the bottom: {', '.join(exact)}")
    said += [f"without the {name}: the function {why}" for name, why in curve.omitted.items()]
    return [line for each in said for line in wrap(each, columns, subsequent_indent="    ")]
