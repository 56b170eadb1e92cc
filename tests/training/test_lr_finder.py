from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.training import find_lr


def regression(rng, n=64):
    x = rng.normal(size=(n, 3))
    return x, x @ np.array([[1.0], [-2.0], [0.5]]) + 0.1 * rng.normal(size=(n, 1))


def test_the_curve_explodes_where_theory_says(rng):
    """Least squares in one batch: descent diverges above 2 / λ, λ the largest eigenvalue of 2 XᵀX / n."""
    x, y = regression(rng)
    net = nn.Linear(3, 1, bias=False, rng=rng)
    largest = np.linalg.eigvalsh(2 * x.T @ x / len(x))[-1]
    curve = find_lr(
        net, nn.MSELoss(), (x, y), optimizer=optim.SGD(net.parameters(), lr=0.1), batch_size=64, smoothing=0.0,
        start=1e-4, end=100.0, steps=60,
    )  # fmt: skip
    rising = np.flatnonzero(np.diff(curve.losses) > 0)
    assert curve.lrs[rising[0]] == pytest.approx(2 / largest, rel=0.5)
    assert 1e-3 < curve.suggestion < 2 / largest
    assert curve.lrs[-1] < 100
    ratios = curve.lrs[1:] / curve.lrs[:-1]
    np.testing.assert_allclose(ratios, (100.0 / 1e-4) ** (1 / 59))
    # The first step, by hand.
    loss = nn.functional.mse_loss(net(x), y)
    slope = tg.gradients(loss, [net.weight])[0]
    assert curve.losses[0] == loss.item()
    assert curve.losses[1] == pytest.approx(np.mean((x @ (net.weight.numpy() - 1e-4 * slope).T - y) ** 2))


def test_everything_is_afterwards_what_it_was(rng):
    x, y = regression(rng)
    drop = np.random.default_rng(3)
    net = nn.Sequential(
        nn.Linear(3, 8, rng=rng), nn.BatchNorm1d(8), nn.Dropout(0.2, rng=drop), nn.Linear(8, 1, rng=rng)
    )
    net[1].eval()
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
    recorded = nn.functional.mse_loss(net(x), y)
    before, state = net.state_dict(), optimizer.state_dict()
    gradients = [leaf.grad.numpy() for leaf in net.parameters()]
    drawn, shuffled = drop.bit_generator.state, rng.bit_generator.state
    find_lr(net, nn.MSELoss(), (x, y), optimizer=optimizer, rng=rng, steps=20)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    for leaf, gradient in zip(net.parameters(), gradients, strict=True):
        np.testing.assert_array_equal(leaf.grad.numpy(), gradient)
    assert optimizer.lr == 0.01
    assert optimizer.state_dict()["param_groups"] == state["param_groups"]
    for i, held in state["state"].items():
        for key, value in held.items():
            np.testing.assert_array_equal(optimizer.state_dict()["state"][i][key], value)
    assert (drop.bit_generator.state, rng.bit_generator.state) == (drawn, shuffled)
    assert [module.training for _, module in net.named_modules()] == [True, True, False, True, True]
    recorded.backward()  # the graph of before is still valid


@pytest.mark.parametrize(
    "options", [{"start": 0}, {"end": 1e-7}, {"steps": 2}, {"smoothing": 1}, {"divergence": 1}]
)
def test_arguments_that_make_no_sense(rng, options):
    net = nn.Linear(3, 1, rng=rng)
    with pytest.raises(ValueError, match="find_lr: 0 < start < end, steps ≥ 3"):
        find_lr(net, nn.MSELoss(), regression(rng), optimizer=optim.SGD(net.parameters()), **options)


def test_data_and_losses_that_do_not_fit(rng):
    net, (x, y) = nn.Linear(3, 1, rng=rng), regression(rng)
    optimizer = optim.SGD(net.parameters())
    for data, loss, error, words in (
        ((x, y[:9]), nn.MSELoss(), ShapeError, r"find_lr: x \(n, …\) and y \(n, …\) were expected"),
        (x, nn.MSELoss(), TypeError, "a pair"), ((x[:0], y[:0]), nn.MSELoss(), ValueError, "at least one sample"),
        ((x, y), nn.MSELoss("none"), ShapeError, "find_lr: a loss of one number"),
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            find_lr(net, loss, data, optimizer=optimizer)


def test_a_loss_that_explodes_at_once(rng):
    net = nn.Linear(3, 1, rng=rng)
    before = net.weight.numpy()
    with pytest.raises(ValueError, match=r"it exploded after [12] steps: lower start=1000"):
        find_lr(
            net,
            nn.MSELoss(),
            regression(rng),
            optimizer=optim.SGD(net.parameters()),
            start=1e3,
            end=1e9,
            steps=20,
        )
    np.testing.assert_array_equal(net.weight.numpy(), before)
