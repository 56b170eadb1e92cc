"""This library, eager."""

# ruff: noqa: B905  (`strict=` costs time)

from __future__ import annotations

from typing import Any

import tinygrad_edu as tg
from benchmarks.entry import Entry
from benchmarks.workloads import Network, Recurrence, ScalarGraph, ScalarNet


def scalar_net(problem: ScalarNet) -> Entry:
    """The text of micrograd's demonstration, with `Scalar` for `Value`."""
    layers = [
        [([tg.Scalar(w) for w in row], tg.Scalar(b)) for row, b in zip(*layer)] for layer in problem.layers
    ]
    parameters = [p for layer in layers for row, b in layer for p in (*row, b)]

    def step() -> Any:
        for p in parameters:
            p.grad = None
        losses = []
        for point, label in zip(problem.points, problem.labels):
            x = [tg.Scalar(number) for number in point]
            for layer in layers:
                x = [sum((wi * xi for wi, xi in zip(row, x)), b) for row, b in layer]
                if layer is not layers[-1]:
                    x = [z.relu() for z in x]
            losses.append((1 + -label * x[0]).relu())
        loss = sum(losses) * (1.0 / len(losses)) + problem.decay * sum(p * p for p in parameters)
        loss.backward()
        return loss

    def gradients() -> list[Any]:
        found: list[Any] = []
        for layer in layers:
            found += [[w.grad for w in row] for row, _ in layer], [b.grad for _, b in layer]
        return found

    return Entry(step, gradients)


def chain(problem: ScalarGraph) -> Entry:
    """Two nodes each time."""
    a, b = tg.Scalar(problem.a), tg.Scalar(problem.b)

    def step() -> Any:
        a.grad = b.grad = None
        y: Any = tg.Scalar(problem.y, requires_grad=False)
        for _ in range(problem.nodes // 2):
            y = y * a + b
        y.backward()
        return y

    return Entry(step, lambda: [a.grad, b.grad])


def wide(problem: ScalarGraph) -> Entry:
    """Python's `sum`: a chain of additions."""
    xs = [tg.Scalar(x) for x in problem.leaves()]

    def step() -> Any:
        for x in xs:
            x.grad = None
        y: Any = sum(x * x for x in xs)
        y.backward()
        return y

    return Entry(step, lambda: [[x.grad for x in xs]])


def recurrence(problem: Recurrence) -> Entry:
    """Three leaves."""
    first, a, b = leaves = [tg.tensor(x, requires_grad=True) for x in (problem.y, problem.a, problem.b)]

    def step() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y = first
        for _ in range(problem.times):
            y = y * a + b
        loss = y.sum()
        loss.backward()
        return loss

    return Entry(step, lambda: [leaf.grad.numpy() for leaf in leaves])


def network(problem: Network) -> Entry:
    """One node for each layer, with weights (in, out) as in the code by hand, and one for the loss."""
    layers = [[tg.tensor(p.T, requires_grad=True) for p in pair] for pair in problem.layers]
    parameters = [p for pair in layers for p in pair]
    optimizer = tg.optim.SGD(parameters, lr=problem.lr)
    x, labels = tg.tensor(problem.x), problem.labels
    activation = {"relu": tg.relu, "tanh": tg.tanh}[problem.activation]

    def step() -> Any:
        optimizer.zero_grad()
        h: Any = x
        for W, b in layers[:-1]:
            h = activation(tg.linear(h, W, b))
        W, b = layers[-1]
        loss = tg.softmax_cross_entropy(tg.linear(h, W, b), labels=labels)
        loss.backward()
        optimizer.step()
        return loss

    return Entry(
        step, lambda: [p.grad.numpy().T for p in parameters], lambda: [p.numpy().T for p in parameters]
    )
