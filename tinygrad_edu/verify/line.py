"""A function along a line through its inputs, of real steps and of imaginary ones.

    φ(s) = Σ w · f(x + s t)        φ′(0) = ⟨∇f, t⟩        f analytic:  Im φ(ih) / h = φ′(0) + O(h²)

A derivative in one direction t is the derivative of a function of one number, whatever f takes and returns; w are
fixed random weights, which are left out where f returns one number.

The last formula is the complex step (Squire and Trapp 1998). It holds for analytic functions only, which obey the
equations of Cauchy and Riemann: ∂φ/∂s is the same along the imaginary axis as along the real one. |x| does not. So
the slope along the imaginary axis is believed only after it has been compared with the slope along the real one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import Any

import numpy as np

from tinygrad_edu.calculus import vjp
from tinygrad_edu.core.node import Node, value_of
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.errors import NotDifferentiableError, ShapeError
from tinygrad_edu.state import state_restored
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.types import Array
from tinygrad_edu.verify.noise import norm
from tinygrad_edu.verify.numerical import Estimate

IMAGINARY = 2.0**-100  # a step whose square is nothing beside 1, in float32 too


class Line:
    """φ, a function of one number.

    Args:
        f: a function of nodes, or of numbers and arrays. On these it is called; on nodes where it refuses them.
        xs: where: numbers, arrays and nodes. What is not of floats does not move; a number always counts as a float.
        directions: an array for each input, t; by default random ones, of the length 1 together (1 for one number).
        rng: of the random weights and directions.
        dtype: which the inputs and directions are rounded to.

    Raises:
        ShapeError: not one direction for each input, of its shape.
        ValueError: no input could move.
    """

    def __init__(
        self, f: Callable[..., Any], xs: Sequence[Any], directions: Sequence[Any] | None = None, *,
        rng: np.random.Generator, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        self.f, self.dtype = f, np.dtype(dtype)
        self._given = [value_of(x) for x in xs]
        self.xs = [self._rounded(x) for x in self._given]
        moving = [x for x in self.xs if x.dtype.kind == "f"]
        if not moving:
            raise ValueError("a number or an array of floats was expected as an input, none came")
        self.scale = norm(np.concatenate([x.ravel() for x in moving])) or 1.0
        if directions is None:
            drawn = [rng.normal(size=x.shape) for x in moving]
            length = norm(np.concatenate([t.ravel() for t in drawn]))
            self.ts = [self._rounded(t / length if self._many else np.ones_like(t)) for t in drawn]
        else:
            self.ts = [self._rounded(t) for t in directions]
        if [t.shape for t in self.ts] != [x.shape for x in moving]:
            raise ShapeError(
                f"directions of the shapes {[x.shape for x in moving]} were expected, "
                f"{[t.shape for t in self.ts]} came"
            )
        y = self._value(np.float64(0))
        if y.dtype.kind not in "fiu":
            raise TypeError(
                f"a function that returns a number or an array of them was expected, {y.dtype} came"
            )
        self.w = np.ones(()) if y.ndim == 0 else self._rounded(_away_from_0(rng, y.shape))
        self.at_0 = float(np.sum(self.w * y))

    def __call__(self, s: Any) -> Any:
        """φ(s); its dtype is that of s, which all is computed in."""
        dtype = np.result_type(s)
        return np.sum(self.w.astype(dtype) * self._value(s).astype(dtype, copy=False))

    def slope(self, gradients: Sequence[Any] | None = None) -> float:
        """φ′(0) = ⟨∇f, t⟩, in float64.

        Args:
            gradients: one for each input that moves; by default those of the engine's backward pass.

        Raises:
            NotDifferentiableError: f does not compute with nodes.
            ShapeError: not one gradient for each input, of its shape; or gradients of more than one number.
        """
        if gradients is None:
            gradients = self._backward()
        elif self.w.ndim:
            raise ShapeError(
                f"gradients of a function that returns one number were expected, this one returns the shape "
                f"{self.w.shape}"
            )
        shapes = [np.shape(g) for g in gradients]
        if shapes != [t.shape for t in self.ts]:
            raise ShapeError(
                f"gradients of the shapes {[t.shape for t in self.ts]} were expected, {shapes} came"
            )
        return float(sum(np.sum(np.asarray(g) * t) for g, t in zip(gradients, self.ts, strict=True)))

    def _backward(self) -> Sequence[Any]:
        moved = [x if isinstance(x, np.ndarray) else float(x) for x in self._moved(np.float64(0))]
        with state_restored():
            try:
                y, pull = vjp(self._of_moving, *moved)
            except (TypeError, AttributeError) as error:
                raise NotDifferentiableError(
                    f"a function of nodes was expected, this one refuses them ({error}): give its derivative"
                ) from error
            try:
                found: Sequence[Any] = pull(self.w if np.ndim(y) else 1.0)
            except ArithmeticError:  # a Scalar on the border of where f is defined
                return [np.full(t.shape, np.nan) for t in self.ts]
        return found

    # ---- how f is called ----

    @property
    def _many(self) -> bool:
        return sum(x.size for x in self.xs if x.dtype.kind == "f") > 1

    def _rounded(self, x: Any) -> Array:
        array = np.asarray(x)
        if array.dtype.kind == "f" or (array.ndim == 0 and array.dtype.kind in "iu"):
            return array.astype(self.dtype).astype(float)
        return array

    def _moved(self, s: Any) -> list[Any]:
        """X + s t of those inputs that move; a number stays a number."""
        dtype = np.result_type(s)
        moving = [(x, given) for x, given in zip(self.xs, self._given, strict=True) if x.dtype.kind == "f"]
        at = [
            np.asarray(x.astype(dtype) + s * t.astype(dtype))
            for (x, _), t in zip(moving, self.ts, strict=True)
        ]
        # An array of no axes is not a number.
        return [
            x if isinstance(given, np.ndarray) else x[()] for x, (_, given) in zip(at, moving, strict=True)
        ]

    def _of_moving(self, *moved: Any) -> Any:
        following = iter(moved)
        pairs = zip(self.xs, self._given, strict=True)
        return self.f(*[next(following) if x.dtype.kind == "f" else given for x, given in pairs])

    def _value(self, s: Any) -> Array:
        moved = self._moved(s)
        with no_grad(), state_restored(), np.errstate(all="ignore"):
            try:
                y = self._of_moving(*moved)
            except (AttributeError, TypeError):  # a method of nodes, perhaps
                if np.iscomplexobj(s):
                    raise
                y = self._of_moving(*[Tensor(x, dtype=np.result_type(s)) for x in moved])
        return np.asarray(y.value if isinstance(y, Node) else y)


def _away_from_0(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


class NotAnalytic(Exception):
    """A function that takes no complex numbers, or is not analytic on them: the complex step says nothing of it."""


def complex_slope(along: Callable[[Any], Any], numeric: Estimate, step: float = IMAGINARY) -> float:
    """Im φ(ih) / h, if φ obeys the equations of Cauchy and Riemann at 0.

    Args:
        along: φ, of a complex number.
        numeric: φ′(0) by real differences, with its error bar.
        step: h.

    Raises:
        NotAnalytic: φ refuses complex numbers, or has another slope along the imaginary axis.
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            slope = float(np.imag(along(np.complex128(1j * step))) / step)
    except (TypeError, AttributeError, ValueError, ArithmeticError, np.exceptions.ComplexWarning) as error:
        raise NotAnalytic(f"takes no complex numbers: {shorten(str(error), 60, placeholder=' …')}") from error
    value, error_bar, jump = numeric
    if not (jump == 0 and abs(slope - value) <= 4 * error_bar + 1e-9 * abs(value) < np.inf):
        raise NotAnalytic(
            f"is not analytic here: its slope is {slope:.6g} along the imaginary axis and {value:.6g} "
            f"± {error_bar + jump:.0e} along the real one"
        )
    return slope
