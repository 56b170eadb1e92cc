"""Arguments as newcomers from PyTorch give them, and what does not fit: sentences, and no errors of NumPy's."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError

RNG = np.random.default_rng(0)
LAYER = nn.Linear(3, 4, rng=RNG)
IMAGE = np.zeros((1, 3, 5, 5))


@pytest.mark.parametrize(("f", "words"), [
    (lambda: nn.Linear(3.0, 4, rng=RNG), "3.0 → 4 came"), (lambda: nn.Conv2d(3, 4.0, 3, rng=RNG), "3 → 4.0"),
    (lambda: nn.Embedding(4.0, 2, rng=RNG), "4.0 × 2 came"), (lambda: nn.LSTM(3, 4.0, rng=RNG), "3 → 4.0 came"),
    (lambda: nn.GRU(3, 4, num_layers=1.5, rng=RNG), "1.5 came"), (lambda: nn.BatchNorm1d(3.5), "3.5, 1e-05"),
    (lambda: nn.GroupNorm(2.0, 4), "2.0, 4"), (lambda: nn.LayerNorm(4.0), "4.0 and 1e-05 came"),
    (lambda: nn.MultiheadAttention(4, 2.0, rng=RNG), "(4, 4, 4) and 2.0 came"),
    (lambda: nn.LearnedPositions(8.0, 4, rng=RNG), "8.0 and 4 came"),
])  # fmt: skip
def test_sizes_are_whole_numbers(f, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        f()


@pytest.mark.parametrize(("layer", "words"), [
    (nn.Conv2d(3, 4, 7, rng=RNG), "an image of at least 7 was expected, so far a window reaches, one of 5 came"),
    (nn.Conv2d(3, 4, (2, 4), dilation=(1, 2), padding=(0, 0), rng=RNG), "at least 2×7 was expected"),
    (nn.Conv2d(3, 4, 9, padding=1, rng=RNG), "one of 5, with its padding 7, came"),
    (nn.MaxPool2d(6), "MaxPool2d(kernel 6): an image of at least 6 was expected"), (nn.AvgPool2d((1, 8)), "1×8"),
])  # fmt: skip
def test_an_image_smaller_than_a_window(layer, words):
    with pytest.raises(ShapeError, match=re.escape(words)):
        layer(IMAGE)


@pytest.mark.parametrize(("f", "words"), [
    (lambda: nn.functional.mse_loss([1.0, 2.0], [1.0, 3.0]), "mse_loss: a tensor or an array was expected, list came"),
    (lambda: nn.functional.cross_entropy([[1.0, 2.0]], [1]), "cross_entropy: a tensor or an array was expected"),
    (lambda: nn.functional.nll_loss(([1.0], [2.0]), [0, 0]), "nll_loss: a tensor or an array was expected, tuple"),
    (lambda: nn.l2(LAYER, 0.1), "l2: parameters were expected, a model came: say model.parameters()"),
    (lambda: nn.elastic_net(LAYER, 0.1, 0.1), "say model.parameters()"),
    (lambda: nn.init.apply(LAYER, weight="kaiming", rng=RNG), "such as init.kaiming_normal, 'kaiming' came"),
    (lambda: nn.init.kaiming_normal(3, rng=RNG), "a shape such as (out, in) was expected, 3 came"),
    (lambda: nn.LSTM(3, 4, rng=RNG)(np.zeros((5, 2, 3)), np.zeros((1, 2, 4))), "(h, c) was expected, one ndarray came"),
    (lambda: LAYER.train("False"), "True or False was expected, 'False' came"),
    (lambda: nn.init.gain_of("tanh"), "gain_of: a function was expected, 'tanh' came: the names are in the table of"),
    (lambda: nn.Conv2d(1, 2, 3, bais=False, rng=RNG), "Conv2d: there is no argument bais, perhaps bias was meant: it "),
    (lambda: nn.LSTM(1, 2, hidden=3, rng=RNG), "hidden_size was meant: it takes input_size, hidden_size, num_layers, "),
    (lambda: nn.Linear(3, 2, False, rng=RNG), "Linear: in_features, out_features were expected by their place, 3"),
    (lambda: nn.ReLU(inplace=True), "ReLU: there is no inplace"),
    (lambda: nn.ReLU(1), "ReLU: none was expected by its place, 1 arguments came: leave the others out"),
    (lambda: nn.Softmax("a"), "Softmax: an axis was expected, dim a whole number, 'a' came"),
    (lambda: nn.Sequential(nn.LSTM(3, 2, rng=RNG), nn.Linear(2, 1, rng=RNG))(np.zeros((4, 1, 3))),
     "Sequential: one result of each module was expected, LSTM(3 → 2) returned 2, which Linear(2 → 1) does not take"),
])  # fmt: skip
def test_what_is_of_another_kind(f, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        f()
    assert LAYER.training is True


def test_flatten_takes_the_axes_it_is_told(rng):
    x = rng.normal(size=(2, 3, 4, 5))
    for (first, last), shape in {
        (1, -1): (2, 60),
        (0, 1): (6, 4, 5),
        (-2, -1): (2, 3, 20),
        (2, 2): x.shape,
    }.items():
        y = nn.Flatten(first, last)(x)
        assert y.shape == shape
        np.testing.assert_array_equal(y.ravel(), x.ravel())
    assert nn.Flatten(start_dim=0)(x).shape == (120,)
    assert (str(nn.Flatten()), str(nn.Flatten(0, 1))) == ("Flatten", "Flatten(dim 0 … 1)")
    for axes in ((1, 4), (2, 1), (-5, 1)):
        with pytest.raises(ShapeError, match="were expected, an array of shape"):
            nn.Flatten(*axes)(x)
    assert nn.Flatten()(np.zeros((0, 3, 2))).shape == (0, 6)


@pytest.mark.parametrize(("layer", "x"), [
    (nn.Softmax(1), np.ones((2, 0))), (nn.Softmax(3), np.ones((2, 2))), (nn.LogSoftmax(-3), np.ones((2, 2))),
    (nn.Softmin(), np.float64(1)),
])  # fmt: skip
def test_an_axis_that_is_not_there(layer, x):
    with pytest.raises(
        ShapeError, match=re.escape(f"{layer.brief()}: x with at least one element along the axis")
    ):
        layer(x)


def test_arguments_that_are_passed_on_are_shown():
    for layer, (first, *last) in {
        nn.Conv2d: ("in_channels", "padding_mode", "bias", "init", "rng", "dtype"),
        nn.RNN: ("input_size", "batch_first", "dropout", "bidirectional", "rng", "bias", "init", "dtype"),
        nn.GRUCell: ("input_size", "bias", "init", "rng", "dtype"),
    }.items():
        names = list(inspect.signature(layer).parameters)
        assert (names[0], names[-len(last) :]) == (first, last)
    assert not inspect.signature(nn.ReLU).parameters
    assert list(inspect.signature(nn.Sequential).parameters) == ["modules"]


def test_what_a_class_of_ones_own_does_with_its_arguments_is_its_affair(rng):
    class Deep(nn.LSTM):
        def __init__(self, size, **others):
            super().__init__(size, size, **others)

    assert Deep(2, num_layers=3, rng=rng).num_layers == 3
    with pytest.raises(TypeError, match=r"__init__\(\) got an unexpected keyword argument 'layers'"):
        Deep(2, layers=3, rng=rng)


def test_a_module_may_take_the_several_results_of_another():
    class Both(nn.Module):
        def forward(self, x):
            return x, -x

    class Added(nn.Module):
        def forward(self, pair):
            return pair[0] + pair[1]

    np.testing.assert_array_equal(nn.Sequential(Both(), Added())(np.ones(2)), 0)
