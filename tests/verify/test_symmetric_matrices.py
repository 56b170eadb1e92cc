"""Functions of symmetric matrices, which read one triangle and share the gradient between both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

A = np.random.default_rng(0).normal(size=(4, 4))
A = A @ A.T + np.eye(4)


def of_eigenvalues(g: Any, y: Any, x: Any) -> Any:
    """Magnus 1985: ∂λ = vᵀ ∂x v."""
    _, v = np.linalg.eigh(x)
    return (v * g) @ v.T


def of_cholesky(g: Any, y: Any, x: Any) -> Any:
    """Murray 2016, eq. 10."""
    inner = np.tril(y.T @ g)
    inner[np.diag_indices(len(x))] /= 2
    inverse = np.linalg.inv(y)
    found = inverse.T @ inner @ inverse
    return (found + found.T) / 2


@pytest.mark.parametrize(
    ("f", "vjp"), [(np.linalg.eigvalsh, of_eigenvalues), (np.linalg.cholesky, of_cholesky)]
)
@pytest.mark.parametrize("hazards", [False, True])
def test_a_gradient_that_is_right_for_symmetric_changes_is_not_called_wrong(
    f: Callable[..., Any], vjp: Callable[..., Any], hazards: bool
) -> None:
    rule = tg.custom_vjp(f, vjp)
    report = tg.check(rule, A, hazards=hazards)
    assert report.verdict == "inconclusive"
    assert "one triangle of the matrix is not read" in str(report)
    assert tg.check(lambda x: rule((x + x.T) / 2), A, hazards=hazards)  # as it says itself


@pytest.mark.parametrize(("f", "vjp"), [
    (np.linalg.eigvalsh, lambda g, y, x: 2 * of_eigenvalues(g, y, x)),
    (np.linalg.eigvalsh, lambda g, y, x: np.triu(2 * of_eigenvalues(g, y, x))),  # the triangle that is not read
    (np.tril, lambda g, y, x: np.tril(g).T),
    (np.tril, lambda g, y, x: g),
    (lambda x: 2 * x, lambda g, y, x: g + g.T),  # both triangles are read
])  # fmt: skip
def test_wrong_gradients_do_not_hide_behind_it(f: Callable[..., Any], vjp: Callable[..., Any]) -> None:
    assert tg.check(tg.custom_vjp(f, vjp), A).verdict == "wrong"
