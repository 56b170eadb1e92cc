from __future__ import annotations

import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

EVERY = {
    "SGD": lambda p, **options: optim.SGD(p, lr=0.1, **options),
    "momentum": lambda p, **options: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, **options),
    "Nesterov": lambda p, **options: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, **options),
    "dampening": lambda p, **options: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5, **options),
    "Adam": lambda p, **options: optim.Adam(p, lr=0.1, **options),
    "AMSGrad": lambda p, **options: optim.Adam(p, lr=0.1, amsgrad=True, **options),
    "AdamW": lambda p, **options: optim.AdamW(p, lr=0.1, **options),
    "NAdam": lambda p, **options: optim.NAdam(p, lr=0.1, **options),
    "Adagrad": lambda p, **options: optim.Adagrad(p, lr=0.5, **options),
    "RMSprop": lambda p, **options: optim.RMSprop(p, lr=0.03, alpha=0.9, **options),
    "centered": lambda p, **options: optim.RMSprop(
        p, lr=0.1, eps=1.0, momentum=0.5, centered=True, **options
    ),
    "Adadelta": lambda p, **options: optim.Adadelta(p, lr=1.0, eps=1e-3, **options),
    "RAdam": lambda p, **options: optim.RAdam(p, lr=0.1, betas=(0.9, 0.9), **options),
    "LAMB": lambda p, **options: optim.LAMB(p, lr=0.1, **options),
    "Lion": lambda p, **options: optim.Lion(p, lr=0.02, betas=(0.9, 0.9), **options),
}
every = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def leaf(value, name=None):
    return tg.tensor(value, requires_grad=True, name=name)


def test_fifty_steps_as_in_torch(paths):
    for path in paths:
        w = [leaf(value) for value in path["start"]]
        optimizer = getattr(optim, path["name"])(w, **path["options"])
        c = [np.array(value) for value in path["curvature"]]
        for i in range(1, 51):
            optimizer.zero_grad()
            for x, a in zip(w, c, strict=True):
                tg.sum(a * x**2 / 2 + x**4 / 4).backward()
            optimizer.step()
            for x, wanted in zip(w, path["path"].get(str(i), []), strict=False):
                np.testing.assert_allclose(
                    x.numpy(), wanted, rtol=1e-10, err_msg=f"{path['options']}, step {i}"
                )


@every
def test_the_bottom_of_a_bowl_is_found(make):
    w = leaf([3.0, -2.0])
    optimizer = make([w])
    for step in range(400):  # some take steps of a fixed length, and never settle at a fixed rate
        optimizer.lr = optimizer.initial_lr * (1 - step / 400)
        optimizer.zero_grad()
        tg.sum(w * w).backward()
        optimizer.step()
    np.testing.assert_allclose(w.numpy(), 0, atol=1e-3)


@every
def test_scalars_move_as_tensors_do(make):
    s, w = tg.Scalar(2.0), leaf(2.0)
    first, second = make([s]), make([w])
    for _ in range(5):
        for x, optimizer in ((s, first), (w, second)):
            optimizer.zero_grad()
            (x * x).backward()
            optimizer.step()
    assert type(s.data) is float
    assert s.data == pytest.approx(w.item(), rel=1e-14)


@every
def test_float32_stays_float32(make):
    w = tg.tensor(np.ones(3, np.float32), requires_grad=True)
    optimizer = make([w])
    optimizer.lr = np.float64(0.05)
    for _ in range(3):
        tg.sum(w * w).backward()
        optimizer.step()
    assert w.dtype == np.float32
    assert {x.dtype for x in optimizer.state[w].values() if isinstance(x, np.ndarray)} <= {np.dtype("f4")}


@every
def test_gradients_and_older_values_are_left_as_they_were(make):
    w = leaf([1.0, 2.0])
    optimizer = make([w])
    tg.sum(w**3).backward()
    before, gradient = w.numpy(), w.grad.numpy()
    copies = before.copy(), gradient.copy()
    for _ in range(3):
        optimizer.step()
    np.testing.assert_array_equal(before, copies[0])
    np.testing.assert_array_equal(gradient, copies[1])
    np.testing.assert_array_equal(w.grad.numpy(), copies[1])
    assert not w.numpy().flags.writeable


def test_two_parameters_may_share_a_gradient():
    """Of a sum both receive the very same array: what one does with it must not reach the other."""
    a, b = leaf([1.0]), leaf([1.0])
    optimizer = optim.SGD([a, b], lr=0.5, momentum=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        tg.sum(a + b).backward()
        optimizer.step()
    np.testing.assert_allclose([a.item(), b.item()], 1 - 0.5 - 0.75)


def test_zero_grad_forgets():
    w = leaf([1.0])
    optimizer = optim.SGD([w], lr=0.1)
    tg.sum(w).backward()
    optimizer.zero_grad()
    assert w.grad is None


def test_a_parameter_without_gradient_is_left_and_none_at_all_is_an_error():
    used, unused = leaf([1.0]), leaf([1.0])
    optimizer = optim.SGD([used, unused], lr=0.1, weight_decay=0.5)
    with pytest.raises(
        ValueError, match=re.escape("SGD: no parameter has a gradient: call loss.backward() before step()")
    ):
        optimizer.step()
    tg.sum(used).backward()
    optimizer.step()
    assert used.item() == pytest.approx(0.85)
    assert unused.item() == 1


def test_adam_counts_the_steps_of_each_parameter():
    """One that joins later takes the first step that it would have taken alone: of length lr."""
    a, b = leaf([1.0]), leaf([1.0])
    optimizer = optim.Adam([a, b], lr=0.1, eps=1e-12)
    tg.sum(5 * a).backward()
    for _ in range(10):
        optimizer.step()
    tg.sum(7 * b).backward()
    optimizer.step()
    assert b.item() == pytest.approx(0.9)


def test_adam_s_first_steps_have_the_length_lr_whatever_the_gradient():
    w = leaf([1.0, 1.0, 1.0])
    optimizer = optim.Adam([w], lr=0.01)
    w.grad = tg.tensor([1e-3, -1.0, 1e6])
    optimizer.step()
    np.testing.assert_allclose(w.numpy(), [0.99, 1.01, 0.99], rtol=1e-6)


def test_a_step_makes_a_recorded_graph_stale():
    w = leaf([2.0], "w")
    loss = tg.sum(w * w)
    loss.backward()
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(tg.errors.StaleValueError, match="'w' was assigned"):
        tg.sum(loss * 1).backward()


def test_names_may_come_along(rng):
    layer = nn.Linear(3, 2, rng=rng)
    optimizer = optim.SGD(layer.named_parameters(), lr=0.1, check_finite=True)
    assert optimizer.names == ["weight", "bias"]
    assert optimizer.parameters == layer.parameters()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_gradients_that_are_not_finite_are_refused_if_asked(bad):
    good, w = leaf([1.0]), leaf([1.0, 2.0])
    good.grad, w.grad = tg.tensor([1.0]), tg.tensor([0.0, bad])
    unused = leaf([1.0])
    optimizer = optim.Adam([("good", good), ("fc.weight", w), ("unused", unused)], check_finite=True)
    with pytest.raises(
        FloatingPointError, match=re.escape("in that of fc.weight 1 of 2 elements are infinite or NaN")
    ):
        optimizer.step()
    assert good.item() == 1
    w.grad = tg.tensor([0.0, 1.0])
    optimizer.step()
    assert good.item() < 1
    s = tg.Scalar(1.0)
    s.grad = bad
    with pytest.raises(FloatingPointError, match="the Scalar 1"):
        optim.SGD([s], 0.1, check_finite=True).step()


# ---- what is refused ----


def test_a_module_is_no_list_of_parameters(rng):
    with pytest.raises(
        TypeError, match=re.escape("SGD: parameters were expected, Linear came: say model.parameters()")
    ):
        optim.SGD(nn.Linear(2, 2, rng=rng), 0.1)


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ([tg.tensor([1.0])], "the Tensor"),
        ([leaf([1.0], "w") * 2], "the Tensor"),
        ([3], "3"),
        ([("v", None)], "v"),
    ],
)
def test_only_leaves_that_require_a_gradient_can_be_learned(parameters, what):
    with pytest.raises(TypeError, match=f"leaves that require a gradient were expected, {what}"):
        optim.SGD(parameters, 0.1)


def test_each_parameter_once():
    w = leaf([1.0])
    with pytest.raises(ValueError, match="one came twice"):
        optim.SGD([w, w], 0.1)
    with pytest.raises(ValueError, match="none came: has a generator been used up"):
        optim.SGD(iter([]), 0.1)


@pytest.mark.parametrize(
    "make",
    [
        lambda w: optim.SGD(w, 0), lambda w: optim.SGD(w, -0.1), lambda w: optim.SGD(w, np.inf),
        lambda w: optim.SGD(w, np.nan), lambda w: optim.SGD(w, 0.1, momentum=1),
        lambda w: optim.SGD(w, 0.1, -0.1), lambda w: optim.SGD(w, 0.1, weight_decay=-1),
        lambda w: optim.SGD(w, 0.1, nesterov=True),
        lambda w: optim.Adam(w, betas=(1, 0.9)), lambda w: optim.Adam(w, betas=(0.9, 1.1)),
        lambda w: optim.Adam(w, eps=0), lambda w: setattr(optim.Adam(w), "lr", -1),
    ],
)  # fmt: skip
def test_numbers_outside_of_their_range_are_refused(make):
    with pytest.raises(ValueError, match=r"was expected, .* came"):
        make([leaf([1.0])])


def test_a_rule_of_one_s_own():
    class Sign(optim.Optimizer):
        def update(self, w, g, state, group):
            return w - group["lr"] * np.sign(g)

    w = leaf([1.0, -1.0])
    tg.sum(w * w).backward()
    Sign([w], 0.25).step()
    np.testing.assert_allclose(w.numpy(), [0.75, -0.75])
    with pytest.raises(NotImplementedError, match="Optimizer defines no update"):
        optim.Optimizer([w], 0.1).step()


def test_one_parameter_instead_of_several():
    with pytest.raises(TypeError, match=r"put it into a list, \[w\]"):
        tg.optim.SGD(tg.tensor([1.0], requires_grad=True), lr=0.1)
