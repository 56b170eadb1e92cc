"""Activations, normalizations and losses against PyTorch in float64; see tests/reference/make_nn_reference.py."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "nn.json").read_text(encoding="utf-8"))


def made(case, rng):
    """The layer of a case, with the state that it starts from."""
    args = [tuple(x) if isinstance(x, list) else x for x in case["args"]]
    needs_rng = {"rng": rng} if case["layer"] in ("Linear", "Conv2d") else {}
    layer = getattr(nn, case["layer"])(*args, **case["options"], **needs_rng)
    if case["wrap"]:
        name, _, dim = case["wrap"].partition(" ")
        given = {} if not dim else {"dim": None if dim == "None" else int(dim)}
        layer = getattr(nn, name)(layer, **given, **({"rng": rng} if name == "spectral_norm" else {}))
    start = {name: np.array(value) for name, value in case["start"].items()}
    if not isinstance(layer, nn.Loss):  # whose weights are arguments here, and state there
        layer.load_state_dict(start)
    return layer


# PyTorch rounds their constants, 1/6 and α = 0.7, to float32 on the way back; by numerical derivatives ours are right.
ROUNDED = {"Hardsigmoid", "CELU"}


def agree(found, wanted, what, rtol=1e-10):
    """To 1e-10; and to 1e-12 of the largest, where terms cancel, as both are rounded on that scale."""
    wanted = np.array(wanted, float)
    assert np.shape(found) == wanted.shape, what
    scale = float(np.abs(wanted).max(initial=0.0))
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=1e-12 * max(scale, 1e-3), err_msg=what)


CASES = [
    pytest.param(case, id=f"{case['layer']} {case['wrap']} {i}")
    for group in ("activations", "normalizations", "losses")
    for i, case in enumerate(REFERENCE[group])
]


@pytest.mark.parametrize("case", CASES)
def test_as_in_torch(rng, case):
    layer = made(case, rng)
    for call in case["calls"]:
        layer.train(call["training"])
        layer.zero_grad()
        inputs = [np.array(x) for x in call["inputs"]]
        inputs = [tg.tensor(x, requires_grad=True) if x.dtype.kind == "f" else x for x in inputs]
        y = layer(*inputs)
        agree(y.numpy(), call["output"], "output")
        y.backward(np.array(call["cotangent"]))
        leaves = {str(i): x for i, x in enumerate(inputs) if isinstance(x, tg.Tensor)}
        leaves |= dict(layer.named_parameters())
        assert leaves.keys() == call["gradients"].keys()
        for name, leaf in leaves.items():
            rtol = 5e-7 if case["layer"] in ROUNDED else 1e-10
            agree(leaf.grad.numpy(), call["gradients"][name], f"gradient of {name}", rtol)
        if isinstance(layer, nn.Loss):
            continue
        state = layer.state_dict()
        assert state.keys() == call["after"].keys()
        for name, value in state.items():
            if "Instance" in case["layer"] and name == "num_batches_tracked":
                continue  # PyTorch's instance norms do not count
            agree(value, call["after"][name], name)


def test_every_layer_is_compared():
    layers = {
        case["layer"] for group in ("activations", "normalizations", "losses") for case in REFERENCE[group]
    }
    wraps = {case["wrap"].partition(" ")[0] for case in REFERENCE["normalizations"]}
    assert {"weight_norm", "spectral_norm"} <= wraps
    assert {
        "BatchNorm2d",
        "GroupNorm",
        "InstanceNorm2d",
        "RMSNorm",
        "PReLU",
        "KLDivLoss",
        "NLLLoss",
    } <= layers
