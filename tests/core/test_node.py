from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import tinygrad_edu as tg


def test_an_elementwise_operation_keeps_its_operands():
    a, b = tg.Scalar(2.0), tg.Scalar(3.0)
    y = a * b
    assert y.op is tg.registry["mul"]
    assert y.args == (a, b)
    assert y.args[0] is a
    assert y.params == {}


def test_one_operand():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = tg.exp(x)
    assert [arg is x for arg in y.args] == [True]
    assert y.params == {}


def test_parameters_are_found_by_name_however_they_were_given():
    x = tg.tensor(np.ones((2, 3)), requires_grad=True)
    for y in (tg.sum(x, 1), tg.sum(x, axis=1), x.sum(1)):
        assert y.params == {"axis": 1}
        assert y.args[0] is x


@pytest.mark.parametrize("shapes", [((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3))])
def test_broadcast_operands_are_kept_as_they_were(shapes):
    a, b = (tg.tensor(np.ones(shape), requires_grad=True) for shape in shapes)
    y = a + b
    assert [arg.shape for arg in y.args] == list(shapes)
    assert y.shape == (2, 3)


def test_a_leaf_has_no_operands():
    x = tg.Scalar(1.0)
    assert (x.op, x.args, x.params, x.grad, x.name, x.scope) == (None, (), {}, None, None, None)


def test_constants_become_nodes_without_gradient():
    x = tg.Scalar(2.0)
    two = (x**2).args[1]
    assert isinstance(two, tg.Scalar)
    assert not two.requires_grad
    assert two.value == 2.0


def test_what_needs_no_gradient_is_not_recorded():
    x, c = tg.tensor([1.0]), tg.tensor([2.0])
    y = x * c
    assert y.op is None
    assert not y.requires_grad


def test_one_tracked_operand_is_enough():
    y = tg.tensor([1.0]) * tg.tensor([2.0], requires_grad=True)
    assert y.requires_grad
    assert y.op.name == "mul"


def test_names_can_be_given_and_changed():
    x = tg.Scalar(1.0, name="x")
    assert x.name == "x"
    x.name = "input"
    assert x.name == "input"
    y = x * x
    y.name = "square"
    assert y.name == "square"


def test_nodes_are_keys_by_identity():
    a, b = tg.Scalar(1.0), tg.Scalar(1.0)
    assert len({a, b}) == 2
    assert {a: "a", b: "b"}[b] == "b"


def test_detach_ends_the_graph():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * 2).detach()
    assert y.op is None
    assert not y.requires_grad
    assert y.numpy().tolist() == [2.0, 4.0]
    (y * x).sum().backward()
    assert x.grad.numpy().tolist() == [2.0, 4.0]


def test_every_operation_of_the_registry_is_recorded_on_request():
    from tinygrad_edu.core.recording import EVERYTHING, recording

    x = tg.tensor([1.0, 2.0])
    with recording(EVERYTHING):
        y = x > 1.5
        z = tg.where(y, x, 0.0)
    assert [y.op.name, z.op.name] == ["greater", "where"]
    assert not z.requires_grad
    assert z.args[0] is y


def test_a_node_is_a_scalar_or_a_tensor():
    node = object.__new__(tg.Node)
    of_a_value = (node.result, tg.Node.constant, node.like, node.beside, node.replacement)
    for ask in (*(partial(f, 1.0) for f in of_a_value), node.ones, node.zeros, node.brief):
        with pytest.raises(NotImplementedError):
            ask()
