"""What is saved is loaded bit for bit, however it lay in memory."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import tinygrad_edu as tg
from tinygrad_edu.saving import load, read_metadata, save

SUFFIXES = [".npz", ".safetensors", ".pt"]
DTYPES = [
    "bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip


def bits(array: Any) -> tuple[str, tuple[int, ...], bytes]:
    """What must be the same: the dtype, the shape, and all bits, most significant byte first."""
    array = np.asarray(array)
    return array.dtype.name, array.shape, array.astype(array.dtype.newbyteorder(">"), order="C").tobytes()


def written_and_read(path: Path, state: dict[str, Any]) -> None:
    found = load(save(path, state))
    assert list(found) == list(state)
    for name, value in state.items():
        array = found[name]
        assert bits(array) == bits(value), name
        flags = array.flags
        assert flags.owndata or array.base.flags.owndata
        assert flags.writeable
        assert flags.c_contiguous
        assert array.dtype.isnative


# A signalling NaN with a payload, both zeros, infinities, the smallest subnormal number.
PATTERNS = {
    "float16": (np.uint16, [0x7C01, 0xFE2A, 0x8000, 0x0000, 0x7C00, 0xFC00, 0x0001]),
    "float32": (np.uint32, [0x7F800001, 0xFFC0BEEF, 0x80000000, 0, 0x7F800000, 0xFF800000, 1]),
    "float64": (np.uint64, [0x7FF0000000000001, 0xFFF80000DEADBEEF, 1 << 63, 0, 0x7FF << 52, 0xFFF << 52, 1]),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_bit_pattern_stays(suffix: str, tmp_path: Path) -> None:
    state = {}
    for name, (carrier, patterns) in PATTERNS.items():
        state[name] = np.array(patterns, carrier).view(name)
        state[f"{name}.big"] = np.array(patterns, carrier).byteswap().view(np.dtype(name).newbyteorder(">"))
    assert bits(state["float32"]) == bits(state["float32.big"])
    path = tmp_path / f"a{suffix}"
    written_and_read(path, state)
    for name, (carrier, patterns) in PATTERNS.items():
        for found in (load(path)[name], load(path)[f"{name}.big"]):
            assert found.view(carrier).tolist() == patterns


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_layout(suffix: str, tmp_path: Path, rng: np.random.Generator) -> None:
    a = rng.normal(size=(3, 5, 7))
    state = {
        "fortran": np.asfortranarray(a), "reversed": a[::-1, :, ::-2], "transposed": a.T,
        "broadcast": np.broadcast_to(a[0], (2, 5, 7)), "0-d": np.array(2.5), "number": -0.0, "truth": True, "whole": 7,
        "list": [[1, 2], [3, 4]], "empty": np.zeros((3, 0, 5)),
        "nothing": np.zeros(0, np.int8), "axes": np.ones((1,) * 32), "read-only": np.frombuffer(b"\1\2\3", np.uint8),
        "γ.weight": a[0], "a b": 1,
    }  # fmt: skip
    written_and_read(tmp_path / f"a{suffix}", state)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype(name: str, suffix: str, tmp_path: Path, rng: np.random.Generator) -> None:
    a = (
        rng.integers(0, 2, size=(5, 3)).astype(name)
        if name == "bool"
        else rng.integers(0, 99, size=(5, 3)).astype(name)
    )
    extremes = [] if name == "bool" else [np.finfo(name) if "float" in name else np.iinfo(name)]
    state = {"a": a, "big": a.astype(np.dtype(name).newbyteorder(">"))}
    state |= {"extremes": np.array([x for e in extremes for x in (e.min, e.max)], name)}
    written_and_read(tmp_path / f"a{suffix}", state)


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda s: s.isprintable() and not {".", "/", "\\"} & {*s}
)
kept = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map(".".join),
    arrays.arrays(
        st.one_of(
            arrays.boolean_dtypes(), arrays.integer_dtypes(endianness="?"),
            arrays.unsigned_integer_dtypes(endianness="?"), arrays.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
        ),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    max_size=4,
)  # fmt: skip
counter = itertools.count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("roundtrip")


@settings(max_examples=50)
@given(state=kept, suffix=st.sampled_from(SUFFIXES))
def test_anything(folder: Path, state: dict[str, Any], suffix: str) -> None:
    written_and_read(folder / f"{next(counter)}{suffix}", state)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tensors_and_no_arrays_at_all(suffix: str, tmp_path: Path) -> None:
    path = save(tmp_path / f"a{suffix}", {"w": tg.tensor([1.0, 2.0], requires_grad=True)})
    assert bits(load(path)["w"]) == bits(np.array([1.0, 2.0]))
    written_and_read(tmp_path / f"b{suffix}", {})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_loaded_is_a_copy(suffix: str, tmp_path: Path) -> None:
    state = {"a": np.arange(3.0)}
    path = save(tmp_path / f"a{suffix}", state)
    found = load(path)
    found["a"][:] = -1
    assert load(path)["a"].tolist() == state["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_metadata(suffix: str, tmp_path: Path) -> None:
    metadata = {"epoch": "7", "γ": "a\nb\0", "": ""}
    path = save(tmp_path / f"a{suffix}", {"a": 1.0}, metadata)
    assert read_metadata(path) == metadata
    assert list(load(path)) == ["a"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_state_gives_the_same_file(suffix: str, tmp_path: Path) -> None:
    state = {"a": np.arange(3.0), "b": np.int8(1)}
    first, second = (save(tmp_path / f"{name}{suffix}", state).read_bytes() for name in "ab")
    assert first == second


def test_suffixes_in_capitals(tmp_path: Path) -> None:
    assert load(save(str(tmp_path / "A.NPZ"), {"a": 1}))["a"] == 1
    assert load(save(tmp_path / "a.pth", {"a": 1}))["a"] == 1


def test_arrays_begin_where_their_elements_may(tmp_path: Path) -> None:
    """Files of safetensors are mapped into memory: a float64 has to begin at a multiple of 8 bytes."""
    state = {
        "a": np.ones(3, np.int8),
        "b": np.ones(3),
        "c": np.ones(3, np.float16),
        "d": np.ones(5, np.float32),
    }
    data = save(tmp_path / "a.safetensors", state).read_bytes()
    at = {np.ones(3).tobytes(): 8, np.ones(5, np.float32).tobytes(): 4, np.ones(3, np.float16).tobytes(): 2}
    assert [data.index(body) % size for body, size in at.items()] == [0, 0, 0]
