"""Newton-CG: Newton's step, found without the matrix of second derivatives (Nocedal and Wright 2006, Alg. 7.1).

    H d = −∇f(x)             solved by conjugate gradients, which only asks for products H v
    H v = ∇ (∇f(x) · v)      a second sweep, over the graph of the first                          Pearlmutter 1994
    x ← x + t d              t from a line search, beginning with 1

Near a minimum an exact step squares the error: each doubles the digits that are right. Far away it is not worth much,
so there the system is solved roughly, to min(0.01, √‖∇f‖) of ‖∇f‖. (The book allows ½, which in a bent valley is hardly
better than the gradient.) Where v · H v ≤ 0 the function is not convex along v,
and Newton's step could lead to a maximum: then what has been found so far is taken, at least the downhill direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import NotDifferentiableError
from tinygrad_edu.optim.flat import assign_flat, cut, joined
from tinygrad_edu.optim.line_search import Point, strong_wolfe
from tinygrad_edu.optim.optimizer import Optimizer, Params
from tinygrad_edu.types import Array


class NewtonCG(Optimizer):
    """Newton's method by products with the Hessian; `step(closure)` takes one step, and wants the whole sum of a loss.

    Args:
        params: as for `Optimizer`, in one group.
        lr: the first length that the line search tries, > 0.
        max_iter: of conjugate gradients in a step, ≥ 1; by default as many as there are numbers, at most 100.
        max_eval: of the loss in a line search, ≥ 1.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range, or several groups.
    """

    def __init__(
        self, params: Params, lr: float = 1.0, max_iter: int | None = None, max_eval: int = 25, *,
        check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, check_finite=check_finite, max_iter=1, max_eval=max_eval)
        if len(self.param_groups) > 1:
            raise ValueError(f"NewtonCG: one group was expected, {len(self.param_groups)} came")
        n = sum(np.size(leaf.value) for leaf in self.parameters)
        self.param_groups[0]["max_iter"] = min(n, 100) if max_iter is None else max_iter

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Args:
            closure: computes the loss; whether it also calls `backward` does not matter.

        Returns:
            What the first call of the closure returned: the loss before the step.

        Raises:
            FloatingPointError: the gradient is not finite, and `check_finite` is set.
            NotDifferentiableError: a layer of the loss has no second derivative, or it depends on no parameter.
            TypeError: there is no closure.
        """
        if closure is None:
            raise TypeError(
                "NewtonCG: step(closure) was expected: the line search computes the loss many times"
            )
        group, x = self.param_groups[0], joined([leaf.value for leaf in self.parameters])
        loss = closure()
        slopes = gradients(loss, self.parameters, create_graph=True)
        g = joined([value_of(slope) for slope in slopes])
        if self.check_finite and not np.isfinite(g).all():
            raise FloatingPointError(
                "NewtonCG: a finite gradient was expected, one with an infinity or a NaN came"
            )
        d = self._direction(g, slopes, int(group["max_iter"]))
        start = Point(0.0, float(value_of(loss)), float(g @ d), g)
        if not start.slope < 0:  # at a minimum, where the gradient is 0
            return loss

        def along(t: float) -> Point:
            assign_flat(self.parameters, x + t * d)
            y = closure()
            slope = joined([value_of(each) for each in gradients(y, self.parameters)])
            return Point(t, float(value_of(y)), float(slope @ d), slope)

        try:
            point = strong_wolfe(along, start, group["lr"], shortest=1e-12, most=int(group["max_eval"]) - 1)
        except BaseException:
            assign_flat(self.parameters, x)
            raise
        assign_flat(self.parameters, x + point.t * d)
        return loss

    def _direction(self, g: Array, slopes: list[Any], most: int) -> Array:
        """About −H⁻¹ g, by conjugate gradients from 0."""
        tolerance = min(0.01, math.sqrt(np.linalg.norm(g))) * float(np.linalg.norm(g))
        found, r, d = np.zeros_like(g), g, -g
        for k in range(most):
            Hd = self._product(slopes, d)
            curvature = float(d @ Hd)
            if curvature <= 0:
                return d if k == 0 else found
            step = float(r @ r) / curvature
            found, before, r = found + step * d, r, r + step * Hd
            if np.linalg.norm(r) <= tolerance:
                break
            d = -r + float(r @ r) / float(before @ before) * d
        return found

    def _product(self, slopes: list[Any], v: Array) -> Array:
        """H v, the gradient of ∇f · v; 0 where the slopes are constant."""
        pieces = cut(self.parameters, v)
        inner = sum(
            (g * v).sum() if np.shape(v) else g * float(v) for g, v in zip(slopes, pieces, strict=True)
        )
        try:
            return joined([value_of(each) for each in gradients(inner, self.parameters)])
        except NotDifferentiableError:
            if any(g.op is not None and g.requires_grad for g in slopes):
                raise
            return np.zeros_like(v)
