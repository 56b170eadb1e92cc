"""Vanishing and exploding: 1.5³⁰ and 0.5³⁰, in closed form, measured, and in a network with a verdict.

python demos/09_vanishing_exploding.py [FOLDER]
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.diagnostics import architecture, layers, powers
from tinygrad_edu.nn import init


def closed_form(folder: Path) -> None:
    """Linear layers with W = c · I."""
    found = powers((1.5, 0.5), depth=30)
    print(found)
    print(f"Drawn: {found.save(folder / 'powers.svg')}")


def verdicts() -> None:
    """Eight hidden layers, real digits, and several ways to start."""
    digits = tg.data.load_digits()
    x = tg.data.Standardizer().fit_transform(digits.x)[:200]
    print("\nOne batch of digits through eight hidden layers of 64 units, and back:")
    for kind, name, start in (
        ("relu", "0.01 · randn", partial(init.normal, std=0.01)),
        ("relu", "randn", init.normal),
        ("relu", "√(2/n)", init.kaiming_normal),
        ("tanh", "randn", init.normal),
        ("tanh", "√(1/n)", init.lecun_normal),
        ("sigmoid", "√(1/n)", init.lecun_normal),
    ):
        net = architecture(f"64-{kind}-64x8-10").model(start, rng=np.random.default_rng(0))
        verdict = layers(net, x, labels=digits.y[:200]).verdict
        print(f"  {kind:7} {name:12} → {verdict.word}: {verdict.cause}")
        if verdict.remedy:
            print(f"{'':24}remedy: {verdict.remedy}")


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(mkdtemp())
    place.mkdir(parents=True, exist_ok=True)
    closed_form(place)
    verdicts()
