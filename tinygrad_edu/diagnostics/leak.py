"""The test set is scaled with μ and σ of the *training* set: what happens if it is not, in errors on real digits.

A classifier learns what a number means on the training set's scale. Scaled with its own statistics a test set has
another scale: a little another one if it is large, quite another one if it is a batch of 10, and one that says
nothing any more if it is all of one class, for then its μ is what it shows. The pairs of answers on the same image
are compared: with b images that only the one gets wrong and c that only the other does, (c − b) / √(c + b) is about
standard normal if both are equally good (McNemar 1947).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.calculus import grad
from tinygrad_edu.core.node import value_of
from tinygrad_edu.data import Standardizer, load_digits, split
from tinygrad_edu.diagnostics.chart import Mark, Panel
from tinygrad_edu.diagnostics.finding import Claim, Finding, columns
from tinygrad_edu.types import Array

STEPS, STEP = 100, 0.5  # of gradient descent


@dataclass(frozen=True)
class Way:
    """One way to scale the test set.

    Attributes:
        name: how.
        wrong: (n,), which images are classified wrongly.
        deviation: (c − b) / √(c + b) beside the training statistics; 0 if no answer differs.
    """

    name: str
    wrong: Array
    deviation: float


@dataclass(frozen=True)
class Leak(Finding):
    """The errors of one classifier on one test set that is scaled in several ways; the first is the right one."""

    schema: ClassVar[str] = "test-statistics"
    ways: list[Way]

    @property
    def title(self) -> str:
        """What is compared."""
        return f"One classifier, {len(self.ways[0].wrong)} digits to test it, scaled in several ways"

    @property
    def claims(self) -> list[Claim]:
        """Own statistics of five images, or of one class, cost errors; those of many may cost none."""
        right = self.ways[0]
        return [
            Claim(
                f"the test set scaled by its own μ and σ, {way.name}, has more errors",
                way.deviation > 3,
                f"{way.wrong.mean():.1%} instead of {right.wrong.mean():.1%}, {way.deviation:.1f} standard deviations",
            )
            for way in self.ways[-2:]
        ]

    def content(self) -> dict[str, Any]:
        """The part of errors, and how far it is from chance."""
        ways = [{"scaling": w.name, "error": w.wrong.mean(), "deviation": w.deviation} for w in self.ways]
        return {"test_images": len(self.ways[0].wrong), "ways": ways}

    def lines(self) -> list[str]:
        """One row for each way."""
        rows = [["the test set is scaled with μ and σ of", "errors", "σ from the first"]]
        rows += [[way.name, f"{way.wrong.mean():.1%}", f"{way.deviation:+.1f}"] for way in self.ways]
        return columns(rows)

    def panels(self) -> list[Panel]:
        """The part of errors in every way."""
        n = len(self.ways)
        errors = np.array([way.wrong.mean() for way in self.ways])
        spread = np.sqrt(errors * (1 - errors) / len(self.ways[0].wrong))
        lines = np.full((2, 3 * n), np.nan)  # from one standard error below to one above, with gaps
        lines[0, ::3] = lines[0, 1::3] = np.arange(n)
        lines[1, ::3], lines[1, 1::3] = 100 * (errors - spread), 100 * (errors + spread)
        marks = [Mark("", lines[0], lines[1], 7), Mark("", np.arange(n), 100 * errors, 1, "dots")]
        ticks = dict(enumerate(["training", "all", "100", "25", "10", "5", "a class"])) if n == 7 else {}
        note = "± a standard error; 90 % is chance"
        return [Panel("Errors by whose μ, σ scale the test set", "statistics of so many test images", "%", marks,
                      note=note, ticks={float(k): v for k, v in ticks.items()})]  # fmt: skip


def leak(rng: np.random.Generator) -> Leak:
    """Train softmax regression on standardized digits, and test it on a test set that is scaled in several ways."""
    digits = load_digits()
    x_train, x, y_train, y = split(digits.x, digits.y, rng=rng)
    scaler = Standardizer()
    classify = _trained(scaler.fit_transform(x_train), y_train)
    shuffled = rng.permutation(len(y))
    groups = {f"of {size} images at a time": [*_chunks(shuffled, size)] for size in (100, 25, 10, 5)}
    groups["of one class at a time"] = [np.flatnonzero(y == k) for k in range(10)]
    wrong = {"the training set": classify(scaler.transform(x)) != y,
             f"the test set, all {len(y)} images": classify(Standardizer().fit_transform(x)) != y}  # fmt: skip
    for name, pieces in groups.items():
        wrong[name] = np.empty(len(y), bool)
        for piece in pieces:
            wrong[name][piece] = classify(Standardizer().fit_transform(x[piece])) != y[piece]
    right = wrong["the training set"]
    return Leak([Way(name, each, _mcnemar(right, each)) for name, each in wrong.items()])


def _chunks(order: Array, size: int) -> list[Array]:
    """Pieces of that size; the last may be larger, as a standard deviation of one image would be 0."""
    return np.array_split(order, max(1, len(order) // size))


def _mcnemar(first: Array, second: Array) -> float:
    b, c = int((first & ~second).sum()), int((~first & second).sum())
    return (c - b) / math.sqrt(c + b) if c + b else 0.0


def _trained(x: Array, y: Array) -> Callable[[Array], Array]:
    """Softmax regression by gradient descent: a function from inputs (n, 64) to classes (n,)."""
    x = np.c_[x, np.ones(len(x))]

    def cost(w: Any) -> Any:
        return ops.softmax_cross_entropy(ops.matmul(x, w), labels=y)

    w, slope = np.zeros((x.shape[1], 10)), grad(cost)
    for _ in range(STEPS):
        w = w - STEP * np.asarray(value_of(slope(w)))
    return lambda z: np.asarray((np.c_[z, np.ones(len(z))] @ w).argmax(axis=1))
