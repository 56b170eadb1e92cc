"""The quiz: J(θ) = θ x. For numbers it takes a product, for vectors a matrix product; and so does its derivative.

python demos/02_quiz.py
"""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg


def main() -> None:
    """Once with numbers, once with matrices."""
    x, theta = tg.Scalar(2.0, "x", requires_grad=False), tg.Scalar(4.0, "θ")
    J = theta * x
    J.backward()
    print(f"J(θ) = θ x with x = 2, θ = 4:   J = {J.value:g},   dJ/dθ = {theta.grad:g} = x")

    report = tg.check(lambda theta: theta * x, 4.0, step=1e-7)
    print(f"against (J(θ + ε) − J(θ − ε)) / 2ε with ε = 1e-7: difference {report.difference!r}")

    print("\nWith vectors it takes a matrix product, Y = W X: a column of X for each sample.")
    rng = np.random.default_rng(0)
    W = tg.tensor(rng.normal(size=(3, 5)), requires_grad=True, name="W")
    X = tg.tensor(rng.normal(size=(5, 7)), requires_grad=True, name="X")
    Y = W @ X
    G = rng.normal(size=Y.shape)  # what arrives from the rest of the network
    Y.backward(G)
    print(f"W {W.shape}, X {X.shape}:   Y {Y.shape}")
    print(
        tg.formula("matmul").replace("a\u0304", "dW").replace("b\u0304", "dX").replace("ȳ", "dY"),
        "  (a is W, b is X)",
    )
    print(f"dW {W.grad.shape} must have the shape of W: only dY Xᵀ has it, {G.shape} @ {X.T.shape}")
    print(f"dX {X.grad.shape} must have the shape of X: only Wᵀ dY has it, {W.T.shape} @ {G.shape}")
    print("largest distance from dY Xᵀ:", np.abs(W.grad.numpy() - G @ X.numpy().T).max())
    print("largest distance from Wᵀ dY:", np.abs(X.grad.numpy() - W.numpy().T @ G).max())
    print("\n" + str(tg.check(tg.matmul, W.numpy(), X.numpy())))


if __name__ == "__main__":
    main()
