"""The theory of signals in a random network: published figures, closed forms, and measurements within 5 σ."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.diagnostics import architecture, initialization
from tinygrad_edu.diagnostics.architecture import architecture_of
from tinygrad_edu.diagnostics.propagation import moments, predict, sensitivity
from tinygrad_edu.diagnostics.ways import WAYS
from tinygrad_edu.nn import init

THIRTY = architecture("256-relu-256x30-10")


def test_moments_of_relu_in_closed_form():
    """E[max(0, z)²] = q / 2 and E[max(0, z)⁴] = 3 q² / 2, so the kurtosis is 6; of its derivative 1/2 and 2."""
    for q in (1e-30, 0.3, 1.0, 1e30):
        assert moments(tg.relu, q) == pytest.approx((q / 2, 6), rel=1e-10)
        assert moments(tg.relu, q, derivative=True) == pytest.approx((1 / 2, 2), rel=1e-10)


def test_sensitivity_in_closed_form():
    """Of ReLU 1; of the identity 1; of the exponential E[e²ᶻ] = exp(2 q), so 2 q."""
    assert sensitivity(tg.relu, 3.0) == pytest.approx(1, rel=1e-9)
    assert sensitivity(tg.exp, 0.3) == pytest.approx(0.6, rel=1e-6)
    assert abs(sensitivity(tg.tanh, 1e4)) < 0.02  # saturated: nothing grows any more


def test_a_single_sample_scatters_as_theory_says_through_tanh_as_well():
    rng, network = np.random.default_rng(12), architecture("50-tanh-50x7-50")
    x = rng.standard_normal((1, 50))
    logs = []
    for _ in range(1500):
        z = x
        for k in range(8):
            z = (np.tanh(z) if k else z) @ (rng.standard_normal((50, 50)) * math.sqrt(1 / 50)).T
        logs.append(math.log((z * z).mean()))
    theory = predict(network, WAYS["√(1/n)"][1], float((x * x).mean()))
    assert np.std(logs) == pytest.approx(theory.forward_spread[-1], rel=0.1)


def test_he_2015():
    """With 2/n a ReLU network holds its second moment over thirty layers, with 1/n it halves in each."""
    held, halved = predict(THIRTY, WAYS["√(2/n)"][1]), predict(THIRTY, WAYS["√(1/n)"][1])
    np.testing.assert_allclose(held.forward, 2.0, rtol=1e-10)
    np.testing.assert_allclose(held.backward[:30], 2 * 10 / 256 / 2, rtol=1e-10)
    np.testing.assert_allclose(halved.forward, 0.5 ** np.arange(31), rtol=1e-9)
    np.testing.assert_allclose(halved.backward[:29] / halved.backward[1:30], 0.5, rtol=1e-9)


def test_tanh_falls_as_one_over_twice_the_depth():
    """A layer takes q to q − 2 q² + …, so 1 / q grows by 2 in each."""
    found = predict(architecture("100-tanh-100x400-1"), WAYS["√(1/n)"][1]).forward
    inverse = 1 / found
    np.testing.assert_allclose(np.diff(inverse)[300:399], 2.0, rtol=0.02)
    assert 2 * 400 * found[400] == pytest.approx(1, rel=0.03)


def test_the_mean_over_networks_of_a_relu_network_is_exactly_that_of_theory():
    """Of ReLU the mean of E[z²] over all weights is theory's, for any width. Here with 40 units, within 5 σ."""
    rng, network = np.random.default_rng(11), architecture("40-relu-40x3-40")
    x = rng.standard_normal((1, 40))
    measured = []
    for _ in range(3000):
        z = x
        for _ in range(4):
            z = (z if z is x else np.maximum(z, 0)) @ (rng.standard_normal((40, 40)) * math.sqrt(2 / 40)).T
        measured.append((z * z).mean())
    theory = predict(network, WAYS["√(2/n)"][1], float((x * x).mean()))
    error = np.std(measured) / math.sqrt(len(measured))
    assert abs(np.mean(measured) - theory.forward[-1]) < 5 * error
    assert np.std(np.log(measured)) == pytest.approx(
        theory.forward_spread[-1], rel=0.1
    )  # a single sample, so exact


@pytest.mark.parametrize(
    "network", ["64-relu-90x30-10", "64-tanh-90x20-10", "30-gelu-90x4-tanh-50x2-7", "20-sigmoid-99x3-5"]
)
def test_eight_ways_within_five_sigma(network):
    found = initialization(network, draws=2, rng=np.random.default_rng(5))
    assert found.held, str(found)
    assert [way.name for way in found.ways] == list(WAYS)


def test_a_wrong_theory_would_be_noticed(monkeypatch):
    monkeypatch.setitem(WAYS, "√(2/n)", (init.kaiming_normal, lambda n, m, q: 1 / n))
    assert not initialization("64-relu-64x8-10", draws=2).held


def test_input_that_is_not_of_size_one():
    x = tg.data.load_digits().x[:100]
    found = initialization("64-relu-80x3-10", x, draws=2)
    assert found.ways[3].theory.forward[0] == pytest.approx((x**2).mean(), rel=1e-12)
    assert found.ways[4].forward[:, 0] == pytest.approx(2 * (x**2).mean(), rel=0.5)


def test_a_network_that_dies_is_reported_and_no_error():
    """With one unit in each of eight layers a ReLU network is 0 almost surely: theory is for wide ones."""
    found = initialization("2-relu-1x8-2", draws=2)
    assert not found.held
    assert "LSUV was left out" in str(found)
    assert found.svg()


def test_beyond_the_range_of_numbers():
    """128 layers of n = 400: with randn 200^128 = 10^294, with 0.01 · randn 0.02^128 = 10⁻²¹⁷."""
    network = architecture("400-relu-400x127-400")
    up, down = (predict(network, WAYS[name][1]) for name in ("randn", "0.01 · randn"))
    assert up.forward[-1] > 1e140
    assert down.forward[-1] < 1e-140
    np.testing.assert_allclose(down.forward[:60], 0.04 * 0.02 ** np.arange(60), rtol=1e-8)
    np.testing.assert_allclose(up.backward[:-1] / up.backward[1:], 200, rtol=1e-8)


# ---- architectures ----


def test_a_network_in_one_word():
    found = architecture("64-relu-100x2-tanh-50-10")
    assert found.widths == (64, 100, 100, 50, 10)
    assert found.activations == ("relu", "relu", "tanh")
    net = found.model(rng=np.random.default_rng(0))
    assert [type(part).__name__ for part in net] == [
        "Linear",
        "ReLU",
        "Linear",
        "ReLU",
        "Linear",
        "Tanh",
        "Linear",
    ]
    assert architecture_of(net).widths == found.widths
    assert architecture_of(net).activations == found.activations
    assert architecture(architecture_of(net).text).activations == found.activations
    assert architecture("8-relu-5x3").widths == (8, 5, 5, 5)
    assert architecture("8-5").activations == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing between"), ("64", "no layer"), ("relu-3", "starts with an activation"),
        ("64-10-10", "no activation is named before '10'"), ("64-relu-5-relu", "ends with an activation"),
        ("64x2-relu-3-1", "repeats the inputs"), ("4-relu-0-2", "from 1 to"), ("4-foo-3", "'foo' is neither"),
        ("4--3", "nothing between"), ("4-relu-99999-2", "from 1 to"),
    ],
)  # fmt: skip
def test_what_is_no_network(text, said):
    with pytest.raises(ValueError, match=said):
        architecture(text)


def test_what_is_no_fully_connected_model():
    with pytest.raises(TypeError, match="`layers` shows"):
        initialization(nn.Sequential(nn.Flatten(), nn.Linear(3, 2, rng=np.random.default_rng(0))))
    with pytest.raises(ValueError, match="at least one draw"):
        initialization("4-3", draws=0)
    two = nn.Sequential(*(nn.Linear(3, 3, rng=np.random.default_rng(0)) for _ in range(2)))
    assert architecture_of(two).activations == ("linear",)


@pytest.mark.parametrize("kind", ["elu", "selu", "silu", "mish", "leaky_relu", "hardswish"])
def test_theory_knows_every_activation_of_nn(kind):
    """The integral is of the function; the network is of the module: both must be of the same one."""
    assert initialization(f"30-{kind}-50x3-10", draws=2).held


def test_an_activation_with_options_is_not_taken_for_the_usual_one():
    rng = np.random.default_rng(0)

    def net(activation):
        return nn.Sequential(nn.Linear(3, 4, rng=rng), activation, nn.Linear(4, 2, rng=rng))

    assert architecture_of(net(nn.ELU())).text == "3-elu-4-2"
    with pytest.raises(TypeError, match="without options"):
        architecture_of(net(nn.ELU(0.5)))
