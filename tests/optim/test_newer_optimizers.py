"""LAMB and Muon by their formulas, which PyTorch has not, or computes in 16 bits; averages; arguments."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.optim.muon import COEFFICIENTS, orthogonalized


def leaf(value, name=None):
    return tg.tensor(value, requires_grad=True, name=name)


def test_lamb_moves_every_parameter_by_the_same_share(rng):
    """Whatever the sizes of weights and gradients: ‖Δw‖ = lr ‖w‖, and of zeros AdamW's step."""
    w = [leaf(size * rng.normal(size=(3, 4))) for size in (1e-3, 1.0, 1e3)] + [leaf(np.zeros(4))]
    before = [x.numpy() for x in w]
    optimizer = optim.LAMB(w, lr=0.01, weight_decay=0.1)
    for x, size in zip(w, (1e5, 1e-3, 1.0, 1.0), strict=True):
        x.grad = tg.tensor(size * rng.normal(size=x.shape))
    optimizer.step()
    for x, old in list(zip(w, before, strict=True))[:3]:
        assert np.linalg.norm(x.numpy() - old) == pytest.approx(0.01 * np.linalg.norm(old), rel=1e-12)
    np.testing.assert_allclose(np.abs(w[3].numpy()), 0.01, rtol=1e-3)  # lr · g / (|g| + ε)


def test_the_first_step_of_lamb_by_hand():
    """m̂ = g and v̂ = g², so u = sign g + λ w = (1 + 0.3, −1 + 0.4), and w ← w − lr ‖w‖ / ‖u‖ u with ‖w‖ = 5."""
    w = leaf([3.0, 4.0])
    w.grad = tg.tensor([2.0, -7.0])
    optim.LAMB([w], lr=0.1, weight_decay=0.1, eps=1e-12).step()
    u = np.array([1.3, -0.6])
    np.testing.assert_allclose(w.numpy(), [3, 4] - 0.1 * 5 / np.linalg.norm(u) * u, rtol=1e-9)


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5), (1, 6)])
def test_newton_and_schulz_work_on_the_singular_values_alone(shape, rng):
    x = rng.normal(size=shape)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    s = s / np.linalg.norm(s)
    for _ in range(5):
        s = sum(c * s**n for c, n in zip(COEFFICIENTS, (1, 3, 5), strict=True))
    np.testing.assert_allclose(orthogonalized(x), u * s @ vt, rtol=1e-9, atol=1e-12)
    assert 0.6 < s.min() <= s.max() < 1.25


def test_a_step_of_muon(rng):
    w, g = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    x = leaf(w)
    x.grad = tg.tensor(g)
    optim.Muon([x], lr=0.1, weight_decay=0.5, nesterov=False).step()
    np.testing.assert_allclose(x.numpy(), 0.95 * w - 0.1 * np.sqrt(2) * orthogonalized(g), rtol=1e-12)
    x.grad = tg.tensor(np.zeros((6, 3)))
    optim.Muon([x], lr=0.1, weight_decay=0.0).step()
    assert np.isfinite(x.numpy()).all()


def test_muon_learns_and_wants_matrices(rng):
    net = nn.Sequential(nn.Linear(4, 8, rng=rng), nn.Tanh(), nn.Linear(8, 2, rng=rng))
    x = rng.normal(size=(30, 4))
    y = np.sin(x[:, :2])
    matrices = [w for w in net.parameters() if np.ndim(w.value) == 2]
    optimizers = optim.Muon(matrices, lr=0.03), optim.SGD(net.parameters()[1::2], lr=0.1)
    losses = []
    for _ in range(60):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 5
    with pytest.raises(ShapeError, match=r"Muon: matrices were expected, 0\.bias has the shape \(8,\)"):
        optim.Muon(net.named_parameters())


# ---- averages ----


def walked(decay, values):
    w = leaf([0.0], "w")
    net = nn.Module()
    net.w = w
    average = optim.Average(net, decay)
    for value in values:
        w.assign([value])
        average.update()
    return w, average


def test_the_mean_of_all_and_the_fading_one():
    values = [3.0, -1.0, 4.0, 1.0, 5.0]
    w, average = walked(None, values)
    with average.applied():
        assert w.item() == pytest.approx(np.mean(values), rel=1e-15)
    assert w.item() == 5.0
    w, average = walked(0.5, values)
    average.assign()  # 3 fades four times, −1 three times, …
    assert w.item() == pytest.approx(3 / 16 - 1 / 16 + 4 / 8 + 1 / 4 + 5 / 2, rel=1e-15)


def test_an_average_is_nearer_to_the_minimum_than_the_steps_are(rng):
    """SGD with noise on (w − 1)² / 2 wanders with variance lr / (2 − lr) σ², the mean of n steps with about σ² / n."""
    w = leaf(np.ones(200))
    net = nn.Module()
    net.w = w
    average, optimizer = optim.Average(net, None), optim.SGD([w], lr=0.5)
    for _ in range(400):
        w.grad = tg.tensor(w.numpy() - 1 + rng.normal(size=200))
        optimizer.step()
        average.update()
    assert np.var(w.numpy() - 1) == pytest.approx(0.5 / 1.5, rel=0.3)
    with average.applied():
        assert np.var(w.numpy() - 1) == pytest.approx(1 / 400, rel=0.4)


def test_an_error_within_gives_the_parameters_back():
    w, average = walked(0.9, [1.0, 2.0])
    with pytest.raises(KeyError), average.applied():
        raise KeyError
    assert w.item() == 2.0


def test_an_average_goes_on_from_its_state():
    _, whole = walked(0.9, [1.0, 2.0, 3.0, 4.0])
    _, half = walked(0.9, [1.0, 2.0])
    w, resumed = walked(0.9, [])
    resumed.load_state_dict(half.state_dict())
    for value in (3.0, 4.0):
        w.assign([value])
        resumed.update()
    assert resumed.state_dict().keys() == {"w", "n"}
    for name, value in whole.state_dict().items():
        np.testing.assert_array_equal(resumed.state_dict()[name], value)
    _, fresh = walked(0.9, [])
    resumed.load_state_dict(fresh.state_dict())
    assert resumed.n == 0
    with pytest.raises(ValueError, match="averages of w, and n, were expected, those of v, n came"):
        resumed.load_state_dict({"v": np.ones(1), "n": 1})
    with pytest.raises(ShapeError, match=r"w of shape \(1,\) was expected, \(2,\) came"):
        resumed.load_state_dict({"w": np.ones(2), "n": 1})


def test_scalars_and_float32_are_averaged_as_they_are():
    net = nn.Module()
    net.s, net.w = tg.Scalar(1.0), tg.tensor(np.ones(2, np.float32), requires_grad=True)
    average = optim.Average(net, 0.5)
    for value in (1.0, 3.0):
        net.s.data = value
        net.w.assign(np.full(2, value, np.float32))
        average.update()
    with average.applied():
        assert type(net.s.value) is float
        assert net.s.value == 2.0
        assert net.w.dtype == np.float32
        np.testing.assert_array_equal(net.w.numpy(), 2)
    assert net.s.value == 3.0


def test_what_is_no_average():
    with pytest.raises(ValueError, match="there has been no update"):
        walked(0.9, [])[1].assign()
    with pytest.raises(ValueError, match=r"Average: decay in \[0, 1\)"):
        walked(1.0, [])
    with pytest.raises(TypeError, match=r"a model with named_parameters\(\) was expected, list came"):
        optim.Average([leaf([1.0])])


# ---- arguments ----


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lr": "0.1"}, "a number was expected as lr, '0.1' came"), ({"lr": None}, "as lr, None came"),
        ({"betas": 0.9}, "two numbers, were expected, 0.9 came"), ({"betas": (0.9, 0.99, 0.999)}, "two numbers"),
        ({"eps": [1e-8]}, "as eps"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(options, words):
    with pytest.raises(TypeError, match=words):
        optim.Adam([leaf([1.0])], **options)


def test_an_optimizer_says_what_it_is():
    said = repr(optim.SGD([leaf([1.0]), leaf([2.0])], lr=0.5, momentum=0.9))
    assert said.startswith("<SGD of 2 parameters: lr=0.5, momentum=0.9")
