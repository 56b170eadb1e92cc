"""Weights with a structure: exactness, orthogonality, Haar's distribution, and how many connections are left."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_edu import nn
from tinygrad_edu.nn import init

# ---- identity ----


def test_an_identity_returns_its_input(rng: np.random.Generator) -> None:
    x = rng.standard_normal((5, 7))
    assert np.array_equal(x @ init.eye((7, 7)).T, x)
    assert np.array_equal(x @ init.eye((4, 7)).T, x[:, :4])
    assert np.array_equal((x @ init.eye((9, 7)).T)[:, :7], x)
    assert init.identity((2, 2), gain=1.5, rng=rng, layout="out_in").tolist() == [[1.5, 0], [0, 1.5]]
    assert init.eye((2, 2), gain=0.5, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("shape", [(3,), (3, 3, 3)])
def test_an_identity_is_a_matrix(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"eye: a matrix was expected, the shape \(3,.* use dirac"):
        init.eye(shape)


def convolution(x: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    """Plainly: y[n, o, p] = Σ w[o, c, k] x[n, c, p + k] in each group, with zeros around x."""
    kernel = w.shape[2:]
    width = [(k // 2, k // 2) for k in kernel]
    padded = np.pad(x, [(0, 0), (0, 0), *width])
    axes = tuple(range(2, x.ndim))
    every = sliding_window_view(padded, kernel, axis=axes)
    outputs = []
    for part, of in zip(np.split(every, groups, axis=1), np.split(w, groups), strict=True):
        summed = (1, *range(x.ndim, x.ndim + len(kernel)))
        outputs.append(
            np.moveaxis(np.tensordot(of, part, axes=((1, *range(2, 2 + len(kernel))), summed)), 0, 1)
        )
    return np.concatenate(outputs, axis=1)


@pytest.mark.parametrize("kernel", [(3,), (1,), (3, 5), (3, 1, 3)])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_a_dirac_kernel_returns_its_input(
    rng: np.random.Generator, kernel: tuple[int, ...], groups: int
) -> None:
    x = rng.standard_normal((2, 6, *(7, 5, 4)[: len(kernel)]))
    w = init.dirac((6, 6 // groups, *kernel), groups=groups, layout="out_in")
    assert np.array_equal(convolution(x, w, groups), x)
    transposed = init.dirac((*kernel, 6 // groups, 6), groups=groups, layout="in_out")
    assert np.array_equal(np.moveaxis(transposed, (-1, -2), (0, 1)), w)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_layer_that_starts_so_returns_its_input(rng: np.random.Generator, groups: int) -> None:
    x = rng.standard_normal((2, 4, 5, 7))
    start = partial(init.dirac, groups=groups)
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=groups, init=start, rng=rng)
    assert np.array_equal(layer(x).numpy(), x)


def test_the_first_channels_pass_where_there_are_fewer(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 8))
    fewer = convolution(x, init.dirac((2, 3, 5), layout="out_in"), 1)
    assert np.array_equal(fewer, x[:, :2])
    more = convolution(x, init.dirac((4, 3, 5), layout="out_in"), 1)
    assert np.array_equal(more[:, :3], x)
    assert not more[:, 3].any()


def test_what_dirac_refuses() -> None:
    with pytest.raises(ValueError, match=r"dirac: .*the shape \(3, 3\) has no kernel: use eye"):
        init.dirac((3, 3), layout="out_in")
    with pytest.raises(ValueError, match=r"dirac: the shape \(3, 3, 3\) does not say which axis"):
        init.dirac((3, 3, 3))
    for groups in (2, 0, -1):
        with pytest.raises(
            ValueError, match=f"dirac: groups that divide the 3 units were expected, {groups}"
        ):
            init.dirac((3, 3, 3), groups=groups, layout="out_in")
    with pytest.raises(ValueError, match="fans: groups that divide the 5 units were expected, 2 came"):
        init.fans((5, 3, 3), "out_in", groups=2)


# ---- orthogonal ----


@pytest.mark.parametrize("gain", [1.0, math.sqrt(2)])
@pytest.mark.parametrize(
    ("shape", "layout", "rows"),
    [
        ((50, 50), None, (50, 50)),
        ((30, 70), "out_in", (30, 70)),
        ((70, 30), "out_in", (70, 30)),
        ((70, 30), None, (70, 30)),
        ((1, 9), None, (1, 9)),
        ((16, 3, 5, 5), "out_in", (16, 75)),
        ((64, 2, 3, 3), "out_in", (64, 18)),
        ((3, 3, 4, 20), "in_out", (36, 20)),
    ],
)
def test_orthogonality(
    rng: np.random.Generator, shape: tuple[int, ...], layout: Any, rows: tuple[int, int], gain: float
) -> None:
    w = init.orthogonal(shape, rng=rng, gain=gain, layout=layout)
    assert w.shape == shape
    flat = w.reshape(rows)
    small = flat @ flat.T if rows[0] <= rows[1] else flat.T @ flat
    assert np.abs(small / gain**2 - np.eye(len(small))).max() <= 1e-12


def test_a_million_entries(rng: np.random.Generator) -> None:
    w = init.orthogonal((1000, 1000), rng=rng)
    assert (w**2).mean() == pytest.approx(1e-3, rel=1e-12)
    assert abs(w.mean()) < 5 * math.sqrt(1e-3) / 1000
    # A coordinate of a random point on the sphere in n dimensions has the fourth moment 3 / (n (n + 2)).
    assert abs((w**4).mean() * 1000 * 1002 / 3 - 1) < 5 * math.sqrt(96 / 9) / 1000


def test_all_directions_are_equally_likely(rng: np.random.Generator) -> None:
    # Of Haar's distribution, the trace has mean 0, and mean square 1 (Diaconis and Shahshahani 1994). Without the
    # signs of R it would be negative nearly always: Householder's reflections make it so.
    traces = np.array([np.trace(init.orthogonal((4, 4), rng=rng)) for _ in range(4000)])
    assert abs(traces.mean()) < 5 / math.sqrt(4000)
    assert abs((traces**2).mean() - 1) < 5 * math.sqrt((traces**2).var() / 4000)


def test_lengths_are_kept_through_any_depth(rng: np.random.Generator) -> None:
    x = rng.standard_normal(40)
    y = x
    for _ in range(100):
        y = init.orthogonal((40, 40), rng=rng) @ y
    assert np.linalg.norm(y) == pytest.approx(np.linalg.norm(x), rel=1e-12)


def test_what_orthogonal_refuses(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=r"orthogonal: the shape \(3, 3, 3\) does not say which axis"):
        init.orthogonal((3, 3, 3), rng=rng)
    with pytest.raises(ValueError, match="orthogonal: a weight with at least two axes"):
        init.orthogonal((3,), rng=rng, layout="out_in")
    anything: Any = 0
    with pytest.raises(TypeError, match="a generator was expected, int came"):
        init.orthogonal((3, 3), rng=anything)
    assert init.orthogonal((3, 3), rng=rng, dtype=np.float32).dtype == np.float32


# ---- sparse ----


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.9, 1800), (0.0, 0), (1.0, 2000), (0.10001, 201)])
def test_a_unit_listens_to_a_few_inputs(rng: np.random.Generator, sparsity: float, zeros: int) -> None:
    w = init.sparse((500, 2000), sparsity, rng=rng, layout="out_in")
    assert set((w == 0).sum(axis=1)) == {zeros}
    turned = init.sparse((2000, 500), sparsity, rng=rng, layout="in_out")
    assert set((turned == 0).sum(axis=0)) == {zeros}


def test_the_connections_that_are_left(rng: np.random.Generator) -> None:
    w = init.sparse((1000, 4000), 0.75, rng=rng, std=0.5, layout="out_in")
    kept = w[w != 0]
    assert kept.size == 10**6
    assert abs(kept.mean()) < 5 * 0.5 / 1000
    assert abs((kept**2).mean() / 0.25 - 1) < 5 * math.sqrt(2) / 1000
    # Every input is as likely: of 1,000 units, 250 ± 13.7 listen to it; of 4,000 inputs none is six deviations off.
    assert np.abs((w != 0).sum(axis=0) - 250).max() < 6 * math.sqrt(1000 * 0.25 * 0.75)


def test_a_whole_number_of_zeros(rng: np.random.Generator) -> None:
    assert (
        math.ceil(0.07 * 100) == 8
    )  # by floating point; 7 % of 100 inputs are meant, and of a kernel's, too
    assert set((init.sparse((3, 25, 2, 2), 0.07, rng=rng, layout="out_in") == 0).sum(axis=(1, 2, 3))) == {7}


def test_what_sparse_refuses(rng: np.random.Generator) -> None:
    for sparsity in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=rf"sparse: a sparsity in \[0, 1\] .* {sparsity} and 0\.01 came"):
            init.sparse((3, 4), sparsity, rng=rng, layout="out_in")
    with pytest.raises(ValueError, match="std of at least 0 were expected"):
        init.sparse((3, 4), 0.5, rng=rng, std=-1, layout="out_in")
    with pytest.raises(ValueError, match=r"sparse: the shape \(3, 4\) does not say which axis"):
        init.sparse((3, 4), 0.5, rng=rng)
    assert init.sparse((3, 4), 0.5, rng=rng, layout="out_in", dtype=np.float32).dtype == np.float32
