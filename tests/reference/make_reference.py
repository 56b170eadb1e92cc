"""Make torch.json: what PyTorch computes for the layers, losses and optimizers of this project, in float64.

    python tests/reference/make_reference.py         wants torch, which the tests do not

Every case holds its inputs, its output, and the gradients of Σ output · cotangent by the inputs. The file is
frozen: the tests compare with what is in it, and no test runs this script.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

SEED = 20150211  # the day on which batch normalization was put on arXiv
draw = torch.Generator().manual_seed(SEED)


def normal(*shape: int) -> Tensor:
    """Normally distributed numbers."""
    return torch.randn(shape, generator=draw, dtype=torch.float64)


def case(expression: str, f: Callable[..., Tensor], **inputs: Tensor) -> dict[str, Any]:
    """The output of f, and its vector-Jacobian product for a random cotangent."""
    leaves = {name: x.clone().requires_grad_() for name, x in inputs.items()}
    y = f(**leaves)
    cotangent = normal(*y.shape)
    y.backward(cotangent)
    return {
        "expression": expression,
        "inputs": {name: x.tolist() for name, x in inputs.items()},
        "output": y.tolist(),
        "cotangent": cotangent.tolist(),
        "gradients": {name: x.grad.tolist() for name, x in leaves.items()},
    }


def layers() -> dict[str, Any]:
    """Linear layers and activations."""
    points = torch.cat([torch.linspace(-6, 6, 25, dtype=torch.float64), normal(8)])
    return {
        "linear": case(
            "F.linear(x, weight, bias)",
            functional.linear,
            input=normal(7, 5),
            weight=normal(3, 5),
            bias=normal(3),
        ),
        "linear without bias": case(
            "F.linear(x, weight)", functional.linear, input=normal(7, 5), weight=normal(3, 5)
        ),
        "leaky_relu": case("F.leaky_relu(x, 0.2)", lambda x: functional.leaky_relu(x, 0.2), x=points),
        "gelu": case("F.gelu(x)", functional.gelu, input=points),
        "softplus": case(
            "F.softplus(x, threshold=1000)", lambda x: functional.softplus(x, threshold=1000), x=points
        ),
        "softmax": case("F.softmax(x, 1)", lambda x: functional.softmax(x, 1), x=normal(4, 5)),
        "softmax, axis 0": case("F.softmax(x, 0)", lambda x: functional.softmax(x, 0), x=normal(4, 5)),
    }


def losses() -> dict[str, Any]:
    """Losses, with logits so large that a careless formula overflows."""
    logits = torch.cat(
        [3 * normal(8), torch.tensor([-800.0, -50.0, 0.0, 50.0, 800.0, 2.0], dtype=torch.float64)]
    )
    targets = torch.cat(
        [torch.rand(8, generator=draw, dtype=torch.float64), torch.tensor([0.0, 1, 1, 0, 1, 0]).double()]
    )
    labels = torch.tensor([2, 0, 3, 1, 1])
    x, y, scores = normal(4, 3), normal(4, 3), 5 * normal(5, 4)
    found: dict[str, Any] = {"labels": labels.tolist()}
    for reduction in ("mean", "sum"):
        found[f"mse {reduction}"] = case(
            f"F.mse_loss(x, target, reduction='{reduction}')",
            lambda x, target, r=reduction: functional.mse_loss(x, target, reduction=r), x=x, target=y,
        )  # fmt: skip
        found[f"bce {reduction}"] = case(
            f"F.binary_cross_entropy_with_logits(x, target, reduction='{reduction}')",
            lambda x, target, r=reduction: functional.binary_cross_entropy_with_logits(
                x, target, reduction=r
            ),
            x=logits, target=targets,
        )  # fmt: skip
        found[f"cross entropy {reduction}"] = case(
            f"F.cross_entropy(x, labels, reduction='{reduction}')",
            lambda x, r=reduction: functional.cross_entropy(x, labels, reduction=r), x=scores,
        )  # fmt: skip
    return found


def batch_norm(name: str, *shape: int, **options: Any) -> dict[str, Any]:
    """Three batches in training, the statistics after each, and a batch in use."""
    layer = torch.nn.BatchNorm1d(shape[1], dtype=torch.float64, **options)
    start = {}
    if layer.affine:
        start = {"weight": normal(shape[1]), "bias": normal(shape[1])}
        with torch.no_grad():
            for key, value in start.items():
                getattr(layer, key).copy_(value)
    steps = []
    for training in (True, True, True, False):
        layer.train(training)
        layer.zero_grad()
        step = case(
            f"{name}(x), {'training' if training else 'eval'}", layer, input=1.5 * normal(*shape) + 0.7
        )
        step["gradients"] |= {key: getattr(layer, key).grad.tolist() for key in start}
        step |= {key: getattr(layer, key).tolist() for key in ("running_mean", "running_var")}
        steps.append(step)
    return {
        "options": options,
        "start": {key: value.tolist() for key, value in start.items()},
        "steps": steps,
    }


def optimizer(name: str, **options: Any) -> dict[str, Any]:
    """Fifty steps down Σ c w² / 2 + w⁴ / 4, for a matrix and a vector; the point after some of them."""
    start, curvature = [normal(2, 3), normal(3)], [normal(2, 3).exp(), normal(3).exp()]
    leaves = [w.clone().requires_grad_() for w in start]
    steps = getattr(torch.optim, name)(leaves, **options)
    path = {}
    for i in range(1, 51):
        steps.zero_grad()
        sum((c * w**2 / 2 + w**4 / 4).sum() for c, w in zip(curvature, leaves, strict=True)).backward()
        steps.step()
        if i in (1, 2, 10, 50):
            path[i] = [w.detach().tolist() for w in leaves]
    return {
        "name": name, "options": options, "start": [w.tolist() for w in start],
        "curvature": [c.tolist() for c in curvature], "path": path,
    }  # fmt: skip


def main() -> None:
    """Write the file beside this script."""
    reference = {
        "provenance": {
            "made by": "make_reference.py",
            "torch": torch.__version__,
            "dtype": "float64",
            "seed": SEED,
        },
        "layers": layers(),
        "losses": losses(),
        "batch norm": {
            "affine": batch_norm("BatchNorm1d(5)", 11, 5),
            "other numbers": batch_norm(
                "BatchNorm1d(3, eps=0.01, momentum=0.3)", 2, 3, eps=0.01, momentum=0.3
            ),
            "plain": batch_norm("BatchNorm1d(4, affine=False)", 6, 4, affine=False),
            "with a length": batch_norm("BatchNorm1d(3)", 4, 3, 5),
        },
        "optimizers": [
            optimizer("SGD", lr=0.05),
            optimizer("SGD", lr=0.05, momentum=0.9),
            optimizer("SGD", lr=0.05, momentum=0.9, nesterov=True),
            optimizer("SGD", lr=0.05, weight_decay=0.1),
            optimizer("SGD", lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
            optimizer("Adam", lr=0.05),
            optimizer("Adam", lr=0.2, betas=(0.5, 0.9), eps=1e-3),
        ],
    }
    text = json.dumps(reference, indent=None, separators=(",", ":"))
    Path(__file__).with_name("torch.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
