"""The order of the graph, its size, and that it goes away."""

from __future__ import annotations

import gc
import resource
import sys

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.core.node import Node


def live_nodes() -> int:
    return sum(isinstance(x, Node) for x in gc.get_objects())


def test_operands_come_first_and_in_the_order_written():
    a, b, c = tg.Scalar(1.0, "a"), tg.Scalar(2.0, "b"), tg.Scalar(3.0, "c")
    left, right = a * b, c - a
    top = left / right
    assert [id(x) for x in tg.topological_order([top])] == [id(x) for x in (a, b, left, c, right, top)]


def test_each_node_comes_once():
    x = tg.Scalar(2.0)
    y = x
    for _ in range(60):
        y = y * y * 0.5  # 2⁶⁰ paths
    order = tg.topological_order([y, x, y])
    assert len(order) == len(set(order)) == 1 + 60 * 3


def test_the_order_of_several_outputs_respects_all():
    x = tg.Scalar(1.0)
    h = x * 2
    outputs = [h + 1, h + 2, x]
    order = tg.topological_order(outputs)
    place = {node: i for i, node in enumerate(order)}
    assert set(outputs) <= set(order)
    assert all(place[arg] < place[node] for node in order for arg in node.args)


def test_a_million_operations_at_the_default_recursion_limit():
    assert (
        sys.getrecursionlimit() <= 1000 + 2000
    )  # pytest's own plugins may raise it a little, nobody to a million
    x = tg.Scalar(1.0)
    y = x
    for _ in range(500_000):
        y = y * 0.5 + x
    y.backward()
    assert abs(y.value - 2.0) < 1e-12
    assert abs(x.grad - 2.0) < 1e-12
    del y  # and the chain dies without recursion, too


def test_the_forward_sweep_of_a_long_chain():
    x = tg.Scalar(1.0)
    y = x
    for _ in range(100_000):
        y = y + x
    assert tg.forward_sweep([y], {x: 1.0}) == [100_001.0]


def test_a_wide_graph():
    xs = [tg.Scalar(float(i)) for i in range(20_000)]
    total = sum((x * x for x in xs), start=tg.Scalar(0.0))
    total.backward()
    assert [x.grad for x in xs] == [2.0 * i for i in range(20_000)]


def test_graphs_die_without_the_garbage_collector():
    x = tg.tensor(np.ones(3), requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        before = live_nodes()
        y = tg.softmax(tg.exp(x) @ np.ones((3, 3))).sum() + (x * 2 + np.ones((2, 3))).mean()
        y.backward(keep=tg.topological_order([y]))
        tg.grad(tg.grad(lambda a: a * a * a))(2.0)
        tg.forward_sweep([y], {x: np.ones(3)})
        x.grad = None
        del y
        assert live_nodes() == before
    finally:
        gc.enable()


def test_training_keeps_the_memory_flat():
    w, data = tg.tensor(np.ones((50, 50)), requires_grad=True), tg.tensor(np.ones((50, 50)))
    gc.collect()
    gc.disable()

    def train(steps: int) -> int:
        for _ in range(steps):
            loss = tg.mean(tg.tanh(data @ w) ** 2)
            w.grad = None
            loss.backward()
            w.assign(w.numpy() - 0.01 * w.grad.numpy())
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    try:
        start = train(200)
        assert train(2000) - start < 2000  # kilobytes; one graph kept a step would be 200 MB
    finally:
        gc.enable()
