"""The main job: a net for handwritten digits, from raw pixels to a trained classifier with verified gradients.

    load → split → standardize → initialize → check every gradient → train → check again → draw → report

Every claim that is printed has been tested, and the exit code is 0 only if all of them hold.
"""

from __future__ import annotations

import json
import math
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import tinygrad_edu as tg
from tinygrad_edu import data, nn, optim, training
from tinygrad_edu.cli.console import terminal
from tinygrad_edu.types import Array


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of the job, and what is asked of its result."""

    hidden: int = 32
    epochs: int = 40
    batch: int = 64
    rate: float = 0.3
    noise: float = (
        0.5  # on the inputs in training, in standard deviations: against steep functions (Bishop 1995)
    )
    checked: int = 20  # samples in a gradient check
    accuracy: float = 0.96  # on the test set, at least


QUICK = Plan(hidden=16, epochs=12, checked=8, accuracy=0.93)


class Net(nn.Module):
    """64 pixels → hidden units, normalized over the batch → 10 digits; He initialization before the ReLU."""

    def __init__(self, hidden: int, rng: np.random.Generator) -> None:
        self.fc1 = nn.Linear(64, hidden, bias=False, rng=rng, init=nn.init.kaiming_normal)  # bn1 has a shift
        self.bn1 = nn.BatchNorm1d(hidden)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(hidden, 10, rng=rng, init=nn.init.kaiming_normal)

    def forward(self, x: Any) -> Any:
        """Logits (batch, 10) of pixels (batch, 64)."""
        return self.fc2(self.act(self.bn1(self.fc1(x))))


@dataclass(slots=True)
class Ledger:
    """What has been said so far, and which claims held."""

    console: Console
    claims: dict[str, bool] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    def heading(self, text: str) -> None:
        """A step begins."""
        self.console.print(f"\n[bold]{text}[/]", soft_wrap=True)

    def claim(self, text: str, holds: bool) -> None:
        """Print a claim with a mark, and remember whether it held."""
        self.claims[text] = bool(holds)
        self.console.print(
            ("[green]✓[/] " if holds else "[bold red]✗ this does not hold:[/] ") + text, soft_wrap=True
        )

    def note(self, text: str) -> None:
        """Print something that is no claim."""
        self.console.print(f"  {text}", markup=False, soft_wrap=True)


def demo(*, seed: int = 0, out: str | Path = "demo-output", quick: bool = False) -> int:
    """Do the whole job; 0 if every claim holds, else 1."""
    started = time.perf_counter()
    plan, folder = QUICK if quick else Plan(), Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    ledger = Ledger(terminal())

    ledger.heading("Data: 1,797 real handwritten digits of 8 × 8 pixels")
    (x_train, y_train), (x_test, y_test) = _prepare(ledger, rng)
    net = Net(plan.hidden, rng)
    sample = rng.choice(len(x_train), plan.checked, replace=False)
    x, y = tg.tensor(x_train[sample], name="x"), y_train[sample]

    def loss() -> Any:
        return nn.functional.cross_entropy(net(x), y)

    ledger.heading("Gradients at initialization, against numerical ones")
    _check(ledger, "at initialization", net, loss)

    ledger.heading("Training")
    _train(ledger, plan, net, (x_train, y_train), (x_test, y_test), rng)

    ledger.heading("Gradients after training: near-zero random values could have hidden an error before")
    net.train()
    _check(ledger, "after training", net, loss)

    ledger.heading("A planted error: the 1/m of the mean forgotten in a backward pass written by hand")
    _plant(ledger, net, loss, x, y)

    ledger.heading("Pictures")
    _draw(ledger, net, loss, folder)

    seconds = time.perf_counter() - started
    right = all(ledger.claims.values())
    report = {
        "seed": seed, "quick": quick, "plan": asdict(plan), "claims": ledger.claims, "figures": ledger.figures,
        "seconds": round(seconds, 2), "right": right,
        "versions": {"tinygrad_edu": tg.__version__, "numpy": np.__version__, "python": platform.python_version()},
    }  # fmt: skip
    (folder / "report.json").write_text(
        json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    held = sum(ledger.claims.values())
    ledger.heading(
        f"{held} of {len(ledger.claims)} claims hold, after {seconds:.1f} s. Report and pictures: {folder}"
    )
    return 0 if right else 1


def _prepare(ledger: Ledger, rng: np.random.Generator) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    digits = data.load_digits()
    x_train, x_test, y_train, y_test = data.split(digits.x, digits.y, test_fraction=0.2, rng=rng)
    scaler = data.Standardizer().fit(x_train)
    z_train, z_test = scaler.transform(x_train), scaler.transform(x_test)
    ledger.note(f"{len(x_train)} images to train, {len(x_test)} to test")
    spread = z_train.std(axis=0)
    ledger.claim(
        "the training pixels have mean 0 and deviation 1, or are constant; the test pixels were scaled in the same way",
        np.allclose(z_train.mean(axis=0), 0, atol=1e-12)
        and bool(np.all(np.isclose(spread, 1) | (spread == 0))),
    )
    ledger.figures["data"] = {
        "train": len(x_train),
        "test": len(x_test),
        "constant_pixels": int(np.sum(spread == 0)),
    }
    return (z_train, y_train), (z_test, y_test)


def _check(ledger: Ledger, when: str, net: Net, loss: Callable[[], Any]) -> None:
    report = tg.check(loss, parameters=net)
    ledger.console.print(str(report), markup=False, soft_wrap=True)
    count = sum(np.size(p.value) for p in net.parameters())
    ledger.claim(f"all {count:,} derivatives are right {when}", bool(report))
    ledger.figures[f"check {when}"] = report.to_dict()


def _train(
    ledger: Ledger, plan: Plan, net: Net, train: tuple[Array, Array], test: tuple[Array, Array],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    steps = plan.epochs * math.ceil(len(train[0]) / plan.batch)
    run = training.fit(
        net, nn.CrossEntropyLoss(), train, epochs=plan.epochs, batch_size=plan.batch, rng=rng,
        optimizer=optim.SGD(net.parameters(), lr=plan.rate, momentum=0.9, weight_decay=1e-3),
        schedule=optim.schedules.Cosine(steps),
        collate=lambda x, y: (x + plan.noise * rng.standard_normal(x.shape), y),
        validation=test, progress=ledger.console.is_terminal,
        metrics={"accuracy": lambda y, logits: training.metrics.accuracy(y, logits.argmax(axis=1))},
    )  # fmt: skip
    history = [{"loss": row["loss"], "test_accuracy": row["val_accuracy"]} for row in run.history]
    for epoch in sorted({1, 2, 5, 10, plan.epochs}):
        if epoch <= plan.epochs:
            ledger.note(
                "epoch {:>2}: loss {loss:.3f}, test accuracy {test_accuracy:.1%}".format(
                    epoch, **history[epoch - 1]
                )
            )
    reached = history[-1]["test_accuracy"]
    ledger.claim(
        f"the trained net recognizes {reached:.1%} of the test images, at least {plan.accuracy:.0%}",
        reached >= plan.accuracy,
    )
    ledger.figures["history"] = history


def _plant(ledger: Ledger, net: Net, loss: Callable[[], Any], x: Any, y: Array) -> None:
    """Check gradients of which one comes from a backward pass by hand, with a mistake that is often made."""
    names = dict(net.named_parameters())
    right = dict(zip(names, tg.gradients(loss(), list(names.values())), strict=True))
    with tg.no_grad():
        hidden = net.act(net.bn1(net.fc1(x))).numpy()
        mistake = net(x).softmax().numpy() - np.eye(10)[y]  # and here / len(y) was forgotten
    report = tg.check(loss, parameters=net, gradients=right | {"fc2.weight": mistake.T @ hidden})
    ledger.console.print(str(report), markup=False, soft_wrap=True)
    wrong = [row.name for row in report.rows if row.verdict == "wrong"]
    ledger.claim(
        "the check finds the error, in fc2.weight and nowhere else", not report and wrong == ["fc2.weight"]
    )
    ledger.figures["planted error"] = report.to_dict()


def _draw(ledger: Ledger, net: Net, loss: Callable[[], Any], folder: Path) -> None:
    x1, x2, w1, w2, b = (
        tg.Scalar(v, n) for v, n in ((2, "x1"), (0, "x2"), (-3, "w1"), (1, "w2"), (6.8813735870195432, "b"))
    )
    n = x1 * w1 + x2 * w2 + b
    n.name = "n"
    neuron = n.tanh()
    neuron.name = "o"
    neuron.backward()
    final = loss()
    final.name = "loss"
    net.zero_grad()
    final.backward()
    pictures = {
        "neuron": tg.draw(neuron, title="A single neuron", parameters="w* b"),
        "network": tg.draw(final, title="The network on digits", names=net),
    }
    for name, picture in pictures.items():
        files = [picture.save(folder / f"{name}.{suffix}") for suffix in ("svg", "png")]
        ledger.claim(
            f"{name}: " + " and ".join(file.name for file in files),
            all(file.stat().st_size > 0 for file in files),
        )
