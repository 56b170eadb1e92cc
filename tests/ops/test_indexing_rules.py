from __future__ import annotations

import array

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg

MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, False, False]])
INDICES = {
    "integer": 1, "negative": -1, "NumPy integer": np.int64(2), "slice": slice(1, None),
    "reversed": slice(None, None, -1),
    "steps backwards": (slice(None, None, -2), slice(3, 0, -2)), "ellipsis": (..., 2),
    "new axis": (None, slice(1), None, 1),
    "nothing": (), "everything": ..., "empty": slice(0, 0), "list": [2, 0, 2, 2],
    "array": np.array([[0, 1], [1, 1]]),
    "pairs": (np.array([0, 0, 2]), np.array([1, 1, 3])),
    "broadcast": (np.array([[0], [0]]), np.array([1, 1, 2])),
    "lists": ([0, 0], [1, 1]), "tuple within": ((0, 0, 1),), "column tuple": (slice(None), (0, 0, 2)),
    "range": (slice(None), range(3)), "mask": MASK, "row mask": np.array([True, False, True]),
    "mask of columns": (slice(None), np.array([True, False, True, False])),
    "mixed": (np.array([0, 0]), slice(None, None, -1)),
    "mask and integers": (np.array([True, False, True]), np.array([1, 1])), "true": True, "false": False,
    "array and new axis": (np.array([1, 1]), None, 0), "0-d array": np.array(1),
    "repeated and negative": np.array([-1, 2, 0]),
}  # fmt: skip


@pytest.mark.parametrize("which", INDICES)
def test_every_way_to_index(which, rng):
    index = INDICES[which]
    x = rng.normal(size=(3, 4))
    node = tg.tensor(x, requires_grad=True)
    y = node[index]
    close(y, x[index])
    g, t = rng.normal(size=y.shape), rng.normal(size=x.shape)
    # Each element of the result is an element of x: their numbers say which, and cotangents add up there.
    source = np.arange(12).reshape(3, 4)[index]
    wanted = np.bincount(np.ravel(source), weights=np.ravel(g), minlength=12).reshape(3, 4)
    close(tg.reverse_sweep(y, g)[node], wanted)
    close(tg.forward_sweep([y], {node: t})[0], t[index])
    close(
        tg.hvp(lambda v: (v[index] ** 2).sum(), x, t),
        2 * t * np.bincount(np.ravel(source), minlength=12).reshape(3, 4),
    )


def test_an_index_can_be_a_tensor():
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (x[tg.tensor([0, 0, 2])].sum() + x[x > 1.5].sum()).backward()
    close(x.grad, [2, 1, 2])


@pytest.mark.parametrize("change", [
    lambda x, index: x[index], lambda x, index: x[index, :], lambda x, index: tg.getitem(x, index),
    lambda x, index: tg.scatter_add(x, index, (5, 2)),
])  # fmt: skip
def test_an_index_that_is_changed_later_does_not_change_the_gradient(change):
    index = np.array([0, 1])
    x = tg.tensor(np.ones((2, 2)), requires_grad=True)
    y = change(x, index)
    weights = np.arange(float(np.prod(y.shape))).reshape(y.shape)
    before = tg.reverse_sweep(y, weights)[x]
    index[:] = 1
    close(tg.reverse_sweep(y, weights)[x], before)


def test_labels_and_bounds_that_are_changed_later_do_not_change_the_gradient():
    labels, low = np.array([0, 1]), np.zeros((2, 3))
    x = tg.tensor(np.eye(2, 3), requires_grad=True)
    y = tg.softmax_cross_entropy(x, labels) + tg.clip(x - 0.5, low).sum()
    before = tg.reverse_sweep(y, np.float64(1))[x]
    labels[:], low[:] = 2, 5
    close(tg.reverse_sweep(y, np.float64(1))[x], before)
    close(tg.gradients(y, [x], create_graph=True)[0], before)


@pytest.mark.parametrize(("x", "index", "wanted"), [
    (6.0, 1, [0, 6, 0]), ([1.0, 2.0, 3.0], [0, 2, 0], [4, 0, 2]),
    ([1.0, 2.0, 3.0], slice(None, None, -1), [3, 2, 1]),
    ([1.0, 2.0], np.array([True, False, True]), [1, 0, 2]),
])  # fmt: skip
def test_scatter_add(x, index, wanted):
    x, g = np.array(x), np.array([1.0, 10.0, 100.0])
    close(tg.scatter_add(x, index, (3,)), wanted)
    close(tg.vjp(lambda v: tg.scatter_add(v, index, (3,)), x)[1](g)[0], g[index])
    close(tg.jvp(lambda v: tg.scatter_add(v, index, (3,)), [x], [x])[1], wanted)


def test_replacing_elements_as_the_message_says():
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with pytest.raises(
        TypeError, match=r"tg\.where\(mask, v, x\).*tg\.scatter_add\(v, i, x\.shape\).*x\.assign\(array\)"
    ):
        x[1] = 5.0
    y = x + tg.scatter_add(tg.tensor(10.0), 1, x.shape)
    close(y, [1.0, 12.0, 3.0])


@pytest.mark.parametrize("index", [7, (0, 0, 0), [0, 9]])
def test_an_index_outside(index):
    with pytest.raises(IndexError):
        tg.tensor(np.ones((3, 4)))[index]


def test_a_repeated_index_in_a_sequence_of_another_kind():
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[array.array("i", [0, 2, 0])].sum().backward()
    assert x.grad.numpy().tolist() == [2.0, 0.0, 1.0]


def test_an_empty_list_reads_nothing():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    x[[]].sum().backward()
    assert x.grad.numpy().tolist() == [0.0, 0.0]
