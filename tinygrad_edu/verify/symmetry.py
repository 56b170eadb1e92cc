"""A function of symmetric matrices that reads one triangle of them, as np.linalg.eigvalsh and np.linalg.cholesky do.

    numeric    ∂f/∂x₂₁ = 2s,  ∂f/∂x₁₂ = 0        x₁₂ is not read
    backward   x̄₂₁ = x̄₁₂ = s                     as is usual: shared by both

Neither is wrong. Moved by itself, one of the two elements is without effect; moved together, as a symmetric matrix
moves, both have the effect 2s. Which of these was meant, the numbers cannot tell. As a function of symmetric matrices
it can be checked by what makes one of any matrix: f((x + xᵀ) / 2).
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.types import Array
from tinygrad_edu.verify.steps import Gradient

ADVICE = (
    "one triangle of the matrix is not read, and for changes that keep it symmetric the gradient is right: if it is "
    "always symmetric, check lambda x: f((x + x.T) / 2)"
)


def right_for_symmetric_changes(a: Array, numeric: Gradient, slack: Array) -> bool:
    """Whether a gradient (…, n, n) is symmetric, the function reads one triangle, and the sums of both are the same.

    Args:
        a: the gradient.
        numeric: the numerical one, of the function as it is.
        slack: what may be rounding in each component of `a`.
    """
    if a.ndim < 2 or a.shape[-1] != a.shape[-2] or a.shape[-1] < 2:
        return False
    if not (np.isfinite(a).all() and np.isfinite(numeric.error).all()):
        return False
    upper = np.triu(np.ones(a.shape[-2:], bool), 1)
    n, unread = numeric.value, [not numeric.value[..., triangle].any() for triangle in (upper, upper.T)]
    if unread[0] == unread[1]:
        return False
    mirrored, of_both, error = (
        x + x.swapaxes(-1, -2) for x in (a, n, 4 * numeric.error + numeric.jump + slack)
    )
    return bool(np.all(np.abs(mirrored - 2 * a) <= error) and np.all(np.abs(mirrored - of_both) <= error))
