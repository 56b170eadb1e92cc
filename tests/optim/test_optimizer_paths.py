"""The optimizers beside PyTorch's, on a small network, and beside closed forms on quadratics."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim


def leaf(value, name=None):
    return tg.tensor(value, requires_grad=True, name=name)


@pytest.fixture
def network(reference):
    """The parameters at the start, and the function that they minimise."""
    w = {name: leaf(value, name) for name, value in reference["start"].items()}
    x, y, c = (np.array(reference["constants"][name]) for name in "xyc")

    def objective():
        error = tg.tanh(x @ w["W1"] + w["b1"]) @ w["w2"] - y
        return (error**2).mean() + tg.sum(c * w["w2"] ** 2) / 2 + tg.sum(w["b1"] ** 4) / 4

    return w, objective


def flat(w):
    return np.concatenate([np.ravel(x.numpy()) for x in w.values()])


@pytest.mark.parametrize("i", range(24))
def test_fifty_steps_as_pytorch_takes_them(reference, network, i):
    case = reference["optimizers"][i]
    w, objective = network
    given = list(w.values())
    if case["grouped"]:
        given = [
            {"params": [w["W1"], w["w2"]], "weight_decay": 0.1, "lr": 0.02},
            {"params": [w["b1"]]},
        ]
    optimizer = getattr(optim, case["name"])(given, **case["options"])
    for step in range(1, 51):
        optimizer.zero_grad()
        objective().backward()
        optimizer.step()
        if str(step) in case["path"]:
            wanted = np.array(case["path"][str(step)])
            error = np.abs(flat(w) - wanted).max() / np.abs(wanted).max()
            assert error <= 1e-10, f"{case['name']} {case['options']}, step {step}"


def test_no_case_is_left_out(reference):
    assert len(reference["optimizers"]) == 24
    assert {case["name"] for case in reference["optimizers"]} == {
        "SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW", "NAdam", "RAdam",
    }  # fmt: skip


# ---- L-BFGS ----


def rosenbrock(w):
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


@pytest.mark.parametrize("i", [0, 1])
def test_lbfgs_walks_through_the_valley_as_pytorch_does(reference, i):
    """The same points, and at the minimum after no more evaluations."""
    case = reference["rosenbrock"][i]
    w = leaf([-1.2, 1.0])
    optimizer = optim.LBFGS([w], max_iter=1, max_eval=25, **case["options"])

    def closure():
        loss = rosenbrock(w)
        loss.backward()
        return loss

    for step, wanted in enumerate(case["path"]):
        optimizer.step(closure)
        np.testing.assert_allclose(w.numpy(), wanted, rtol=0, atol=1e-8, err_msg=f"step {step + 1}")
    w.assign([-1.2, 1.0])
    whole = optim.LBFGS([w], max_iter=100, **case["options"])
    first = whole.step(closure)
    assert first.item() == pytest.approx(24.2)  # the published value at the usual start
    np.testing.assert_allclose(w.numpy(), case["minimum"], rtol=0, atol=1e-8)
    assert whole.state[w]["func_evals"] <= case["evaluations"]
    optim.LBFGS([w], max_iter=50, tolerance_change=0).step(closure)
    np.testing.assert_allclose(w.numpy(), [1, 1], rtol=1e-7)


def test_lbfgs_on_a_network_as_pytorch(reference, network):
    w, objective = network
    optimizer = optim.LBFGS(w.values(), **reference["network"]["options"])

    def closure():
        loss = objective()
        loss.backward()
        return loss

    for wanted in reference["network"]["path"]:
        optimizer.step(closure)
        np.testing.assert_allclose(flat(w), wanted, rtol=0, atol=1e-8)


def test_lbfgs_needs_as_many_steps_as_a_quadratic_has_dimensions(rng):
    """With exact line searches BFGS ends after n steps; with Wolfe's it takes only a few more."""
    n = 6
    a = rng.normal(size=(n, n))
    h, b = a @ a.T + np.eye(n), rng.normal(size=n)
    w = leaf(np.zeros(n))
    optimizer = optim.LBFGS([w], max_iter=30, max_eval=60, tolerance_grad=1e-9, tolerance_change=0)

    def closure():
        loss = w @ (h @ w) / 2 - b @ w
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(w.numpy(), np.linalg.solve(h, b), rtol=1e-7, atol=1e-8)
    assert optimizer.state[w]["n_iter"] <= 3 * n


# ---- closed forms, on ½ λ w² ----


def descend(optimizer, w, curvature, steps):
    found = [w.numpy().copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        tg.sum(curvature * w * w / 2).backward()
        optimizer.step()
        found.append(w.numpy().copy())
    return np.array(found)


def test_gradient_descent_shrinks_by_one_minus_lr_lambda():
    curvature = np.array([0.5, 1.0, 3.0])
    found = descend(optim.SGD([w := leaf([1.0, 2.0, -1.0])], lr=0.3), w, curvature, 20)
    np.testing.assert_allclose(found[20], found[0] * (1 - 0.3 * curvature) ** 20, rtol=1e-12)


@pytest.mark.parametrize("kappa", [10.0, 100.0])
def test_the_best_momentum_converges_by_polyak_s_factor(kappa):
    """Polyak 1964: lr = 4 / (√L + √μ)², β = ((√κ − 1) / (√κ + 1))², and the error shrinks by √β a step."""
    root = np.sqrt(kappa)
    beta = ((root - 1) / (root + 1)) ** 2
    w = leaf([1.0, 1.0])
    found = descend(optim.SGD([w], lr=4 / (root + 1) ** 2, momentum=beta), w, np.array([1.0, kappa]), 400)
    late = np.abs(found[200:]).max(axis=1)
    # A double root: |w| behaves as (a + b t) βᵗᐟ², so the quotient over many steps is near √β, from above.
    rate = (late[-1] / late[0]) ** (1 / 200)
    assert np.sqrt(beta) <= rate <= np.sqrt(beta) * 1.005


def test_momentum_follows_its_recurrence_to_the_eigenvalues():
    """w and v are multiplied by [[1 − lr λ, −lr β], [λ, β]] in every step."""
    lr, beta, lam = 0.1, 0.8, 2.0
    found = descend(optim.SGD([w := leaf([1.0])], lr=lr, momentum=beta), w, lam, 30)
    matrix = np.array([[1 - lr * lam, -lr * beta], [lam, beta]])
    for t in (1, 7, 30):
        np.testing.assert_allclose(found[t, 0], (np.linalg.matrix_power(matrix, t) @ [1, 0])[0], atol=1e-14)


def test_adagrad_on_a_slope_has_steps_of_one_over_the_root():
    """With a gradient of 1 the sum is t, and w = −lr Σ 1/√t."""
    w = leaf([0.0])
    optimizer = optim.Adagrad([w], lr=0.5, eps=1e-300)
    for _ in range(100):
        optimizer.zero_grad()
        tg.sum(w).backward()
        optimizer.step()
    np.testing.assert_allclose(w.numpy(), -0.5 * sum(t**-0.5 for t in range(1, 101)), rtol=1e-13)


def test_rmsprop_on_a_slope_divides_by_what_the_mean_has_reached():
    """With a gradient of 3 the mean square is 9 (1 − αᵗ)."""
    w = leaf([0.0])
    optimizer = optim.RMSprop([w], lr=0.5, alpha=0.9, eps=1e-300)
    for _ in range(10):
        optimizer.zero_grad()
        tg.sum(3 * w).backward()
        optimizer.step()
    np.testing.assert_allclose(w.numpy(), -0.5 * sum((1 - 0.9**t) ** -0.5 for t in range(1, 11)), rtol=1e-12)


def test_a_centered_gradient_that_never_varies_is_no_nan():
    w = leaf([0.0])
    optimizer = optim.RMSprop([w], lr=1e-9, alpha=0.0, centered=True)
    w.grad = tg.tensor([0.1])
    optimizer.step()
    assert np.isfinite(w.numpy()).all()


def test_decoupled_decay_takes_the_same_share_of_all():
    """Without a gradient AdamW's decay is lr · weight_decay; within the gradient Adam makes steps of lr of it."""
    start = np.array([1.0, 100.0])
    decoupled, coupled = leaf(start), leaf(start)
    for w, optimizer in (
        (decoupled, optim.AdamW([decoupled], lr=0.1, weight_decay=0.2)),
        (coupled, optim.Adam([coupled], lr=0.1, weight_decay=0.2)),
    ):
        w.grad = tg.tensor([0.0, 0.0])
        optimizer.step()
    np.testing.assert_allclose(decoupled.numpy(), start * 0.98, rtol=1e-14)
    np.testing.assert_allclose(coupled.numpy(), start - 0.1, rtol=1e-6)


def test_lion_by_hand():
    """Algorithm 2 of the paper with β₁ = 0.5, β₂ = 0.75, lr = 0.1, λ = 0.5, from w = 1; gradients 4, −2, 2, −5/4.

    t   m      c = ½ m + ½ g        sign   w                                    m ← ¾ m + ¼ g
    1   0      2                    1      1 − 0.1 (1 + 0.5) = 0.85             1
    2   1      −0.5                 −1     0.85 − 0.1 (−1 + 0.425) = 0.9075     0.25
    3   0.25   1.125                1      0.9075 − 0.1 (1 + 0.45375)           0.6875
                                           = 0.762125
    4   0.6875 −0.28125             −1     0.762125 − 0.1 (−1 + 0.3810625)      0.203125
                                           = 0.82401875
    """
    w = leaf([1.0])
    optimizer = optim.Lion([w], lr=0.1, betas=(0.5, 0.75), weight_decay=0.5)
    steps = [(4, 0.85, 1), (-2, 0.9075, 0.25), (2, 0.762125, 0.6875), (-1.25, 0.82401875, 0.203125)]
    for g, value, mean in steps:
        w.grad = tg.tensor([float(g)])
        optimizer.step()
        np.testing.assert_allclose(w.numpy(), value, rtol=1e-14)
        np.testing.assert_allclose(optimizer.state[w]["exp_avg"], mean, rtol=1e-14)


def test_lion_does_not_move_where_nothing_was_ever_felt():
    w = leaf([3.0, 3.0])
    w.grad = tg.tensor([0.0, 1e-30])
    optim.Lion([w], lr=0.1).step()
    np.testing.assert_allclose(w.numpy(), [3.0, 2.9])
