from __future__ import annotations

import re

import numpy as np
import pytest
from layers_reference import called, cases, compare

import tinygrad_edu as tg
from tinygrad_edu import nn, ops
from tinygrad_edu.errors import ShapeError

SETTINGS = [  # stride, padding, dilation, groups
    (1, 0, 1, 1), (2, 1, 1, 1), ((2, 1), (0, 2), 1, 2), (1, ((2, 0), (1, 3)), (2, 1), 1), ((3, 2), 2, (1, 2), 2),
]  # fmt: skip


@pytest.mark.parametrize("i", cases("Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"), ids=called)
def test_as_in_torch(i):
    compare(i)


# ---- the operations ----


def by_loops(x, w, stride, padding, dilation, groups):
    """A sum over every index, with nothing but numbers."""
    stride, dilation = (n if isinstance(n, tuple) else (n, n) for n in (stride, dilation))
    sides = padding if isinstance(padding, tuple) and isinstance(padding[0], tuple) else [
        (n, n) for n in (padding if isinstance(padding, tuple) else (padding, padding))
    ]  # fmt: skip
    x = np.pad(x, [(0, 0), (0, 0), *sides])
    out, inside = w.shape[:2]
    positions = [(n - d * (k - 1) - 1) // s + 1
                 for n, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True)]  # fmt: skip
    y = np.zeros((len(x), out, *positions))
    for b, o, i, j in np.ndindex(y.shape):
        group = o // (out // groups)
        for c, k, m in np.ndindex(w.shape[1:]):
            at = i * stride[0] + k * dilation[0], j * stride[1] + m * dilation[1]
            y[b, o, i, j] += x[b, group * inside + c, *at] * w[o, c, k, m]
    return y


def sides_of(padding):
    """Padding as the operations take it: one number, or pairs."""
    return (
        padding
        if isinstance(padding, int) or isinstance(padding[0], tuple)
        else tuple((n, n) for n in padding)
    )


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), SETTINGS)
def test_a_convolution_is_a_sum_over_every_index(rng, stride, padding, dilation, groups):
    x, w = rng.normal(size=(2, 4, 6, 7)), rng.normal(size=(6, 4 // groups, 2, 3))
    found = ops.convolve(x, w, stride, sides_of(padding), dilation, groups)
    np.testing.assert_allclose(
        found, by_loops(x, w, stride, padding, dilation, groups), rtol=1e-12, atol=1e-13
    )


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), SETTINGS)
def test_the_three_operations_are_derivatives_of_one_form(rng, stride, padding, dilation, groups):
    """⟨x ⋆ w, a⟩ = ⟨x, aᵀ⋆ w⟩ = ⟨w, weight(x, a)⟩: the adjoint identity, for each of the two operands."""
    x, w = rng.normal(size=(2, 4, 6, 7)), rng.normal(size=(6, 4 // groups, 2, 3))
    how = {"stride": stride, "padding": sides_of(padding), "dilation": dilation, "groups": groups}
    y = ops.convolve(x, w, **how)
    a = rng.normal(size=y.shape)
    form = (y * a).sum()
    assert (x * ops.convolve_transpose(a, w, lengths=(6, 7), **how)).sum() == pytest.approx(form, rel=1e-12)
    assert (w * ops.convolve_weight(x, a, size=(2, 3), **how)).sum() == pytest.approx(form, rel=1e-12)


def test_it_is_what_is_composed_of_windows_and_a_product(rng):
    """The composite, in value, first and second derivatives: it knows nothing of the fused rules."""

    def composite(x, w):
        padded = ops.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2)))
        return ops.einsum("bchwij,ocij->bohw", ops.windows(padded, (3, 2), (2, 1), (1, 3)), w)

    def fused(x, w):
        return ops.convolve(x, w, (2, 1), ((1, 1), (2, 2)), (1, 3))

    x, w = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3, 3, 2))
    t, u = rng.normal(size=x.shape), rng.normal(size=w.shape)
    g = rng.normal(size=composite(x, w).shape)
    found = {}
    for f in (composite, fused):
        leaves = [tg.tensor(x, requires_grad=True), tg.tensor(w, requires_grad=True)]
        y = f(*leaves)
        first = tg.gradients((y * y * g).sum(), leaves, create_graph=True)
        second = tg.gradients((first[0] * t).sum() + (first[1] * u).sum(), leaves)
        found[f] = [y.numpy(), *(each.numpy() for each in first), *map(np.asarray, second)]
        found[f].append(np.asarray(tg.jvp(f, [x, w], [t, u])[1]))
    for one, other in zip(found[fused], found[composite], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


def test_three_axes_at_once(rng):
    x, w = rng.normal(size=(1, 2, 3, 4, 3)), rng.normal(size=(2, 2, 2, 2, 2))
    by_windows = np.einsum("bcpqrijk,ocijk->bopqr", ops.windows(x, (2, 2, 2)), w)
    np.testing.assert_allclose(ops.convolve(x, w), by_windows, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ops.convolve(np.ones((1, 3, 4)), np.ones((2, 2, 2))), "groups that divide in and out"),
        (lambda: ops.convolve(np.ones((1, 3, 4)), np.ones((2, 3, 2, 2))), "of as many axes"),
        (lambda: ops.convolve(np.ones((1, 3, 4)), np.ones((2, 3, 5))), "a window of"),
        (
            lambda: ops.convolve_transpose(np.ones((1, 2, 4)), np.ones((2, 3, 2)), (9,)),
            r"a \(batch, 2, 8\) was",
        ),
        (
            lambda: ops.convolve_weight(np.ones((1, 3, 4)), np.ones((1, 2, 4)), (2,)),
            r"a \(1, out, 3\) was expected",
        ),
    ],
)
def test_shapes_that_do_not_fit(call, words):
    with pytest.raises(ShapeError, match=words):
        call()


# ---- the layers ----


def test_a_convolution_is_a_matrix_and_its_transpose_the_transposed_matrix(rng):
    down = nn.Conv1d(2, 3, 3, 2, 1, bias=False, rng=rng)
    up = nn.ConvTranspose1d(3, 2, 3, 2, 1, 1, bias=False, rng=rng)
    up.weight = down.weight
    matrix = tg.jacobian(lambda x: down(x).reshape(-1))(np.zeros((1, 2, 6))).numpy().reshape(9, 12)
    back = tg.jacobian(lambda y: up(y).reshape(-1))(np.zeros((1, 3, 3))).numpy().reshape(12, 9)
    assert (matrix == 0).any()
    np.testing.assert_allclose(back, matrix.T, rtol=1e-14)


def test_it_does_the_same_everywhere(rng):
    """An image that is moved gives the same features, moved: away from the edges."""
    layer = nn.Conv2d(1, 3, 3, padding="same", rng=rng)
    image = np.zeros((1, 1, 9, 9))
    image[:, :, 3:6, 2:5] = rng.normal(size=(3, 3))
    y, moved = layer(image).numpy(), layer(np.roll(image, (1, 2), (2, 3))).numpy()
    np.testing.assert_allclose(
        np.roll(y, (1, 2), (2, 3))[..., 2:-2, 3:-1], moved[..., 2:-2, 3:-1], atol=1e-14
    )


def test_an_edge_is_found_where_brightness_changes(rng):
    layer = nn.Conv2d(1, 1, (1, 2), bias=False, rng=rng)
    layer.weight.assign([[[[-1.0, 1.0]]]])
    image = np.array([[[[0.0, 0, 5, 5, 2]]]])
    np.testing.assert_array_equal(layer(image).numpy(), [[[[0, 5, 0, -3]]]])


@pytest.mark.parametrize("groups", [1, 4])
def test_the_default_keeps_the_variance(rng, groups):
    layer = nn.Conv2d(32, 32, 3, groups=groups, rng=rng)
    assert layer(rng.normal(size=(8, 32, 12, 12))).numpy().var() == pytest.approx(1, rel=0.06)
    assert not layer.bias.numpy().any()


def test_weights_of_a_transposed_layer_are_drawn_for_as_many_inputs_as_it_has(rng):
    asked = []

    def numbered(shape, *, rng, layout):
        asked.append((shape, layout))
        return np.arange(np.prod(shape), dtype=float).reshape(shape)

    layer = nn.ConvTranspose1d(4, 6, 5, groups=2, init=numbered, rng=rng)
    assert asked == [((6, 2, 5), "out_in")]
    assert layer.weight.shape == (4, 3, 5)
    drawn = numbered((6, 2, 5), rng=rng, layout="out_in")
    np.testing.assert_array_equal(
        layer.weight.numpy()[3, 1], drawn[3 + 1, 1]
    )  # second group, its second input


def test_float32_stays_float32(rng):
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, rng=rng, dtype=np.float32),
        nn.ConvTranspose2d(2, 1, 2, rng=rng, dtype=np.float32),
    )
    y = net(np.ones((2, 1, 4, 4), np.float32))
    y.sum().backward()
    assert {y.dtype, *(p.grad.dtype for p in net.parameters())} == {np.dtype("f4")}


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (2, 4, 4), (4, 4), ()])
@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_other_images_are_refused(rng, kind, shape):
    with pytest.raises(
        ShapeError, match=re.escape(f"x (batch, 2, height, width) was expected, {shape} came")
    ):
        kind(2, 3, 2, rng=rng)(np.zeros(shape))


def test_sequences_have_a_length(rng):
    with pytest.raises(ShapeError, match=re.escape("x (batch, 2, length) was expected")):
        nn.Conv1d(2, 3, 2, rng=rng)(np.zeros((2, 2, 3, 3)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda rng: nn.Conv2d(0, 2, 3, rng=rng), "0 → 2 and groups=1 came"),
        (lambda rng: nn.Conv2d(4, 6, 3, groups=4, rng=rng), "multiples of groups"),
        (lambda rng: nn.Conv2d(1, 2, (3, 3, 3), rng=rng), "kernel_size was expected .* or 2 of them"),
        (lambda rng: nn.Conv2d(1, 2, 3, 0, rng=rng), "stride was expected to be an integer of at least 1"),
        (
            lambda rng: nn.Conv2d(1, 2, 3, padding=1.5, rng=rng),
            "padding was expected to be an integer",
        ),
        (lambda rng: nn.Conv2d(1, 2, 3, padding=-1, rng=rng), "padding was expected .* at least 0"),
        (
            lambda rng: nn.Conv2d(1, 2, 3, padding="full", rng=rng),
            "'same' or 'valid' was expected, 'full' came",
        ),
        (
            lambda rng: nn.Conv2d(1, 2, 3, 2, padding="same", rng=rng),
            "stride 1 was expected with padding='same'",
        ),
        (
            lambda rng: nn.Conv2d(1, 2, 3, padding_mode="reflect", rng=rng),
            "padding_mode 'zeros' was expected",
        ),
        (
            lambda rng: nn.ConvTranspose1d(1, 2, 3, 2, output_padding=2, rng=rng),
            "output_padding below the stride",
        ),
    ],
)
def test_numbers_outside_their_range(rng, make, words):
    with pytest.raises(ValueError, match=words):
        make(rng)


def test_a_padding_that_would_leave_nothing(rng):
    with pytest.raises(ShapeError, match="the padding would leave the lengths"):
        nn.ConvTranspose1d(1, 1, 2, padding=2, rng=rng)(np.zeros((1, 1, 2)))


def test_how_it_is_shown(rng):
    assert nn.Conv2d(1, 6, (2, 3), 2, (0, 1), groups=1, rng=rng).brief() == (
        "Conv2d(1 → 6, 2×3, stride 2, padding 0×1)"
    )
    assert nn.Conv1d(2, 2, 3, dilation=2, groups=2, padding="same", bias=False, rng=rng).brief() == (
        "Conv1d(2 → 2, 3, dilation 2, groups 2, no bias, same)"
    )


# ---- what it is made of ----


def test_windows_with_a_number_for_each_axis(rng):
    x = rng.normal(size=(2, 5, 7))
    found = ops.windows(x, (2, 3), stride=(1, 2), dilation=(3, 1))
    assert found.shape == (2, 2, 3, 2, 3)
    for i, j, k, m in np.ndindex(found.shape[1:]):
        np.testing.assert_array_equal(found[:, i, j, k, m], x[:, i + 3 * k, 2 * j + m])
    g = rng.normal(size=found.shape)
    folded = ops.fold(g, x.shape, (2, 3), stride=(1, 2), dilation=(3, 1))
    assert (folded * x).sum() == pytest.approx((found * g).sum(), rel=1e-13)


def test_it_does_not_matter_how_images_lie_in_memory(rng):
    """Results are kept with the batch innermost, so what comes next reads such arrays."""
    x, w = rng.normal(size=(3, 2, 5, 4)), rng.normal(size=(4, 2, 2, 2))
    other = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)
    assert not other.flags.c_contiguous
    y = ops.convolve(x, w, padding=1)
    np.testing.assert_array_equal(ops.convolve(other, w, padding=1), y)
    np.testing.assert_array_equal(ops.convolve_weight(other, y, (2, 2), padding=1), ops.convolve_weight(
        x, np.ascontiguousarray(y), (2, 2), padding=1))  # fmt: skip
    g = rng.normal(size=(3, 2, 4, 3, 2, 2))
    moved = np.moveaxis(np.ascontiguousarray(np.moveaxis(g, 0, -1)), -1, 0)
    np.testing.assert_array_equal(ops.fold(moved, x.shape, (2, 2)), ops.fold(g, x.shape, (2, 2)))


@pytest.mark.parametrize(("make", "shape", "wanted"), [
    (lambda rng: nn.Conv1d(2, 4, 2, groups=2, rng=rng), (0, 2, 5), (0, 4, 4)),
    (lambda rng: nn.Conv2d(2, 3, 2, padding=1, stride=2, rng=rng), (0, 2, 5, 5), (0, 3, 3, 3)),
    (lambda rng: nn.ConvTranspose2d(2, 3, 2, padding=1, rng=rng), (0, 2, 5, 5), (0, 3, 4, 4)),
    (lambda rng: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, rng=rng), (0, 3, 4), (0, 3, 4)),
])  # fmt: skip
def test_a_batch_without_samples_gives_none_and_a_gradient_of_zeros(rng, make, shape, wanted):
    layer = make(rng)
    x = tg.tensor(np.zeros(shape), requires_grad=True)
    y = layer(x)
    assert y.shape == wanted
    y.sum().backward()
    assert x.grad.shape == shape
    for leaf in layer.parameters():
        np.testing.assert_array_equal(leaf.grad.numpy(), np.zeros(leaf.shape))
