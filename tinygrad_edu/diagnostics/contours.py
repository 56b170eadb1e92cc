"""Contours of a function on a grid, by marching squares (Lorensen and Cline 1987)."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_edu.types import Array


def contour(f: Array, x: Array, y: Array, level: float) -> tuple[Array, Array]:
    """The line f = level, as pieces with NaN between them.

    Every square between four neighbouring points is crossed where f passes the level along its sides, linearly in
    between. Of a saddle, with four crossings, neighbours are joined in the order in which they are met.

    Args:
        f: (len(y), len(x)), the values.
        x: (m,), ascending.
        y: (n,), ascending.
        level: a number.
    """
    pieces: list[tuple[float, float]] = []
    above = f > level
    mixed = above[:-1, :-1].astype(int) + above[1:, :-1] + above[:-1, 1:] + above[1:, 1:]
    for i, j in np.argwhere((mixed > 0) & (mixed < 4)):
        corners = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
        crossings = []
        for (a, b), (c, d) in zip(corners, [*corners[1:], corners[0]], strict=True):
            if above[a, b] != above[c, d]:
                t = (level - f[a, b]) / (f[c, d] - f[a, b])
                crossings.append((x[b] + t * (x[d] - x[b]), y[a] + t * (y[c] - y[a])))
        for k in range(0, len(crossings), 2):
            pieces += [crossings[k], crossings[k + 1], (math.nan, math.nan)]
    found = np.array(pieces).reshape(-1, 2)
    return found[:, 0], found[:, 1]
