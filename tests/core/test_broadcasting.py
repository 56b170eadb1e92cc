"""Broadcasting is undone by the sweeps: every pair of shapes, every kind of operand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from derivatives import close, numeric_vjps

import tinygrad_edu as tg

SHAPES = [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (1, 1), (5, 1, 3), (5, 2, 1), (5, 2, 3), (0, 3)]


def fits(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


PAIRS = [(a, b) for a, b in product(SHAPES, SHAPES) if fits(a, b)]
OPERATIONS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "maximum": np.maximum,
    "power": np.power,
}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_both_sweeps_on_every_pair_of_shapes(pair, rng):
    a, b = (rng.uniform(0.5, 2, s) for s in pair)
    for name, f in OPERATIONS.items():
        x, y = tg.tensor(a, requires_grad=True), tg.tensor(b, requires_grad=True)
        z = getattr(tg, name)(x, y)
        close(z, f(a, b))
        g, t, u = rng.normal(size=z.shape), rng.normal(size=a.shape), rng.normal(size=b.shape)
        found = tg.reverse_sweep(z, g)
        (pushed,) = tg.forward_sweep([z], {x: t, y: u})
        assert (np.shape(found[x]), np.shape(found[y]), np.shape(pushed)) == (a.shape, b.shape, z.shape)
        close(np.sum(pushed * g), np.sum(found[x] * t) + np.sum(found[y] * u), rtol=1e-9, atol=1e-9)
        alone = tg.reverse_sweep(getattr(tg, name)(x, b), g), tg.reverse_sweep(getattr(tg, name)(a, y), g)
        close(alone[0][x], found[x])
        close(alone[1][y], found[y])


@pytest.mark.parametrize(
    "pair", [((), (2, 3)), ((2, 1), (3,)), ((1, 3), (2, 1)), ((5, 1, 3), (2, 1))], ids=str
)
@pytest.mark.parametrize("name", ["mul", "div", "sub"])
def test_the_sums_are_right(pair, name, rng):
    xs = [rng.uniform(0.5, 2, s) for s in pair]
    leaves = [tg.tensor(x, requires_grad=True) for x in xs]
    z = getattr(tg, name)(*leaves)
    g = rng.normal(size=z.shape)
    found = tg.reverse_sweep(z, g)
    for leaf, wanted in zip(leaves, numeric_vjps(OPERATIONS[name], xs, g), strict=True):
        close(found[leaf], wanted, rtol=1e-9, atol=1e-9)


def test_three_operands_of_three_shapes(rng):
    c, a, b = np.array([[True], [False]]), rng.normal(size=(3,)), rng.normal(size=(4, 1, 1))
    g = rng.normal(size=(4, 2, 3))
    da, db = tg.vjp(lambda a, b: tg.where(c, a, b), a, b)[1](g)
    close(da, g[:, 0].sum(axis=0))
    close(db, g[:, 1].sum(axis=1).reshape(4, 1, 1))


def test_second_derivatives_through_broadcasting(rng):
    a, b = rng.normal(size=(3,)), rng.normal(size=(2, 1))
    mixed = tg.jacobian(lambda b: tg.grad(lambda a: (a * a * b * b).sum())(tg.tensor(a)))(b)
    close(mixed, np.einsum("i,jk->ijk", 4 * a, b))


@pytest.mark.parametrize(
    ("shape", "target"), [((), (2, 3)), ((3,), (2, 3)), ((2, 1), (5, 2, 3)), ((2, 3), (2, 3))]
)
def test_broadcast_to_and_sum_to_are_transposes(shape, target, rng):
    x, g = rng.normal(size=shape), rng.normal(size=target)
    close(np.sum(tg.broadcast_to(x, target) * g), np.sum(x * tg.sum_to(g, shape)))
    close(tg.vjp(lambda v: tg.broadcast_to(v, target), x)[1](g)[0], tg.sum_to(g, shape))
    close(tg.vjp(lambda v: tg.sum_to(v, shape), g)[1](x)[0], np.broadcast_to(x, target))


@pytest.mark.parametrize(("given", "wanted"), [((2, 3), (2, 2)), ((3,), (2, 3)), ((2, 3), (3, 3))])
def test_sum_to_refuses_what_would_not_broadcast_back(given, wanted):
    with pytest.raises(ValueError, match="does not broadcast to"):
        tg.sum_to(np.ones(given), wanted)
