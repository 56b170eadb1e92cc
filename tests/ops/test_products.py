"""matmul and einsum: NumPy's values for all dimensionalities, derivatives by differences of NumPy's values."""

from __future__ import annotations

import numpy as np
import pytest
from derivatives import close, numeric_vjps

import tinygrad_edu as tg
from tinygrad_edu.errors import ShapeError


def agrees_with_numpy(f, reference, shapes, rng):
    xs = [rng.normal(size=s) for s in shapes]
    nodes = [tg.tensor(x, requires_grad=True) for x in xs]
    y = f(*nodes)
    close(y, reference(*xs))
    g, tangents = rng.normal(size=y.shape), [rng.normal(size=s) for s in shapes]
    found = tg.reverse_sweep(y, g)
    for node, wanted in zip(nodes, numeric_vjps(reference, xs, g), strict=True):
        close(found[node], wanted, rtol=1e-8, atol=1e-9)
    (pushed,) = tg.forward_sweep([y], dict(zip(nodes, tangents, strict=True)))
    close(
        np.sum(pushed * g),
        sum(np.sum(found[n] * t) for n, t in zip(nodes, tangents, strict=True)),
        atol=1e-10,
    )
    second = tg.hvp(lambda x: (f(x, *xs[1:]) ** 2).sum(), xs[0], tangents[0])
    (wanted,) = numeric_vjps(
        lambda x: reference(x, *xs[1:]), [xs[0]], 2 * np.asarray(reference(tangents[0], *xs[1:]))
    )
    close(second, wanted, rtol=1e-7, atol=1e-8)


SHAPES = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 5)), ((2, 3), (3, 5)), ((7, 2, 3), (3,)), ((3,), (7, 3, 5)),
    ((7, 2, 3), (3, 5)), ((2, 3), (7, 3, 5)), ((7, 2, 3), (7, 3, 5)), ((1, 2, 3), (7, 3, 5)),
    ((7, 2, 3), (1, 3, 5)),
    ((4, 1, 2, 3), (7, 3, 5)), ((4, 7, 2, 3), (3,)), ((3,), (4, 7, 3, 2)), ((1, 1), (1, 1)), ((2, 0), (0, 3)),
    ((0, 3), (3, 2)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_matmul(shapes, rng):
    agrees_with_numpy(tg.matmul, np.matmul, shapes, rng)


def test_matmul_with_itself(rng):
    x, g = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    close(tg.vjp(lambda a: a @ a, x)[1](g)[0], g @ x.T + x.T @ g)


@pytest.mark.parametrize(("left", "right", "message"), [
    ((2, 3), (4, 5), r"axis -1 of the first is 3, axis -2 of the second is 4"),
    ((2, 3), (4,), r"axis -1 of the first is 3, axis -1 of the second is 4"),
    ((3,), (4, 3), r"axis -1 of the first is 3, axis -2 of the second is 4"),
    ((2, 2, 3), (5, 3, 2), r"the leading axes \(2,\) and \(5,\) do not broadcast"),
    ((2, 3), (), r"both must have at least one axis; multiply by a number with \*"),
])  # fmt: skip
def test_matmul_explains_shapes(left, right, message):
    for a, b in ((np.ones(left), tg.tensor(np.ones(right))), (tg.tensor(np.ones(left)), np.ones(right))):
        with pytest.raises(ShapeError, match=message):
            tg.matmul(a, b)


EINSUMS = [
    ("ij,jk->ik", ((2, 3), (3, 5))), ("ij,jk", ((2, 3), (3, 5))), ("ba,ac", ((2, 3), (3, 5))),
    ("ji", ((2, 3),)), ("ij->", ((2, 3),)),
    ("ij->j", ((2, 3),)), ("ij,ij->", ((2, 3), (2, 3))), ("ij,ij->ij", ((2, 3), (2, 3))),
    ("i,j->ji", ((3,), (5,))), ("i,i", ((3,), (3,))),
    ("ii", ((3, 3),)), ("ii->i", ((3, 3),)), ("iij->j", ((3, 3, 2),)), ("iii->i", ((2, 2, 2),)),
    ("iji->j", ((3, 2, 3),)), ("ijij->", ((2, 3, 2, 3),)),
    ("ii,ij->j", ((3, 3), (3, 2))), ("ij,kj->k", ((2, 3), (4, 3))), ("ij,k->k", ((2, 3), (4,))),
    ("i,j,k->", ((2,), (3,), (4,))),
    ("ij,j,i->", ((2, 3), (3,), (2,))), ("bij,bjk,bk->bi", ((2, 3, 4), (2, 4, 5), (2, 5))),
    ("i,->i", ((3,), ())), (",->", ((), ())),
    ("...j,jk", ((7, 2, 3), (3, 5))), ("...j,jk->...k", ((3,), (3, 5))), ("...ij->...ji", ((2, 3, 4),)),
    ("i...->...", ((2, 3, 4),)),
    ("...ii->...i", ((2, 3, 3),)), ("...,...", ((2, 3), (3,))), ("...i,...i->...", ((2, 1, 3), (4, 3))),
    ("i...,j...->ij...", ((2, 4), (3, 1))),
    ("...,i->...i", ((2, 3), (4,))), (" i j , j k -> i k ", ((2, 3), (3, 5))),
    ("aB,Bc->ac", ((2, 3), (3, 4))),
    ("ij,j->i", ((2, 3), (1,))), ("ij,jk->ik", ((2, 1), (3, 5))), ("ij,jk->ik", ((2, 3), (1, 5))),
    ("i,i->", ((3,), (1,))),
]  # fmt: skip


@pytest.mark.parametrize(("subscripts", "shapes"), EINSUMS, ids=str)
def test_einsum(subscripts, shapes, rng):
    agrees_with_numpy(
        lambda *xs: tg.einsum(subscripts, *xs), lambda *xs: np.einsum(subscripts, *xs), shapes, rng
    )


def test_einsum_of_one_array_twice(rng):
    x = rng.normal(size=(3, 3))
    close(tg.grad(lambda a: tg.einsum("ij,jk->", a, a))(x), np.add.outer(x.sum(axis=1), x.sum(axis=0)).T)


@pytest.mark.parametrize("count", [1, 3])
def test_einsum_counts_its_operands(count):
    with pytest.raises(ValueError, match=r"operand|names 2"):
        tg.einsum("ij,jk->ik", *[tg.tensor(np.ones((2, 2)), requires_grad=True)] * count)
