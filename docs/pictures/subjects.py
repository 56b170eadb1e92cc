"""What the pictures of the gallery show: small computations, each with its gradients, all from fixed seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn

Subject = tuple[nn.Module, Any]  # a model and its loss


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


def perceptron() -> Any:
    """A hidden layer of four neurons, an output, and the squared error, all of single numbers."""
    rng = np.random.default_rng(3)
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


class Chain(nn.Module):
    """Blocks, one after the other, and a linear layer."""

    def __init__(self, blocks: list[nn.Module], head: nn.Module) -> None:
        self.blocks = nn.ModuleList(blocks)
        self.head = head

    def forward(self, x: Any) -> Any:
        """The logits."""
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def loss_of(net: nn.Module, *shape: int, seed: int = 0) -> Subject:
    """The cross-entropy of a model on a batch of normal inputs."""
    x = tg.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True, name="x")
    loss = tg.softmax_cross_entropy(net(x), labels=np.arange(shape[0]) % 2)
    loss.name = "loss"
    loss.backward()
    return net, loss


def network() -> Subject:
    """A network with batch normalization, on eight samples."""
    return loss_of(Net(rng=np.random.default_rng(0)), 8, 3)


def constant_feature() -> Subject:
    """The same network, whose first feature is 0 for every sample: its variance is 0, and 0 / 0 is NaN."""
    net = Net(rng=np.random.default_rng(0))
    net.fc1.weight.assign(np.array([[0.0, 0, 0], [1, 2, 3], [1, 0, 1], [0, 1, 1]]))
    net.bn1.eps = 0.0  # a layer refuses that when it is made
    with np.errstate(all="ignore"):
        return loss_of(net, 8, 3)


def blocks(n: int, scale: float = 1.0) -> Subject:
    """So many blocks of a linear layer and a tanh, whose weights are `scale` times what they should be."""
    rng = np.random.default_rng(0)
    parts: list[nn.Module] = [nn.Sequential(nn.Linear(64, 64, rng=rng), nn.Tanh()) for _ in range(n)]
    net = Chain(parts, nn.Linear(64, 2, rng=rng))
    for name, w in net.named_parameters():
        if name.endswith("0.weight"):
            w.assign(scale * w.value)
    return loss_of(net, 32, 64)


def residual() -> Subject:
    """Eight residual blocks: x + f(x)."""
    rng = np.random.default_rng(0)
    parts: list[nn.Module] = [
        nn.Residual(nn.LayerNorm(16), nn.Linear(16, 16, rng=rng), nn.ReLU(), nn.Linear(16, 16, rng=rng))
        for _ in range(8)
    ]
    return loss_of(Chain(parts, nn.Linear(16, 2, rng=rng)), 8, 16)


class Reader(nn.Module):
    """An LSTM that reads twenty steps, and answers after the last."""

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.lstm = nn.LSTM(3, 8, rng=rng, batch_first=True)
        self.head = nn.Linear(8, 2, rng=rng)

    def forward(self, x: Any) -> Any:
        """The logits."""
        return self.head(self.lstm(x)[0][:, -1])


def recurrent() -> Subject:
    """An LSTM over twenty steps."""
    return loss_of(Reader(rng=np.random.default_rng(0)), 4, 20, 3)


def attention() -> Subject:
    """Multi-head attention of a sequence on itself."""

    class Attention(nn.Module):
        def __init__(self, rng: np.random.Generator) -> None:
            self.attention = nn.MultiheadAttention(8, 2, rng=rng, batch_first=True)
            self.head = nn.Linear(8, 2, rng=rng)

        def forward(self, x: Any) -> Any:
            return self.head(self.attention(x, x, x)[0].mean(axis=1))

    return loss_of(Attention(np.random.default_rng(0)), 4, 5, 8)


def tied() -> Any:
    """One matrix for two layers, as in an autoencoder."""
    rng = np.random.default_rng(0)
    x = tg.tensor(rng.normal(size=(8, 6)), name="x")
    W = tg.tensor(rng.normal(size=(6, 2)), requires_grad=True, name="W")
    code = (x @ W).tanh()
    code.name = "code"
    error = (code @ W.T - x).square().mean()
    error.name = "error"
    error.backward()
    return error


def long_chain() -> Any:
    """The same matrix three hundred times: h ← tanh(h W), with W = 0.9 · rotation."""
    a = 0.3
    W = tg.tensor(
        0.9 * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]), requires_grad=True, name="W"
    )
    h = tg.tensor([[1.0, -0.5]], requires_grad=True, name="h₀")
    for _ in range(300):
        h = (h @ W).tanh()
    loss = h.sum()
    loss.name = "loss"
    loss.backward()
    return loss


def sick() -> tuple[nn.Module, Any, Any]:
    """A network with a frozen matrix, a gate that `detach` makes a constant, and a layer that is never called."""

    class Sick(nn.Module):
        def __init__(self, frozen: Any, rng: np.random.Generator) -> None:
            self.first = nn.Linear(3, 4, rng=rng)
            self.forgotten = nn.Linear(4, 4, rng=rng)
            self.head = nn.Linear(4, 2, rng=rng)
            self.frozen = frozen

        def forward(self, x: Any) -> Any:
            h = (self.first(x) @ self.frozen).tanh()
            return self.head(h * h.detach())

    rng = np.random.default_rng(0)
    frozen = tg.tensor(rng.normal(size=(4, 4)), name="frozen")
    net, loss = loss_of(Sick(frozen, rng), 8, 3)
    return net, frozen, loss
