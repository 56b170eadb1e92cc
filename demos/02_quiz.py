"""The quiz: J(θ) = θ x. For numbers it takes a product, for vectors a matrix product; and so does its derivative.

python demos/02_quiz.py
"""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg


def numbers() -> None:
    """J, its derivative, and the derivative again by moving θ a little."""
    x, theta = tg.Scalar(2.0, "x", requires_grad=False), tg.Scalar(4.0, "θ")
    J = theta * x
    J.backward()
    print(f"J(θ) = θ x with x = 2, θ = 4:   J = {J.value:g},   dJ/dθ = {theta.grad:g} = x")

    report = tg.check(lambda theta: theta * x, 4.0, step=1e-7)
    print("Numerically, (J(θ + ε) − J(θ − ε)) / 2ε with ε = 1e-7; relative to the sum of both, it is off")
    print(f"by rounding alone:   difference {report.difference!r}")


def vectors() -> None:
    """The same with a matrix of weights, and a column of X for each sample."""
    rng = np.random.default_rng(0)
    W = tg.tensor(rng.normal(size=(3, 5)), requires_grad=True, name="W")
    X = tg.tensor(rng.normal(size=(5, 7)), requires_grad=True, name="X")
    Y = W @ X
    print(f"\n7 samples of 5 numbers, 3 outputs:   Y = W X,   {W.shape} @ {X.shape} = {Y.shape}")

    G = rng.normal(size=Y.shape)  # Ȳ, the derivative of the loss by Y: what the rest of a network sends back
    Y.backward(G)
    print("Write W̄ for the derivative of the loss by W. The rule, as it has just run:")
    for line in tg.formula("matmul").translate({ord("a"): "W", ord("b"): "X", ord("ȳ"): "Ȳ"}).splitlines():
        print("   ", line)
    print("Each must have the shape of what it belongs to, and only this way round do the lengths fit:")
    print(f"    W̄ {W.grad.shape} = Ȳ @ Xᵀ:   {G.shape} @ {X.T.shape} = {(G @ X.numpy().T).shape}")
    print(f"    X̄ {X.grad.shape} = Wᵀ @ Ȳ:   {W.T.shape} @ {G.shape} = {(W.numpy().T @ G).shape}")
    total = sum(G[0, k] * X.numpy()[1, k] for k in range(7))
    print("The transpose is a sum over the samples, each of which has used the weight once:")
    print(f"    W̄[0, 1] = Σₖ Ȳ[0, k] X[1, k] = {total:.6f};   the engine's: {W.grad.numpy()[0, 1]:.6f}")

    print("\nBoth against numerical derivatives, with a step that is found:")
    print(tg.check(tg.matmul, W.numpy(), X.numpy()))


if __name__ == "__main__":
    numbers()
    vectors()
