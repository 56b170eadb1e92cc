"""What a picture costs: seconds, megabytes and cards, for graphs from a neuron to a hundred thousand operations.

    python -m benchmarks.drawing [CASE …]

Every case is a process of its own. It builds a graph, runs backward, and measures the time of `draw` with the SVG, and
by how much the peak of its memory grows meanwhile. Beside the seconds on the clock stand those of the processor, which
do not depend on what else the machine does. `first` is the first drawing of a process, with the import of the renderer.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import tinygrad_edu as tg

ROUNDS = 20  # of what is measured warm


def neuron() -> Any:
    """The neuron of the micrograd lecture."""
    x1, w1, x2, w2 = (tg.Scalar(v, name=n) for n, v in (("x1", 2.0), ("w1", -3.0), ("x2", 0.0), ("w2", 1.0)))
    return tg.tanh(x1 * w1 + x2 * w2 + tg.Scalar(6.8813735870195432, name="b"))


def scalar_network(samples: int, outputs: tuple[int, ...]) -> Any:
    """The squared error of a network of scalars, sample by sample, with the same parameters for all."""
    from tinygrad_edu import nn

    rng = np.random.default_rng(0)
    net = nn.MLP(2, outputs, activation=tg.tanh, rng=rng)
    loss: Any = None
    for a, b, target in rng.normal(size=(samples, 3)).tolist():
        y: Any = net([tg.Scalar(a, name="x1"), tg.Scalar(b, name="x2")])
        error = ((y[0] if isinstance(y, list) else y) - target) ** 2
        loss = error if loss is None else loss + error
    return loss


def scalar_chain(n: int) -> Any:
    """The tanh of the tanh of the tanh, and so on."""
    y: Any = tg.Scalar(0.5, name="x")
    for _ in range(n):
        y = tg.tanh(y)
    return y


def layers(n: int, *, tied: bool) -> Any:
    """tanh(W · …) n times, with one W or with n of them."""
    rng = np.random.default_rng(0)

    def weight(name: str) -> Any:
        return tg.tensor(rng.normal(size=(16, 16)) / 4, requires_grad=True, name=name)

    h: Any = tg.tensor(rng.normal(size=16), name="h")
    w = weight("W")
    for i in range(n):
        h = tg.tanh((w if tied else weight(f"W{i}")) @ h)
    return tg.sum(h * h)


@dataclass(frozen=True, slots=True)
class Case:
    """A graph, how it is drawn, and what is hoped for."""

    graph: Callable[[], Any]
    seconds: float | None = None
    megabytes: float | None = None
    cards: int | None = None
    kind: str = "cold"  # the second drawing of a process; or "first", "warm", "capture"
    options: tuple[tuple[str, Any], ...] = ()


EVERYTHING = (("fold", False),)
CASES = {
    "neuron, first": Case(neuron, 0.10, kind="first"),
    "neuron, warm": Case(neuron, 0.010, kind="warm"),
    "MLP 2-4-1 with loss": Case(lambda: scalar_network(1, (4, 1)), cards=25),
    "1 000 scalars, unfolded": Case(lambda: scalar_network(8, (8, 4, 1)), 1.0, options=EVERYTHING),
    "1 000 scalars, folded": Case(lambda: scalar_network(8, (8, 4, 1)), 0.3),
    "10 000 scalars, 32 samples": Case(lambda: scalar_network(32, (8, 8, 8, 1)), 3.0, 200),
    "10 000 scalars, a chain": Case(lambda: scalar_chain(10_000), 3.0, 200),
    "300 layers, one weight": Case(lambda: layers(300, tied=True), 3.0, 200),
    "300 layers, 300 weights": Case(lambda: layers(300, tied=False), 3.0, 200),
    "3 300 layers, 10 000 tensors": Case(lambda: layers(3_300, tied=False), 3.0, 200),
    "100 000 operations, captured": Case(lambda: scalar_chain(100_000), 5.0, kind="capture"),
}


def measure(case: Case) -> dict[str, Any]:
    """Draw in this process."""
    root = case.graph()
    root.backward()
    if case.kind not in ("first", "capture"):
        from tinygrad_edu.render import draw

        draw(neuron()).svg()  # imports, fonts
    before, clock, processor = _peak(), time.perf_counter(), _processor()
    drawing: Any = None
    rounds = ROUNDS if case.kind == "warm" else 1
    for _ in range(rounds):
        if case.kind == "capture":
            from tinygrad_edu.render import capture

            graph = capture(root)
        else:
            from tinygrad_edu.render import draw

            drawing = draw(root, **dict(case.options))
            drawing.svg()
            graph = drawing.graph
    seconds = (time.perf_counter() - clock) / rounds
    return {
        "nodes": len(graph.nodes), "cards": None if drawing is None else len(drawing.board.cards), "seconds": seconds,
        "processor": (_processor() - processor) / rounds, "megabytes": (_peak() - before) / 1e6,
        "warnings": [] if drawing is None else drawing.warnings,
    }  # fmt: skip


def _processor() -> float:
    """Seconds of the processor, with those of engines that have run as children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak() -> float:
    """The most memory that this process has had, in bytes; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.drawing", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"parts of: {'; '.join(CASES)}")
    parser.add_argument("--child", metavar="CASE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(CASES[arguments.child])))
        return 0
    table = Table(
        "graph", *(f"{head:>9}" for head in ("nodes", "cards", "seconds", "processor", "goal", "MB", "goal"))
    )
    for name, case in CASES.items():
        if arguments.cases and not any(part in name for part in arguments.cases):
            continue
        command = [sys.executable, "-m", "benchmarks.drawing", "--child", name]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
        )
        found = json.loads(done.stdout)
        cards = "" if found["cards"] is None else str(found["cards"])
        table.add_row(
            name, str(found["nodes"]), cards + (f" ≤ {case.cards}" if case.cards else ""), f"{found['seconds']:.3f}",
            f"{found['processor']:.3f}", f"< {case.seconds:g}" if case.seconds else "", f"{found['megabytes']:.0f}",
            f"< {case.megabytes:g}" if case.megabytes else "",
        )  # fmt: skip
        for warning in found["warnings"]:
            print(f"{name}: {warning}")
    Console(width=110).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
