"""Every layer in figures, beside those by hand; and verdicts on networks that are known to be ill."""

from __future__ import annotations

import math
from functools import partial
from statistics import NormalDist

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.diagnostics import architecture, layers
from tinygrad_edu.diagnostics.observing import observe
from tinygrad_edu.diagnostics.statistics import histogram
from tinygrad_edu.nn import init


def small(rng):
    return nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 2, rng=rng))


def test_gradients_on_the_way_are_those_of_the_chain_rule():
    """By hand: z̄₂ = g, ā = g W₂, z̄₁ = ā (1 − a²), W̄₁ = z̄₁ᵀ x."""
    rng = np.random.default_rng(0)
    net, x, g = small(rng), rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    seen = observe(net, x, cotangent=g)
    first, second = net[0].weight.numpy(), net[2].weight.numpy()
    a = np.tanh(x @ first.T)
    back = (g @ second) * (1 - a * a)
    assert [(each.name, each.kind) for each in seen.outputs] == [
        ("0", "layer"),
        ("1", "tanh"),
        ("2", "layer"),
    ]
    for each, value, gradient in zip(
        seen.outputs, [x @ first.T, a, a @ second.T], [back, g @ second, g], strict=True
    ):
        np.testing.assert_allclose(each.value, value, rtol=1e-12)
        np.testing.assert_allclose(each.gradient, gradient, rtol=1e-12)
    np.testing.assert_allclose(seen.parameters["0.weight"][1], back.T @ x, rtol=1e-12)
    np.testing.assert_allclose(seen.parameters["2.bias"][1], g.sum(axis=0), rtol=1e-12)


class Functional(nn.Module):
    """Activations as functions, a layer that is used twice, and state."""

    def __init__(self, rng):
        self.a, self.norm = nn.Linear(4, 4, rng=rng), nn.BatchNorm1d(4)

    def forward(self, x):
        return self.a(self.norm(self.a(x).relu()).tanh())


def test_activations_that_are_functions_and_layers_that_are_used_twice():
    net, x = Functional(np.random.default_rng(1)), np.random.default_rng(2).standard_normal((6, 4))
    seen = observe(net, x, loss=lambda y: tg.sum(y * y))
    assert [each.name for each in seen.outputs] == ["a", "relu", "norm", "tanh", "a (2)"]
    assert [each.kind for each in seen.outputs][1::2] == ["relu", "tanh"]
    y = net(x)
    assert seen.loss == pytest.approx(float((y.numpy() ** 2).sum()), rel=1e-12)
    np.testing.assert_allclose(seen.outputs[-1].gradient, 2 * y.numpy(), rtol=1e-9)
    assert all("forward" not in vars(module) for _, module in net.named_modules())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_state_is_what_it_was():
    net = Functional(np.random.default_rng(1))
    before = {path: np.array(buffer.value) for path, buffer in net.named_buffers()}
    observe(net, np.ones((3, 4)) * np.arange(4) + np.arange(3)[:, None], loss=tg.sum)
    for path, buffer in net.named_buffers():
        np.testing.assert_array_equal(buffer.value, before[path])


def test_a_model_that_fails_gets_its_forward_back():
    net = small(np.random.default_rng(0))
    with pytest.raises(tg.errors.ShapeError):
        observe(net, np.ones((2, 7)), loss=tg.sum)
    assert all("forward" not in vars(module) for _, module in net.named_modules())


def test_of_several_outputs_the_first_is_looked_at_unless_a_loss_comes():
    rng = np.random.default_rng(0)
    net, x = nn.GRU(3, 4, rng=rng), rng.standard_normal((2, 5, 3))
    g = rng.standard_normal((2, 5, 4))
    seen = observe(net, x, cotangent=g)
    alone = observe(net, x, loss=lambda y: tg.sum(y[0] * g))
    for path, (_, gradient) in alone.parameters.items():
        np.testing.assert_allclose(seen.parameters[path][1], gradient, rtol=1e-12)
    assert layers(net, x).rows
    assert layers(net, x, loss=lambda y: tg.sum(y[0])).loss is not None


def test_other_modules_are_called_by_their_class():
    rng = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Embedding(5, 4, rng=rng), nn.Dropout(0.5, rng=rng), nn.Linear(4, 4, rng=rng), nn.Sigmoid()
    )
    found = layers(net, np.array([1, 2, 3]))
    assert [row.kind for row in found.rows] == ["layer", "Dropout", "layer", "sigmoid"]
    assert "E[x²] = —" in str(found)  # of integers


@pytest.mark.parametrize("given", [{}, {"loss": tg.sum, "cotangent": np.ones(1)}])
def test_either_a_loss_or_a_cotangent(given):
    with pytest.raises(ValueError, match="either a loss or a cotangent"):
        observe(small(np.random.default_rng(0)), np.ones((1, 3)), **given)


def test_dead_saturated_update_and_spread_by_hand():
    rng = np.random.default_rng(0)
    first, second = nn.Linear(2, 4, rng=rng), nn.Linear(4, 4, rng=rng)
    first.weight.assign([[1, 0], [0, 1], [1, 1], [-1, 0]])
    first.bias.assign([0, 0, -100, 0])
    second.weight.assign(np.eye(4))
    net = nn.Sequential(first, nn.ReLU(), second, nn.Tanh())
    x = np.array([[1.0, 2.0], [3.0, 0.5]])
    found = layers(net, x, loss=tg.sum, rate=0.5)
    relu, tanh = (next(row for row in found.rows if row.kind == kind) for kind in ("relu", "tanh"))
    assert relu.dead == 0.5  # the third by its bias, the fourth as both x₁ are positive
    assert (
        tanh.saturated == 1 / 8
    )  # of 1, 2, 3, 0.5 and four zeros, only at 3 is 1 − tanh² below a 20th… and at 2?
    assert relu.square == pytest.approx((1 + 4 + 9 + 0.25) / 8)
    weight = next(each for each in found.weights if each.name == "2.weight")
    assert (weight.rms, weight.spread) == (0.5, 1.0)
    bar = (1 - np.tanh(np.maximum(x @ first.weight.numpy().T + first.bias.numpy(), 0)) ** 2).T @ np.maximum(
        x @ first.weight.numpy().T + first.bias.numpy(), 0
    )
    assert weight.update == pytest.approx(0.5 * math.sqrt((bar**2).mean()) / 0.5)
    bias = next(each for each in found.weights if each.name == "2.bias")
    assert bias.update == math.inf
    assert found.to_dict()["parameters"][-1]["update"] is None


def test_histograms_count_everything():
    x = np.random.default_rng(0).standard_normal(10_000)
    counts = np.array(histogram(x))
    assert counts.sum() == 10_000
    middle = 10_000 * (2 * NormalDist().cdf(3 / 11) - 1)
    assert abs(counts[5] - middle) < 5 * math.sqrt(middle)
    assert histogram(np.zeros(7)) == (0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0)


# ---- verdicts ----

DIGITS = tg.data.load_digits()
X = tg.data.Standardizer().fit_transform(DIGITS.x)[:200]


@pytest.mark.parametrize(
    ("network", "start", "word"),
    [
        ("64-relu-64x8-10", init.normal, "exploding"),
        ("64-relu-64x8-10", partial(init.normal, std=0.01), "vanishing"),
        ("64-relu-64x8-10", init.zeros, "vanishing"),
        ("64-relu-64x8-10", init.kaiming_normal, "fine"),
        ("64-relu-64x30-10", init.lecun_normal, "vanishing"),
        ("64-tanh-64x8-10", init.normal, "saturated"),
        ("64-tanh-64x8-10", init.lecun_normal, "fine"),
        ("64-sigmoid-64x8-10", init.lecun_normal, "vanishing"),
        ("64-linear-64x30-10", partial(init.eye, gain=1.5), "exploding"),
        ("64-linear-64x30-10", partial(init.eye, gain=0.5), "vanishing"),
        ("64-relu-64x8-10", init.lecun_normal, ""),  # a factor of 2⁻⁸ is neither fine nor fatal
        ("64-10", init.lecun_normal, ""),  # a single layer
    ],
)
def test_verdicts(network, start, word):
    net = architecture(network).model(start, rng=np.random.default_rng(3))
    found = layers(net, X, labels=DIGITS.y[:200])
    assert found.verdict.word == word, found.verdict
    assert bool(found.claims) == bool(word)
    assert found.held == (word in ("fine", ""))
    assert ("undecided: " in str(found)) == (not word)
    assert found.verdict.cause
    if word not in ("fine", ""):
        assert "init." in found.verdict.remedy


def test_inputs_that_are_not_finite_say_nothing_of_the_model():
    x = np.ones((4, 3))
    x[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"the inputs are not finite, x\[2, 1\] is nan: remove or fill"):
        layers(small(np.random.default_rng(0)), x)


def test_dead_units_are_named():
    net = architecture("64-relu-64x3-10").model(init.kaiming_normal, rng=np.random.default_rng(3))
    net[2].bias.assign(np.full(64, -50.0))
    verdict = layers(net, X, labels=DIGITS.y[:200]).verdict
    assert verdict.word == "dead"
    assert "units of 3" in verdict.cause


def test_what_is_not_finite_is_named():
    net = architecture("64-relu-64x3-10").model(init.normal, rng=np.random.default_rng(3))
    net[2].weight.assign(np.full((64, 64), 1e300))
    found = layers(net, X, labels=DIGITS.y[:200])
    assert found.verdict.word == "exploding"
    assert "output of 2 is beyond" in found.verdict.cause
    assert found.svg("light").count("<path") > 5


def test_inputs_that_nobody_standardized_are_part_of_the_cause():
    net = architecture("64-tanh-64x3-10").model(init.lecun_normal, rng=np.random.default_rng(3))
    verdict = layers(net, DIGITS.x[:200] * 100, labels=DIGITS.y[:200]).verdict
    assert "inputs have E[x²]" in verdict.cause or verdict.word == ""


def test_what_layers_refuses():
    net = small(np.random.default_rng(0))
    with pytest.raises(ValueError, match="both came"):
        layers(net, np.ones((2, 3)), labels=[0, 1], loss=tg.sum)
    with pytest.raises(ValueError, match="positive learning rate"):
        layers(net, np.ones((2, 3)), rate=-1.0)
    with pytest.raises(TypeError, match="a module was expected"):
        layers(np.tanh, np.ones((2, 3)))
