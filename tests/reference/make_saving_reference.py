"""Make saved/: files as users of PyTorch, safetensors and NumPy write them, and what is in them.

    python tests/reference/make_saving_reference.py     wants torch and safetensors, which the tests do not

For each of twelve models, NAME.pt is `torch.save(model.state_dict())` and NAME.safetensors is `save_file` of the same;
expected.npz has an input and PyTorch's output for it, computed in float64 from the stored values. The files written.*
go the other way: this project's `save` has made them, and here the other libraries have read them. All files are
frozen: the tests compare with what is in them, and no test runs this script.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from torch import Tensor, nn

from tinygrad_edu.saving import read_metadata, save

FOLDER = Path(__file__).parent / "saved"
SEED = 19970901  # the month in which the LSTM was published


def mlp() -> nn.Module:
    """Three layers."""
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], torch.dtype]] = {
    "linear": (lambda: nn.Linear(3, 2), (5, 3), torch.float32),
    "mlp": (mlp, (5, 3), torch.float64),
    "mlp_half": (mlp, (5, 3), torch.float16),
    "mlp_bfloat16": (mlp, (5, 3), torch.bfloat16),
    "batch_norm": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Sigmoid(), nn.Linear(4, 2)), (5, 3), torch.float32,
    ),
    "conv": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2)
        ), (2, 2, 7, 8), torch.float32,
    ),
    "conv_transpose": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 4, 3, dilation=2, groups=2), nn.Tanh(), nn.ConvTranspose1d(4, 3, 2, stride=2)
        ), (2, 2, 9), torch.float32,
    ),
    "embedding": (lambda: nn.Sequential(nn.Embedding(7, 4), nn.LayerNorm(4), nn.Linear(4, 2)), (2, 5), torch.float32),
    "lstm": (lambda: nn.LSTM(3, 2, num_layers=2, bidirectional=True), (4, 2, 3), torch.float32),
    "gru": (lambda: nn.GRU(3, 4, batch_first=True), (2, 4, 3), torch.float32),
    "attention": (lambda: nn.MultiheadAttention(6, 2), (4, 2, 6), torch.float32),
    "transformer": (
        lambda: nn.TransformerEncoderLayer(6, 2, 5, activation="gelu", norm_first=True), (4, 2, 6), torch.float32,
    ),
}  # fmt: skip


def output(model: nn.Module, x: Tensor) -> Tensor:
    """The first of what the model returns."""
    if isinstance(model, nn.MultiheadAttention):
        return model(x, x, x)[0]
    y = model(x)
    return y[0] if isinstance(y, tuple) else y


def trained_a_little(model: nn.Module, x: Tensor) -> None:
    """Move all parameters and running statistics away from where they start."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
        for _ in range(3):
            output(model, x)


def models() -> dict[str, np.ndarray]:
    """Write the models, and return inputs and outputs."""
    expected = {}
    for name, (build, shape, dtype) in MODELS.items():
        model = build().double()
        x = torch.randint(0, 7, shape) if name == "embedding" else torch.randn(shape, dtype=torch.float64)
        trained_a_little(model, x)
        model.to(dtype)
        torch.save(model.state_dict(), FOLDER / f"{name}.pt")
        safetensors.torch.save_file(
            model.state_dict(), FOLDER / f"{name}.safetensors", metadata={"format": "pt"}
        )
        with torch.no_grad():
            y = output(model.double().eval(), x)
        expected |= {f"{name}.x": x.numpy(), f"{name}.y": y.numpy()}
    return expected


def views() -> dict[str, np.ndarray]:
    """Write tensors that are not simply their storage, and all dtypes; return what they are."""
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    kept: dict[str, Any] = {
        "base": base, "transposed": base.permute(2, 0, 1), "sliced": base[1:, ::2, 3],
        "expanded": base[0, 0, :1].expand(4, 3), "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3),
        "row": base[2, 3], "parameter": nn.Parameter(torch.ones(2)),
        "special": torch.tensor([float("nan"), float("inf"), -0.0]),
    }  # fmt: skip
    for dtype in (
        "bool",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "float64",
    ):
        kept[dtype] = torch.tensor([0, 1, 3]).to(getattr(torch, dtype))
    kept["bfloat16"] = torch.tensor([1.0, -2.5, 3.0e38]).to(torch.bfloat16)
    torch.save(kept, FOLDER / "views.pt")
    whole = {name: t.detach().clone(memory_format=torch.contiguous_format) for name, t in kept.items()}
    safetensors.torch.save_file(whole, FOLDER / "dtypes.safetensors", metadata={"of": "all dtypes"})
    arrays = {
        name: (t.float() if t.dtype == torch.bfloat16 else t).detach().numpy() for name, t in kept.items()
    }
    np.savez(FOLDER / "savez.npz", **arrays)
    np.savez_compressed(FOLDER / "savez_compressed.npz", **arrays)
    return {f"views.{name}": array for name, array in arrays.items()}


def written() -> None:
    """Write with this project, read with the others, and compare."""
    state = {f"of.{name}": np.array([[0, 1, 3]], name) for name in ("bool", "float16", "float32", "float64", "int8",
             "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")}  # fmt: skip
    state |= {
        "scalar": np.float32(-0.0),
        "empty": np.zeros((0, 3)),
        "γ": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    }
    metadata = {"of": "all dtypes", "γ": "\n"}
    for suffix, others in ((".pt", {}), (".npz", metadata), (".safetensors", metadata)):
        save(FOLDER / f"written{suffix}", state, others)
    found = {
        "torch": {k: v.numpy() for k, v in torch.load(FOLDER / "written.pt", weights_only=True).items()},
        "mmap": {
            k: v.numpy() for k, v in torch.load(FOLDER / "written.pt", weights_only=True, mmap=True).items()
        },
        "numpy": {k: v for k, v in np.load(FOLDER / "written.npz").items() if k in state},
        "safetensors": safetensors.numpy.load_file(FOLDER / "written.safetensors"),
    }
    for library, arrays in found.items():
        assert arrays.keys() == state.keys(), library
        for name, array in arrays.items():
            same = (array.shape, array.dtype, array.tobytes()) == (
                state[name].shape,
                state[name].dtype,
                state[name].tobytes(),
            )
            assert same, (library, name)
    with safetensors.safe_open(FOLDER / "written.safetensors", "np") as file:
        assert metadata.items() <= file.metadata().items()
    assert read_metadata(FOLDER / "written.safetensors") == metadata
    print("written by this project, and read by", ", ".join(found))


def main() -> None:
    """Write all of it."""
    torch.manual_seed(SEED)
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / "expected.npz", **models(), **views())
    written()
    print(sum(file.stat().st_size for file in FOLDER.iterdir()), "bytes")


if __name__ == "__main__":
    main()
