"""A layer of ours and what PyTorch computed with the same state: see tests/reference/make_layers_reference.py."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn

FILE = Path(__file__).parents[1] / "reference" / "layers.npz"


@cache
def read() -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """The cases, and all arrays by their names."""
    arrays, start = {}, 0
    with np.load(FILE) as file:
        numbers = file["numbers"]
        for name, (shape, dtype) in json.loads(str(file["names"])).items():
            end = start + int(np.prod(shape))
            arrays[name] = numbers[start:end].reshape(shape).astype(dtype)
            start = end
        return json.loads(str(file["about"]))["cases"], arrays


def cases(*layers: str) -> list[Any]:
    """The numbers of the cases of some classes."""
    return [i for i, each in enumerate(read()[0]) if each["layer"] in layers]


def called(i: int) -> str:
    """A case in a few characters."""
    each = read()[0][i]
    options = [f"{name}={value}" for name, value in each["options"].items()] + list(each["call"])
    return f"{each['layer']}({', '.join([*map(str, each['args']), *options])})"


def flat(results: Any) -> list[tg.Tensor]:
    """The tensors in nested tuples."""
    if results is None:
        return []
    return [x for part in results for x in flat(part)] if isinstance(results, tuple) else [results]


def close(found: Any, wanted: np.ndarray, what: str) -> None:
    """To 1e-10, relative to the largest number."""
    assert found.shape == wanted.shape, what
    np.testing.assert_allclose(
        found, wanted, rtol=1e-10, atol=1e-10 * np.abs(wanted).max(initial=0), err_msg=what
    )


def compare(i: int) -> None:
    """Keys of the state, outputs, and gradients by inputs and parameters."""
    each, arrays = read()[0][i], read()[1]
    given = {name.partition("/")[2]: x for name, x in arrays.items() if name.startswith(f"{i}/")}
    options = dict(each["options"])
    if not each["layer"].endswith(("Pool1d", "Pool2d", "LayerNorm")):  # which draw nothing
        options["rng"] = np.random.default_rng(0)
    layer = getattr(nn, each["layer"])(*each["args"], **options)
    state = {name.partition("/")[2]: x for name, x in given.items() if name.startswith("state/")}
    assert list(layer.state_dict()) == list(state)
    layer.load_state_dict(state)
    inputs = [given[f"input/{k}"] for k in range(len(each["on"]))]
    xs: list[Any] = inputs if each["integers"] else [tg.tensor(x, requires_grad=True) for x in inputs]
    operands: list[Any] = xs * 3 if each["same"] else xs
    if "LSTM" in each["layer"] and len(xs) == 3:
        operands = [xs[0], tuple(xs[1:])]
    call = {
        name: np.array(value) if isinstance(value, list) else value for name, value in each["call"].items()
    }
    outputs = flat(layer(*operands, **call))
    assert len(outputs) == sum(name.startswith("output/") for name in given)
    for k, y in enumerate(outputs):
        close(y.numpy(), given[f"output/{k}"], f"output {k}")
    total = sum((y * given[f"cotangent/{k}"]).sum() for k, y in enumerate(outputs))
    leaves = {f"input {k}": x for k, x in enumerate(xs) if not each["integers"]} | dict(
        layer.named_parameters()
    )
    assert leaves.keys() == {name.partition("/")[2] for name in given if name.startswith("gradient/")}
    for name, g in zip(leaves, tg.gradients(total, list(leaves.values())), strict=True):
        close(np.asarray(g), given[f"gradient/{name}"], f"gradient by {name}")
