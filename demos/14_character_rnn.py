"""A recurrent net learns a poem, character by character, and why a plain one forgets.

    python demos/14_character_rnn.py

The text is the Zen of Python, which is part of every Python. First a measurement: how much of the gradient is left
after so many steps back, in a plain network and in an LSTM. Then a GRU learns what comes next, and goes on by itself.
"""

from __future__ import annotations

import codecs
import contextlib
import io

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

with contextlib.redirect_stdout(io.StringIO()):  # importing it prints it
    import this

TEXT = codecs.decode(this.s, "rot13")
LETTERS = sorted(set(TEXT))


def reach(layer: nn.Module, states: int, rng: np.random.Generator) -> list[float]:
    """How large the gradient of the last state by the state k steps before is, k = 1, 5, 10, 20, 40."""
    found = []
    for steps in (1, 5, 10, 20, 40):
        h = [tg.tensor(np.zeros((1, 1, 32)), requires_grad=True) for _ in range(states)]
        _, end = layer(rng.normal(size=(steps, 1, 8)), h[0] if states == 1 else tuple(h))
        last = (end if states == 1 else end[1])[0, 0, 0]
        (g,) = tg.gradients(last, h[-1:])
        found.append(float(np.linalg.norm(g)))
    return found


def main() -> None:
    """Measure, learn, write."""
    rng = np.random.default_rng(0)
    print(
        "how much one number of the state owes to the state … steps before:      1        5       10       20       40"
    )
    for name, layer, states in (("plain", nn.RNN(8, 32, rng=rng), 1), ("LSTM", nn.LSTM(8, 32, rng=rng), 2)):
        print(f"  {name:68}" + " ".join(f"{size:8.1e}" for size in reach(layer, states, rng)))

    numbers = np.array([LETTERS.index(c) for c in TEXT])
    n = len(LETTERS)
    table, cell, out = nn.Embedding(n, 24, rng=rng), nn.GRU(24, 80, rng=rng), nn.Linear(80, n, rng=rng)
    parameters = [*table.parameters(), *cell.parameters(), *out.parameters()]
    optimizer = optim.Adam(parameters, lr=0.02)
    length, batch = 32, 16
    print(
        f"\n{len(TEXT)} characters, {n} different ones; knowing nothing costs log {n} = {np.log(n):.2f} each"
    )
    for step in range(1, 91):
        starts = rng.integers(len(numbers) - length, size=batch)
        window = numbers[starts + np.arange(length + 1)[:, None]]  # (time, batch), and the one after
        optimizer.zero_grad()
        y, _ = cell(table(window[:-1]))
        loss = nn.functional.cross_entropy(out(y).reshape(-1, n), window[1:].reshape(-1))
        loss.backward()
        optimizer.step()
        if step in (1, 30, 60, 90):
            print(f"step {step:2}: {loss.item():.2f}")

    said, state = "Beautiful", None
    with tg.no_grad():
        for i in range(150):
            read = said if i == 0 else said[-1]
            y, state = cell(table(np.array([[LETTERS.index(c)] for c in read])), state)
            said += LETTERS[int(out(y[-1]).numpy().argmax())]
    print(f"\nIt goes on by itself, from {'Beautiful'!r}:\n{said}")


if __name__ == "__main__":
    main()
