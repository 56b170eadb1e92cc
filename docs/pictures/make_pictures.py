"""Make the pictures of the README: a neuron, and a network with batch normalization.

    python docs/pictures/make_pictures.py

Each is written as SVG beside this file, two of them as PNG, too. The networks start from a fixed seed, so the
pictures change only when the code does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.render import Drawing, draw

HERE = Path(__file__).parent


def neuron() -> Any:
    """Compute o = tanh(w₁x₁ + w₂x₂ + b), with the numbers of the micrograd lecture: they make 1 − o² = ½."""
    x1, x2 = tg.Scalar(2.0, name="x1"), tg.Scalar(0.0, name="x2")
    w1, w2 = tg.Scalar(-3.0, name="w1"), tg.Scalar(1.0, name="w2")
    b = tg.Scalar(6.8813735870195432, name="b")
    n = x1 * w1 + x2 * w2 + b
    n.name = "n"
    o = n.tanh()
    o.name = "o"
    o.backward()
    return o


def perceptron(rng: np.random.Generator) -> Any:
    """A hidden layer of four neurons, an output, and the squared error, all of single numbers."""
    x = [tg.Scalar(0.8, name="x1"), tg.Scalar(-1.2, name="x2")]
    hidden = []
    with tg.scope("hidden"):
        for i in range(1, 5):
            with tg.scope(f"neuron {i}"):
                w = [tg.Scalar(rng.normal(), name=f"w{i}{j}") for j in (1, 2)]
                z = w[0] * x[0] + w[1] * x[1] + tg.Scalar(0.0, name=f"b{i}")
                z.name = f"z{i}"
                hidden.append(z.tanh())
                hidden[-1].name = f"h{i}"
    with tg.scope("output"):
        y = tg.Scalar(0.0, name="c")
        for i, h in enumerate(hidden, 1):
            y = y + tg.Scalar(rng.normal(), name=f"v{i}") * h
        y.name = "ŷ"
    with tg.scope("loss"):
        error = y - tg.Scalar(1.0, name="target")
        error.name = "error"
        loss = error**2.0
        loss.name = "L"
    loss.backward()
    return loss


class Net(nn.Module):
    """Linear, batch normalization, ReLU, linear."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.fc1 = nn.Linear(3, 4, rng=rng)
        self.bn1 = nn.BatchNorm1d(4)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(4, 2, rng=rng)

    def forward(self, x: Any) -> Any:
        """The logits."""
        return self.fc2(self.act(self.bn1(self.fc1(x))))


def network(rng: np.random.Generator) -> tuple[Net, Any]:
    """A network and its loss on eight samples."""
    net = Net(rng=rng)
    x = tg.tensor(rng.normal(size=(8, 3)), requires_grad=True, name="x")
    loss = tg.softmax_cross_entropy(net(x), labels=np.arange(8) % 2)
    loss.name = "loss"
    loss.backward()
    return net, loss


def pictures() -> dict[str, Drawing]:
    """All pictures by the names of their files."""
    o = neuron()
    formula = "o = tanh(w₁·x₁ + w₂·x₂ + b)     after o.backward()"
    net, loss = network(np.random.default_rng(0))
    return {
        "neuron": draw(o, title="A single neuron", subtitle=formula, parameters="w* b"),
        "neuron_dark": draw(o, title="A single neuron", subtitle=formula, parameters="w* b", theme="dark"),
        "neuron_local": draw(
            o, title="A single neuron, with local derivatives", parameters="w* b", local=True,
            subtitle="the number on an arrow is ∂(head)/∂(tail);  grad(tail) += grad(head) × that number",
        ),
        "perceptron": draw(
            perceptron(np.random.default_rng(3)), title="MLP 2 → 4 → 1, one sample", parameters="w* b* v* c",
            subtitle="ŷ = v·tanh(Wx + b) + c     L = (ŷ − target)²     after L.backward()",
        ),
        "network": draw(
            loss, names=net, title="Two-layer net with batch normalization",
            subtitle="batch of 8 · 3 features · 2 classes     histogram, mean ± std, gradient norm",
        ),
        "network_depth1": draw(
            loss, names=net, depth=1, title="The same net, depth = 1",
            subtitle="every module is one card     draw(loss, names=net, depth=1)",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    for name, drawing in pictures().items():
        written = [drawing.save(HERE / f"{name}.svg")]
        if name in ("neuron", "network"):  # for places that show no SVG; kept below 200 KB
            written.append(HERE / f"{name}.png")
            written[-1].write_bytes(drawing.png(dpi=110 if name == "neuron" else 88))
        for path in written:
            print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB", *drawing.warnings)
