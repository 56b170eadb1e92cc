"""All goals of the verification, each measured: one command for the whole table.

    python -m benchmarks.verification            the parts below, then those of the other commands
    python -m benchmarks.verification --own      only the parts below

Below are the published reference case, the speed of checks, and derivatives of derivatives. Detection, false alarms,
diagnosis, accuracy and the mutation score have commands of their own, which are run one after the other.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.verify.theta import Theta, one_by_one

COMMANDS = (
    ("benchmarks.detection",),
    ("benchmarks.false_alarms", "--seeds", "1", "--jobs", "2"),
    ("benchmarks.diagnosis",),
    ("benchmarks.accuracy",),
    ("tinygrad_edu", "verify", "--mutants", "--jobs", "2"),
)


class Measured(NamedTuple):
    """A goal, what was found, and whether that is good enough."""

    goal: str
    found: str
    wanted: str
    met: bool


# ---- the exercise, as it is published ----


def exercise() -> tuple[Callable[[], Any], dict[str, Any]]:
    """The N-dimensional network of the reference case: its loss, and its parameters."""
    draw = np.random.RandomState(1).randn
    x, y = draw(4, 3), np.array([1.0, 1.0, 0.0])
    shapes = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}
    leaves = {name: tg.tensor(draw(*shape), True, name=name) for name, shape in shapes.items()}
    W1, b1, W2, b2, W3, b3 = leaves.values()

    def loss() -> Any:
        a = 1 / (1 + tg.exp(-(W3 @ tg.relu(W2 @ tg.relu(W1 @ x + b1) + b2) + b3)))
        return (1 / 3) * tg.sum(-tg.log(a) * y - tg.log(1 - a) * (1 - y))

    return loss, leaves


def reference() -> list[Measured]:
    """Its figures, and both of its planted bugs by name."""
    one = tg.check(lambda theta, x: theta * x, 4.0, 2, step=1e-7).difference
    loss, leaves = exercise()
    right = dict(zip(leaves, tg.gradients(loss(), list(leaves.values())), strict=True))
    wrong = right | {"W2": 2 * right["W2"], "b1": 4 * right["b1"]}
    buggy = tg.check(loss, parameters=leaves, gradients=wrong, step=1e-7).difference
    verified = tg.check(loss, parameters=leaves)
    named = {
        row.name: row.note for row in tg.check(loss, parameters=leaves, gradients=wrong).rows if row.note
    }
    both = set(named) == {"W2", "b1"} and "2.000000" in named["W2"] and "4.000000" in named["b1"]
    published = 2.919335883291695e-10, 0.2850931567761624
    return [
        Measured("reference case, 1-D", f"{one!r}", "to 1e-12", abs(one / published[0] - 1) <= 1e-12),
        Measured("reference case, buggy", f"{buggy!r}", "to 1e-8", abs(buggy - published[1]) <= 1e-8),
        Measured(
            "reference case, right", f"{verified.verdict}, {verified.difference:.1e}", "verified, ≤ 1e-9",
            bool(verified) and verified.difference <= 1e-9,
        ),
        Measured("reference case, both bugs named", ", ".join(named), "W2, b1", both),
    ]  # fmt: skip


# ---- speed ----


def best(f: Callable[[], Any], seconds: float) -> float:
    """The shortest time of as many calls as fit."""
    found, started = np.inf, time.perf_counter()
    while time.perf_counter() - started < seconds:
        begun = time.perf_counter()
        f()
        found = min(found, time.perf_counter() - begun)
    return float(found)


def speed() -> list[Measured]:
    """Full checks of a small and a larger net."""
    loss, leaves = exercise()
    small = best(lambda: tg.check(loss, parameters=leaves), 2)
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(64, 128, rng=rng), nn.ReLU(), nn.Linear(128, 13, rng=rng))
    x, labels = tg.tensor(rng.normal(size=(10, 64))), rng.integers(13, size=10)

    def larger() -> Any:
        return nn.functional.cross_entropy(net(x), labels)

    large = best(lambda: tg.check(larger, parameters=net), 6)
    count = sum(np.size(p.value) for p in net.parameters())
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tinygrad_edu", "verify", "--all", "--order", "2", "--jobs", "2"]
    code = subprocess.run(command, check=False, capture_output=True).returncode
    suite = time.perf_counter() - begun
    return [
        Measured("full check of a 47-parameter net", f"{1e3 * small:.1f} ms", "≤ 5 ms", small <= 5e-3),
        Measured(f"full check of a {count:,}-parameter MLP with ReLU", f"{large:.2f} s", "≤ 2 s", large <= 2),
        Measured(
            "the whole suite on two cores", f"{suite:.0f} s, exit code {code}", "≤ 60 s, exit code 0",
            suite <= 60 and code == 0,
        ),
    ]  # fmt: skip


# ---- second order ----


def second_order() -> list[Measured]:
    """The derivatives of each primitive's gradient: the engine's own, and numerical ones."""
    apart = {
        f"{name} at {case}": deviation(op, case, np.random.default_rng([number, 7]))
        for name, op in tg.registry.items() for number, case in enumerate(op.cases)
    }  # fmt: skip
    worst = max(apart, key=lambda name: apart[name])
    return [
        Measured(
            f"second order, {len(apart)} cases of primitives", f"{apart[worst]:.1e} at worst ({worst})", "≤ 1e-6",
            apart[worst] <= 1e-6,
        )
    ]  # fmt: skip


def deviation(op: Any, case: Any, rng: np.random.Generator) -> float:
    """How far ∇(Σ t · ∇(Σ w · y)) is from its numerical value, relative to the larger of both."""
    xs = case.draw(rng)
    wanted = [domain.differentiable for domain in case.domains]
    inputs = [np.asarray(x) for x, differentiable in zip(xs, wanted, strict=True) if differentiable]
    w = rng.normal(size=np.shape(op.call(*xs, **case.params)))
    ts = [rng.normal(size=x.shape) for x in inputs]

    def first(values: list[Any]) -> tuple[Any, list[Any]]:
        """The gradient along t as a node, and the leaves."""
        leaves = [tg.Tensor(value, True) for value in values]
        moving = iter(leaves)
        operands = [
            next(moving) if differentiable else x for x, differentiable in zip(xs, wanted, strict=True)
        ]
        y = tg.sum(op.call(*operands, **case.params) * w)
        found = tg.gradients(y, leaves, create_graph=True)
        total = tg.sum(found[0] * ts[0])
        for g, t in zip(found[1:], ts[1:], strict=True):
            total = total + tg.sum(g * t)
        return total, leaves

    total, leaves = first(inputs)
    exact = tg.gradients(total, leaves) if total.requires_grad else [np.zeros(x.shape) for x in inputs]
    numeric = Theta(one_by_one(lambda values: float(first(values)[0].value)), inputs).gradients()
    a, n = (
        np.concatenate([np.ravel(part) for part in parts]) for parts in (exact, [g.value for g in numeric])
    )
    return float(np.linalg.norm(a - n) / max(np.linalg.norm(a), np.linalg.norm(n), 1e-9))


def main() -> int:
    """Measure everything, print a table; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.verification", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--own", action="store_true", help="leave out what has a command of its own")
    args = parser.parse_args()
    console, missed = Console(soft_wrap=True), 0
    table = Table("goal", "measured", "wanted", "", box=None, pad_edge=False)
    for row in [*reference(), *second_order(), *speed()]:
        table.add_row(row.goal, row.found, row.wanted, "met" if row.met else "missed")
        missed += not row.met
    console.print(table)
    for command in () if args.own else COMMANDS:
        console.print(f"\npython -m {' '.join(command)}", style="bold")
        missed += subprocess.run([sys.executable, "-m", *command], check=False).returncode != 0
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
