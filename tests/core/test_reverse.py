from __future__ import annotations

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg
from tinygrad_edu.errors import NotDifferentiableError


def test_a_node_used_several_times_receives_the_sum():
    x = tg.Scalar(3.0)
    (x * x).backward()
    assert x.grad == 6.0
    x.grad = None
    (x * x * x + x).backward()
    assert x.grad == 28.0


def test_a_diamond():
    x = tg.Scalar(2.0)
    top = x * 3
    (top * top + top.exp()).backward()
    assert x.grad == pytest.approx(3 * (2 * 6.0 + np.exp(6.0)), rel=1e-15)


@pytest.mark.parametrize("operation", [lambda x: tg.concatenate([x, x, x]), lambda x: tg.stack([x, x, x])])
def test_one_node_at_several_places_of_one_operation(operation):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = operation(x)
    y.backward(np.arange(6.0).reshape(y.shape))
    assert x.grad.numpy().tolist() == [0 + 2 + 4, 1 + 3 + 5]


def test_a_leaf_is_its_own_derivative():
    x = tg.Scalar(2.0)
    x.backward()
    assert x.grad == 1.0
    assert tg.reverse_sweep(x, 3.0) == {x: 3.0}


def test_the_sweep_never_writes_gradients():
    x = tg.Scalar(2.0)
    y = x * x
    assert tg.reverse_sweep(y, 1.0, keep={y}) == {x: 4.0, y: 1.0}
    assert x.grad is None
    assert y.grad is None


def test_nothing_is_found_without_a_tracked_leaf():
    assert tg.reverse_sweep(tg.tensor([1.0]) * 2, np.ones(1)) == {}


def test_only_what_is_asked_for_is_kept():
    x = tg.Scalar(2.0)
    h = x * 1.0
    k = x + 0.0  # the same number as h, but another node
    y = h * k * 3
    for keep in ({h}, [h], (h,)):
        found = tg.reverse_sweep(y, 1.0, keep=keep)
        assert set(found) == {x, h}
        assert (found[x], found[h]) == (12.0, 6.0)


def test_backward_keeps_gradients_of_inner_nodes_on_request():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    h = x * x
    k = h * 3
    y = k.sum()
    y.backward(keep=[h])
    assert h.grad.numpy().tolist() == [3.0, 3.0]
    assert k.grad is None
    assert y.grad.item() == 1.0


def test_a_kept_node_can_start_its_own_backward():
    x = tg.Scalar(2.0)
    h = x * x
    (h * 3).backward(keep=[h])
    h.backward()
    assert x.grad == 3 * 4.0 + 4.0


def test_gradients_of_two_results_add_up():
    x = tg.Scalar(2.0)
    (x * 3).backward()
    (x * x).backward()
    assert x.grad == 3.0 + 4.0


def test_observed_contributions_add_up_to_the_cotangents():
    w, x = (tg.tensor(a, requires_grad=True) for a in (np.ones((3, 2)), np.arange(3.0)))
    h = tg.tanh(x @ w) + x.sum()
    y = (h * h + tg.exp(h[0]) * h).sum()
    steps: list[tg.Step] = []
    found = tg.reverse_sweep(y, np.float64(1.0), observe=steps.append)
    received = {node: 0.0 for node in tg.topological_order([y])} | {y: np.float64(1.0)}
    for step in steps:
        close(step.cotangent, received[step.node])  # complete: all contributions came before this visit
        assert [operand for operand, _ in step.sent] == [a for a in step.node.args if a.requires_grad]
        for operand, contribution in step.sent:
            received[operand] = received[operand] + contribution
    for leaf in (w, x):
        close(found[leaf], received[leaf])
    assert len(steps) == len({step.node for step in steps})
    assert {step.node for step in steps} == {n for n in tg.topological_order([y]) if n.op and n.requires_grad}


def test_observing_changes_nothing():
    x = tg.Scalar(0.7)
    y = (x.tanh() * x - 1 / x).exp()
    assert tg.reverse_sweep(y, 1.0, observe=lambda step: None) == tg.reverse_sweep(y, 1.0)


def test_no_step_is_made_when_nobody_watches(monkeypatch):
    from tinygrad_edu.core import sweep

    def refuse(*args):
        raise AssertionError("a Step was made")

    monkeypatch.setattr(sweep, "Step", refuse)
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    (tg.softmax(x * x) * x).sum().backward()
    with pytest.raises(AssertionError, match="a Step was made"):
        tg.reverse_sweep(x * x, np.ones(2), observe=lambda step: None)


def test_backward_of_what_depends_on_nothing():
    with pytest.raises(
        NotDifferentiableError, match=r"depends on nothing that requires a gradient.*requires_grad=True"
    ):
        tg.tensor([1.0]).sum().backward()
    with pytest.raises(NotDifferentiableError, match="depends on nothing"):
        (tg.Scalar(1.0) > 0).backward()


def test_three_derivatives_by_create_graph():
    x = tg.Scalar(0.5)
    y = x.tanh() * x
    derivatives = []
    for _ in range(3):
        (y,) = tg.gradients(y, [x], create_graph=True)
        derivatives.append(y.value)
    t = np.tanh(0.5)
    s = 1 - t * t
    close(
        derivatives,
        [t + 0.5 * s, 2 * s - 2 * 0.5 * t * s, -6 * t * s - 2 * 0.5 * s * (1 - 3 * t * t)],
        rtol=1e-14,
    )


def test_backward_with_create_graph_leaves_gradients_that_can_be_differentiated():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    x.grad = None
    (first * np.array([1.0, 10.0])).sum().backward()
    assert first.numpy().tolist() == [3.0, 12.0]
    assert x.grad.numpy().tolist() == [6.0, 120.0]


def test_a_cotangent_that_is_a_node_is_differentiated_too():
    x, w = tg.Scalar(3.0), tg.Scalar(5.0)
    (dx,) = tg.gradients(x * x, [x], w, create_graph=True)
    assert dx.value == 30.0
    assert tg.gradients(dx, [x, w]) == [10.0, 6.0]


def test_gradients_by_inner_nodes_and_by_strangers():
    x, stranger = tg.Scalar(3.0), tg.Scalar(1.0)
    h = x * x
    assert tg.gradients(h * 2, [h, x, stranger]) == [2.0, 12.0, 0.0]
    assert x.grad is None


@pytest.mark.parametrize("cotangent", [2, 2.0, np.float64(2.0), np.array(2.0)], ids=repr)
@pytest.mark.parametrize(
    "make", [lambda: tg.Scalar(3.0), lambda: tg.tensor(3.0, requires_grad=True)], ids=["Scalar", "Tensor"]
)
@pytest.mark.parametrize(
    "f", [lambda x: x + 1, lambda x: x * x - 5 * x, lambda x: x], ids=["plus", "product", "nothing"]
)
def test_a_cotangent_of_one_number_may_be_any_number(make, cotangent, f):
    x = make()
    wanted = {4.0: 2.0, -6.0: 2.0, 3.0: 2.0}[float(f(x))]
    assert float(tg.reverse_sweep(f(x), cotangent)[x]) == wanted
    f(x).backward(cotangent)
    assert float(x.grad) == wanted
    close(tg.gradients(f(x), [x], cotangent), [wanted])


def test_gradients_by_a_node_and_by_what_it_was_computed_from():
    x = tg.Scalar(2.0)
    h = x * x
    y = h * x  # ∂y/∂h = x, dy/dx = 3x²
    assert tg.gradients(y, [h, x]) == [2.0, 12.0]
    assert [g.value for g in tg.gradients(y, [h, x], create_graph=True)] == [2.0, 12.0]
    assert tg.reverse_sweep(y, 1.0, stop=[h]) == {h: 2.0, x: 4.0}  # as if h were a leaf
    assert tg.reverse_sweep(y, 1.0) == {x: 12.0}
    assert h.op.name == "mul"


def test_a_sweep_that_fails_with_stops_gives_the_graph_back():
    x = tg.Scalar(2.0)
    h = x * x

    def fail(step):
        raise KeyError

    with pytest.raises(KeyError):
        tg.reverse_sweep(h * 3, 1.0, stop=[h], observe=fail)
    assert h.op.name == "mul"
    assert [a is x for a in h.args] == [True, True]
    h.backward()
    assert x.grad == 4.0


def test_a_second_backward_as_the_warning_advises():
    x = tg.Scalar(3.0)
    y = x * x
    y.backward()
    x.grad = y.grad = None
    y.backward()  # no warning: nothing was there to be added to
    assert x.grad == 6.0


def test_one_inner_node_is_kept():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    y.sum().backward(keep=y)
    assert y.grad.numpy().tolist() == [1.0, 1.0]
