"""The experiment of the lecture: a network of eight hidden layers, started in five ways, learns digits or does not.

    zeros, 0.01 · randn    stay at chance: no gradient gets through
    randn                  diverges
    √(1/n), √(2/n)         train

Each is a claim about all seeds, and each is reported as what it turned out to be. At chance: the training loss is
still ln 10, that of guessing, within a hundredth. Diverged: it is not finite, or worse than twice that. Trained: at
least 90 % of the training images are classified rightly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.core.recording import no_grad
from tinygrad_edu.data import Standardizer, batches, load_digits, split
from tinygrad_edu.diagnostics.architecture import Architecture, architecture
from tinygrad_edu.diagnostics.chart import Mark, Panel
from tinygrad_edu.diagnostics.finding import Claim, Finding, columns, short
from tinygrad_edu.diagnostics.ways import WAYS
from tinygrad_edu.nn import functional
from tinygrad_edu.optim import SGD
from tinygrad_edu.types import Array

CLAIMED = {
    "zeros": "at chance",
    "0.01 · randn": "at chance",
    "randn": "diverged",
    "√(1/n)": "trained",
    "√(2/n)": "trained",
}
VERBS = {"at chance": "stays at chance", "diverged": "diverges", "trained": "trains"}
CHANCE = math.log(10)
BATCH, RATE = 64, 0.05
CEILING = 100  # of what is drawn


@dataclass(frozen=True)
class Course:
    """The trainings from one way to start, one of each seed.

    Attributes:
        name: how it started.
        losses: (seeds, epochs + 1), of the whole training set; what is not finite is as it came.
        train: (seeds,), the part of training images that are classified rightly at the end.
        test: (seeds,), the same of the test images.
    """

    name: str
    losses: Array
    train: Array
    test: Array

    def outcome(self, seed: int) -> str:
        """In words."""
        loss = float(self.losses[seed, -1])
        if not math.isfinite(loss) or loss > 2 * CHANCE:
            return "diverged"
        if abs(loss - CHANCE) < 0.01 * CHANCE:
            return "at chance"
        return "trained" if self.train[seed] >= 0.9 else "between"

    @property
    def outcomes(self) -> list[str]:
        """Of all seeds."""
        return [self.outcome(seed) for seed in range(len(self.losses))]


@dataclass(frozen=True)
class Depth(Finding):
    """All trainings."""

    schema: ClassVar[str] = "depth"
    network: Architecture
    seeds: list[int]
    courses: list[Course]

    @property
    def title(self) -> str:
        """The network."""
        return f"{self.network.text} on digits, {len(self.seeds)} seeds"

    @property
    def claims(self) -> list[Claim]:
        """What the lecture says of each way."""
        found = []
        for course in self.courses:
            outcomes, claimed = course.outcomes, CLAIMED[course.name]
            counted = ", ".join(f"{outcomes.count(each)} {each}" for each in dict.fromkeys(outcomes))
            figures = f"of {len(outcomes)} seed{'s' * (len(outcomes) > 1)} {counted}"
            found.append(Claim(f"{course.name} {VERBS[claimed]}", set(outcomes) == {claimed}, figures))
        return found

    def content(self) -> dict[str, Any]:
        """Losses and accuracies of every seed."""
        courses = [
            {"way": c.name, "claimed": CLAIMED[c.name], "outcomes": c.outcomes, "losses": c.losses,
             "train_accuracy": c.train, "test_accuracy": c.test}
            for c in self.courses
        ]  # fmt: skip
        return {"architecture": self.network.text, "seeds": self.seeds, "batch": BATCH, "rate": RATE,
                "chance_loss": CHANCE, "courses": courses}  # fmt: skip

    def lines(self) -> list[str]:
        """One row for each way, mean ± standard deviation over the seeds."""
        rows = [["start", "loss before", "loss after", "training set", "test set", "outcome"]]
        for c in self.courses:
            said = " / ".join(dict.fromkeys(c.outcomes))
            rows.append([c.name, _spread(c.losses[:, 0]), _spread(c.losses[:, -1]),
                         _spread(c.train, percent=True), _spread(c.test, percent=True), said])  # fmt: skip
        how = f"SGD, η = {RATE}, batches of {BATCH}, {self.courses[0].losses.shape[1] - 1} epochs"
        return [*columns(rows), "", f"guessing: loss ln 10 = {CHANCE:.4f}, right 10 %. {how}."]

    def panels(self) -> list[Panel]:
        """The losses of every seed."""
        epochs = np.arange(self.courses[0].losses.shape[1])
        marks = [
            Mark(course.name if i == 0 else "", epochs, np.minimum(losses, CEILING), colour)
            for colour, course in enumerate(self.courses)
            for i, losses in enumerate(course.losses)
        ]
        marks.append(Mark("ln 10", epochs, np.full(len(epochs), CHANCE), 7, "dashed"))
        note = f"a line for each seed; randn starts above {CEILING}"
        return [Panel("Learning digits", "epoch", "training loss", marks, log_y=True, note=note)]


def depth(
    network: str = "64-relu-64x8-10", *, seeds: Sequence[int] = (0, 1, 2, 3, 4), epochs: int = 20
) -> Depth:
    """Train a network on standardized digits from each of five starts.

    Args:
        network: 64 inputs and 10 outputs, see `architecture`.
        seeds: one training of each way for each; they decide on the split, the weights and the batches.
        epochs: through the training set, at least 1.

    Raises:
        TypeError: seeds that are no sequence.
        ValueError: a network of another size, no seed or no epoch.
    """
    found = architecture(network)
    if not np.iterable(seeds):
        raise TypeError(
            f"depth: a sequence of seeds such as range(5) was expected, {seeds!r} came: say [{seeds!r}]"
        )
    if (found.widths[0], found.widths[-1]) != (64, 10) or not len(seeds) or epochs < 1:
        raise ValueError(
            f"depth: 64 inputs, 10 outputs, a seed and an epoch at least were expected, {network}, {len(seeds)} seeds "
            f"and {epochs} epochs came"
        )
    trained = {name: [_train(found, name, seed, epochs) for seed in seeds] for name in CLAIMED}
    courses = [
        Course(name, *(np.array(each) for each in zip(*results, strict=True)))
        for name, results in trained.items()
    ]
    return Depth(found, [*map(int, seeds)], courses)


def _train(network: Architecture, way: str, seed: int, epochs: int) -> tuple[list[float], float, float]:
    """The losses, NaN after one that is not finite, and the parts of training and test images classified rightly."""
    rng = np.random.default_rng(seed)
    digits = load_digits()
    x_train, x_test, y_train, y_test = split(digits.x, digits.y, rng=rng)
    scaler = Standardizer()
    x_train, x_test = scaler.fit_transform(x_train), scaler.transform(x_test)
    model = network.model(WAYS[way][0], rng=rng)
    optimizer = SGD(model.parameters(), lr=RATE)
    losses = [_evaluate(model, x_train, y_train)[0]]
    with np.errstate(over="ignore", invalid="ignore"):
        while len(losses) <= epochs and math.isfinite(losses[-1]):
            for x, y in batches(x_train, y_train, size=BATCH, rng=rng):
                optimizer.zero_grad()
                functional.cross_entropy(model(x), y).backward()
                optimizer.step()
            losses.append(_evaluate(model, x_train, y_train)[0])
    losses += [math.nan] * (epochs + 1 - len(losses))
    return losses, _evaluate(model, x_train, y_train)[1], _evaluate(model, x_test, y_test)[1]


def _evaluate(model: nn.Module, x: Array, y: Array) -> tuple[float, float]:
    """The mean loss, and the part that is right; of logits that are not finite nothing is."""
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        logits = model(x)
        right = np.isfinite(logits.numpy()).all(axis=1) & (logits.numpy().argmax(axis=1) == y)
        return float(functional.cross_entropy(logits, y).numpy()), float(right.mean())


def _spread(values: Array, percent: bool = False) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "not finite"
    mean, std = float(known.mean()), float(known.std())
    some = "" if known.size == values.size else f" ({values.size - known.size} not finite)"
    return (f"{mean:.1%} ± {std:.1%}" if percent else f"{short(mean)} ± {short(std)}") + some
