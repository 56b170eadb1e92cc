"""W = c · I: powers of c, and where numbers end."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu.diagnostics import powers


@pytest.mark.parametrize(("c", "power"), [(1.5, 3**30 / 2**30), (0.5, 2.0**-30), (1.0, 1.0), (2.0, 2.0**30)])
def test_thirty_layers(c, power):
    """Powers of 1.5 and 2 up to the 30th are exact in float64, so nothing is rounded on the way."""
    (found,) = powers([c], 30).networks
    assert found.activations[-1] == pytest.approx(power, rel=1e-15)
    assert found.gradients[0] == pytest.approx(power, rel=1e-15)
    assert found.gradients[-1] == found.activations[0] == 1
    np.testing.assert_allclose(found.weights, power / c, rtol=1e-14)


def test_any_scale_to_rounding():
    found = powers((0.9, 1.1, 0.317), 100, rng=np.random.default_rng(7))
    assert found.held
    for each in found.networks:
        logs = np.log(each.activations)
        np.testing.assert_allclose(np.diff(logs), np.log(each.scale), atol=1e-12)


@pytest.mark.parametrize(
    ("c", "single", "double"),
    [(2.0, 128, 1024), (0.5, 127, 1023), (1.5, 219, 1751)],
)
def test_where_the_range_of_numbers_ends(c, single, double):
    """2^127 is the largest power of 2 in float32, 2⁻¹²⁶ the smallest normal one; 1.5^219 = 3.7e38 > 3.4e38."""
    (found,) = powers([c], 3).networks
    assert found.leaves["float32"][1] == single
    assert abs(found.leaves["float32"][0] - single) <= 1
    assert found.leaves["float64"][1] == double


@pytest.mark.parametrize(
    ("scales", "depth", "said"),
    [
        ([], 3, "came"),
        ([float("nan")], 3, "finite"),
        ([-1.00001], 3, "0.01 %"),
        ([1.5], 0, "a layer"),
        ([1.5], 5000, "at most 1703"),
        ([1.00001], 3, "0.01 %"),
    ],
)
def test_what_is_refused(scales, depth, said):
    with pytest.raises(ValueError, match=said):
        powers(scales, depth)


def test_a_negative_scale_turns_the_sign():
    found = powers((-1.0, -1.5), 5)
    assert found.held
    assert found.networks[0].activations.tolist() == [1.0] * 6
    assert found.networks[1].signs.tolist() == [1, -1, 1, -1, 1, -1]
    assert found.networks[1].activations[-1] == pytest.approx(1.5**5, rel=1e-15)


def test_a_scale_of_zero_is_dead_at_once():
    found = powers((0.0,), 3)
    assert found.held
    (net,) = found.networks
    assert net.activations.tolist() == [1, 0, 0, 0]
    assert net.gradients.tolist() == [0, 0, 0, 1]
    assert net.weights.tolist() == [0, 0, 0]
    assert powers((0.0,), 1).networks[0].weights.tolist() == [1]  # a single layer has its gradient
    assert found.svg()


def test_a_wrong_layer_would_be_noticed(monkeypatch):
    from tinygrad_edu.nn import init

    right = init.eye
    monkeypatch.setattr(
        init, "eye", lambda shape, gain=1.0, **given: right(shape, gain=gain * (1 + 1e-12), **given)
    )
    assert not powers((1.5,), 30).held
