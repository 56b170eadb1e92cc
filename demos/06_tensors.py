"""Tensors: a rule for whole arrays is the chain rule of its numbers, added up.

python demos/06_tensors.py
"""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg


def one_by_one(W: np.ndarray, x: np.ndarray, b: np.ndarray) -> tuple[int, list[np.ndarray]]:
    """The loss Σ tanh(W x + b)² of Scalars: the number of nodes, and the gradients, put into arrays again."""
    leaves = [np.vectorize(tg.Scalar, otypes=[object])(array) for array in (W, x, b)]
    w, v, c = leaves
    rows = [sum((w[i, k] * v[k] for k in range(len(v))), c[i]).tanh() for i in range(len(c))]
    loss = sum((y * y for y in rows[1:]), rows[0] * rows[0])
    loss.backward()
    gradients = [np.vectorize(lambda leaf: leaf.grad, otypes=[float])(array) for array in leaves]
    return len(tg.topological_order([loss])), gradients


def main() -> None:
    """The same function of Scalars and of Tensors; then broadcasting, and its sum on the way back."""
    rng = np.random.default_rng(0)
    W, x, b = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=4)
    nodes, wanted = one_by_one(W, x, b)

    leaves = [tg.tensor(array, requires_grad=True) for array in (W, x, b)]
    w, v, c = leaves
    loss = ((w @ v + c).tanh() ** 2).sum()
    loss.backward()
    apart = max(np.abs(leaf.grad.numpy() - g).max() for leaf, g in zip(leaves, wanted, strict=True))
    few = len(tg.topological_order([loss]))
    print(
        f"Σ tanh(W x + b)², W (4, 3): {nodes} nodes of numbers, {few} of arrays; gradients differ by {apart:.0e}"
    )
    print("Each W[i, k] meets one x[k] on its way to y[i], so W̄[i, k] = ȳ[i] x[k]: all at once, W̄ = ȳ xᵀ.")
    print(
        "Each x[k] goes to all y[i], so its shares are added up: x̄[k] = Σᵢ W[i, k] ȳ[i], which is x̄ = Wᵀ ȳ."
    )

    bias = tg.tensor([1.0, 2.0, 3.0], requires_grad=True, name="b")
    batch = tg.tensor(np.zeros((5, 3)))
    y = batch + bias
    print(f"\nBroadcasting: {batch.shape} + {bias.shape} gives {y.shape}; b is used in all 5 rows.")
    G = np.arange(15.0).reshape(5, 3)
    y.backward(G)
    print(f"So its gradient is a sum over them: {bias.grad.numpy()} = {G.sum(axis=0)}")

    pair = tg.tensor([10.0, 20.0, 30.0], requires_grad=True)
    picked = pair[np.array([0, 2, 0])]
    picked.backward(np.array([1.0, 1.0, 1.0]))
    print(f"\nIndexing: x[0, 2, 0] reads x[0] twice, so x̄ = {pair.grad.numpy()}.")
    lost = np.zeros(3)
    lost[[0, 2, 0]] += 1.0
    print(f"NumPy's g[[0, 2, 0]] += 1 would lose one of the two: {lost}")


if __name__ == "__main__":
    main()
