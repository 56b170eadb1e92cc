"""The gradient check, on the network of the course: 4 inputs, layers of 5, 3 and 1 units, 3 samples.

    python demos/03_gradient_check.py

First right gradients, by the lecture's formula with ε = 1e-7 and with a step that is found; then the same with two
planted errors, dW2 doubled and db1 with 4/m for 1/m.
"""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg


def course() -> tuple[np.ndarray, np.ndarray, dict[str, tg.Tensor]]:
    """The course's data and parameters, drawn in its order."""
    np.random.seed(1)  # noqa: NPY002 (the published figures were made with this generator; no newer one repeats it)
    draw = np.random.randn
    X, Y = draw(4, 3), np.array([[1, 1, 0]])
    shapes = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}
    drawn = {name: tg.tensor(draw(*shape), requires_grad=True, name=name) for name, shape in shapes.items()}
    return X, Y, drawn


def main() -> None:
    """Four checks of the same network."""
    X, Y, p = course()

    def cost() -> tg.Tensor:
        """J = (1/m) Σ (−y log a − (1 − y) log(1 − a)), a the output of ReLU, ReLU, sigmoid."""
        a1 = (p["W1"] @ X + p["b1"]).relu()
        a2 = (p["W2"] @ a1 + p["b2"]).relu()
        a3 = 1 / (
            1 + (-(p["W3"] @ a2 + p["b3"])).exp()
        )  # written out as in the course: it rounds the same way
        return (-Y * a3.log() - (1 - Y) * (1 - a3).log()).sum() / 3

    right = dict(zip(p, tg.gradients(cost(), list(p.values())), strict=True))
    wrong = right | {"W2": 2 * right["W2"], "b1": 4 * right["b1"]}

    print("The lecture's check: all derivatives in one vector, ε = 1e-7,")
    print("    difference = ‖approx − dθ‖ / (‖approx‖ + ‖dθ‖)")
    for what, gradients in (("right gradients", right), ("dW2 doubled, db1 with 4/m for 1/m", wrong)):
        report = tg.check(cost, parameters=p, gradients=gradients, step=1e-7)
        print(f"    {what}: difference {report.difference:.10g} ({report.band})")
    print(
        "It tells that there is a bug, and not where. What is left of the first is rounding: with so small an ε,"
    )
    print(
        "J(θ + ε) and J(θ − ε) agree in about half of their digits, and their difference has only the others.\n"
    )

    print(
        "The same, with a step found for each component, an error bar on each numerical value, and a verdict"
    )
    print("for each parameter. Right gradients:")
    print(f"{tg.check(cost, parameters=p, gradients=right)}\n")
    print("With the planted errors:")
    report = tg.check(cost, parameters=p, gradients=wrong)
    print(f"{report}\n")
    print("Found to be wrong:", ", ".join(row.name for row in report.rows if row.verdict == "wrong"))


if __name__ == "__main__":
    main()
