from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_edu as tg

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "oldest pickle": lambda x: pickle.loads(pickle.dumps(x, protocol=0)),
}
LEAVES = {
    "Scalar": lambda: tg.Scalar(2.5, name="s"),
    "constant Scalar": lambda: tg.Scalar(2.5, requires_grad=False),
    "matrix": lambda: tg.tensor([[1.0, 2.0]], requires_grad=True, name="w"),
    "single": lambda: tg.tensor(np.float32(3.0), requires_grad=True),
    "integers": lambda: tg.tensor([1, 2]),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_is_copied_with_all_that_it_is(how, leaf):
    x = LEAVES[leaf]()
    y = COPIES[how](x)
    assert type(y) is type(x)
    assert y is not x
    assert (y.requires_grad, y.name, y.op, y.shape) == (x.requires_grad, x.name, None, x.shape)
    np.testing.assert_array_equal(y.value, x.value)
    if isinstance(x, tg.Tensor):
        assert y.dtype == x.dtype
        assert not y.numpy().flags.writeable


def test_a_deep_copy_is_independent():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = copy.deepcopy(x)
    y.assign([5.0, 6.0])
    (y * y).sum().backward()
    assert x.numpy().tolist() == [1.0, 2.0]
    assert x.grad is None
    assert y.grad.numpy().tolist() == [10.0, 12.0]


def test_shared_leaves_stay_shared():
    x = tg.Scalar(1.0)
    a, b = copy.deepcopy([x, x])
    assert a is b


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("leaf", ["Scalar", "matrix"])
def test_what_was_computed_is_not_copied(how, leaf):
    y = LEAVES[leaf]() * 2
    with pytest.raises(TypeError, match=r"was computed: copy its value \(\.detach\(\)\)"):
        COPIES[how](y)
    COPIES[how](y.detach())
