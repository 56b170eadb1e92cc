"""The one mutation: a leaf's value. Graphs that used it are stale, and say so."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.node import assign, preserved
from tinygrad_edu.errors import ShapeError, StaleValueError


def product():
    w, x = tg.Scalar(2.0, name="weight"), tg.Scalar(3.0)
    return w, x, w * x + 1


def by_data(w):
    w.data = 5.0


def by_augmented_data(w):
    w.data += 0.5


ASSIGNMENTS = [
    by_data,
    by_augmented_data,
    lambda w: w.assign(5.0),
    lambda w: assign([(w, 4.0), (tg.Scalar(1.0), 2.0)]),
]


@pytest.mark.parametrize("change", ASSIGNMENTS)
def test_a_stale_graph_names_the_leaf_and_the_operation(change):
    w, _, y = product()
    change(w)
    with pytest.raises(
        StaleValueError, match=r"'weight' was assigned after 'mul' had used it.*run the forward pass again"
    ):
        y.backward()


@pytest.mark.parametrize("change", ASSIGNMENTS)
def test_the_forward_sweep_refuses_it_too(change):
    w, x, y = product()
    change(w)
    with pytest.raises(StaleValueError, match="'weight'"):
        tg.forward_sweep([y], {x: 1.0})


def test_a_constant_of_the_graph_counts_too():
    x, c = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([3.0, 4.0], name="data")
    y = (x * c).sum()
    c.assign([0.0, 0.0])
    with pytest.raises(StaleValueError, match="'data' was assigned after 'mul'"):
        y.backward()


def test_a_broadcast_or_reduced_leaf_counts_too():
    x = tg.tensor(np.ones(3), requires_grad=True, name="x")
    for y in ((x + tg.tensor(np.ones((2, 3)))).sum(), x.sum()):
        x.assign(np.zeros(3))
        with pytest.raises(StaleValueError, match="'x'"):
            y.backward()


def test_an_unrelated_assignment_is_harmless():
    w, x, y = product()
    tg.Scalar(1.0).assign(7.0)
    y.backward()
    assert (w.grad, x.grad) == (3.0, 2.0)


def test_the_next_forward_pass_is_fresh():
    w, x, _ = product()
    w.assign(7.0)
    (w * x).backward()
    assert (w.grad, x.grad) == (3.0, 7.0)


def test_a_graph_begun_before_the_assignment_stays_stale_when_continued():
    w, _, y = product()
    w.assign(7.0)
    z = y * w
    with pytest.raises(StaleValueError, match="'weight' was assigned after 'mul'"):
        z.backward()


def test_a_refused_backward_leaves_no_gradients():
    w, x, y = product()
    w.assign(5.0)
    with pytest.raises(StaleValueError):
        y.backward()
    assert [node.grad for node in (w, x, y)] == [None, None, None]


def test_an_assignment_during_the_sweep_is_noticed():
    x = tg.Scalar(3.0, name="x")
    y = x * x * x * 1.0
    with pytest.raises(StaleValueError, match="'x'"):
        tg.reverse_sweep(y, 1.0, observe=lambda step: x.assign(10.0))


@pytest.mark.parametrize(
    "make", [lambda: tg.Scalar(1.0) * 2, lambda: tg.tensor([1.0], requires_grad=True) * 2]
)
def test_what_was_computed_cannot_be_assigned(make):
    y = make()
    with pytest.raises(TypeError, match="was computed: only leaves can be assigned"):
        y.assign(y.value)
    with pytest.raises(TypeError, match="only leaves"):
        y.data = y.value


def test_several_leaves_are_assigned_together_or_not_at_all():
    a, b = tg.tensor([1.0]), tg.tensor([1.0, 2.0])
    with pytest.raises(ShapeError):
        assign([(a, [5.0]), (b, [5.0])])
    assert a.numpy().tolist() == [1.0]
    assign([(a, [5.0]), (b, [6.0, 7.0])])
    assert (a.numpy().tolist(), b.numpy().tolist()) == ([5.0], [6.0, 7.0])


def test_shape_and_dtype_stay():
    x = tg.tensor(np.ones(2, np.float32), name="x")
    x.assign([3, 4])
    assert x.dtype == np.float32
    assert not x.numpy().flags.writeable
    with pytest.raises(ShapeError, match=r"'x' has shape \(2,\), \(3,\) came"):
        x.assign([1.0, 2.0, 3.0])


def test_the_assigned_array_is_copied():
    source = np.array([1.0, 2.0])
    x = tg.tensor([0.0, 0.0])
    x.assign(source)
    source[0] = 9.0
    assert x.numpy().tolist() == [1.0, 2.0]


def test_a_node_can_give_the_value():
    x, s = tg.tensor([0.0]), tg.Scalar(0.0)
    x.assign(tg.tensor([2.0], requires_grad=True) * 3)
    s.assign(tg.Scalar(2.0) * 3)
    assert (x.item(), s.value) == (6.0, 6.0)


def test_preserved_gives_the_values_back_and_old_graphs_stay_valid():
    w, x, y = product()
    with preserved([w]):
        w.assign(100.0)
        with preserved([w]):
            w.assign(1000.0)
        assert w.value == 100.0
    assert w.value == 2.0
    y.backward()
    assert (w.grad, x.grad) == (3.0, 2.0)


def test_preserved_gives_the_values_back_after_an_error():
    w = tg.Scalar(2.0)
    with pytest.raises(StaleValueError), preserved([w]):
        fail_with(w)
    assert w.value == 2.0
    assert (w * 2).requires_grad


def fail_with(w):
    w.assign(5.0)
    raise StaleValueError


def test_preserved_leaves_a_stale_graph_stale():
    w, _, y = product()
    w.assign(5.0)
    with preserved([w]):
        w.assign(6.0)
    with pytest.raises(StaleValueError):
        y.backward()


def test_of_preserved_leaves_nothing_is_recorded_that_could_outlive_their_values():
    w = tg.Scalar(2.0, name="w")
    with preserved([w]):
        w.assign(5.0)
        y = w * w
    assert (y.value, y.op) == (25.0, None)
    with pytest.raises(tg.errors.NotDifferentiableError, match="depends on nothing"):
        y.backward()
