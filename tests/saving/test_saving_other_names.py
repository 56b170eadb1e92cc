"""Files of PyTorch's other ways to save, and what cannot be saved or loaded, in words."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import nn
from tinygrad_edu.errors import FormatError
from tinygrad_edu.saving import load, load_into, save

# What PyTorch calls the same numbers, in `weight_norm` and `spectral_norm` of its `parametrizations`.
NEWER = {
    "0.weight_g": "0.parametrizations.weight.original0",
    "0.weight_v": "0.parametrizations.weight.original1",
    "1.weight_orig": "1.parametrizations.weight.original",
    "1.weight_u": "1.parametrizations.weight.0._u",
    "1.weight_v": "1.parametrizations.weight.0._v",
}


def normed(seed: int) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.weight_norm(nn.Linear(3, 2, rng=rng)), nn.spectral_norm(nn.Linear(2, 2, rng=rng), rng=rng)
    )


def test_names_of_parametrizations_are_understood(tmp_path: Path) -> None:
    source, target = normed(0).eval(), normed(1).eval()
    state = {NEWER.get(name, name): value for name, value in source.state_dict().items()}
    save(tmp_path / "a.pt", state)
    assert load(tmp_path / "a.pt").keys() == state.keys()  # loaded alone, names are those of the file
    assert load_into(target, tmp_path / "a.pt") == ([], [])
    x = np.random.default_rng(2).normal(size=(4, 3))
    np.testing.assert_array_equal(target(x).numpy(), source(x).numpy())


def test_names_that_are_there_twice_are_not_guessed(tmp_path: Path) -> None:
    state = normed(0).state_dict()
    save(tmp_path / "a.npz", state | {NEWER["0.weight_g"]: state["0.weight_g"]})
    with pytest.raises(ValueError, match=r"unexpected: 0\.parametrizations\.weight\.original0"):
        load_into(normed(1), tmp_path / "a.npz")


def test_the_format_before_zip_archives_is_named(tmp_path: Path) -> None:
    """Such a file begins with three pickles: a number that is always the same, a version, and the system."""
    path = tmp_path / "old.pt"
    path.write_bytes(
        b"".join(pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    )
    with pytest.raises(
        FormatError, match=r"PyTorch's format before 1\.6 came: load it in PyTorch, and save it anew"
    ):
        load(path)


def test_places_and_names_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"for 'm\.npz', the folder '.*nope' does not exist"):
        save(tmp_path / "nope" / "m.npz", {"w": np.ones(2)})
    with pytest.raises(FormatError, match=r"'w\.npy' came"):
        save(tmp_path / "m.npz", {"w.npy": np.ones(2)})
    assert not list(tmp_path.iterdir())
    save(tmp_path / "m.npz", {"w": np.ones(2)})
    with (
        (tmp_path / "m.npz").open("rb") as file,
        pytest.raises(TypeError, match=r"path of a file .* say load\('"),
    ):
        load(file)  # type: ignore[arg-type]
