"""PyTorch's own files give its models' outputs; what is written is what PyTorch, NumPy and safetensors have read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import nn
from tinygrad_edu.core.node import value_of
from tinygrad_edu.saving import load, load_into, read_metadata, save

SAVED = Path(__file__).parents[1] / "reference" / "saved"
with np.load(SAVED / "expected.npz") as file:
    EXPECTED = {name: file[name] for name in file.files}


def mlp(rng: np.random.Generator) -> nn.Module:
    return nn.Sequential(
        nn.Linear(3, 5, rng=rng), nn.Tanh(), nn.Linear(5, 4, rng=rng), nn.ReLU(), nn.Linear(4, 2, rng=rng)
    )


# The models of make_saving_reference.py, in this project's words.
MODELS: dict[str, Callable[[np.random.Generator], nn.Module]] = {
    "linear": lambda rng: nn.Linear(3, 2, rng=rng),
    "mlp": mlp,
    "mlp_half": mlp,
    "mlp_bfloat16": mlp,
    "batch_norm": lambda rng: nn.Sequential(
        nn.Linear(3, 4, rng=rng), nn.BatchNorm1d(4), nn.Sigmoid(), nn.Linear(4, 2, rng=rng)
    ),
    "conv": lambda rng: nn.Sequential(
        nn.Conv2d(2, 3, 3, stride=2, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(12, 2, rng=rng),
    ),
    "conv_transpose": lambda rng: nn.Sequential(
        nn.Conv1d(2, 4, 3, dilation=2, groups=2, rng=rng), nn.Tanh(), nn.ConvTranspose1d(4, 3, 2, stride=2, rng=rng)
    ),
    "embedding": lambda rng: nn.Sequential(nn.Embedding(7, 4, rng=rng), nn.LayerNorm(4), nn.Linear(4, 2, rng=rng)),
    "lstm": lambda rng: nn.LSTM(3, 2, num_layers=2, bidirectional=True, rng=rng),
    "gru": lambda rng: nn.GRU(3, 4, batch_first=True, rng=rng),
    "attention": lambda rng: nn.MultiheadAttention(6, 2, rng=rng),
    "transformer": lambda rng: nn.TransformerEncoderLayer(6, 2, 5, activation="gelu", norm_first=True, rng=rng),
}  # fmt: skip


def test_every_model_of_the_reference_is_here() -> None:
    assert {name.removesuffix(".x") for name in EXPECTED if name.endswith(".x")} == set(MODELS)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_torch_gives_its_outputs(name: str, suffix: str, rng: np.random.Generator) -> None:
    model = MODELS[name](rng).eval()
    assert load_into(model, SAVED / f"{name}{suffix}") == ([], [])
    x = EXPECTED[f"{name}.x"]
    y: Any = model(x, x, x) if name == "attention" else model(x)
    y = value_of(y[0] if isinstance(y, tuple) else y)
    np.testing.assert_allclose(y, EXPECTED[f"{name}.y"], rtol=1e-12, atol=1e-12)


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype), name
        assert found[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("file", ["views.pt", "dtypes.safetensors", "savez.npz", "savez_compressed.npz"])
def test_views_and_dtypes(file: str) -> None:
    """Transposed, sliced, repeated, shared; with 0 axes, without elements; all dtypes."""
    views = {name.removeprefix("views."): x for name, x in EXPECTED.items() if name.startswith("views.")}
    same(load(SAVED / file), views)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".npz"])
def test_what_is_written_is_what_others_have_read(suffix: str, tmp_path: Path) -> None:
    """The script has read these very bytes with torch.load(weights_only=True), safetensors and np.load."""
    kept = SAVED / f"written{suffix}"
    again = save(tmp_path / f"again{suffix}", load(kept), read_metadata(kept))
    assert again.read_bytes() == kept.read_bytes()


def test_numpy_reads_npz(tmp_path: Path) -> None:
    state = load(SAVED / "written.npz")
    with np.load(save(tmp_path / "a.npz", state), allow_pickle=False) as file:
        same({name: file[name] for name in file.files}, state)


def test_metadata_of_others() -> None:
    assert read_metadata(SAVED / "dtypes.safetensors") == {"of": "all dtypes"}
    assert read_metadata(SAVED / "mlp.safetensors") == {"format": "pt"}
    assert read_metadata(SAVED / "mlp.pt") == {}
