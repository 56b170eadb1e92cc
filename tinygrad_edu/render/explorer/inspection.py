"""Inspection: what the page says of one node.

    array     its elements, or head and tail; statistics; a histogram
    local     the Jacobian ∂y/∂x by each operand, if it has at most 8 rows and columns; else its formula and shape
    check     the gradient by backward and by numbers

Numbers are written here, as texts: the page only puts them into its tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, leaf
from tinygrad_edu.core.recording import NEEDED, recording
from tinygrad_edu.core.sweep import reverse_sweep
from tinygrad_edu.errors import TinygradEduError
from tinygrad_edu.render.explorer.recheck import Finding
from tinygrad_edu.render.graph.numbers import ITEMS, Numbers
from tinygrad_edu.render.look.style import number, shape
from tinygrad_edu.types import Array

SIDE = 8  # rows and columns of a Jacobian that is written out
HEAD, TAIL = 4, 3  # of the rows and columns of a large array


def exact(x: float) -> str:
    """A number with all the digits that it has."""
    return repr(x).replace("-", "−").replace("inf", "∞").replace("nan", "NaN")


def rows(array: Array) -> list[list[str]]:
    """An array as a table; the last axis runs along the rows, and all others down."""
    table = array.reshape(-1, array.shape[-1] if array.ndim else 1)
    down, along = ([*range(n)] for n in table.shape)
    if array.size > ITEMS:
        down, along = (
            places if len(places) <= HEAD + TAIL + 1 else [*places[:HEAD], -1, *places[-TAIL:]]
            for places in (down, along)
        )
    return [["…" if i < 0 or j < 0 else number(float(table[i, j])) for j in along] for i in down]


def described(x: Numbers, array: Any) -> dict[str, Any]:
    """An array: its numbers, what they have in common, and how they are spread."""
    found: dict[str, Any] = {}
    values = np.asarray(array)
    if values.dtype.kind in "biuf" and values.size:
        found["rows"] = rows(values)
    statistics = [["elements", str(values.size)]]
    known = {"mean": x.mean, "std": x.std, "min": x.smallest, "max": x.largest, "norm": x.norm}
    statistics += [[name, number(value)] for name, value in known.items() if value is not None]
    statistics += [[name, str(count)] for name, count in (("NaN", x.nan), ("±∞", x.infinite)) if count]
    found["statistics"] = statistics
    if x.histogram:
        ends = {"low": number(x.smallest), "high": number(x.largest)}
        found["histogram"] = {"counts": list(x.histogram), **ends}
    return found


def jacobian(node: Node, i: int) -> Array | None:
    """∂y/∂x, (size of y, size of x), of one operation alone; None if it has more than 8 rows or columns.

    A row is what the rule makes of the cotangent that is 1 at one element of y, and 0 elsewhere.
    """
    x, op = node.args[i], node.op
    height, width = np.size(node.value), np.size(x.value)
    if op is None or not x.requires_grad or not 0 < height <= SIDE or not 0 < width <= SIDE:
        return None
    kind: Any = type(node)
    params = {key: value for key, value in node.params.items() if key != "saved"}
    operands = [leaf(kind, a.value, place == i) for place, a in enumerate(node.args)]
    found = np.zeros((height, width))
    try:
        with recording(NEEDED), np.errstate(all="ignore"):
            y = op.call(*operands, **params)
        for row in range(height):
            unit = np.zeros(height)
            unit[row] = 1
            cotangent: Any = 1.0 if type(node.value) is float else unit.reshape(np.shape(node.value))
            with np.errstate(all="ignore"):
                g = reverse_sweep(y, cotangent).get(operands[i], 0.0)
            found[row] = np.asarray(g, float).reshape(-1)
    except (TinygradEduError, ArithmeticError, ValueError, TypeError):
        return None
    return found


def local(node: Node, i: int, names: tuple[str, str], symbols: str | None) -> dict[str, Any]:
    """The local derivative by operand i as the page shows it.

    Args:
        node: the result y of an operation.
        i: the number of the operand x.
        names: of y and x.
        symbols: what the rule says in symbols.
    """
    y, x = names
    found: dict[str, Any] = {"title": f"∂{y}/∂{x}"}
    if symbols is not None:
        found["symbols"] = symbols
    matrix = jacobian(node, i)
    if matrix is not None and matrix.size == 1:
        found["number"] = number(float(matrix[0, 0]))
    elif matrix is not None:
        found["rows"] = rows(matrix)
    else:
        there, here = node.value, node.args[i].value
        sizes = f"{np.size(there)} × {np.size(here)}"
        found["note"] = (
            f"a Jacobian from {shape(np.shape(here))} to {shape(np.shape(there))}: {sizes} numbers"
        )
    return found


def compared(found: Finding | None) -> list[str]:
    """What a check by numbers found: the verdict, both derivatives, their relative error; nothing without a check."""
    if found is None:
        return []
    both = [f"{x:.10g}".replace("-", "−") for x in (found.analytic, found.numeric)]
    return [found.verdict, *both, number(found.error)]
