"""How well it learns: the 1,797 handwritten digits, by a perceptron with one hidden layer and by a convolutional net.

    python -m benchmarks.digits              five seeds each, on one thread
    python -m benchmarks.digits --seeds 20   a narrower mean

Each seed draws another split, 80 % to learn from and 20 % to be tested with, and other initial weights. No setting is
chosen by looking at the test set during a run: the number of epochs is fixed, and the last net is the one that counts.
The time is that of all seeds together, with the preparation of the data and the test.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from tinygrad_edu import nn, optim
from tinygrad_edu.data import Standardizer, load_digits, split
from tinygrad_edu.training import fit, metrics, predict
from tinygrad_edu.types import Array

BATCH = 64
he = nn.init.kaiming_normal


class Job(NamedTuple):
    """A net, how it is trained, and what it should reach."""

    name: str
    make: Callable[[np.random.Generator], nn.Module]
    epochs: int
    lr: float
    accuracy: float  # at least, in the mean over the seeds
    seconds: float  # at most, all seeds together


def perceptron(rng: np.random.Generator) -> nn.Module:
    """64 → 128 → 10."""
    return nn.Sequential(
        nn.Linear(64, 128, init=he, rng=rng), nn.ReLU(), nn.Dropout(0.3, rng=rng), nn.Linear(128, 10, rng=rng)
    )


def convolutional(rng: np.random.Generator) -> nn.Module:
    """Two convolutions of 3×3 on 8 × 8 pixels, a maximum over 2×2, and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding="same", init=he, rng=rng), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding="same", init=he, rng=rng), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout(0.5, rng=rng), nn.Flatten(), nn.Linear(32 * 4 * 4, 10, rng=rng),
    )  # fmt: skip


JOBS = [
    Job("MLP", perceptron, epochs=20, lr=0.01, accuracy=0.97, seconds=5),
    Job("convnet", convolutional, epochs=15, lr=0.005, accuracy=0.985, seconds=60),
]


def accuracy(job: Job, seed: int) -> float:
    """The share of the test set that is recognized after the last epoch."""
    rng = np.random.default_rng(seed)
    digits = load_digits()
    x_train, x_test, y_train, y_test = split(digits.x, digits.y, test_fraction=0.2, rng=rng)
    x_train, x_test = prepared(job, x_train, x_test)
    net = job.make(rng)
    steps = job.epochs * math.ceil(len(x_train) / BATCH)
    fit(
        net, nn.CrossEntropyLoss(), (x_train, y_train), optimizer=optim.Adam(net.parameters(), lr=job.lr),
        epochs=job.epochs, batch_size=BATCH, rng=rng, schedule=optim.schedules.Cosine(steps), progress=False,
    )  # fmt: skip
    return metrics.accuracy(y_test, predict(net, x_test).argmax(axis=1))


def prepared(job: Job, x_train: Array, x_test: Array) -> tuple[Array, Array]:
    """Rows with mean 0 and deviation 1 of each pixel; or images, in which all pixels are scaled alike."""
    if job.make is perceptron:
        scaler = Standardizer().fit(x_train)
        return scaler.transform(x_train), scaler.transform(x_test)
    mean, deviation = x_train.mean(), x_train.std()
    rows = ((x - mean) / deviation for x in (x_train, x_test))
    train, test = (x.reshape(len(x), 1, 8, 8) for x in rows)
    return train, test


def main() -> int:
    """Train, print a table, and return 1 if something was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.digits", description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="how often (default: 5)")
    seeds = parser.parse_args().seeds
    table = Table("net", "mean", "deviation", "worst", "best", "time", "processor", "goal", "", box=None,
                  pad_edge=False)  # fmt: skip
    missed = False
    for job in JOBS:
        wall, processor = time.perf_counter(), time.process_time()
        with threadpool_limits(1):
            found = np.array([accuracy(job, seed) for seed in range(seeds)])
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        met = found.mean() >= job.accuracy and wall <= job.seconds
        missed |= not met
        table.add_row(
            job.name, f"{found.mean():.2%}", f"{found.std():.2%}", f"{found.min():.1%}", f"{found.max():.1%}",
            f"{wall:.1f} s", f"{processor:.1f} s", f"{job.accuracy:.1%} in {job.seconds:g} s",
            "met" if met else "missed",
        )  # fmt: skip
    Console(soft_wrap=True).print(table)
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
