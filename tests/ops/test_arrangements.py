"""Reshape, transpose, pad, flip, concatenate, stack and the like: values as NumPy's, and their transposes put back."""

from __future__ import annotations

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg

OPERATIONS = {
    "reshape": (lambda np_, x: np_.reshape(x, (3, 8))),
    "reshape to the rest": (lambda np_, x: np_.reshape(x, (4, -1, 1))),
    "reshape to one axis": (lambda np_, x: np_.reshape(x, -1)),
    "transpose": (lambda np_, x: np_.transpose(x)),
    "transpose axes": (lambda np_, x: np_.transpose(x, (1, -1, 0))), "flip": (lambda np_, x: np_.flip(x)),
    "flip one": (lambda np_, x: np_.flip(x, 1)), "flip two": (lambda np_, x: np_.flip(x, (0, -1))),
    "pad": (lambda np_, x: np_.pad(x, ((1, 2), (0, 0), (0, 3)))),
    "moveaxis": (lambda np_, x: np_.moveaxis(x, 0, -1)),
    "moveaxis back": (lambda np_, x: np_.moveaxis(x, -1, 0)),
    "moveaxis to the middle": (lambda np_, x: np_.moveaxis(x, 2, -2)),
    "expand": (lambda np_, x: np_.expand_dims(x, 1)),
    "expand two": (lambda np_, x: np_.expand_dims(x, (0, -1))),
    "squeeze": (lambda np_, x: np_.squeeze(np_.reshape(x, (1, 24, 1)))),
    "squeeze one": (lambda np_, x: np_.squeeze(np_.reshape(x, (1, 24, 1)), -1)),
    "broadcast": (lambda np_, x: np_.broadcast_to(np_.reshape(x, (2, 1, 12)), (3, 2, 5, 12))),
    "concatenate": (lambda np_, x: np_.concatenate([x, x[:1], x], 0)),
    "concatenate last": (lambda np_, x: np_.concatenate([x, x[..., :2]], axis=-1)),
    "stack": (lambda np_, x: np_.stack([x, x])), "stack last": (lambda np_, x: np_.stack([x, x, x], axis=-1)),
    "stack inside": (lambda np_, x: np_.stack([x, x], axis=1)),
}  # fmt: skip


@pytest.mark.parametrize("which", OPERATIONS)
def test_values_and_derivatives(which, rng):
    f = OPERATIONS[which]
    x = rng.normal(size=(2, 3, 4))
    node = tg.tensor(x, requires_grad=True)
    y = f(tg, node)
    close(y, f(np, x))
    # Of a map that only arranges, the matrix can be read off from what it does to the unit vectors.
    units = np.eye(24).reshape(24, 2, 3, 4)
    matrix = np.stack([f(np, e).ravel() for e in units], axis=1)
    g, t = rng.normal(size=y.shape), rng.normal(size=x.shape)
    close(tg.reverse_sweep(y, g)[node].ravel(), matrix.T @ g.ravel())
    close(np.ravel(tg.forward_sweep([y], {node: t})[0]), matrix @ t.ravel())
    close(tg.jacobian(lambda v: tg.reshape(f(tg, v * v), -1))(x).reshape(-1, 24), 2 * matrix * x.ravel())


def test_the_methods_of_a_tensor():
    x = tg.tensor(np.arange(6.0).reshape(2, 3))
    v = x.numpy()
    for found, wanted in (
        (x.reshape(3, 2), v.reshape(3, 2)), (x.reshape((3, -1)), v.reshape(3, 2)), (x.reshape(-1), v.ravel()),
        (x.T, v.T),
        (x.transpose(), v.T), (x.transpose(1, 0), v.T), (x.transpose((0, 1)), v), (x.flip(0), v[::-1]),
        (x.reshape(1, 6).squeeze(), v.ravel()),
    ):  # fmt: skip
        close(found, wanted)


def test_arrays_and_tensors_mix():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = tg.concatenate([np.zeros(2), x, [5.0]])
    close(y, [0, 0, 1, 2, 5])
    z = tg.stack([x, np.ones(2)])
    (y.sum() + z.sum()).backward()
    close(x.grad, [2.0, 2.0])


@pytest.mark.parametrize("call", [
    lambda x: tg.reshape(x, (4, 2)), lambda x: tg.transpose(x, (0, 0)), lambda x: tg.squeeze(x, 0),
    lambda x: tg.concatenate([x, x[0]]), lambda x: tg.stack([x, x[0]]), lambda x: tg.concatenate([]),
    lambda x: tg.broadcast_to(x, (2, 2)), lambda x: tg.pad(x, ((1, 1),)),
])  # fmt: skip
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(ValueError, match=r"\w+"):
        call(tg.tensor(np.ones((2, 3)), requires_grad=True))


def test_pad_says_what_it_wants():
    with pytest.raises(ValueError, match=r"a pair \(before, after\) for each of 2 axes was expected"):
        tg.pad(np.ones((2, 3)), ((1, 1),))


def test_scalars_are_not_joined_into_arrays():
    with pytest.raises(TypeError, match=r"stack: .*Scalar"):
        tg.stack([tg.Scalar(1.0), tg.Scalar(2.0)])


@pytest.mark.parametrize(("source", "destination"), [(0, 2), (-1, 0), ([0, 1], [2, 0]), ((2, 0), (0, -1))])
def test_moveaxis_is_numpys(source, destination, rng):
    v = rng.normal(size=(2, 3, 4))
    moved = tg.moveaxis(tg.tensor(v), source, destination).numpy()
    assert np.array_equal(moved, np.moveaxis(v, source, destination))


@pytest.mark.parametrize(("source", "destination"), [(0, 5), (5, 0)])
def test_moveaxis_beyond_the_axes(source, destination):
    with pytest.raises(np.exceptions.AxisError):
        tg.moveaxis(tg.tensor(np.ones((2, 3, 4))), source, destination)
