"""PyTorch, eager, on one thread of the processor."""

# ruff: noqa: B905  (`strict=` costs time)

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy, linear

from benchmarks.entry import Entry
from benchmarks.workloads import Network, Recurrence, ScalarGraph, ScalarNet

torch.set_num_threads(1)


def _number(x: float) -> torch.Tensor:
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def _loss(y: torch.Tensor) -> Any:
    return y.item()


def scalar_net(problem: ScalarNet) -> Entry:
    """Each number a tensor without axes."""
    layers = [[([_number(w) for w in row], _number(b)) for row, b in zip(*layer)] for layer in problem.layers]
    parameters = [p for layer in layers for row, b in layer for p in (*row, b)]

    def step() -> torch.Tensor:
        for p in parameters:
            p.grad = None
        losses = []
        for point, label in zip(problem.points, problem.labels):
            x: Any = point
            for layer in layers:
                x = [sum((wi * xi for wi, xi in zip(row, x)), b) for row, b in layer]
                if layer is not layers[-1]:
                    x = [z.relu() for z in x]
            losses.append((1 - label * x[0]).relu())
        loss: Any = sum(losses) * (1.0 / len(losses)) + problem.decay * sum(p * p for p in parameters)
        loss.backward()
        return loss

    def gradients() -> list[Any]:
        found: list[Any] = []
        for layer in layers:
            found += [[w.grad.item() for w in row] for row, _ in layer], [b.grad.item() for _, b in layer]
        return found

    return Entry(step, gradients, loss=_loss)


def chain(problem: ScalarGraph) -> Entry:
    """Each number a tensor without axes."""
    a, b = _number(problem.a), _number(problem.b)

    def step() -> torch.Tensor:
        a.grad = b.grad = None
        y = torch.tensor(problem.y, dtype=torch.float64)
        for _ in range(problem.nodes // 2):
            y = y * a + b
        y.backward()
        return y

    return Entry(step, lambda: [a.grad, b.grad], loss=_loss)


def wide(problem: ScalarGraph) -> Entry:
    """Each number a tensor without axes."""
    xs = [_number(x) for x in problem.leaves()]

    def step() -> torch.Tensor:
        for x in xs:
            x.grad = None
        y: Any = sum(x * x for x in xs)
        y.backward()
        return y

    return Entry(step, lambda: [[x.grad.item() for x in xs]], loss=_loss)


def recurrence(problem: Recurrence) -> Entry:
    """Three leaves."""
    first, a, b = leaves = [torch.tensor(x, requires_grad=True) for x in (problem.y, problem.a, problem.b)]

    def step() -> torch.Tensor:
        for leaf in leaves:
            leaf.grad = None
        y = first
        for _ in range(problem.times):
            y = y * a + b
        loss = y.sum()
        loss.backward()
        return loss

    return Entry(step, lambda: [leaf.grad for leaf in leaves], loss=_loss)


def network(problem: Network) -> Entry:
    """Functional layers; the update in a loop, which is faster than any form of `torch.optim.SGD`."""
    layers = [[torch.tensor(p, requires_grad=True) for p in pair] for pair in problem.layers]
    parameters = [p for pair in layers for p in pair]
    x, labels = torch.tensor(problem.x), torch.tensor(problem.labels)
    activation = {"relu": torch.relu, "tanh": torch.tanh}[problem.activation]

    def step() -> torch.Tensor:
        for p in parameters:
            p.grad = None
        h = x
        for W, b in layers[:-1]:
            h = activation(linear(h, W, b))
        loss = cross_entropy(linear(h, *layers[-1]), labels)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p.add_(p.grad, alpha=-problem.lr)
        return loss

    return Entry(step, lambda: [p.grad for p in parameters], lambda: [p.detach() for p in parameters], _loss)
