"""Make engine.json: what PyTorch computes for operations of this project, in float64.

    python tests/reference/make_engine_reference.py         wants torch, which the tests do not

Every case holds its inputs, its output, the gradients of Σ output · cotangent by the inputs, and, as a second
derivative, the gradients of Σ (gradient · direction). The file is frozen: the tests compare with what is in it,
and no test runs this script.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

SEED = 19700101
draw = torch.Generator().manual_seed(SEED)


def normal(*shape: int) -> Tensor:
    """Normally distributed numbers."""
    return torch.randn(shape, generator=draw, dtype=torch.float64)


def case(f: Callable[..., Tensor], *inputs: Tensor) -> dict[str, Any]:
    """The output of f, its vector-Jacobian product, and one derivative more."""
    xs = [x.clone().requires_grad_() for x in inputs]
    y = f(*xs)
    cotangent, directions = normal(*y.shape), [normal(*x.shape) for x in xs]
    first = torch.autograd.grad(y, xs, cotangent, create_graph=True)
    slope = sum((g * d).sum() for g, d in zip(first, directions, strict=True))
    second = [torch.zeros_like(x) for x in xs]
    if slope.requires_grad:  # else the first derivative is a constant
        second = torch.autograd.grad(slope, xs, allow_unused=True, materialize_grads=True)
    return {
        "inputs": [x.tolist() for x in xs],
        "output": y.tolist(),
        "cotangent": cotangent.tolist(),
        "gradients": [g.tolist() for g in first],
        "directions": [d.tolist() for d in directions],
        "second": [g.tolist() for g in second],
    }


LABELS = torch.tensor([2, 0, 1, 1])
INDEX = torch.tensor([0, 2, 0])


def cases() -> dict[str, Any]:
    """One entry for each test; the names are those of tests/ops/test_torch.py."""
    positive = normal(2, 3).abs() + 0.5
    return {
        "softmax": case(lambda x: functional.softmax(x, 1), normal(4, 3)),
        "log_softmax": case(lambda x: functional.log_softmax(x, 0), normal(4, 3)),
        "softmax_cross_entropy": case(lambda x: functional.cross_entropy(x, LABELS), normal(4, 3)),
        "logsumexp": case(lambda x: torch.logsumexp(x, (0, 2)), normal(2, 3, 4)),
        "linear": case(lambda x, w, b: functional.linear(x, w, b), normal(4, 3), normal(5, 3), normal(5)),
        "matmul": case(torch.matmul, normal(2, 1, 3, 4), normal(5, 4, 2)),
        "einsum": case(
            lambda a, b, c: torch.einsum("bij,bjk,k->bi", a, b, c),
            normal(2, 3, 4),
            normal(2, 4, 5),
            normal(5),
        ),
        "var": case(lambda x: torch.var(x, (0, 2), correction=1), normal(2, 3, 4)),
        "std": case(lambda x: torch.std(x, 1, correction=0), normal(3, 4)),
        "prod": case(lambda x: torch.prod(x, 1), normal(3, 4)),
        "cumsum": case(lambda x: torch.cumsum(x, 1), normal(3, 4)),
        "power": case(torch.pow, positive, normal(3)),
        "div": case(torch.div, normal(2, 3), positive[:, :1]),
        "sigmoid": case(torch.sigmoid, normal(6) * 4),
        "softplus": case(functional.softplus, normal(6) * 4),
        "erf": case(torch.erf, normal(6)),
        "tanh": case(torch.tanh, normal(6)),
        "arctanh": case(lambda x: torch.arctanh(0.9 * torch.sin(x)), normal(6)),
        "getitem": case(lambda x: x[INDEX][:, 1:], normal(3, 4)),
        "maximum": case(
            torch.maximum, torch.tensor([1.0, 2.0, 3.0]).double(), torch.full((3,), 2.0).double()
        ),
        "max with ties": case(
            lambda x: torch.amax(x, 1), torch.tensor([[2.0, 2.0, 1.0], [3.0, 3.0, 3.0]]).double()
        ),
        "windows": case(lambda x: x.unfold(1, 3, 2), normal(2, 8)),
        "conv2d": case(
            lambda x, w: functional.conv2d(x, w, stride=2), normal(2, 2, 5, 5), normal(3, 2, 3, 3)
        ),
        "layer norm": case(lambda x: functional.layer_norm(x, (4,)), normal(3, 4)),
    }


if __name__ == "__main__":
    found = {
        "made by": "tests/reference/make_engine_reference.py",
        "torch": torch.__version__,
        "dtype": "float64",
        "seed": SEED,
        "cases": cases(),
    }
    path = Path(__file__).with_name("engine.json")
    path.write_text(json.dumps(found) + "\n", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB, torch {torch.__version__}")
