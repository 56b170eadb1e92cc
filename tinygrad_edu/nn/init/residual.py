"""Deep residual networks without normalization: a start at which every block is the identity.

In y = x + f(x) a random f adds its variance to that of x in every block, so that a signal grows like 2^blocks. Both
ways out let f begin with 0 or with numbers that are not random, and the identity around it carry the signal:

    fixup       the last layer of each f is 0, and the others are smaller the more blocks there are
                                                                                 Zhang, Dauphin and Ma 2019
    zero_one    no chance at all: identities, where a layer becomes wider those with a Hadamard matrix between
                                                                                 Zhao, Schäfer and Anandkumar 2022
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from tinygrad_edu.core.node import assign
from tinygrad_edu.nn.init.assigning import Initialization, named, role
from tinygrad_edu.nn.init.distributions import generator
from tinygrad_edu.nn.init.layout import Layout, arranged, axes
from tinygrad_edu.nn.init.scaling import kaiming_normal
from tinygrad_edu.types import Array


def hadamard(n: int) -> Array:
    """The matrix of ±1 whose rows are orthogonal to each other (Sylvester 1867), for n a power of 2.

    H₁ = 1, and H₂ₙ is Hₙ four times, the last with the other sign: H[i, j] = (−1)^(ones that i and j share in binary).

    Raises:
        ValueError: n is no power of 2.
    """
    if n < 1 or n & (n - 1):
        raise ValueError(f"hadamard: a power of 2 was expected, {n} came")
    H = np.ones((1, 1))
    while len(H) < n:
        H = np.block([[H, H], [H, -H]])
    return H


def zero_one(
    shape: Sequence[int], *, rng: np.random.Generator | None = None, layout: Layout | None = None,
    dtype: Any = np.float64,
) -> Array:  # fmt: skip
    """ZerO: zeros and ones, up to a factor, and no chance (Zhao, Schäfer and Anandkumar 2022, Alg. 1 and 2).

    As many inputs pass as there is room for. Where there are more units than inputs, identities alone would leave the
    others without a signal, and all of them would learn the same: a Hadamard matrix between mixes the inputs, so that
    each unit sees all of them with its own signs. Its factor, as in the authors' code, keeps the length of a signal if
    the units are a power of 2. Of a convolution this stands in the middle of the kernel.

    Args:
        shape: of a weight, (out, in, *kernel), or as `layout` says.
        rng: not needed.
        layout: which axes are which; needed but for "out_in" matrices.
        dtype: of the result.

    Raises:
        ValueError: fewer than two axes, or no layout.
    """
    units, inputs, kernel = axes("zero_one", shape, layout)
    matrix = np.eye(units, inputs)
    if units > inputs:
        n = 1 << math.ceil(math.log2(units))
        matrix = hadamard(n)[:units, :inputs] / math.sqrt(n)
    weight = np.zeros((units, inputs, *kernel), dtype)
    middle: Any = (slice(None), slice(None), *(k // 2 for k in kernel))
    weight[middle] = matrix
    return arranged(weight, layout)


def fixup(
    model: Any, *, rng: np.random.Generator, branches: str = "*body", head: str | None = None,
    weight: Initialization = kaiming_normal,
) -> dict[str, str]:  # fmt: skip
    """Start a residual network so that a step changes its outputs alike at any depth (Zhang et al. 2019, sec. 3).

        1   the last weight of each branch, and of the head, is 0
        2   the others of a branch of m weights are drawn by `weight`, times L^(−1 / (2m − 2)), L the number of branches
        3   biases are 0

    The authors also put a single number as a bias before each layer, and one as a factor at the end of a branch; those
    are a matter of the architecture.

    Args:
        model: a module with residual branches.
        rng: where chance comes from.
        branches: a pattern of the paths of the modules that are the f in x + f(x); of `nn.Residual` they are called
            `body`. One within another is no branch of its own.
        head: a pattern of the weights that start at 0 at the end, such as "head.weight"; by default the last weight of
            the model that is not in a branch.
        weight: how the others start.

    Returns:
        {path: what was done} of every parameter.

    Raises:
        TypeError: no module, or no generator.
        ValueError: no branch, or no head.
    """
    generator(rng)
    leaves = named("fixup", model)
    found: list[str] = []
    for path, _ in model.named_modules():
        if path and fnmatchcase(path, branches) and not any(path.startswith(f"{one}.") for one in found):
            found.append(path)
    weights = [path for path, leaf in leaves.items() if role(path, np.shape(leaf.value)) == "weight"]
    inside = {one: [path for path in weights if path.startswith(f"{one}.")] for one in found}
    inside = {one: paths for one, paths in inside.items() if paths}
    outside = [path for path in weights if not any(path in paths for paths in inside.values())]
    last = [path for path in outside if fnmatchcase(path, head)] if head else outside[-1:]
    if not inside or not last:
        raise ValueError(
            f"fixup: weights in branches={branches!r} and a head were expected, {len(inside)} branches and "
            f"{len(last)} weights of a head came: the modules are {', '.join(p for p, _ in model.named_modules() if p)}"
        )
    factors = dict.fromkeys(weights, 1.0) | dict.fromkeys(last, 0.0)
    for paths in inside.values():
        inner = len(inside) ** (-1 / (2 * len(paths) - 2)) if len(paths) > 1 else 0.0
        factors |= dict.fromkeys(paths, inner) | {paths[-1]: 0.0}
    done, pairs = dict.fromkeys(leaves, "left"), []
    for path, leaf in leaves.items():
        shape = np.shape(leaf.value)
        if role(path, shape) == "bias" or factors.get(path) == 0:
            done[path] = "zeros"
            pairs.append((leaf, np.zeros(shape)))
        elif path in factors:
            drawn = np.asarray(weight(shape, rng=rng, layout="out_in"))
            pairs.append((leaf, factors[path] * drawn))
            name = getattr(weight, "__name__", "drawn")
            done[path] = name if factors[path] == 1 else f"{factors[path]:.3g} · {name}"
    assign(pairs)
    return done
