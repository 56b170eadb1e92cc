"""Gradient descent in a bowl: how fast, and up to which step, the Hessian says.

Near its minimum θ* a cost is a quadratic bowl, J(θ) = J* + ½ (θ − θ*)ᵀ H (θ − θ*). A step θ ← θ − η ∇J multiplies the
distance along each eigenvector of H by

    1 − η λ

So descent converges if |1 − η λ| < 1 for every eigenvalue, that is, if η < 2 / λmax. And it is slow where η λ is small:
with η = 1 / λmax the flattest direction shrinks by 1 − 1/κ in a step, κ = λmax / λmin the *condition number* of H. That
is why elongated contours are slow (Nocedal and Wright 2006, sec. 3.3; LeCun, Bottou, Orr and Müller 1998, sec. 5.1).

The costs are functions of nodes, so the gradient and the Hessian are those of the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.calculus import grad, hessian
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.types import Array

Cost = Callable[[Any], Any]
FLAT = 1e-10  # an eigenvalue below this part of the largest is 0 but for rounding: the cost does not know the direction


def linear_cost(x: Array, y: Array) -> Cost:
    """½ mean (x w − y)², whose Hessian is xᵀx / n everywhere: x (n, d), y (n,), w (d,)."""
    return lambda w: ops.mean(ops.square(ops.matmul(x, w) - y)) / 2


def logistic_cost(x: Array, y: Array, decay: float = 1e-3) -> Cost:
    """Mean cross entropy of σ(x w) and labels y in {0, 1}, with decay / 2 · |w|², which keeps the minimum finite."""

    def cost(w: Any) -> Any:
        z = ops.matmul(x, w)
        return ops.mean(ops.softplus(z) - y * z) + decay / 2 * ops.sum(ops.square(w))

    return cost


@dataclass(frozen=True)
class Bowl:
    """A cost around its minimum.

    Attributes:
        cost: of θ (d,).
        minimum: θ*, (d,).
        value: J*.
        eigenvalues: of H at θ*, ascending (d,).
        vectors: its eigenvectors, in columns (d, d).
    """

    cost: Cost
    minimum: Array
    value: float
    eigenvalues: Array
    vectors: Array

    @property
    def curved(self) -> Array:
        """The eigenvalues that are not 0 but for rounding."""
        return np.asarray(self.eigenvalues[self.eigenvalues > FLAT * self.eigenvalues[-1]])

    @property
    def condition(self) -> float:
        """κ = λmax / λmin, ≥ 1, without flat directions, in which nothing is to be learned."""
        return float(self.curved[-1] / self.curved[0])

    @property
    def largest_step(self) -> float:
        """2 / λmax, beyond which gradient descent diverges."""
        return float(2 / self.eigenvalues[-1])

    def predicted_excess(self, start: Array, step: float, k: int) -> float:
        """J − J* after k steps of a size, by the closed form ½ Σ λ c² (1 − η λ)²ᵏ; exact if the cost is quadratic."""
        along = self.vectors.T @ (start - self.minimum)
        return float(0.5 * np.sum(self.eigenvalues * along**2 * (1 - step * self.eigenvalues) ** (2 * k)))

    def predicted_steps(self, start: Array, step: float, tolerance: float) -> int:
        """The first k at which the excess is the tolerance times what it was; found by halving, as it only falls.

        Raises:
            ValueError: a step that is too large to converge.
        """
        if not 0 < step < self.largest_step:
            raise ValueError(
                f"a step between 0 and 2 / λmax = {self.largest_step:.4g} was expected, {step:.4g} came"
            )
        aim, high = tolerance * self.predicted_excess(start, step, 0), 1
        while self.predicted_excess(start, step, high) > aim:
            high *= 2
        low = high // 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.predicted_excess(start, step, middle) > aim else (low, middle)
        return high

    def predicted_growth(self, part: float) -> float:
        """|1 − η λmax| for η = part · 2 / λmax."""
        return abs(1 - 2 * part)

    def measured_growth(self, part: float, steps: int = 40, away: float = 1e-4) -> float:
        """By how much the distance from the minimum grows in a step along the steepest eigenvector.

        Args:
            part: of the largest step; above 1 it diverges.
            steps: that are taken, with the engine's gradient.
            away: how far from the minimum they start, as a part of its size.
        """
        start = self.minimum + away * max(1.0, float(np.linalg.norm(self.minimum))) * self.vectors[:, -1]
        path = descend(self.cost, start, part * self.largest_step, steps)
        distances = np.linalg.norm(path[[0, -1]] - self.minimum, axis=1)
        return float((distances[1] / distances[0]) ** (1 / steps))


def bowl(cost: Cost, d: int, most: int = 50) -> Bowl:
    """Find the minimum by Newton's method, θ ← θ − H⁻¹ ∇J, and look at its curvature.

    Args:
        cost: convex, of a vector (d,).
        d: how many parameters.
        most: steps; a quadratic needs one.

    Raises:
        ValueError: no minimum was reached.
    """
    theta = np.zeros(d)
    for _ in range(most):
        g, h = _plain(grad(cost)(theta)), _plain(hessian(cost)(theta))
        eigenvalues, vectors = np.linalg.eigh((h + h.T) / 2)
        curved = eigenvalues > FLAT * eigenvalues[-1]
        if not curved.any():
            raise ValueError("bowl: a cost that curves was expected, its Hessian is 0")
        along = vectors.T @ g
        newton = np.divide(along, eigenvalues, out=np.zeros(d), where=curved)
        theta = theta - vectors @ newton
        # What a step may still win, ½ gᵀ H⁻¹ g, does not depend on the scale of the inputs.
        if 0.5 * float(along @ newton) <= 1e-24 * max(1.0, abs(value(cost, theta))):
            return Bowl(cost, theta, value(cost, theta), eigenvalues, vectors)
    raise ValueError(f"bowl: a minimum was expected after {most} steps of Newton's method, none was reached")


def descend(cost: Cost, start: Array, step: float, steps: int, until: float | None = None) -> Array:
    """Gradient descent, θ ← θ − η ∇J: all its points, (k + 1, d).

    Args:
        cost: of a vector.
        start: (d,).
        step: η.
        steps: at most.
        until: stop when the cost is that low.
    """
    slope, path = grad(cost), [np.asarray(start, float)]
    for _ in range(steps):
        if until is not None and value(cost, path[-1]) <= until:
            break
        path.append(path[-1] - step * _plain(slope(path[-1])))
    return np.array(path)


def value(cost: Cost, theta: Array) -> float:
    """The cost, as a plain number."""
    with no_grad():
        return float(value_of(cost(theta)))


def _plain(x: Any) -> Array:
    return np.asarray(value_of(x), float)
