"""Make nn.json: what PyTorch computes for activations, normalizations and losses, in float64.

    python tests/reference/make_nn_reference.py         wants torch, which the tests do not

Each case is a class of `torch.nn` with its arguments, a state dict, the inputs of each call and a cotangent, and what
came of them: outputs, gradients by inputs and parameters, and the state after each call. The file is frozen: the tests
compare with what is in it, and no test runs this script.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SEED = 20150206  # the day on which batch normalization was submitted
draw = torch.Generator().manual_seed(SEED)


def normal(*shape: int) -> Tensor:
    """Normally distributed numbers."""
    return torch.randn(shape, generator=draw, dtype=torch.float64)


def uniform(*shape: int) -> Tensor:
    """Numbers in [0, 1)."""
    return torch.rand(shape, generator=draw, dtype=torch.float64)


def state_of(layer: torch.nn.Module) -> dict[str, Any]:
    """The state dict as lists."""
    return {name: value.tolist() for name, value in layer.state_dict().items()}


def called(layer: torch.nn.Module, inputs: list[Any], training: bool) -> dict[str, Any]:
    """One call, forward and backward."""
    layer.train(training)
    layer.zero_grad()
    leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    y = layer(*leaves)
    g = normal(*y.shape)
    y.backward(g)
    gradients = {str(i): x.grad.tolist() for i, x in enumerate(leaves) if x.grad is not None}
    gradients |= {name: p.grad.tolist() for name, p in layer.named_parameters()}
    return {
        "training": training, "inputs": [x.tolist() for x in leaves], "output": y.tolist(), "cotangent": g.tolist(),
        "gradients": gradients, "after": state_of(layer),
    }  # fmt: skip


def case(
    name: str, *args: Any, on: list[list[Any]], modes: str = "tte", wrap: str = "", **options: Any
) -> dict[str, Any]:
    """A layer with parameters of chance, called in each mode: t for training, e for eval."""
    given = {key: torch.tensor(value, dtype=torch.float64) if isinstance(value, list) else value
             for key, value in options.items()}  # fmt: skip
    layer = getattr(torch.nn, name)(*args, **given).double()
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(normal(*p.shape))
    if wrap:
        name_of, _, dim = wrap.partition(" ")
        dimension: Any = {} if not dim else {"dim": None if dim == "None" else int(dim)}
        layer = getattr(torch.nn.utils, name_of)(layer, **dimension)
    start = state_of(layer)
    calls = [called(layer, inputs, mode == "t") for mode, inputs in zip(modes, on, strict=True)]
    return {"layer": name, "args": args, "options": options, "wrap": wrap, "start": start, "calls": calls}


def activations() -> list[dict[str, Any]]:
    """On a line from −30 to 30, and where there is no kink: multiples of 60/64 but for 0."""
    x = torch.cat([torch.linspace(-30, 30, 64, dtype=torch.float64), 3 * normal(16)]).reshape(8, 10)
    plain = ["ReLU6", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Softplus", "Softsign", "Tanh", "Sigmoid",
             "LogSigmoid", "Hardtanh", "Hardsigmoid", "Hardswish"]  # fmt: skip
    found = [case(name, on=[[x]], modes="t") for name in plain]
    found += [
        case("LeakyReLU", 0.2, on=[[x]], modes="t"), case("ELU", 0.7, on=[[x]], modes="t"),
        case("CELU", 0.7, on=[[x]], modes="t"), case("GELU", approximate="tanh", on=[[x]], modes="t"),
        case("Softplus", 2.0, 5.0, on=[[x]], modes="t"), case("Hardtanh", -2.0, 0.5, on=[[x]], modes="t"),
        case("Softmax", 1, on=[[x]], modes="t"), case("LogSoftmax", 0, on=[[x]], modes="t"),
        case("Softmin", 1, on=[[x]], modes="t"), case("PReLU", on=[[normal(4, 3)]], modes="t"),
        case("PReLU", 3, on=[[normal(4, 3, 2)]], modes="t"),
    ]  # fmt: skip
    kinks = torch.tensor([[-3.0, -1.0, 0.0, 1.0, 3.0, 6.0]], dtype=torch.float64)
    found += [
        case(name, on=[[kinks]], modes="t")
        for name in ("ReLU6", "Hardtanh", "ELU", "SELU", "CELU", "LeakyReLU")
    ]
    far = torch.tensor([[-1000.0, -100.0, 100.0, 1000.0]], dtype=torch.float64)
    found += [case(name, on=[[far]], modes="t") for name in [*plain, "LeakyReLU"]]
    return found


def batches(*shape: int) -> list[list[Any]]:
    """Two batches for training and one for eval, off-centre and of other scales."""
    return [[2 * normal(*shape) + 1], [0.5 * normal(*shape) - 3], [normal(*shape)]]


def normalizations() -> list[dict[str, Any]]:
    """Running statistics move in two calls, and are used in the third."""
    return [
        case("BatchNorm1d", 3, on=batches(5, 3)), case("BatchNorm1d", 3, 1e-3, 0.3, on=batches(4, 3, 2)),
        case("BatchNorm1d", 3, momentum=None, on=batches(5, 3)), case("BatchNorm1d", 3, affine=False, on=batches(5, 3)),
        case("BatchNorm1d", 3, track_running_stats=False, on=batches(5, 3)),
        case("BatchNorm2d", 3, on=batches(2, 3, 2, 4)), case("BatchNorm2d", 2, momentum=None, on=batches(2, 2, 3, 3)),
        case("LayerNorm", 4, on=batches(3, 4)), case("LayerNorm", [2, 4], bias=False, on=batches(3, 2, 4)),
        case("LayerNorm", 4, 0.1, False, on=batches(3, 4)), case("GroupNorm", 2, 6, on=batches(2, 6, 3)),
        case("GroupNorm", 3, 6, 0.01, False, on=batches(2, 6)), case("GroupNorm", 1, 4, on=batches(2, 4, 2, 3)),
        case("InstanceNorm1d", 3, on=batches(2, 3, 5)), case("InstanceNorm2d", 3, affine=True, on=batches(2, 3, 2, 4)),
        case("InstanceNorm1d", 3, affine=True, track_running_stats=True, on=batches(2, 3, 5)),
        case("RMSNorm", 4, on=batches(3, 4)), case("RMSNorm", [2, 3], 0.01, on=batches(4, 2, 3)),
        case("RMSNorm", 4, None, False, on=batches(3, 4)),
        case("Linear", 3, 2, wrap="weight_norm", on=batches(5, 3)),
        case("Linear", 3, 2, wrap="weight_norm 1", on=batches(5, 3)),
        case("Linear", 3, 2, wrap="weight_norm None", on=batches(5, 3)),
        case("Conv2d", 2, 3, 2, wrap="weight_norm", on=batches(2, 2, 3, 4)),
        case("Linear", 3, 4, wrap="spectral_norm", on=batches(5, 3)),
        case("Conv2d", 2, 3, 2, wrap="spectral_norm", on=batches(2, 2, 3, 4)),
        case("Linear", 3, 4, wrap="spectral_norm 1", on=batches(5, 3)),
    ]  # fmt: skip


def losses() -> list[dict[str, Any]]:
    """Each reduction, weights, smoothing, ignored labels, targets that are distributions, and logits of ±1000."""
    found = []
    a, b, p, t = normal(4, 3), normal(4, 3), uniform(4, 3), uniform(4, 3)
    logits, labels, far = 3 * normal(5, 4), torch.tensor([2, 0, 3, 1, 1]), 1000 * torch.sign(normal(5, 4))
    q, images, places = torch.softmax(normal(5, 4), 1), normal(2, 4, 3), torch.tensor([[0, 3, 1], [2, 2, 0]])
    signs, weight = torch.tensor([1, -1, -1, 1]), [0.5, 2.0, 1.0, 0.1]
    for r in ("mean", "sum", "none"):
        one = {"modes": "t", "reduction": r}
        found += [
            case("MSELoss", on=[[a, b]], **one), case("L1Loss", on=[[a, b]], **one),
            case("SmoothL1Loss", on=[[a, b]], beta=0.7, **one), case("SmoothL1Loss", on=[[a, b]], beta=0.0, **one),
            case("HuberLoss", on=[[a, b]], delta=0.7, **one), case("BCELoss", on=[[p, t]], **one),
            case("BCELoss", on=[[p, t]], weight=[0.5, 2.0, 1.0], **one), case("BCEWithLogitsLoss", on=[[a, t]], **one),
            case("BCEWithLogitsLoss", on=[[a, t]], weight=[0.5, 2.0, 1.0], pos_weight=[3.0, 1.0, 0.2], **one),
            case("BCEWithLogitsLoss", on=[[far, q]], **one), case("NLLLoss", on=[[logits, labels]], **one),
            case("NLLLoss", on=[[images, places]], weight=weight, ignore_index=2, **one),
            case("CrossEntropyLoss", on=[[logits, labels]], **one), case("CrossEntropyLoss", on=[[far, labels]], **one),
            case("CrossEntropyLoss", on=[[logits, labels]], weight=weight, label_smoothing=0.1, **one),
            case("CrossEntropyLoss", on=[[logits, labels]], ignore_index=1, label_smoothing=0.3, **one),
            case("CrossEntropyLoss", on=[[images, places]], weight=weight, ignore_index=2, label_smoothing=0.2, **one),
            case("CrossEntropyLoss", on=[[logits, q]], **one),
            case("CrossEntropyLoss", on=[[logits, q]], weight=weight, label_smoothing=0.1, **one),
            case("KLDivLoss", on=[[logits, q]], **one),
            case("KLDivLoss", on=[[logits, logits]], log_target=True, **one),
            case("CosineEmbeddingLoss", on=[[a, b, signs]], **one),
            case("CosineEmbeddingLoss", 0.3, on=[[a, b, signs]], **one),
        ]  # fmt: skip
    return [*found, case("KLDivLoss", on=[[logits, q]], modes="t", reduction="batchmean")]


def main() -> None:
    """Write the file."""
    found = {
        "torch": torch.__version__.partition("+")[0], "activations": activations(),
        "normalizations": normalizations(), "losses": losses(),
    }  # fmt: skip
    Path(__file__).with_name("nn.json").write_text(
        json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
