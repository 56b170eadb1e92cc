"""Batch normalization: three paths back to x, and what a deep network gains.

python demos/17_batch_norm.py
"""

from __future__ import annotations

from functools import partial

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.nn import functional


def three_paths() -> None:
    """The backward pass by hand, path by path, before the gradient check."""
    rng = np.random.default_rng(0)
    x, g = tg.tensor(rng.normal(2, 3, (7, 3)), requires_grad=True, name="x"), rng.normal(size=(7, 3))
    values = x.numpy()
    s = np.sqrt(values.var(axis=0) + 1e-5)
    x_hat = (values - values.mean(axis=0)) / s
    sent = {
        "by itself": g / s,
        "through μ": -g.mean(axis=0) / s,
        "through σ²": -x_hat * (g * x_hat).mean(axis=0) / s,
    }
    norm = nn.BatchNorm1d(3, affine=False)
    print(
        "x̂ = (x − μ) (σ² + ε)^(−1/2): x reaches x̂ on three paths. Of the backward pass by hand, the check says:"
    )
    for missing in (None, "through μ", "through σ²"):
        by_hand = sum(part for path, part in sent.items() if path != missing)
        report = tg.check(lambda: tg.sum(norm(x) * g), parameters=[x], gradients={"x": by_hand})
        print(f"  {'all three' if missing is None else 'without the path ' + missing:28}{report.verdict}")


def train_and_eval() -> None:
    """The same sample in different company."""
    rng = np.random.default_rng(0)
    norm, sample = nn.BatchNorm1d(1), np.array([[3.0]])
    for _ in range(100):
        norm(rng.normal(2, 0.5, (32, 1)))
    print("\nThe number 3, where training had mean 2 and deviation ½, becomes")
    print(f"  {norm.eval()(sample).numpy()[0, 0]:6.2f} in use, whatever is beside it: {norm!r}")
    for company in (2.0, 30.0):
        y = norm.train()(np.vstack([sample, np.full((1, 1), company)])).numpy()[0, 0]
        print(f"  {y:6.2f} in training, beside {company:g}")


def depth() -> None:
    """Twelve layers that start too small, with and without."""
    print(
        "\nTwelve layers of 32 tanh, weights too small by far: the loss on digits, ln 10 = 2.30 to begin with"
    )
    digits = tg.data.load_digits()
    x, labels = (digits.x[:300] / 16 - 0.5), digits.y[:300]
    for title, normalized in (("plain", False), ("batch norm", True)):
        rng, layers = np.random.default_rng(0), []
        for width in (64, *[32] * 11):
            layers.append(nn.Linear(width, 32, init=partial(nn.init.normal, std=0.05), rng=rng))
            layers += [nn.BatchNorm1d(32), nn.Tanh()] if normalized else [nn.Tanh()]
        net = nn.Sequential(*layers, nn.Linear(32, 10, rng=rng))
        optimizer = optim.Adam(net.parameters(), lr=0.01)
        losses = []
        for _ in range(40):
            optimizer.zero_grad()
            loss = functional.cross_entropy(net(tg.tensor(x)), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"  {title:12}", *(f"{losses[i]:6.2f}" for i in (0, 9, 19, 39)), "  after 1, 10, 20, 40 steps")


if __name__ == "__main__":
    three_paths()
    train_and_eval()
    depth()
