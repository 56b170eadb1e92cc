"""L-BFGS: Newton's method with a curvature that is guessed from the last steps (Liu and Nocedal 1989, Alg. 2.1).

    s = x′ − x,   y = ∇f(x′) − ∇f(x)      what a step was, and how the gradient changed along it: y ≈ H s
    d = −B ∇f(x)                          B ≈ H⁻¹, made of the last pairs (s, y) without ever being written down
    x ← x + t d                           t from a line search

B is the BFGS formula applied pair by pair to γ I, with γ = (s · y) / (y · y) of the newest. Near a minimum that makes
steps almost as good as Newton's, at the price of a few scalar products. It wants the whole sum of a loss, or large
batches: noise in the gradients would be taken for curvature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, describe, value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.optim.flat import assign_flat, joined
from tinygrad_edu.optim.line_search import Point, strong_wolfe
from tinygrad_edu.optim.optimizer import Optimizer, Params
from tinygrad_edu.types import Array

LEAST_CURVATURE = (
    1e-10  # a pair with s · y below it says that the function is not convex there, and is dropped
)


class LBFGS(Optimizer):
    """L-BFGS; `step(closure)` takes several steps, and calls the closure for each trial of the line search.

        def closure():
            loss = criterion(model(x), y)
            loss.backward()
            return loss

    Args:
        params: as for `Optimizer`, in one group.
        lr: the first length that the line search tries, > 0; the length itself without line search.
        max_iter: the number of steps, ≥ 1, in one call of `step`.
        max_eval: the number of calls of the closure in it, after which no step begins; 1.25 · max_iter by default.
        tolerance_grad: ≥ 0: it stops where no element of the gradient is larger.
        tolerance_change: ≥ 0: it stops where neither a parameter nor the loss changes by more.
        history_size: how many pairs are remembered, ≥ 1.
        line_search_fn: "strong_wolfe", or None for steps of a fixed length.
        check_finite: as for `Optimizer`.

    Raises:
        ValueError: a number outside its range, an unknown line search, or several groups.
    """

    def __init__(
        self, params: Params, lr: float = 1.0, max_iter: int = 20, max_eval: int | None = None,
        tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
        line_search_fn: str | None = "strong_wolfe", *, check_finite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, check_finite=check_finite, max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval, tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change, history_size=history_size, line_search_fn=line_search_fn,
        )  # fmt: skip
        if len(self.param_groups) > 1:
            raise ValueError(
                f"LBFGS: one group was expected, {len(self.param_groups)} came: it moves all parameters together"
            )
        if line_search_fn not in ("strong_wolfe", None):
            raise ValueError(
                f"LBFGS: line_search_fn 'strong_wolfe' or None was expected, {line_search_fn!r} came"
            )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to max_iter steps.

        Args:
            closure: computes the loss and calls `backward`; gradients are forgotten before every call.

        Returns:
            What the first call of the closure returned: the loss before the steps.

        Raises:
            TypeError: there is no closure.
            ValueError: the loss depends on no parameter.
        """
        if closure is None:
            raise TypeError("LBFGS: step(closure) was expected: the line search computes the loss many times")
        x = joined([leaf.value for leaf in self.parameters])
        try:
            first, x = self._descend(closure, x)
        except BaseException:
            assign_flat(self.parameters, x)
            raise
        assign_flat(self.parameters, x)
        return first

    def _descend(self, closure: Callable[[], Any], x: Array) -> tuple[Any, Array]:
        """What the closure said first, and the new x."""
        group, memory = self.param_groups[0], self.state[self.parameters[0]]
        lr, small, most = group["lr"], group["tolerance_change"], group["max_eval"]
        first, loss, g = self._evaluate(closure)
        evaluations = 1
        for _ in range(int(group["max_iter"])):
            if np.abs(g).max() <= group["tolerance_grad"] or (evaluations >= most and evaluations > 1):
                break
            d = self._direction(g, memory)
            start = Point(0.0, loss, float(g @ d), g)
            if not start.slope < -small:
                break
            # No curvature is known before the first step, so that is short.
            length = lr if memory.get("n_iter") else min(1.0, 1.0 / float(np.abs(g).sum())) * lr

            def along(t: float, x: Array = x, d: Array = d) -> Point:
                nonlocal evaluations
                evaluations += 1
                assign_flat(self.parameters, x + t * d)
                _, f, g = self._evaluate(closure)
                return Point(t, f, float(g @ d), g)

            if group["line_search_fn"] is None:
                point = along(length)
            else:
                shortest = small / float(np.abs(d).max())
                point = strong_wolfe(along, start, length, shortest=shortest, most=int(most - evaluations))
            s = point.t * d
            self._remember(s, point.g - g, memory, int(group["history_size"]))
            x, loss, g = x + s, point.f, point.g
            if np.abs(s).max() <= small or abs(loss - start.f) < small:
                break
        memory["func_evals"] = memory.get("func_evals", 0) + evaluations
        return first, x

    def _direction(self, g: Array, memory: Mapping[str, Any]) -> Array:
        """−B g by the two loops over the pairs (Nocedal and Wright 2006, Alg. 7.4)."""
        q = -g
        if "old_dirs" not in memory:
            return q
        pairs = [
            (s, y, 1 / float(y @ s)) for s, y in zip(memory["old_stps"], memory["old_dirs"], strict=True)
        ]
        shares = []
        for s, y, rho in reversed(pairs):
            shares.append(rho * float(s @ q))
            q = q - shares[-1] * y
        s, y, rho = pairs[-1]
        r: Array = q * (1 / (rho * float(y @ y)))
        for (s, y, rho), share in zip(pairs, reversed(shares), strict=True):
            r = r + (share - rho * float(y @ r)) * s
        return r

    def _remember(self, s: Array, y: Array, memory: dict[str, Any], history_size: int) -> None:
        memory["n_iter"] = memory.get("n_iter", 0) + 1
        if float(y @ s) > LEAST_CURVATURE:
            for key, row in (("old_stps", s), ("old_dirs", y)):
                kept = [*memory.get(key, ()), row]
                memory[key] = np.stack(kept[-history_size:])

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, float, Array]:
        """What the closure returned, the loss in it, and the gradient at the present values."""
        self.zero_grad()
        returned = closure()
        if self.check_finite:
            self._refuse_not_finite()
        gradients = [value_of(leaf.grad) for leaf in self.parameters]
        if all(g is None for g in gradients):
            self._refuse_no_gradient()
        known = [leaf.zeros() if g is None else g for leaf, g in zip(self.parameters, gradients, strict=True)]
        return returned, float(value_of(returned)), joined(known)

    def _refuse_no_state(self, leaf: Node, values: Mapping[str, Any]) -> None:
        """What is remembered concerns all parameters as one vector."""
        size = sum(np.size(leaf.value) for leaf in self.parameters)
        for key in ("old_stps", "old_dirs"):
            if key in values and np.shape(values[key])[1:] != (size,):
                raise ShapeError(
                    f"LBFGS: '{key}' of shape (steps, {size}) was expected from {describe(leaf)} on, "
                    f"{np.shape(values[key])} came"
                )
