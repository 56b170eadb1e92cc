"""Products of matrices, and of arrays of any number of axes.

    Y = A B    gives    Ā = Ȳ Bᵀ    and    B̄ = Aᵀ Ȳ

The shapes leave no other choice: Ȳ has the shape of Y, and Ā must have that of A. `einsum` says the same for
products in general: exchange the operand's letters with those of the output.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.broadcasting import shape_of, sum_to
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import multilinear
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.shape import reshape, transpose
from tinygrad_edu.types import Operand, Shape


def _matrices(g: Operand, a: Operand, b: Operand) -> tuple[Operand, Operand, Operand]:
    """A vector on the left is a row, one on the right a column: then all three are matrices, or stacks of them."""
    left, right = shape_of(a), shape_of(b)
    if len(left) == 1:
        a = reshape(a, (1, *left))
    if len(right) == 1:
        b = reshape(b, (*right, 1))
    batch = np.broadcast_shapes(shape_of(a)[:-2], shape_of(b)[:-2])
    return reshape(g, (*batch, shape_of(a)[-2], shape_of(b)[-1])), a, b


def _transposed(x: Operand) -> Operand:
    n = len(shape_of(x))
    return transpose(x, (*range(n - 2), n - 1, n - 2))


def _left(g: Operand, y: Operand, a: Operand, b: Operand) -> Operand:
    if len(shape_of(a)) == len(shape_of(b)) == 2:
        return g @ transpose(b)
    g, row, column = _matrices(g, a, b)
    return reshape(sum_to(g @ _transposed(column), shape_of(row)), shape_of(a))


def _right(g: Operand, y: Operand, a: Operand, b: Operand) -> Operand:
    if len(shape_of(a)) == len(shape_of(b)) == 2:
        return transpose(a) @ g
    g, row, column = _matrices(g, a, b)
    return reshape(sum_to(_transposed(row) @ g, shape_of(column)), shape_of(b))


@multilinear(transposes=(_left, _right), symbol="@", notation="{0} @ {1}",
             cases=[case(real(2, 3), real(3, 5)), case(real(3), real(3)), case(real(2, 3), real(3)),
                    case(real(3), real(3, 5)), case(real(7, 2, 3), real(7, 3, 5)), case(real(7, 2, 3), real(3, 5)),
                    case(real(2, 3), real(7, 3, 5)), case(real(1, 2, 3), real(7, 3, 5)),
                    case(real(3), real(7, 3, 5)), case(real(7, 2, 3), real(3))])  # fmt: skip
def matmul(a: Operand, b: Operand) -> Operand:
    """Matrix product, as NumPy's: a vector on the left is a row, on the right a column; stacks are broadcast.

    Raises:
        ShapeError: the inner lengths differ.
    """
    try:
        return np.matmul(a, b)
    except ValueError as error:
        raise ShapeError(_explain(np.shape(a), np.shape(b))) from error


def _explain(a: Shape, b: Shape) -> str:
    if not a or not b:
        return f"matmul: {a} @ {b}: both must have at least one axis; multiply by a number with *"
    inner = -2 if len(b) > 1 else -1
    if a[-1] != b[inner]:
        return f"matmul: {a} @ {b}: axis -1 of the first is {a[-1]}, axis {inner} of the second is {b[inner]}"
    return f"matmul: {a} @ {b}: the leading axes {a[:-2]} and {b[:-2]} do not broadcast"


# ---- einsum ----


def _letters(subscripts: str, shapes: list[Shape]) -> tuple[list[str], str]:
    """The terms and the output with a letter for every axis: `...` spelled out, an implied output made explicit."""
    given, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = given.split(",")
    if len(terms) != len(shapes):
        raise ValueError(f"einsum: '{subscripts}' names {len(terms)} operands, {len(shapes)} came")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in subscripts]
    extra = [len(shape) - len(term) + 3 for term, shape in zip(terms, shapes, strict=True) if "..." in term]
    ellipsis = "".join(free[: max(extra, default=0)])
    spelled = []
    for term, shape in zip(terms, shapes, strict=True):
        n = len(shape) - len(term) + 3
        spelled.append(term.replace("...", ellipsis[len(ellipsis) - n :]) if "..." in term else term)
    if not arrow:
        joined = "".join(terms).replace(".", "")
        output = ("..." if ellipsis else "") + "".join(sorted(c for c in set(joined) if joined.count(c) == 1))
    return spelled, output.replace("...", ellipsis)


def _einsum_transpose(i: int, g: Operand, y: Operand, *xs: Operand, subscripts: str) -> Operand:
    terms, output = _letters(subscripts, [shape_of(x) for x in xs])
    free = iter(
        c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in "".join(terms) + output
    )
    operands: list[tuple[Any, str]] = [(g, output)]
    operands += [(x, term) for j, (x, term) in enumerate(zip(xs, terms, strict=True)) if j != i]
    wanted = ""
    for letter, n in zip(terms[i], shape_of(xs[i]), strict=True):
        if letter in wanted:  # a diagonal was read: an identity matrix puts its cotangent back on it
            new = next(free)
            operands.append((np.eye(n, dtype=_dtype(g)), letter + new))
            letter = new
        wanted += letter
    for letter, n in zip(wanted, shape_of(xs[i]), strict=True):
        sizes = [m for x, term in operands for c, m in zip(term, shape_of(x), strict=True) if c == letter]
        if n > max(
            sizes, default=-1
        ):  # over it this operand was summed alone, or against an axis of length 1
            operands.append((np.ones(n, dtype=_dtype(g)), letter))
    back = einsum(",".join(term for _, term in operands) + "->" + wanted, *[x for x, _ in operands])
    return sum_to(back, shape_of(xs[i]))  # an axis of length 1 may have been broadcast


def _dtype(x: Any) -> Any:
    return getattr(x, "dtype", np.float64)


@multilinear(transposes=_einsum_transpose, name="einsum",
             cases=[case(real(2, 3), real(3, 5), subscripts="ij,jk->ik"), case(real(3, 3), subscripts="ii->i"),
                    case(real(3, 3), subscripts="ii"), case(real(2, 3), subscripts="ij->j"),
                    case(real(2, 3), real(3), real(2), subscripts="ij,j,i->"), case(real(2, 3), subscripts="ij->ji"),
                    case(real(7, 2, 3), real(3, 5), subscripts="...j,jk"), case(real(3), real(5), subscripts="i,j->ji"),
                    case(real(7, 1, 3), real(2, 3), subscripts="...j,...j->..."), case(real(1, 3), subscripts="ij->j"),
                    case(real(7, 2, 3), real(3), subscripts="...j,...j->..."),
                    case(real(2, 3), real(3, 5), subscripts="kj,ji"),
                    case(real(3, 3, 2), real(2, 5), subscripts="aab,bc->ac"),
                    case(real(2, 3), real(3, 5), subscripts="ij, jk -> ik")])  # fmt: skip
def _einsum(*xs: Operand, subscripts: str) -> Operand:
    """Sum of products over named axes: `ij,jk->ik` is the matrix product (Einstein's convention)."""
    return np.einsum(subscripts, *xs, optimize=len(xs) > 2)


def einsum(subscripts: str, *xs: Operand) -> Operand:
    """Sum of products over named axes: `ij,jk->ik` is the matrix product (Einstein's convention).

    Any subscripts that NumPy takes: repeated letters (diagonals), letters of one operand alone, `...`, and an
    implied output.
    """
    return _einsum(*xs, subscripts=subscripts)
