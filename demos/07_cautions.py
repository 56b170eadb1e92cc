"""Cautions: six ways in which a gradient check misleads, and what each looks like here.

python demos/07_cautions.py
"""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn


def said(name: str, report: object) -> None:
    """The verdict in one line."""
    print(f"    {name:<48} {str(report).splitlines()[0]}")


def main() -> None:
    """One caution after the other."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)), rng.integers(3, size=8)
    net = nn.Sequential(nn.Linear(4, 6, rng=rng), nn.ReLU(), nn.Linear(6, 3, rng=rng))

    def cost() -> tg.Tensor:
        return nn.functional.cross_entropy(net(x), y)

    def gradients(of: object) -> dict[str, np.ndarray]:
        net.zero_grad()
        of.backward()
        return {name: leaf.grad.numpy() for name, leaf in net.named_parameters()}

    print("1  Regularization belongs to the cost and to the gradient, or to neither.")
    plain, both = gradients(cost()), lambda: cost() + 0.1 * nn.l2(net.parameters(), 1.0)
    said("gradient without the penalty", tg.check(both, parameters=net, gradients=plain))
    said("with it", tg.check(both, parameters=net, gradients=gradients(both())))

    print(
        "2  Dropout draws anew at every call, so the numbers would be of different functions. Here it is held."
    )
    wild = nn.Sequential(nn.Linear(4, 6, rng=rng), nn.Dropout(0.5, rng=rng), nn.Linear(6, 3, rng=rng))
    said("with Dropout(0.5)", tg.check(lambda: nn.functional.cross_entropy(wild(x), y), parameters=wild))

    print("3  At a kink one side's slope is not the other's: no error of the gradient.")
    said("relu at 0", tg.check(lambda v: tg.relu(v).sum(), np.array([0.0, 1.0])))

    print("4  An ε that is too small leaves nothing but rounding, above all in float32.")
    f = lambda v: (v.sin() ** 2).sum()  # noqa: E731
    v = rng.normal(size=5)
    for name, step in (("ε = 1e-13", 1e-13), ("ε = 1e-7", 1e-7), ("ε found", None)):
        found = tg.check(f, v) if step is None else tg.check(f, v, step=step)
        print(f"    {name:<48} difference {found.difference:.0e}")

    print(
        "5  A check that compares zeros with zeros has seen nothing: after a batch norm the sum is constant."
    )
    norm, weights = nn.BatchNorm1d(4), rng.normal(size=x.shape)
    said("the sum of a batch norm", tg.check(lambda v: norm(v).sum(), x))
    said("its sum with weights", tg.check(lambda v: (norm(v) * weights).sum(), x))

    print(
        "6  Where all weights are 0, so are most gradients, and an error in them does not show. Train a little first."
    )
    for leaf in net.parameters():
        leaf.assign(np.zeros(leaf.shape))
    print(f"    {'gradients that are 0, all weights 0':<48} {zeros(gradients(cost())):.0%}")
    nn.init.apply(net, weight=nn.init.kaiming_normal, rng=rng)
    print(f"    {'started at random':<48} {zeros(gradients(cost())):.0%}")


def zeros(found: dict[str, np.ndarray]) -> float:
    """The part of all derivatives that are 0."""
    return float(np.mean(np.concatenate([g.ravel() for g in found.values()]) == 0))


if __name__ == "__main__":
    main()
