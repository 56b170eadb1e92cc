"""micrograd: one object and one closure for each operation on numbers."""

# ruff: noqa: B905  (`strict=` costs time)

from __future__ import annotations

from typing import Any

from micrograd.engine import Value

from benchmarks.entry import Entry
from benchmarks.workloads import ScalarGraph, ScalarNet


def scalar_net(problem: ScalarNet) -> Entry:
    """As in the library's demonstration."""
    layers = [[([Value(w) for w in row], Value(b)) for row, b in zip(*layer)] for layer in problem.layers]
    parameters = [p for layer in layers for row, b in layer for p in (*row, b)]

    def step() -> Any:
        for p in parameters:
            p.grad = 0
        losses = []
        for point, label in zip(problem.points, problem.labels):
            x = [Value(number) for number in point]
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

    return Entry(step, gradients, loss=lambda loss: loss.data)


def chain(problem: ScalarGraph) -> Entry:
    """Its backward pass recurses, as deep as the graph."""
    a, b = Value(problem.a), Value(problem.b)

    def step() -> Any:
        a.grad = b.grad = 0
        y = Value(problem.y)
        for _ in range(problem.nodes // 2):
            y = y * a + b
        y.backward()
        return y

    return Entry(step, lambda: [a.grad, b.grad], loss=lambda y: y.data)


def wide(problem: ScalarGraph) -> Entry:
    """A sum is a chain of additions, and as deep."""
    xs = [Value(x) for x in problem.leaves()]

    def step() -> Any:
        for x in xs:
            x.grad = 0
        y = sum(x * x for x in xs)
        y.backward()
        return y

    return Entry(step, lambda: [[x.grad for x in xs]], loss=lambda y: y.data)
