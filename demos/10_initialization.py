"""Initialization: how large weights must start for a signal to get through thirty layers, and back.

python demos/10_initialization.py
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.nn import init

DEPTH, WIDTH = 30, 128


def signals(f: Callable[..., Any], start: Callable[..., Any]) -> tuple[list[float], float]:
    """E[x²] after every layer x ← f(W x), and how large the gradient of the last is when it arrives at the first."""
    rng = np.random.default_rng(0)
    outputs = [tg.tensor(rng.standard_normal((16, WIDTH)), requires_grad=True)]
    for _ in range(DEPTH):
        outputs.append(f(nn.Linear(WIDTH, WIDTH, init=start, rng=rng)(outputs[-1])))
    outputs[-1].backward(rng.standard_normal((16, WIDTH)))
    return [float((y.numpy() ** 2).mean()) for y in outputs], float((outputs[0].grad.numpy() ** 2).mean())


def depth() -> None:
    """Four ways to start, forward and backward."""
    shown = (0, 1, 10, DEPTH)
    print(
        f"E[x²] after so many layers of {WIDTH} units; E[g²] of the gradient at the input, from 1 at the output"
    )
    print(" " * 20, *(f"{i:8}" for i in shown), "  gradient")
    for title, f, start in (
        ("ReLU, Var w = 2/n", tg.relu, init.kaiming_normal),
        ("ReLU, Var w = 1/n", tg.relu, init.lecun_normal),
        ("tanh, Var w = 1/n", tg.tanh, init.lecun_normal),
        ("ReLU, 0.01 · randn", tg.relu, partial(init.normal, std=0.01)),
    ):
        forward, backward = signals(f, start)
        print(f"  {title:18}", *(f"{forward[i]:8.1e}" for i in shown), f"  {backward:8.1e}")
    print(
        "With 1/n a ReLU halves it in every layer: 2^-30 is 9e-10. tanh loses it slowly, as 1 / (2 · layers)."
    )


def gains() -> None:
    """What a nonlinearity takes away is an integral."""
    print("\nAfter a function f, Var w = gain² / n is needed; gain² = 1 / E[f(z)²] for a standard normal z:")
    for f in (tg.relu, tg.tanh, nn.functional.gelu, tg.sin):
        forward, backward = init.gain_of(f), init.gain_of(f, backward=True)
        print(f"  {f.__name__:<5} gain² = {forward**2:.12f}   for gradients, by f′: {backward**2:.12f}")
    print("He's 2 is the first line.")


def data() -> None:
    """Where the input is no standard normal, look at it."""
    rng = np.random.default_rng(0)
    first, second = nn.Linear(64, 50, rng=rng), nn.Linear(50, 10, rng=rng)
    net = nn.Sequential(first, nn.ReLU(), second)
    done = init.apply(net, weight=init.kaiming_normal, bias=init.zeros, rng=rng)
    print("\nA network for digits, with pixels from 0 to 16. The weights start as", done["0.weight"])
    print("and LSUV (Mishkin and Matas 2015) divides each by the deviation of what comes out:")
    print(init.lsuv(net, tg.data.load_digits().x[:300], start=None))


if __name__ == "__main__":
    depth()
    gains()
    data()
