"""Written by hand: derivatives worked out on paper, Python's floats for scalars and NumPy for arrays.

This is the reference for every result, and the unit of every ratio.
"""

# ruff: noqa: B905  (`strict=` costs time)

from __future__ import annotations

from operator import mul
from typing import Any

import numpy as np

from benchmarks.entry import Entry
from benchmarks.workloads import Network, Recurrence, ScalarGraph, ScalarNet


def scalar_net(problem: ScalarNet) -> Entry:
    """One sample after the other, and nothing computed for a ReLU or a hinge that is at 0."""
    (W1, b1), (W2, b2), ([w3], [b3]) = problem.layers
    samples = list(zip(problem.points, problem.labels))
    n, decay = len(samples), problem.decay
    gradients: list[Any] = []

    def step() -> float:
        loss = decay * sum(w * w for row in (*W1, b1, *W2, b2, w3, [b3]) for w in row)
        W1_grad, W2_grad = ([[2 * decay * w for w in row] for row in W] for W in (W1, W2))
        b1_grad, b2_grad, w3_grad = ([2 * decay * w for w in row] for row in (b1, b2, w3))
        b3_grad = 2 * decay * b3
        for x, label in samples:
            h1 = [z if (z := sum(map(mul, row, x), b)) > 0 else 0.0 for row, b in zip(W1, b1)]
            h2 = [z if (z := sum(map(mul, row, h1), b)) > 0 else 0.0 for row, b in zip(W2, b2)]
            margin = 1 - label * sum(map(mul, w3, h2), b3)
            if margin <= 0:
                continue
            loss += margin / n
            g = -label / n
            b3_grad += g
            g1 = [0.0] * len(h1)
            for j, h in enumerate(h2):
                if h > 0:
                    w3_grad[j] += g * h
                    g2 = g * w3[j]
                    b2_grad[j] += g2
                    W2_grad[j] = [total + g2 * h for total, h in zip(W2_grad[j], h1)]
                    g1 = [total + g2 * w for total, w in zip(g1, W2[j])]
            for j, h in enumerate(h1):
                if h > 0:
                    b1_grad[j] += g1[j]
                    W1_grad[j] = [total + g1[j] * x for total, x in zip(W1_grad[j], x)]
        gradients[:] = W1_grad, b1_grad, W2_grad, b2_grad, [w3_grad], [b3_grad]
        return loss

    return Entry(step, lambda: gradients)


def chain(problem: ScalarGraph) -> Entry:
    """A list of the intermediate values, read backwards."""
    a, b, times = problem.a, problem.b, problem.nodes // 2
    gradients: list[float] = []

    def step() -> float:
        y = problem.y
        before = []
        for _ in range(times):
            before.append(y)
            y = y * a + b
        g = 1.0
        a_grad = b_grad = 0.0
        for value in reversed(before):
            b_grad += g
            a_grad += g * value
            g *= a
        gradients[:] = a_grad, b_grad
        return y

    return Entry(step, lambda: gradients)


def wide(problem: ScalarGraph) -> Entry:
    """The derivative of x² is 2x."""
    xs = problem.leaves()
    gradients: list[list[float]] = []

    def step() -> float:
        total = 0.0
        for x in xs:
            total += x * x
        gradients[:] = [[2 * x for x in xs]]
        return total

    return Entry(step, lambda: gradients)


def recurrence(problem: Recurrence) -> Entry:
    """A list of the intermediate arrays; in place where nothing is read again."""
    first, a, b, times = problem.y, problem.a, problem.b, problem.times
    gradients: list[Any] = []

    def step() -> Any:
        y = first
        before = []
        for _ in range(times):
            before.append(y)
            y = y * a
            y += b
        g = np.ones_like(y)
        a_grad, b_grad = np.zeros_like(a), np.zeros_like(b)
        for value in reversed(before):
            b_grad += g
            a_grad += g * value
            g *= a
        gradients[:] = g, a_grad, b_grad
        return y.sum()

    return Entry(step, lambda: gradients)


def network(problem: Network) -> Entry:
    """Weights as (in, out), so that a layer is `x @ W`; in place where nothing is read again."""
    layers = [(np.ascontiguousarray(W.T), b.copy()) for W, b in problem.layers]
    x, labels, lr, n = problem.x, problem.labels, problem.lr, len(problem.labels)
    rows = np.arange(n)
    relu = problem.activation == "relu"
    gradients: list[Any] = []

    def step() -> Any:
        hidden = [x]
        for W, b in layers[:-1]:
            h = hidden[-1] @ W
            h += b
            hidden.append(np.maximum(h, 0, out=h) if relu else np.tanh(h, out=h))
        W, b = layers[-1]
        p = hidden[-1] @ W
        p += b
        p -= p.max(1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(1, keepdims=True)
        loss = -np.log(p[rows, labels]).mean()

        g = p
        g[rows, labels] -= 1
        g /= n
        gradients.clear()
        for i in range(len(layers) - 1, -1, -1):
            (W, b), h = layers[i], hidden[i]
            gradients.append((h.T @ g, g.sum(0)))
            if i:
                g = g @ W.T
                g *= h > 0 if relu else 1 - h * h
        gradients.reverse()
        for (W, b), (W_grad, b_grad) in zip(layers, gradients):
            W -= lr * W_grad
            b -= lr * b_grad
        return loss

    def transposed(pairs: Any) -> list[Any]:
        return [array.T for pair in pairs for array in pair]

    return Entry(step, lambda: transposed(gradients), lambda: transposed(layers))
