"""Whatever the bytes of a file are: it loads what was saved, or it is refused, and without a huge allocation."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from crafted_files import entry, npy_of, safetensors_of, tensor_program, torch_of, zip_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinygrad_edu.errors import FormatError
from tinygrad_edu.saving import load, save
from tinygrad_edu.saving.safetensors import CHECKSUM
from tinygrad_edu.types import Array

SAVED = Path(__file__).parents[1] / "reference" / "saved"
STATE = {"γ": np.array([[1.5, -2.0, np.nan]], np.float32), "b": np.array(True), "c": np.arange(3)}
MOST = 16 << 20
Originals = dict[str, tuple[str, bytes, dict[str, Array]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def loaded(folder: Path, suffix: str, data: bytes) -> dict[str, Array] | None:
    """What the file gives, None if it is refused: no other error."""
    file = folder / f"a{suffix}"
    file.write_bytes(data)
    try:
        return load(file)
    except FormatError:
        return None


def loaded_in_little(folder: Path, suffix: str, data: bytes) -> dict[str, Array] | None:
    """The same, and without a huge allocation."""
    tracemalloc.start()
    try:
        return loaded(folder, suffix, data)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MOST


@pytest.fixture(scope="module")
def originals(folder: Path) -> Originals:
    """Files with checksums: of this project, of PyTorch, of NumPy."""
    files = [save(folder / f"ours{suffix}", STATE) for suffix in (".npz", ".safetensors", ".pt")]
    files += [SAVED / name for name in ("linear.pt", "views.pt", "savez_compressed.npz")]
    return {file.name: (file.suffix, file.read_bytes(), load(file)) for file in files}


def same(found: dict[str, Array], state: dict[str, Array]) -> bool:
    return found.keys() == state.keys() and all(
        (found[name].shape, found[name].dtype, found[name].tobytes()) == (x.shape, x.dtype, x.tobytes())
        for name, x in state.items()
    )


@pytest.mark.parametrize("name", ["ours.npz", "ours.safetensors", "ours.pt", "linear.pt"])
def test_a_bit_of_every_byte(name: str, originals: Originals, folder: Path) -> None:
    suffix, data, state = originals[name]
    refused = 0
    for at in range(0, len(data), 3 if name == "linear.pt" else 1):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        found = loaded(folder, suffix, bytes(damaged))
        refused += found is None
        assert found is None or same(found, state), at
    assert refused > len(data) / 6  # the others are dates, permissions and the like


@pytest.mark.parametrize("name", ["ours.npz", "ours.safetensors", "ours.pt", "linear.pt"])
def test_every_truncation(name: str, originals: Originals, folder: Path) -> None:
    suffix, data, _ = originals[name]
    assert all(loaded(folder, suffix, data[:n]) is None for n in range(0, len(data), 7))


edits = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "repeat", "insert"]), st.floats(0, 1), st.binary(min_size=1, max_size=8)),
    min_size=1, max_size=6,
)  # fmt: skip


def edited(data: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, some in changes:
        at, n = int(where * len(data)), len(some)
        new = {"set": some, "cut": b"", "repeat": data[at : at + n] * 2, "insert": some + data[at : at + n]}[
            kind
        ]
        data = data[:at] + new + data[at + n :]
    return data


@settings(max_examples=200)
@given(
    name=st.sampled_from(
        ["ours.npz", "ours.safetensors", "ours.pt", "linear.pt", "views.pt", "savez_compressed.npz"]
    ),
    changes=edits,
)
def test_several_edits(
    originals: Originals, folder: Path, name: str, changes: list[tuple[str, float, bytes]]
) -> None:
    suffix, data, state = originals[name]
    damaged = edited(data, changes)
    found = loaded(folder, suffix, damaged)
    without_checksum = suffix == ".safetensors" and f'"{CHECKSUM}"'.encode() not in damaged
    assert found is None or without_checksum or same(found, state)


# Behind the checksums: what describes the arrays is changed before it is packed, as somebody would who wants to.
NPY = npy_of(np.arange(3.0))
HEADER = safetensors_of({"v": entry(), "w": entry(shape=(1,), offsets=(8, 12)), "__metadata__": {"a": "b"}})[
    8:
]
with zipfile.ZipFile(SAVED / "views.pt") as archive:
    VIEWS = archive.read("views/data.pkl")


@settings(max_examples=100)
@given(changes=edits)
def test_descriptions_of_npy(changes: list[tuple[str, float, bytes]], folder: Path) -> None:
    loaded_in_little(folder, ".npz", zip_of(("a.npy", edited(NPY, changes))))


@settings(max_examples=100)
@given(changes=edits)
def test_descriptions_of_safetensors(changes: list[tuple[str, float, bytes]], folder: Path) -> None:
    loaded_in_little(folder, ".safetensors", safetensors_of(edited(HEADER, changes), bytes(12)))


@settings(max_examples=200)
@given(program=st.sampled_from([VIEWS, tensor_program()]), changes=edits)
def test_pickles(program: bytes, changes: list[tuple[str, float, bytes]], folder: Path) -> None:
    loaded_in_little(folder, ".pt", torch_of(edited(program, changes)))


@settings(max_examples=100)
@given(st.sampled_from([".npz", ".safetensors", ".pt"]), st.binary(max_size=200))
@example(".npz", b"PK\x05\x06" + bytes(18))
@example(".pt", b"PK\x05\x06" + bytes(18))
def test_any_bytes(folder: Path, suffix: str, data: bytes) -> None:
    found = loaded_in_little(folder, suffix, data)
    assert not found  # refused, or without arrays


@settings(max_examples=100)
@given(
    shape=st.lists(st.integers(-1, 2**70) | st.integers(0, 6), max_size=4),
    strides=st.lists(st.integers(-1, 2**70) | st.integers(0, 6), max_size=4),
    offset=st.integers(-1, 7), length=st.integers(0, 7),
)  # fmt: skip
def test_any_view(shape: list[int], strides: list[int], offset: int, length: int, folder: Path) -> None:
    """A view that loads has the elements that its formula names, each of them within the storage."""
    body = np.arange(6, dtype=np.float32)
    program = tensor_program(offset, tuple(shape), tuple(strides), length)
    found = loaded_in_little(folder, ".pt", torch_of(program, body.tobytes()))
    if found is not None:
        w = found["w"]
        assert w.shape == tuple(shape)
        for index in np.ndindex(*w.shape):
            assert w[index] == body[offset + sum(i * n for i, n in zip(index, strides, strict=True))]
