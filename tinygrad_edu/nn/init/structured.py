"""Weights with a structure: identity, Dirac kernels, orthogonal matrices, and few connections.

A product of many matrices grows or shrinks by their singular values. An identity and an orthogonal matrix have none but
1, so that a signal keeps its length exactly, and in every direction; random entries keep it on average only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.nn.init.distributions import generator
from tinygrad_edu.nn.init.layout import Layout, arranged, axes, check_groups
from tinygrad_edu.types import Array


def eye(
    shape: Sequence[int], *, gain: float = 1.0, rng: np.random.Generator | None = None,
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """The identity matrix times a gain; of unequal sides, as many of the inputs pass as there is room for.

    Through L layers a signal is multiplied by gainᴸ: 1.5 · I explodes, 0.5 · I vanishes.

    Raises:
        ValueError: not two axes.
    """
    if len(shape) != 2:
        raise ValueError(
            f"eye: a matrix was expected, the shape {tuple(shape)} came: for a convolution use dirac"
        )
    rows, columns = shape
    return gain * np.eye(rows, columns, dtype=dtype)


identity = eye  # Keras's name


def dirac(
    shape: Sequence[int], *, groups: int = 1, rng: np.random.Generator | None = None,
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """The identity of a convolution: a 1 in the middle of the kernel, from each channel to the one of its number.

    With odd kernels and a padding of half of them, the convolution returns its input (Zagoruyko and Komodakis 2017).

    Args:
        shape: of a convolution's weight, (out, in / groups, *kernel), or as `layout` says.
        groups: of the convolution; each passes its own channels on.
        rng: not needed.
        layout: which axes are the channels.
        dtype: of the result.

    Raises:
        ValueError: no kernel, no layout, or groups that do not divide the output channels.
    """
    units, inputs, kernel = axes("dirac", shape, layout)
    if not kernel:
        raise ValueError(
            f"dirac: a convolution's weight was expected, the shape {tuple(shape)} has no kernel: use eye"
        )
    check_groups("dirac", units, groups)
    weight = np.zeros((groups, units // groups, inputs, *kernel), dtype)
    channel = np.arange(min(units // groups, inputs))
    middle: Any = (slice(None), channel, channel, *(k // 2 for k in kernel))
    weight[middle] = 1
    return arranged(weight.reshape(units, inputs, *kernel), layout)


def orthogonal(
    shape: Sequence[int], *, rng: np.random.Generator, gain: float = 1.0, layout: Layout | None = None,
    dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """A random orthogonal matrix times a gain (Saxe, McClelland and Ganguli 2014): Wᵀ W = gain² · I, or W Wᵀ.

    Q of a QR decomposition of a normal matrix is orthogonal, but not uniformly distributed: that depends on the signs
    which the algorithm happens to give to the diagonal of R. Made positive, they leave one Q for each matrix, and this
    one is uniform, i.e. of Haar's distribution (Mezzadri 2007, sec. 5).

    Args:
        shape: two axes; of more, all axes but that of the units count as one.
        rng: where chance comes from.
        gain: all the singular values; √2 before a ReLU.
        layout: which axes are the units; a matrix does not need it, its transpose has the same distribution.
        dtype: of the result. The decomposition is computed in float64.

    Raises:
        ValueError: fewer than two axes, or more without a layout.
    """
    units, inputs, kernel = axes(
        "orthogonal", shape, "out_in" if layout is None and len(shape) == 2 else layout
    )
    n = inputs * math.prod(kernel)
    normal = generator(rng).standard_normal((max(units, n), min(units, n)))
    q, r = np.linalg.qr(normal)
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
    rows = q if units >= n else q.T
    return arranged((gain * rows).astype(dtype).reshape(units, inputs, *kernel), layout)


def sparse(
    shape: Sequence[int], sparsity: float, *, rng: np.random.Generator, std: float = 0.01,
    layout: Layout | None = None, dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """Normal, but each unit listens to a few inputs only: the others have the weight 0 (Martens 2010, sec. 5).

    Units then differ from each other more than by many small numbers, and do not saturate however many inputs there
    are. Martens keeps 15 of n inputs: sparsity = 1 − 15 / n. (PyTorch counts along the other axis of a Linear layer's
    weight, and so limits how many units an input feeds.)

    Args:
        shape: of the weight.
        sparsity: in [0, 1], the part of a unit's weights that are 0, rounded up to a whole number of them.
        rng: where chance comes from.
        std: of the others, ≥ 0.
        layout: which axes are the units.
        dtype: of the result.

    Raises:
        ValueError: a sparsity or std outside its range, no layout, or fewer than two axes.
    """
    if not 0 <= sparsity <= 1 or not 0 <= std < math.inf:
        raise ValueError(
            f"sparse: a sparsity in [0, 1] and a std of at least 0 were expected, {sparsity} and {std} came"
        )
    units, inputs, kernel = axes("sparse", shape, layout)
    n = inputs * math.prod(kernel)
    zeros = math.ceil(round(sparsity * n, 9))  # 0.07 · 100 is a little more than 7
    weight = std * generator(rng).standard_normal((units, n))
    weight[rng.permuted(np.tile(np.arange(n) < zeros, (units, 1)), axis=1)] = 0
    return arranged(weight.astype(dtype).reshape(units, inputs, *kernel), layout)
