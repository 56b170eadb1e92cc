"""Attention learns where to look: a block of a transformer turns a sequence round.

    python demos/15_attention.py

The last element of the input is to come first, and so on. Nothing but the positions says which that is. The weights of
attention, which may be looked at, become the reversed diagonal. Without positions it cannot be learned.
"""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

KINDS, LENGTH, WIDTH = 8, 8, 32


class Reverser(nn.Module):
    """Symbols, positions, one layer of attention, and a guess for each place."""

    def __init__(self, positions: bool, rng: np.random.Generator) -> None:
        self.table = nn.Embedding(KINDS, WIDTH, rng=rng)
        self.positions = nn.SinusoidalPositions(WIDTH, batch_first=True) if positions else nn.Identity()
        self.attention = nn.MultiheadAttention(WIDTH, 1, batch_first=True, rng=rng)
        self.out = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, KINDS, rng=rng))

    def forward(self, symbols: np.ndarray) -> tuple[tg.Tensor, tg.Tensor]:
        """Logits (batch, time, kinds), and who looks at whom, (batch, time, time)."""
        x = self.positions(self.table(symbols))
        y, weights = self.attention(x, x, x)
        return self.out(y), weights


def learn(net: Reverser, rng: np.random.Generator, steps: int = 300) -> float:
    """Train, and return the share of symbols that are right in new sequences."""
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    for _ in range(steps):
        symbols = rng.integers(KINDS, size=(32, LENGTH))
        optimizer.zero_grad()
        logits, _ = net(symbols)
        loss = nn.functional.cross_entropy(logits.reshape(-1, KINDS), symbols[:, ::-1].reshape(-1))
        loss.backward()
        optimizer.step()
    symbols = rng.integers(KINDS, size=(200, LENGTH))
    with tg.no_grad():
        return float((net(symbols)[0].numpy().argmax(axis=-1) == symbols[:, ::-1]).mean())


def main() -> None:
    """Learn twice, and look at the weights."""
    rng = np.random.default_rng(0)
    blind = learn(Reverser(False, rng), rng)
    net = Reverser(True, rng)
    seeing = learn(net, rng)
    print(f"right symbols without positions: {blind:.0%}")
    print(f"right symbols with positions:    {seeing:.0%}\n")

    with tg.no_grad():
        weights = net(rng.integers(KINDS, size=(200, LENGTH)))[1].numpy().mean(axis=0)
    print("who looks at whom, in the mean of 200 sequences: a row for each output, █ for a weight of 1")
    for row in weights:
        print("   " + "".join(" ░▒▓█"[int(w * 4.999)] * 2 for w in row))
    looked = weights[np.arange(LENGTH), np.arange(LENGTH)[::-1]]
    print(f"weight on the place that is meant: {looked.mean():.2f} in the mean, {looked.min():.2f} at least")


if __name__ == "__main__":
    main()
