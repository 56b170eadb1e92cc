"""autograd (HIPS): functions of plain arrays, traced at every call.

There is no wide graph: the derivative by a list takes time in proportion to the square of its length.
"""

# ruff: noqa: B905  (`strict=` costs time)

from __future__ import annotations

from typing import Any

import autograd.numpy as np
from autograd import value_and_grad

from benchmarks.entry import Entry
from benchmarks.workloads import Network, Recurrence, ScalarGraph, ScalarNet


def _entry(function: Any, *arguments: Any, flatten: Any = list) -> Entry:
    """The value of a function and its derivatives by all arguments."""
    derivative = value_and_grad(function, tuple(range(len(arguments))))
    gradients: list[Any] = []

    def step() -> Any:
        value, gradients[:] = derivative(*arguments)
        return value

    return Entry(step, lambda: flatten(gradients))


def scalar_net(problem: ScalarNet) -> Entry:
    """The same sums of numbers as elsewhere, and not the matrix products that autograd is made for."""

    def loss(*layers: Any) -> Any:
        rows = [[(list(row), b) for row, b in zip(W, bias)] for W, bias in layers]
        losses = []
        for x, label in zip(problem.points, problem.labels):
            for layer in rows:
                x = [sum((wi * xi for wi, xi in zip(row, x)), b) for row, b in layer]
                if layer is not rows[-1]:
                    x = [np.maximum(0.0, z) for z in x]
            losses.append(np.maximum(0.0, 1 - label * x[0]))
        squares = sum(p * p for layer in rows for row, b in layer for p in (*row, b))
        return sum(losses) * (1.0 / len(losses)) + problem.decay * squares

    return _entry(loss, *problem.layers, flatten=lambda gradients: [g for pair in gradients for g in pair])


def chain(problem: ScalarGraph) -> Entry:
    """Numbers in boxes."""

    def last(a: Any, b: Any) -> Any:
        y = problem.y
        for _ in range(problem.nodes // 2):
            y = y * a + b
        return y

    return _entry(last, problem.a, problem.b)


def recurrence(problem: Recurrence) -> Entry:
    """Three arrays."""

    def total(y: Any, a: Any, b: Any) -> Any:
        for _ in range(problem.times):
            y = y * a + b
        return np.sum(y)

    return _entry(total, problem.y, problem.a, problem.b)


def network(problem: Network) -> Entry:
    """As in the library's examples: log-softmax times one-hot targets, new parameters each step."""
    layers = [(np.ascontiguousarray(W.T), b) for W, b in problem.layers]
    x, lr = problem.x, np.float32(problem.lr)
    targets = np.eye(layers[-1][1].size, dtype=np.float32)[problem.labels] / np.float32(len(x))
    relu = problem.activation == "relu"
    gradients: list[Any] = []

    def loss(layers: Any) -> Any:
        h = x
        for W, b in layers[:-1]:
            z = np.dot(h, W) + b
            h = np.maximum(z, 0) if relu else np.tanh(z)
        W, b = layers[-1]
        z = np.dot(h, W) + b
        z = z - np.max(z, axis=1, keepdims=True)
        return -np.sum((z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))) * targets)

    derivative = value_and_grad(loss)

    def step() -> Any:
        nonlocal layers
        value, gradients[:] = derivative(layers)
        layers = [(W - lr * W_grad, b - lr * b_grad) for (W, b), (W_grad, b_grad) in zip(layers, gradients)]
        return value

    def transposed(pairs: Any) -> list[Any]:
        return [array.T for pair in pairs for array in pair]

    return Entry(step, lambda: transposed(gradients), lambda: transposed(layers))
