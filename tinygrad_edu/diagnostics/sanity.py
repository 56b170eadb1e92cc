"""Three questions to ask of a classifier before a long training; each takes seconds, and finds bugs that hide well.

    1. Is the loss at the start ln C?       Nothing has been learned, so all C classes are as likely.
    2. Can it learn one batch by heart?     If not, the gradients, the loss or the step are wrong.
    3. Do shuffled labels give chance?      They say nothing of the images. A model that was trained on them, and is
                                            better than chance on the test set, knows its labels from somewhere else.

The first two are old advice, and stand in Karpathy's recipe (2019). The third is a permutation test: it finds models
that were not new, and evaluations in which the labels are at hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.data import batches
from tinygrad_edu.diagnostics.chart import Mark, Panel
from tinygrad_edu.diagnostics.finding import Claim, Finding, columns
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn import functional
from tinygrad_edu.optim import Adam
from tinygrad_edu.types import Array

NEAR = 0.5  # how far the loss may be from ln C: logits of variance 1 add about as much
HEART = 0.01  # the loss of a batch that is known by heart
SIGMAS = 4


@dataclass(frozen=True)
class Sanity(Finding):
    """The answers.

    Attributes:
        of: the model, in a few words.
        classes: C.
        start: the loss on all training samples, before the first step.
        heart: (steps + 1,), the losses of one batch while it is learned by heart.
        shuffled: the part of test samples that are classified rightly after a training on shuffled labels.
        test_size: how many there are.
        most: the part of the most frequent class among them, which always guessing it would give.
    """

    schema: ClassVar[str] = "sanity"
    of: str
    classes: int
    start: float
    heart: Array
    shuffled: float
    test_size: int
    most: float

    @property
    def title(self) -> str:
        """The model."""
        return f"Before a training: {self.of}"

    @property
    def claims(self) -> list[Claim]:
        """The three."""
        chance, spread = math.log(self.classes), math.sqrt(self.most * (1 - self.most) / self.test_size)
        return [
            Claim(
                f"the loss at the start is ln {self.classes} = {chance:.4f}, within {NEAR}",
                abs(self.start - chance) < NEAR,
                f"{self.start:.4f}",
            ),
            Claim(
                f"one batch can be learned by heart, to a loss of {HEART}",
                bool(self.heart[-1] < HEART),
                f"{self.heart[-1]:.4f} after {len(self.heart) - 1} steps",
            ),
            Claim(
                f"shuffled labels give chance on the test set, at most {self.most:.1%} + {SIGMAS} σ",
                self.shuffled <= self.most + SIGMAS * spread,
                f"{self.shuffled:.1%} of {self.test_size}, σ = {spread:.1%}",
            ),
        ]

    def content(self) -> dict[str, Any]:
        """The figures."""
        return {name: getattr(self, name) for name in
                ("of", "classes", "start", "heart", "shuffled", "test_size", "most")}  # fmt: skip

    def lines(self) -> list[str]:
        """The batch as it is learned."""
        shown = sorted({0, 1, 2, 5, 10, 20, 50, 100, len(self.heart) - 1} & set(range(len(self.heart))))
        rows = [["step", *map(str, shown)], ["loss of the batch", *(f"{self.heart[k]:.4f}" for k in shown)]]
        return columns(rows)

    def panels(self) -> list[Panel]:
        """The batch as it is learned."""
        steps = np.arange(len(self.heart))
        marks = [
            Mark("batch", steps, self.heart, 0),
            Mark(f"ln {self.classes}", steps, np.full(len(steps), math.log(self.classes)), 7, "dashed"),
        ]
        return [Panel("One batch by heart", "step", "loss", marks, log_y=True)]


def sanity(
    make: Callable[[np.random.Generator], nn.Module], x: Array, y: Array, x_test: Array, y_test: Array, *,
    rate: float = 0.01, batch: int = 32, steps: int = 200, epochs: int = 5, rng: np.random.Generator | None = None,
    of: str = "your model",
) -> Sanity:  # fmt: skip
    """Ask the three questions, each of a new model.

    Args:
        make: a new model, as a function of an rng; it returns logits (batch, C).
        x: (n, …), the training samples, scaled as they will be.
        y: (n,), their classes, 0 … C − 1.
        x_test: (m, …), the test samples.
        y_test: (m,), theirs.
        rate: of Adam.
        batch: samples to be learned by heart.
        steps: to do so, at most.
        epochs: of the training on shuffled labels.
        rng: where chance comes from.
        of: the model, in a few words.

    Raises:
        ShapeError: samples and labels of different number.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    y, y_test = np.asarray(y), np.asarray(y_test)
    if len(x) != len(y) or len(x_test) != len(y_test) or y.ndim != 1:
        raise ShapeError(
            f"sanity: a label for each sample was expected, {np.shape(y)} for {len(x)} and {np.shape(y_test)} for "
            f"{len(x_test)} came"
        )
    with no_grad():
        start = float(functional.cross_entropy(make(rng).eval()(x), y).numpy())
    some = rng.choice(len(x), min(batch, len(x)), replace=False)
    model, heart = make(rng), list[float]()
    optimizer = Adam(model.parameters(), lr=rate)
    while not heart or (heart[-1] >= HEART and len(heart) <= steps):
        heart.append(_step(model, optimizer, x[some], y[some]))
    labels = rng.permutation(y)
    model = make(rng)
    optimizer = Adam(model.parameters(), lr=rate)
    for _ in range(epochs):
        for x_some, y_some in batches(x, labels, size=2 * batch, rng=rng):
            _step(model, optimizer, x_some, y_some)
    with no_grad():
        guessed = model.eval()(x_test).numpy().argmax(axis=1)
    most = float(np.bincount(y_test).max() / len(y_test))
    classes = int(max(y.max(), y_test.max())) + 1
    right = float((guessed == y_test).mean())
    return Sanity(of, classes, start, np.array(heart), right, len(y_test), most)


def _step(model: nn.Module, optimizer: Adam, x: Array, y: Array) -> float:
    """A step of training; the loss before it."""
    optimizer.zero_grad()
    loss = functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return float(loss.numpy())
