from __future__ import annotations

import re

import numpy as np
import pytest
from layers_reference import called, cases, compare

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError

KINDS = [
    f"{kind}{axes}d"
    for kind in ("MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool")
    for axes in (1, 2)
]


@pytest.mark.parametrize("i", cases(*KINDS), ids=called)
def test_as_in_torch(i):
    compare(i)


def image(*rows):
    return tg.tensor(np.array([[rows]], float), requires_grad=True)


def test_the_largest_gets_the_gradient():
    x = image([1, 2, 3, 4], [5, 6, 7, 8])
    y = nn.MaxPool2d(2)(x)
    np.testing.assert_array_equal(y.numpy(), [[[[6, 8]]]])
    y.backward(np.array([[[[10.0, 20.0]]]]))
    np.testing.assert_array_equal(x.grad.numpy(), [[[[0, 0, 0, 0], [0, 10, 0, 20]]]])


def test_a_tie_shares_it():
    x = image([3, 3], [0, 3])
    nn.MaxPool2d(2)(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[[[1 / 3, 1 / 3], [0, 1 / 3]]]])


def test_beyond_the_image_nothing_is_large():
    y = nn.MaxPool2d(2, padding=1)(image([-1, -2], [-3, -4]))
    np.testing.assert_array_equal(y.numpy(), [[[[-1, -2], [-3, -4]]]])


def test_overlapping_windows_add_up():
    x = image([1, 9, 2])
    nn.MaxPool2d((1, 2), 1)(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[[[0, 2, 0]]]])


def test_means_count_the_padding_or_do_not():
    x = image([2, 4])
    counted, not_counted = (
        nn.AvgPool2d((1, 2), 1, (0, 1), count_include_pad=c)(x).numpy() for c in (True, False)
    )
    np.testing.assert_array_equal(counted, [[[[1, 3, 2]]]])
    np.testing.assert_array_equal(not_counted, [[[[2, 3, 4]]]])


def test_a_mean_over_everything_has_three_names(rng):
    x = rng.normal(size=(2, 3, 4, 5))
    mean = x.mean(axis=(2, 3))
    np.testing.assert_allclose(nn.GlobalAvgPool()(tg.tensor(x)).numpy(), mean, rtol=1e-14)
    np.testing.assert_allclose(nn.AdaptiveAvgPool2d(1)(tg.tensor(x)).numpy()[..., 0, 0], mean, rtol=1e-14)
    np.testing.assert_allclose(nn.AvgPool2d((4, 5))(tg.tensor(x)).numpy()[..., 0, 0], mean, rtol=1e-14)


def test_arrays_stay_arrays(rng):
    x = rng.normal(size=(2, 3, 4))
    np.testing.assert_array_equal(nn.MaxPool1d(2)(x), nn.MaxPool1d(2)(tg.tensor(x)).numpy())
    np.testing.assert_array_equal(nn.AvgPool1d(2)(x), nn.AvgPool1d(2)(tg.tensor(x)).numpy())


@pytest.mark.parametrize("layer", [nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2)])
@pytest.mark.parametrize("shape", [(2, 4, 4), (4,)])
def test_other_images_are_refused(layer, shape):
    with pytest.raises(
        ShapeError, match=re.escape(f"x (batch, channels, height, width) was expected, {shape} came")
    ):
        layer(np.zeros(shape))


def test_images_smaller_than_a_window_are_refused():
    with pytest.raises(ShapeError, match="at least 5 was expected, so far a window reaches"):
        nn.MaxPool1d(5)(np.zeros((1, 1, 4)))
    with pytest.raises(ShapeError, match=re.escape("(batch, channels, *lengths) was expected, (2, 3) came")):
        nn.GlobalAvgPool()(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.MaxPool2d(0), "kernel_size was expected"),
        (lambda: nn.MaxPool2d(2, 0), "stride was expected"),
        (lambda: nn.AvgPool2d(3, padding=2), "a padding of at most half of the kernel"),
        (lambda: nn.AvgPool2d((2, 3, 4)), "or 2 of them"),
        (lambda: nn.AdaptiveMaxPool1d(0), "output_size was expected"),
    ],
)
def test_numbers_outside_their_range(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_how_it_is_shown():
    assert nn.MaxPool2d(2).brief() == "MaxPool2d(kernel 2)"
    assert (
        nn.AvgPool2d((2, 3), 1, 1, ceil_mode=True).brief()
        == "AvgPool2d(kernel 2×3, stride 1, padding 1, ceil)"
    )
    assert nn.AdaptiveAvgPool2d((2, 3)).brief() == "AdaptiveAvgPool2d(2×3)"
