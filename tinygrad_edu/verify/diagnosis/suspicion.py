"""What is known of a wrong gradient, what is suspected, and what is said.

    Evidence → suspicions, each of which explains every component → the first that a second draw confirms

A suspicion that fits one draw of numbers may fit by chance. It is *certain* if it fits another draw, of the upstream
and the inputs, in the same words; where there is no other, if it fits three components and more, for it has one free
number at most. It is *likely* if it fits fewer, or if it only says what is broken and not how. Below that nothing is
said, for a wrong diagnosis is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from tinygrad_edu.types import Array

Confidence = Literal["certain", "likely"]
OBVIOUS = ("not finite", "detached")  # of a single number, too
FEWEST = 3  # components; two numbers fit too many suspicions


class Suspicion(NamedTuple):
    """A cause that would explain all the numbers.

    Attributes:
        cause: one of the `CAUSES` of the catalogue.
        words: the sentence; the same ones on another draw confirm it.
        detail: what may differ from draw to draw, said after the words.
        likely: whether it is no more than that, however often it fits.
    """

    cause: str
    words: str
    detail: str = ""
    likely: bool = False


class Diagnosis(NamedTuple):
    """A suspicion that has stood the test."""

    cause: str
    words: str
    confidence: Confidence

    def __str__(self) -> str:
        return self.words if self.confidence == "certain" else f"likely: {self.words}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A gradient beside the right one, and as much of what they belong to as is known.

    Attributes:
        a: what the backward pass says.
        n: the numerical values.
        error: their error bars.
        theta: the parameter or input itself.
        i: which of the inputs it is.
        inputs: all of them.
        y: the output.
        g: its cotangent, of which `a` and `n` were made.
        given: what the backward pass says of every input; None for integers.
        right: the numerical gradient of every input; None for integers.
        rule: (elements of the input, elements of y), the matrix that the backward pass multiplies g by.
        jacobian: the matrix that it should multiply g by; NaN where there is no derivative.
        pull: (g, y, *xs) → the gradients of all inputs.
    """

    a: Array
    n: Array
    error: Array
    theta: Array | None = None
    i: int = 0
    inputs: tuple[Array, ...] = ()
    y: Array | None = None
    g: Array | None = None
    given: tuple[Array | None, ...] = ()
    right: tuple[Array | None, ...] = ()
    rule: Array | None = None
    jacobian: Array | None = None
    pull: Callable[..., list[Any]] | None = None

    @property
    def clear(self) -> Array:
        """Which components have digits enough."""
        return np.isfinite(self.error) & (np.abs(self.n) > 1e3 * self.error)

    @property
    def wrong(self) -> Array:
        """Which components are wrong."""
        near: Array = np.abs(self.a - self.n) <= 4 * self.error + 1e-9 * np.abs(self.n)
        return ~near & np.isfinite(self.error)

    def is_right(self, a: Array) -> bool:
        """Whether this would have been the right gradient, as far as the numerical values go."""
        n, error = self.n, self.error
        return a.shape == n.shape and bool(np.all(np.abs(a - n) <= 4 * error + 1e-6 * np.abs(n)))


Witness: TypeAlias = Callable[[Evidence], Iterator[Suspicion]]


def same(a: Any, b: Any) -> bool:
    """Whether two arrays are equal to six digits of the larger elements; what is NaN in both is passed over."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        return False
    known = ~(np.isnan(a) & np.isnan(b))
    size = np.abs(b[known]).max(initial=0.0)
    return bool(np.all(np.abs(a - b)[known] <= 1e-6 * (np.abs(b[known]) + 0.1 * size)))


def diagonal(matrix: Array) -> bool:
    """Whether each output depends on the element of its own place alone."""
    rows, columns = matrix.shape
    return rows == columns and not np.any(np.nan_to_num(matrix) * (1 - np.eye(rows)))


def concluded(witnesses: tuple[Witness, ...], draws: list[Evidence], alone: bool = True) -> Diagnosis | None:
    """The first suspicion on the first draw that all others confirm.

    Args:
        witnesses: where suspicions come from, the most telling first.
        draws: at least one.
        alone: whether one draw may do for what is certain.
    """
    first, *others = draws
    confirmed = [{(s.cause, s.words) for witness in witnesses for s in witness(other)} for other in others]
    for witness in witnesses:
        for suspicion in witness(first):
            if any((suspicion.cause, suspicion.words) not in known for known in confirmed):
                continue
            enough = bool(others) or (alone and int(first.clear.sum()) >= FEWEST)
            certain = (enough or suspicion.cause in OBVIOUS) and not suspicion.likely
            words = suspicion.words + suspicion.detail
            return Diagnosis(suspicion.cause, words, "certain" if certain else "likely")
    return None
