"""Groups of parameters, the state of an optimizer, and L-BFGS's closure."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

EVERY = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.05, amsgrad=True), "AdamW": lambda p: optim.AdamW(p, lr=0.05),
    "NAdam": lambda p: optim.NAdam(p, lr=0.05), "Adagrad": lambda p: optim.Adagrad(p, lr=0.05, lr_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.05, momentum=0.5, centered=True),
    "Adadelta": optim.Adadelta, "Lion": lambda p: optim.Lion(p, lr=0.05),
    "RAdam": lambda p: optim.RAdam(p, lr=0.05, betas=(0.9, 0.9)), "LAMB": lambda p: optim.LAMB(p, lr=0.05),
    "L-BFGS": lambda p: optim.LBFGS(p, max_iter=2, history_size=3),
    "L-BFGS without line search": lambda p: optim.LBFGS(p, lr=0.2, max_iter=2, line_search_fn=None),
}  # fmt: skip
every = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)


def leaf(value, name=None):
    return tg.tensor(value, requires_grad=True, name=name)


def start():
    return [leaf([[1.0, -2.0, 0.5]]), leaf([0.3])]


def take_steps(optimizer, w, count):
    a, b = w

    def closure():
        optimizer.zero_grad()
        loss = ((a - 1) ** 2 * [1.0, 3.0, 5.0]).sum() + ((a * b) ** 2).sum() + (b**4).sum()
        loss.backward()
        return loss

    return [optimizer.step(closure).item() for _ in range(count)]


@every
def test_an_optimizer_goes_on_from_its_state(make):
    """Six steps, or three, a new optimizer with the state of the first, and three more: the same bits."""
    w = start()
    losses = take_steps(make(w), w, 6)
    v = start()
    first = make(v)
    halves = take_steps(first, v, 3)
    u = [leaf(x.numpy()) for x in v]
    second = make(u)
    second.load_state_dict(first.state_dict())
    halves += take_steps(second, u, 3)
    assert halves == losses
    for x, y in zip(u, w, strict=True):
        np.testing.assert_array_equal(x.numpy(), y.numpy())
    assert losses[-1] < losses[0]


@every
def test_a_state_is_a_copy(make):
    w = start()
    optimizer = make(w)
    take_steps(optimizer, w, 2)
    saved = optimizer.state_dict()
    kept = {i: {k: np.array(v) for k, v in held.items()} for i, held in saved["state"].items()}
    take_steps(optimizer, w, 2)
    for i, held in kept.items():
        for key, value in held.items():
            np.testing.assert_array_equal(saved["state"][i][key], value)


def test_states_that_do_not_fit_change_nothing():
    w = start()
    optimizer = optim.Adam(w, lr=0.05)
    take_steps(optimizer, w, 1)
    good = optimizer.state_dict()
    refused = [
        (optim.SGD(w).state_dict(), ValueError, "options of this optimizer"),
        (optim.Adam(w[:1]).state_dict(), ValueError, "of other params"),
        (optim.Adam([("a", w[0]), ("b", w[1])]).state_dict(), ValueError, "of other param_names"),
        (w, TypeError, r"state_dict\(\) was expected"),
        (good | {"state": {1: {"exp_avg": np.zeros(4)}}}, tg.errors.ShapeError, r"'exp_avg' of shape \(1,\)"),
        (good | {"param_groups": [good["param_groups"][0] | {"eps": -1}]}, ValueError, r"eps in \(0, inf\)"),
    ]
    for state, error, words in refused:
        with pytest.raises(error, match=words):
            optimizer.load_state_dict(state)
        np.testing.assert_array_equal(optimizer.state[w[0]]["exp_avg"], good["state"][0]["exp_avg"])
        assert optimizer.param_groups[0]["eps"] == 1e-8
    lbfgs = optim.LBFGS(w)
    with pytest.raises(tg.errors.ShapeError, match=r"'old_dirs' of shape \(steps, 4\)"):
        lbfgs.load_state_dict(lbfgs.state_dict() | {"state": {0: {"old_dirs": np.zeros((2, 3))}}})


# ---- groups ----


def test_weights_decay_and_biases_and_scales_do_not(rng):
    net = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.BatchNorm1d(4), nn.Linear(4, 2, rng=rng))
    chosen = optim.groups(net, decay=0.1)
    assert [[name for name, _ in group["params"]] for group in chosen] == [
        ["0.weight", "2.weight"],
        ["0.bias", "1.weight", "1.bias", "2.bias"],
    ]
    before = net.state_dict()
    optimizer = optim.AdamW(chosen, lr=0.5)
    for leaf_ in net.parameters():
        leaf_.grad = tg.tensor(np.zeros(leaf_.shape))
    optimizer.step()
    for name, value in net.state_dict().items():
        share = 0.95 if name in ("0.weight", "2.weight") else 1
        np.testing.assert_allclose(value, share * before[name], rtol=1e-15)


def test_an_empty_group_is_left_out(rng):
    assert [g["weight_decay"] for g in optim.groups(nn.Linear(2, 2, bias=False, rng=rng), decay=0.1)] == [0.1]
    assert [g["weight_decay"] for g in optim.groups(nn.MLP(2, [1], rng=rng), decay=0.1)] == [0]


def test_groups_want_a_model_with_names_and_a_decay_that_pulls_inwards(rng):
    with pytest.raises(TypeError, match="list came: write the groups by hand"):
        optim.groups([leaf([1.0])], decay=0.1)
    with pytest.raises(ValueError, match="decay in"):
        optim.groups(nn.Linear(2, 2, rng=rng), decay=-0.1)


def test_options_of_a_group_are_its_own():
    a, b, c = (leaf([1.0]) for _ in range(3))
    optimizer = optim.SGD([{"params": [a], "lr": 0.5}, {"params": [("b", b), ("c", c)]}], lr=0.1)
    assert optimizer.lr == 0.5
    tg.sum(a + b + c).backward()
    optimizer.step()
    assert [x.item() for x in (a, b, c)] == pytest.approx([0.5, 0.9, 0.9])
    assert optimizer.names == [None, "b", "c"]


@pytest.mark.parametrize(
    ("groups", "error", "words"),
    [
        ([{"params": [leaf([1.0])], "lrate": 1}], TypeError, "with options among lr, momentum"),
        ([{"lr": 1}], TypeError, "one with lr came"),
        ([{"params": [leaf([1.0])], "lr": 0}], ValueError, r"lr in \(0, inf\)"),
        ([{"params": [leaf([1.0])], "nesterov": True}], ValueError, "a momentum above 0 and no dampening"),
        ([{"params": []}], ValueError, "none came"),
    ],
)
def test_groups_that_are_refused(groups, error, words):
    with pytest.raises(error, match=words):
        optim.SGD(groups, lr=0.1)


def test_one_parameter_in_two_groups():
    w = leaf([1.0])
    with pytest.raises(ValueError, match="one came twice"):
        optim.SGD([{"params": [w]}, {"params": [w]}], lr=0.1)


# ---- closures ----


def test_lbfgs_forgets_gradients_before_every_call():
    """A closure without zero_grad would add them up: the gradients of other points."""
    w = leaf([3.0])
    optimizer = optim.LBFGS([w])

    def closure():
        loss = ((w - 1) ** 2).sum()
        loss.backward()
        return loss

    w.grad = tg.tensor([1e6])
    optimizer.step(closure)
    np.testing.assert_allclose(w.numpy(), [1.0], atol=1e-7)


def test_lbfgs_after_an_error_is_where_it_was():
    w = leaf([3.0])
    calls = []

    def closure():
        calls.append(w.item())
        if len(calls) == 2:
            raise RuntimeError("stop")
        loss = (w**2).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="stop"):
        optim.LBFGS([w]).step(closure)
    assert calls[1] != 3
    assert w.item() == 3


def test_the_line_search_walks_around_what_is_no_number():
    """f = w − log w has no value at w ≤ 0, where the first steps of length 1 arrive."""
    w = leaf([0.02])

    def closure():
        if w.item() <= 0:
            w.grad = tg.tensor([np.nan])
            return np.nan
        loss = (w - w.log()).sum()
        loss.backward()
        return loss

    optimizer = optim.LBFGS([w], lr=100.0, max_iter=50, max_eval=200)
    optimizer.step(closure)
    np.testing.assert_allclose(w.numpy(), [1.0], rtol=1e-4)


def test_lbfgs_at_a_minimum_stays():
    w = leaf([1.0, 1.0])
    optimizer = optim.LBFGS([w])

    def closure():
        loss = ((w - 1) ** 2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 0
    np.testing.assert_array_equal(w.numpy(), [1, 1])
    assert optimizer.state[w]["func_evals"] == 1


def test_lbfgs_of_scalars_and_of_float32():
    s = tg.Scalar(3.0)

    def closure():
        loss = (s - 1) ** 2
        loss.backward()
        return loss

    optim.LBFGS([s]).step(closure)
    assert s.data == pytest.approx(1)
    assert type(s.data) is float
    w = tg.tensor(np.array([3.0, -1.0], np.float32), requires_grad=True)

    def closure32():
        loss = ((w - 1) ** 2 * np.array([1, 5], np.float32)).sum()
        loss.backward()
        return loss

    optimizer = optim.LBFGS([w])
    optimizer.step(closure32)
    np.testing.assert_allclose(w.numpy(), [1, 1], rtol=1e-4)
    assert w.dtype == optimizer.state[w]["old_dirs"].dtype == np.float32


def test_what_lbfgs_refuses():
    w, v = leaf([1.0]), leaf([2.0])
    with pytest.raises(TypeError, match=r"step\(closure\) was expected"):
        optim.LBFGS([w]).step()
    with pytest.raises(ValueError, match="no parameter has a gradient"):
        optim.LBFGS([w]).step(lambda: 1.0)
    with pytest.raises(ValueError, match="one group was expected, 2 came"):
        optim.LBFGS([{"params": [w]}, {"params": [v]}])
    with pytest.raises(ValueError, match="'armijo' came"):
        optim.LBFGS([w], line_search_fn="armijo")
    with pytest.raises(ValueError, match="max_iter"):
        optim.LBFGS([w], max_iter=0)
    w.grad = None

    def closure():
        w.grad = tg.tensor([np.inf])
        return 1.0

    with pytest.raises(FloatingPointError, match="1 of 1 elements"):
        optim.LBFGS([w], check_finite=True).step(closure)
