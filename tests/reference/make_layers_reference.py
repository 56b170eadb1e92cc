"""What PyTorch computes with its layers, for tests/nn/: outputs, and gradients by inputs and parameters.

    python tests/reference/make_layers_reference.py

writes layers.npz beside itself. Each case has a state dict, inputs, a cotangent for each output, and what came of them,
all float64. Its "cases" are a text in JSON: the class, its arguments, and what it was called with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

SEED = 19890101  # the year of LeCun's convolutions
draw = torch.Generator().manual_seed(SEED)


def normal(*shape: int) -> Tensor:
    """Normally distributed numbers."""
    return torch.randn(shape, generator=draw, dtype=torch.float64)


def case(layer: str, *args: Any, on: list[list[int]], call: dict[str, Any] | None = None, integers: int = 0,
         same: bool = False, **options: Any) -> dict[str, Any]:  # fmt: skip
    """A case: the class and its arguments, and the shapes of its inputs.

    `integers` > 0: inputs are integers below it. `same`: one input, three times. `call`: options of the call; a list in
    it is an array.
    """
    return {"layer": layer, "args": args, "options": options, "on": on, "call": call or {}, "integers": integers,
            "same": same}  # fmt: skip


def convolutions() -> Iterator[dict[str, Any]]:
    """Strides, paddings, dilations, groups, and all of them together."""
    yield case("Conv1d", 3, 2, 3, on=[[2, 3, 6]])
    yield case("Conv1d", 2, 4, 2, 2, 1, 2, 2, bias=False, on=[[2, 2, 7]])
    yield case("Conv1d", 2, 3, 4, padding="same", on=[[2, 2, 5]])
    yield case("Conv1d", 2, 3, 3, padding="valid", dilation=2, on=[[1, 2, 7]])
    yield case("Conv2d", 1, 2, 3, on=[[2, 1, 5, 4]])
    yield case("Conv2d", 3, 2, [2, 3], [2, 1], [1, 2], on=[[2, 3, 5, 4]])
    yield case("Conv2d", 2, 3, 2, 3, 1, on=[[2, 2, 6, 7]])
    yield case("Conv2d", 4, 6, 3, 1, 1, groups=2, on=[[2, 4, 4, 3]])
    yield case("Conv2d", 3, 6, 2, groups=3, on=[[2, 3, 3, 3]])
    yield case("Conv2d", 2, 2, [3, 2], dilation=[1, 2], on=[[2, 2, 5, 5]])
    yield case("Conv2d", 2, 4, [2, 3], [2, 3], [2, 1], [2, 1], 2, bias=False, on=[[2, 2, 5, 6]])
    yield case("Conv2d", 2, 3, [2, 4], padding="same", dilation=[3, 1], on=[[2, 2, 4, 5]])
    yield case("Conv2d", 2, 3, 1, on=[[2, 2, 3, 2]])
    yield case("Conv2d", 1, 2, [3, 4], on=[[1, 1, 3, 4]])
    yield case("ConvTranspose1d", 3, 2, 3, on=[[2, 3, 4]])
    yield case("ConvTranspose1d", 4, 2, 3, 3, 1, 2, 2, bias=False, dilation=2, on=[[2, 4, 3]])
    yield case("ConvTranspose2d", 2, 3, 2, on=[[2, 2, 3, 2]])
    yield case("ConvTranspose2d", 2, 3, [2, 3], [2, 1], [1, 0], on=[[2, 2, 3, 3]])
    yield case("ConvTranspose2d", 2, 1, 3, 2, 1, 1, on=[[2, 2, 3, 2]])
    yield case("ConvTranspose2d", 4, 6, [3, 2], [2, 3], [1, 2], [0, 2], 2, dilation=[1, 2], on=[[2, 4, 2, 3]])
    yield case("ConvTranspose2d", 2, 2, 1, 3, on=[[1, 2, 3, 2]])


def pools() -> Iterator[dict[str, Any]]:
    """Pooling, with windows that are not full, and those that are asked for by number."""
    for axes in (1, 2):
        shape = [2, 2, 7, 6][: 2 + axes]
        yield case(f"MaxPool{axes}d", 2, on=[shape])
        yield case(f"MaxPool{axes}d", 3, 2, 1, on=[shape])
        yield case(f"MaxPool{axes}d", 3, 1, 1, dilation=2, on=[shape])
        yield case(f"MaxPool{axes}d", 3, 2, 1, ceil_mode=True, on=[shape])
        yield case(f"MaxPool{axes}d", 2, 5, ceil_mode=True, on=[shape])
        yield case(f"AvgPool{axes}d", 2, on=[shape])
        yield case(f"AvgPool{axes}d", 3, 2, 1, on=[shape])
        yield case(f"AvgPool{axes}d", 3, 2, 1, count_include_pad=False, on=[shape])
        yield case(f"AvgPool{axes}d", 4, 3, 2, ceil_mode=True, on=[shape])
        yield case(f"AvgPool{axes}d", 2, 4, 1, ceil_mode=True, count_include_pad=False, on=[shape])
        for size in (1, 3, 5, 6, 9):
            yield case(f"AdaptiveAvgPool{axes}d", size, on=[shape])
            yield case(f"AdaptiveMaxPool{axes}d", size, on=[shape])
    yield case("MaxPool2d", [2, 3], [3, 1], [1, 0], on=[[2, 1, 5, 4]])
    yield case("AvgPool2d", [3, 2], [1, 2], [0, 1], ceil_mode=True, on=[[2, 1, 5, 4]])
    yield case("AdaptiveAvgPool2d", [2, 5], on=[[2, 1, 5, 3]])
    yield case("AdaptiveMaxPool2d", [4, 1], on=[[2, 1, 5, 3]])


def others() -> Iterator[dict[str, Any]]:
    """Embedding and layer normalization."""
    yield case("Embedding", 5, 3, integers=5, on=[[4, 6]])
    yield case("Embedding", 5, 3, padding_idx=2, integers=5, on=[[9]])
    yield case("Embedding", 4, 2, padding_idx=-1, integers=4, on=[[2, 3, 2]])
    yield case("LayerNorm", 5, on=[[2, 3, 5]])
    yield case("LayerNorm", [3, 4], eps=0.01, on=[[2, 3, 4]])
    yield case("LayerNorm", 4, bias=False, on=[[3, 4]])
    yield case("LayerNorm", 3, elementwise_affine=False, on=[[4, 3]])


def recurrences() -> Iterator[dict[str, Any]]:
    """Cells, and layers in both directions, with and without a state to begin with."""
    for name, states in (("RNN", 1), ("LSTM", 2), ("GRU", 1)):
        yield case(f"{name}Cell", 2, 3, on=[[2, 2]])
        yield case(f"{name}Cell", 2, 3, bias=False, on=[[2, 2], *[[2, 3]] * states])
        yield case(name, 2, 3, on=[[4, 2, 2]])
        yield case(name, 2, 3, bias=False, batch_first=True, on=[[2, 3, 2]])
        yield case(name, 2, 3, 2, bidirectional=True, on=[[3, 2, 2], *[[4, 2, 3]] * states])
        yield case(name, 1, 2, 3, batch_first=True, on=[[2, 4, 1], *[[3, 2, 2]] * states])
    yield case("RNNCell", 2, 3, nonlinearity="relu", on=[[2, 2], [2, 3]])
    yield case("RNN", 2, 3, nonlinearity="relu", bidirectional=True, on=[[4, 2, 2]])


def attentions() -> Iterator[dict[str, Any]]:
    """Attention with masks of all sorts, and blocks."""
    itself = {"same": True, "on": [[4, 2, 6]]}
    causal = np.triu(np.ones((4, 4), bool), 1).tolist()
    yield case("MultiheadAttention", 6, 2, **itself)
    yield case("MultiheadAttention", 6, 3, bias=False, call={"need_weights": False}, **itself)
    yield case("MultiheadAttention", 6, 2, call={"average_attn_weights": False}, **itself)
    yield case("MultiheadAttention", 6, 2, call={"attn_mask": causal}, **itself)
    yield case("MultiheadAttention", 6, 2, call={"attn_mask": causal, "is_causal": True}, **itself)
    yield case("MultiheadAttention", 6, 2, call={"attn_mask": normal(4, 4).tolist()}, **itself)
    yield case("MultiheadAttention", 6, 2, call={"attn_mask": normal(4, 4, 4).tolist()}, **itself)
    padding = [[False, False, True, False], [True, False, False, True]]
    yield case("MultiheadAttention", 6, 2, call={"key_padding_mask": padding}, **itself)
    both = {
        "key_padding_mask": [[False, True, False, True], [False, False, False, False]],
        "attn_mask": causal,
    }
    yield case("MultiheadAttention", 6, 2, call=both, **itself)
    apart = [[2, 3, 4], [2, 5, 4], [2, 5, 4]]
    yield case("MultiheadAttention", 4, 2, batch_first=True, on=apart)
    yield case("MultiheadAttention", 4, 1, batch_first=True, call={"average_attn_weights": False}, on=apart)
    yield case("MultiheadAttention", 4, 2, kdim=3, vdim=5, on=[[2, 2, 4], [3, 2, 3], [3, 2, 5]])
    yield case(
        "MultiheadAttention", 4, 2, bias=False, vdim=2, batch_first=True, on=[[1, 2, 4], [1, 3, 4], [1, 3, 2]]
    )
    for options in ({}, {"norm_first": True}, {"activation": "gelu", "batch_first": True}):
        yield case("TransformerEncoderLayer", 4, 2, 5, 0.0, on=[[3, 2, 4]], **options)
    yield case("TransformerEncoderLayer", 4, 1, 3, 0.0, norm_first=True, layer_norm_eps=0.01, on=[[4, 2, 4]],
               call={"src_mask": causal, "src_key_padding_mask": both["key_padding_mask"]})  # fmt: skip


def flat(results: Any) -> list[Tensor]:
    """The tensors in nested tuples."""
    if results is None:
        return []
    return [results] if isinstance(results, Tensor) else [x for part in results for x in flat(part)]


def listed(given: Any) -> Any:
    """Torch wants a tuple for a list of sizes."""
    return tuple(given) if isinstance(given, list) else given


def compute(each: dict[str, Any]) -> dict[str, Tensor]:
    """A state, inputs, cotangents, and what came of them, each under a name."""
    options = {name: listed(value) for name, value in each["options"].items()}
    layer = getattr(torch.nn, each["layer"])(*map(listed, each["args"]), **options).double().train()
    for name, parameter in layer.named_parameters():
        with torch.no_grad():  # 0 and 1 would hide what is missing
            start = 0.5 * normal(*parameter.shape) + ("norm" in name)
            if each["layer"] == "Embedding" and layer.padding_idx is not None:
                start[layer.padding_idx] = 0
            parameter.copy_(start)
    found = {f"state/{name}": value.detach().clone() for name, value in layer.state_dict().items()}
    if each["integers"]:
        xs = [torch.randint(each["integers"], shape, generator=draw) for shape in each["on"]]
    else:
        xs = [normal(*shape).requires_grad_() for shape in each["on"]]
    call = {
        name: torch.from_numpy(np.array(x)) if isinstance(x, list) else x for name, x in each["call"].items()
    }
    operands: list[Any] = xs * 3 if each["same"] else xs
    if "LSTM" in each["layer"] and len(xs) == 3:
        operands = [xs[0], tuple(xs[1:])]
    outputs = flat(layer(*operands, **call))
    cotangents = [normal(*y.shape) for y in outputs]
    torch.autograd.backward(outputs, cotangents)
    for i, (y, g) in enumerate(zip(outputs, cotangents, strict=True)):
        found |= {f"output/{i}": y.detach(), f"cotangent/{i}": g}
    for i, x in enumerate(xs):
        found[f"input/{i}"] = x.detach()
        if x.requires_grad:
            found[f"gradient/input {i}"] = x.grad
    return found | {f"gradient/{name}": p.grad for name, p in layer.named_parameters()}


def main() -> None:
    """Write the file beside this script."""
    cases = [*convolutions(), *pools(), *others(), *recurrences(), *attentions()]
    arrays = {f"{i}/{name}": x.numpy() for i, each in enumerate(cases) for name, x in compute(each).items()}
    about = {"made by": "make_layers_reference.py", "torch": torch.__version__, "seed": SEED, "cases": cases}
    flat_file = {"about": np.array(json.dumps(about)), "names": np.array(json.dumps(
        {name: [list(x.shape), str(x.dtype)] for name, x in arrays.items()}))}  # fmt: skip
    # One array for all numbers: as a file of its own each would cost a few hundred bytes.
    numbers = np.concatenate([x.ravel().astype(float) for x in arrays.values()])
    np.savez_compressed(Path(__file__).with_name("layers.npz"), numbers=numbers, **flat_file)


if __name__ == "__main__":
    main()
