from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from derivatives import close, numeric_vjps

import tinygrad_edu as tg
from tinygrad_edu.errors import ShapeError

SETTINGS = [
    ((7,), (3,), 1, 1), ((8,), (3,), 2, 1), ((9,), (3,), 3, 2), ((2, 5, 7), (3, 2), 1, 1),
    ((2, 5, 7), (3, 2), 2, 1),
    ((4, 3, 6, 6), (2, 2), 2, 2), ((5,), (5,), 1, 1), ((5,), (1,), 2, 1), ((3, 4, 5), (2, 2, 2), 1, 1),
]  # fmt: skip


def by_loops(x, size, stride, dilation):
    """Every window, one element at a time."""
    batch, lengths = x.shape[: -len(size)], x.shape[-len(size) :]
    positions = [(n - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(lengths, size, strict=True)]
    y = np.zeros((*batch, *positions, *size))
    for at in product(*map(range, positions)):
        for offset in product(*map(range, size)):
            source = tuple(p * stride + o * dilation for p, o in zip(at, offset, strict=True))
            y[(..., *at, *offset)] = x[(..., *source)]
    return y


@pytest.mark.parametrize(("shape", "size", "stride", "dilation"), SETTINGS)
def test_windows_and_fold(shape, size, stride, dilation, rng):
    x = rng.normal(size=shape)
    y = tg.windows(tg.tensor(x), size, stride, dilation)
    close(y, by_loops(x, size, stride, dilation))
    g = rng.normal(size=y.shape)
    folded = tg.fold(g, shape, size, stride, dilation)
    close(np.sum(y.value * g), np.sum(x * folded))  # ⟨windows x, g⟩ = ⟨x, fold g⟩
    close(tg.vjp(lambda v: tg.windows(v, size, stride, dilation), x)[1](g)[0], folded)
    t = rng.normal(size=shape)
    close(
        tg.vjp(lambda v: tg.fold(v, shape, size, stride, dilation), g)[1](t)[0],
        by_loops(t, size, stride, dilation),
    )
    close(
        tg.jvp(lambda v: tg.windows(v, size, stride, dilation), [x], [t])[1],
        by_loops(t, size, stride, dilation),
    )


def convolution(x, w, stride):
    """x (batch, in, height, width), w (out, in, kh, kw): eight loops."""
    batch, _, height, width = x.shape
    out, _, kh, kw = w.shape
    y = np.zeros((batch, out, (height - kh) // stride + 1, (width - kw) // stride + 1))
    for b, o, i, j in np.ndindex(y.shape):
        y[b, o, i, j] = np.sum(x[b, :, i * stride : i * stride + kh, j * stride : j * stride + kw] * w[o])
    return y


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_is_windows_and_a_product(stride, rng):
    def layer(x, w):
        return tg.einsum("bchwij,ocij->bohw", tg.windows(x, (3, 2), stride), w)

    x, w = rng.normal(size=(2, 2, 5, 4)), rng.normal(size=(3, 2, 3, 2))
    wanted = convolution(x, w, stride)
    close(layer(x, w), wanted)
    g = rng.normal(size=wanted.shape)
    numeric = numeric_vjps(lambda x, w: convolution(x, w, stride), [x, w], g)
    for found, n in zip(tg.vjp(layer, x, w)[1](g), numeric, strict=True):
        close(found, n, rtol=1e-8, atol=1e-9)


def test_pooling_is_windows_and_a_maximum():
    x = np.arange(16.0).reshape(1, 4, 4)
    pooled = tg.grad(lambda v: tg.max(tg.windows(v, (2, 2), stride=2), axis=(-1, -2)).sum())(x)
    close(pooled, np.isin(x, [5, 7, 13, 15]).astype(float))


@pytest.mark.parametrize(
    ("shape", "size", "dilation"), [((3,), (5,), 1), ((4,), (3,), 2), ((3,), (1, 1), 1), ((2, 2), (3, 1), 1)]
)
def test_a_window_that_does_not_fit(shape, size, dilation):
    with pytest.raises(ShapeError, match=r"windows: a window of .* reaches over .*, more than"):
        tg.windows(tg.tensor(np.ones(shape)), size, dilation=dilation)


def test_fold_wants_the_positions_that_windows_gives():
    with pytest.raises(ShapeError, match="fold"):
        tg.fold(np.ones((4, 3)), shape=(7,), size=(3,))  # five windows of 3 fit into 7, not four
