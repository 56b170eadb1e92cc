"""Values and two derivatives as PyTorch has them, frozen by tests/reference/make_engine_reference.py."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "engine.json").read_text(encoding="utf-8"))[
    "cases"
]
INDEX = np.array([0, 2, 0])


def layer_norm(x):
    return (x - tg.mean(x, 1, True)) / tg.sqrt(tg.var(x, 1, keepdims=True) + 1e-5)


def convolution(x, w):
    return tg.einsum("bchwij,ocij->bohw", tg.windows(x, (3, 3), stride=2), w)


HERE = {
    "softmax": lambda x: tg.softmax(x, 1), "log_softmax": lambda x: tg.log_softmax(x, 0),
    "softmax_cross_entropy": lambda x: tg.softmax_cross_entropy(x, [2, 0, 1, 1]),
    "logsumexp": lambda x: tg.logsumexp(x, (0, 2)),
    "linear": lambda x, w, b: tg.linear(x, w, b, transposed=True), "matmul": tg.matmul,
    "einsum": lambda a, b, c: tg.einsum("bij,bjk,k->bi", a, b, c), "var": lambda x: tg.var(x, (0, 2), ddof=1),
    "std": lambda x: tg.std(x, 1),
    "prod": lambda x: tg.prod(x, 1), "cumsum": lambda x: tg.cumsum(x, 1), "power": tg.power, "div": tg.div,
    "sigmoid": tg.sigmoid,
    "softplus": tg.softplus, "erf": tg.erf, "tanh": tg.tanh, "arctanh": lambda x: tg.arctanh(0.9 * tg.sin(x)),
    "getitem": lambda x: x[INDEX][:, 1:],
    "maximum": tg.maximum, "max with ties": lambda x: tg.max(x, 1),
    "windows": lambda x: tg.windows(x, (3,), stride=2), "conv2d": convolution,
    "layer norm": layer_norm,
}  # fmt: skip


def test_every_case_is_tested():
    assert set(HERE) == set(REFERENCE)


@pytest.mark.parametrize("name", HERE)
def test_as_in_pytorch(name):
    case, f = REFERENCE[name], HERE[name]
    xs = [tg.tensor(x, requires_grad=True, dtype=float) for x in case["inputs"]]
    y = f(*xs)
    close(y, case["output"], rtol=1e-10)
    first = tg.gradients(y, xs, case["cotangent"], create_graph=True)
    for found, wanted in zip(first, case["gradients"], strict=True):
        close(found, wanted, rtol=1e-10, atol=1e-11)
    slope = sum((g * np.array(d)).sum() for g, d in zip(first, case["directions"], strict=True))
    if slope.requires_grad:
        for found, wanted in zip(tg.gradients(slope, xs), case["second"], strict=True):
            close(found, wanted, rtol=1e-8, atol=1e-9)
    (pushed,) = tg.forward_sweep([y], dict(zip(xs, map(np.array, case["directions"]), strict=True)))
    product = sum(np.sum(np.array(g) * d) for g, d in zip(case["gradients"], case["directions"], strict=True))
    close(np.sum(pushed * np.array(case["cotangent"])), product)
