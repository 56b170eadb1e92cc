"""Normalizations beside each other: what they have in common, what they keep, what they refuse."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import NotDifferentiableError, ShapeError
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.reparametrize import remove


@pytest.mark.parametrize(
    ("shape", "axis"), [((5, 3), 0), ((5, 3), 1), ((2, 3, 4), (0, 2)), ((2, 3, 4), (1, 2))]
)
def test_the_fused_form_is_its_composite_twin(rng, shape, axis):
    x, g = tg.tensor(rng.normal(3, 2, shape), requires_grad=True), rng.normal(size=shape)
    composite = F.standardize(x, *F.moments(x, axis))
    composite.backward(g)
    wanted, x.grad = x.grad.numpy(), None
    fused = F.standardize_fused(x, axis)
    fused.backward(g)
    np.testing.assert_allclose(fused.numpy(), composite.numpy(), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-12, atol=1e-14)
    assert len(tg.topological_order([fused])) == 2


def test_layers_are_each_other_where_they_must(rng):
    x = tg.tensor(rng.normal(size=(4, 6, 5)))
    plain = {"affine": False}
    by_group = nn.GroupNorm(6, 6, **plain)(x).numpy()
    np.testing.assert_allclose(nn.InstanceNorm1d(6)(x).numpy(), by_group, rtol=1e-12)
    np.testing.assert_allclose(
        nn.GroupNorm(1, 6, **plain)(x).numpy(),
        nn.LayerNorm((6, 5), elementwise_affine=False)(x).numpy(),
        rtol=1e-12,
    )
    np.testing.assert_allclose(
        nn.BatchNorm1d(6)(x).numpy(), nn.BatchNorm2d(6)(x[..., None]).numpy()[..., 0], rtol=1e-12
    )
    centred = x - tg.mean(x, -1, keepdims=True)
    np.testing.assert_allclose(
        nn.RMSNorm(5, eps=1e-5)(centred).numpy(), nn.LayerNorm(5)(centred).numpy(), rtol=1e-10
    )


def test_a_cumulative_average_is_that_of_all_batches(rng):
    layer, batches = nn.BatchNorm1d(2, momentum=None), rng.normal(2, 3, (7, 5, 2))
    for x in batches:
        layer(x)
    np.testing.assert_allclose(layer.running_mean.value, batches.mean((0, 1)), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.value, batches.var(1, ddof=1).mean(0), rtol=1e-12)
    assert layer.num_batches_tracked.value == 7


def test_a_layer_says_which_statistics_it_uses(rng):
    layer, without = nn.BatchNorm1d(3), nn.BatchNorm1d(3, track_running_stats=False)
    assert (layer.statistics, str(layer)) == ("batch", "BatchNorm1d(3)")
    layer.eval()
    assert (layer.statistics, str(layer)) == ("running", "BatchNorm1d(3, running statistics)")
    assert without.eval().statistics == "batch"
    assert list(without.state_dict()) == ["weight", "bias"]
    x = rng.normal(5, 2, (8, 3))
    np.testing.assert_allclose(without(x).numpy().mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(layer(x).numpy(), x, rtol=1e-5)  # nothing seen yet: mean 0, variance 1


def test_a_check_puts_the_statistics_back(rng):
    for layer in (nn.BatchNorm2d(2), nn.InstanceNorm1d(2, affine=True, track_running_stats=True)):
        x = rng.normal(size=(3, 2, 2, 2) if isinstance(layer, nn.BatchNorm2d) else (3, 2, 4))
        before = layer.state_dict()
        assert tg.check(layer, x)
        for name, value in layer.state_dict().items():
            np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_changes_nothing_but_what_is_learned(rng, dim):
    layer, x = nn.Linear(3, 2, rng=rng), rng.normal(size=(5, 3))
    before, w = layer(x).numpy(), layer.weight.numpy()
    assert nn.weight_norm(layer, dim=dim) is layer
    np.testing.assert_allclose(layer(x).numpy(), before, rtol=1e-12)
    layer(x).backward(rng.normal(size=(5, 2)))
    # Along v nothing changes: the gradient is orthogonal to it.
    along = (layer.weight_v.grad.numpy() * layer.weight_v.numpy()).sum(layer.forward.axes)
    np.testing.assert_allclose(along, 0, atol=1e-12)
    twin = copy.deepcopy(layer)  # which has a weight of its own
    twin.weight_g.assign(2 * twin.weight_g.numpy())
    np.testing.assert_allclose((twin(x) - twin.bias).numpy(), 2 * before, rtol=1e-12)
    np.testing.assert_allclose(remove(layer).weight.numpy(), w, rtol=1e-12)
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_spectral_norm_ends_with_the_largest_singular_value_at_one(rng):
    layer = nn.spectral_norm(nn.Linear(5, 4, rng=rng), rng=rng)
    x = rng.normal(size=(3, 5))
    for _ in range(200):
        layer(x)
    assert np.linalg.svd(layer.eval().forward.weight().numpy())[1][0] == pytest.approx(1, rel=1e-9)
    before = layer.train().state_dict()
    with pytest.raises(NotDifferentiableError, match=r"no derivative of its own"):
        tg.gradients(layer(x), [layer.weight_orig], rng.normal(size=(3, 4)), create_graph=True)
    layer.load_state_dict(before)
    assert tg.check(layer, x)
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert remove(layer).weight.shape == (4, 5)


@pytest.mark.parametrize(("f", "error", "words"), [
    (lambda: nn.BatchNorm2d(3)(np.ones((2, 3, 4))), ShapeError, "x (batch, 3, height, width) was expected, (2, 3, 4)"),
    (lambda: nn.InstanceNorm1d(3)(np.ones((2, 3, 1))), ValueError, "at least 2 positions were expected in training, 1"),
    (lambda: nn.GroupNorm(2, 3), ValueError, "a multiple of it as num_channels"),
    (lambda: nn.GroupNorm(2, 4)(np.ones((2, 3))), ShapeError, "x (batch, 4, …) was expected, (2, 3) came"),
    (lambda: nn.GroupNorm(4, 4)(np.ones((2, 4))), ValueError, "groups of at least 2 numbers were expected, 1 came"),
    (lambda: nn.RMSNorm(3, eps=0), ValueError, "eps > 0, were expected"),
    (lambda: nn.RMSNorm(3)(np.ones((2, 4))), ShapeError, "x (…, 3) was expected, (2, 4) came"),
    (lambda: nn.weight_norm(nn.ReLU()), ValueError, "a layer with a parameter 'weight'"),
    (lambda: nn.weight_norm(linear(), dim=2), ValueError, "dim in [-2, 2) or None was expected, 2 came"),
    (lambda: nn.weight_norm(nn.weight_norm(linear())), ValueError, "no reparametrization yet"),
    (lambda: remove(linear()), ValueError, "Linear(3 → 2) has none"),
    (lambda: nn.spectral_norm(linear(), n_power_iterations=0, rng=np.random.default_rng(0)), ValueError,
     "n_power_iterations ≥ 1"),
])  # fmt: skip
def test_what_cannot_be_is_refused(f, error, words):
    with pytest.raises(error, match=re.escape(words)):
        f()


def linear():
    return nn.Linear(3, 2, rng=np.random.default_rng(0))


def test_an_instance_norm_counts_no_batches(rng):
    """As in PyTorch: with momentum None the statistics stay as they start, else it is the weight of the newest."""
    x = rng.normal(3, 2, size=(4, 2, 50))
    for momentum, mean in ((None, np.zeros(2)), (0.25, 0.25 * x.mean(axis=(0, 2)))):
        norm = nn.InstanceNorm1d(2, momentum=momentum, track_running_stats=True)
        norm(x)
        np.testing.assert_allclose(norm.running_mean.value, mean, rtol=1e-12)
        assert norm.num_batches_tracked.value == 0
