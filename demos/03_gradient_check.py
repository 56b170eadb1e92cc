"""The gradient check, on the network of the course: 4 inputs, layers of 5, 3 and 1 units, 3 samples.

    python demos/03_gradient_check.py

First with the lecture's formula and ε = 1e-7, then with a step that is found; first with right gradients, then with
two planted errors, dW2 doubled and db1 with 4/m for 1/m.
"""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg


def course() -> tuple[np.ndarray, np.ndarray, dict[str, tg.Tensor]]:
    """The course's data and parameters, in its order of random numbers."""
    np.random.seed(1)  # noqa: NPY002 (the published figures depend on this generator)
    draw = np.random.randn
    X = draw(4, 3)
    Y = np.array([[1, 1, 0]])
    shapes = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}
    return (
        X,
        Y,
        {name: tg.tensor(draw(*shape), requires_grad=True, name=name) for name, shape in shapes.items()},
    )


def main() -> None:
    """Four checks of the same network."""
    X, Y, p = course()

    def cost() -> tg.Tensor:
        a1 = (p["W1"] @ X + p["b1"]).relu()
        a2 = (p["W2"] @ a1 + p["b2"]).relu()
        a3 = 1 / (1 + (-(p["W3"] @ a2 + p["b3"])).exp())
        return (-Y * a3.log() - (1 - Y) * (1 - a3).log()).sum() / 3

    right = dict(zip(p, tg.gradients(cost(), list(p.values())), strict=True))
    wrong = right | {"W2": 2 * right["W2"], "b1": 4 * right["b1"]}

    print(
        "1  Right gradients, the lecture's ε = 1e-7. The difference is rounding, mostly in log(1 − a) for a near 1:"
    )
    lecture = tg.check(cost, parameters=p, step=1e-7)
    print(f"   difference {lecture.difference:.3e} ({lecture.band})\n")
    print("2  Right gradients, a step found for each component, and an error bar on every numerical value:")
    print(tg.check(cost, parameters=p), "\n")
    print("3  dW2 doubled, db1 with 4/m for 1/m, ε = 1e-7:")
    planted = tg.check(cost, parameters=p, gradients=wrong, step=1e-7)
    print(f"   difference {planted.difference:.10f} ({planted.band})\n")
    print("4  The same, with the found step: the report names both errors.")
    print(tg.check(cost, parameters=p, gradients=wrong))


if __name__ == "__main__":
    main()
