"""Damaged and hostile files: each is refused in a sentence that says why, and nothing large is ever allocated."""

from __future__ import annotations

import io
import json
import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crafted_files import entry, large_zip, npy_with, safetensors_of, tensor_program, torch_of, zip_of
from hostile_files import CASES, FLOATS, HEADER, MEBIBYTE, NPY, ST

from tinygrad_edu.errors import FormatError, TinygradEduError
from tinygrad_edu.saving import load, read_metadata, save


class Exploit:
    """Its pickle calls a function when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_the_parts_are_right_otherwise(tmp_path: Path) -> None:
    """What the cases are made of loads when nothing is wrong with it."""
    for suffix, data, shape in (
        (ST, safetensors_of({"w": entry()}, FLOATS), (2,)),
        (".npz", zip_of(("w.npy", npy_with(HEADER, bytes(24)))), (3,)),
        (".npz", zip_of(("w.npy", npy_with(HEADER, bytes(24), 2))), (3,)),
        (".npz", zip_of(("w.npy", NPY), method=zipfile.ZIP_DEFLATED), (3,)),
        (".npz", large_zip(zip_of(("w.npy", NPY)), 1), (3,)),
        (".pt", torch_of(tensor_program()), (2, 3)),
    ):
        file = tmp_path / f"fine{suffix}"
        file.write_bytes(data)
        assert load(file)["w"].shape == shape


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str, tmp_path: Path) -> None:
    suffix, data, reason = CASES[name]
    file = tmp_path / f"hostile{suffix}"
    file.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=rf"^hostile{suffix}: .*({reason})") as refused:
            load(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(data) + 8 * MEBIBYTE  # the longest description takes some memory to be read
    assert len(str(refused.value)) < 600
    assert isinstance(refused.value, TinygradEduError)


@pytest.mark.parametrize("protocol", range(6))
def test_no_pickle_is_run(protocol: int, tmp_path: Path) -> None:
    exploit, made = pickle.dumps({"w": Exploit(tmp_path / "made")}, protocol), tmp_path / "made"
    objects = io.BytesIO()
    np.save(objects, np.array([Exploit(made)], object), allow_pickle=True)
    for suffix, data in ((".pt", torch_of(exploit)), (".npz", zip_of(("w.npy", objects.getvalue())))):
        file = tmp_path / f"exploit{suffix}"
        file.write_bytes(data)
        with pytest.raises(FormatError, match=r"asks for|instruction|Python objects"):
            load(file)
        assert not made.exists()
    pickle.loads(exploit)
    assert made.exists()  # it would have


def test_limits_are_arguments(tmp_path: Path) -> None:
    zeros = {"w": np.zeros(4 * MEBIBYTE)}
    packed = tmp_path / "zeros.npz"
    np.savez_compressed(packed, **zeros)
    with pytest.raises(FormatError, match="allow it by max_bytes= and max_ratio="):
        load(packed)
    with pytest.raises(FormatError, match="at most 33000000 bytes were expected"):
        load(packed, max_ratio=2000, max_bytes=33_000_000)
    assert load(packed, max_ratio=2000)["w"].shape == (4 * MEBIBYTE,)
    whole = save(tmp_path / "zeros.safetensors", zeros)
    with pytest.raises(
        FormatError, match=r"at most 33554432 bytes were expected, 3355.* came; max_bytes= allows more"
    ):
        load(whole, max_bytes=4 * MEBIBYTE * 8)
    assert read_metadata(whole, max_bytes=1 << 26) == {}


def test_bfloat16_counts_as_what_it_becomes(tmp_path: Path) -> None:
    header = {"w": entry("BF16", (500,), (0, 1000))}
    file = tmp_path / "half.safetensors"
    file.write_bytes(safetensors_of(header, bytes(1000)))
    with pytest.raises(FormatError, match="at most 1500 bytes were expected, 2000 came"):
        load(file, max_bytes=1500)
    assert load(file, max_bytes=2000)["w"].nbytes == 2000
    file = file.with_suffix(".pt")
    file.write_bytes(torch_of(tensor_program(0, (500,), (1,), 500, "torch\nBFloat16Storage"), bytes(1000)))
    with pytest.raises(FormatError, match="at most 1900 bytes were expected, the tensors have 2000"):
        load(file, max_bytes=1900)
    assert load(file, max_bytes=2000)["w"].nbytes == 2000


def test_a_checksum_that_differs(tmp_path: Path) -> None:
    file = save(tmp_path / "a.safetensors", {"w": np.arange(3.0)}, {"by": "me"})
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(FormatError, match="the checksum differs"):
        load(file)


def test_big_endian_storages(tmp_path: Path) -> None:
    body = np.arange(6, dtype=">f4").tobytes()
    file = tmp_path / "big.pt"
    file.write_bytes(torch_of(tensor_program(), body, byteorder=b"big"))
    assert load(file)["w"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert load(file)["w"].dtype.isnative


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing.npz")
    for name in ("model.bin", "model", "model.pkl"):
        with pytest.raises(
            FormatError, match=f"{name}: a suffix out of .npz, .safetensors, .pt, .pth was expected"
        ):
            load(tmp_path / name)
        with pytest.raises(FormatError, match="a suffix out of"):
            save(tmp_path / name, {})


@pytest.mark.skipif(os.name != "posix", reason="no such devices here")
def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    endless, pipe, folder = (tmp_path / f"{name}.npz" for name in ("endless", "pipe", "folder"))
    endless.symlink_to("/dev/zero")
    os.mkfifo(pipe)
    folder.mkdir()
    for path in (endless, pipe, folder):
        with pytest.raises(
            FormatError, match="an ordinary file was expected, a folder, a device or a pipe came"
        ):
            load(path)


@pytest.mark.parametrize(
    ("state", "error", "reason"),
    [
        ({"a/b": 1}, FormatError, "a name such as"),
        ({"a..b": 1}, FormatError, "a name such as"),
        ({"__metadata__": 1}, FormatError, "not __metadata__"),
        ({3: 1}, FormatError, "a name was expected, int came"),
        ({"a": [None]}, TypeError, "real numbers of up to 64 bits were expected for a, dtype object came"),
        ({"a": 1j}, TypeError, "dtype complex128 came"),
        ({"a": "b"}, TypeError, "dtype <U1 came"),
        ([1.0], TypeError, r"a mapping \{name: array\} was expected, list came"),
    ],
)
@pytest.mark.parametrize("suffix", [".npz", ST, ".pt"])
def test_what_is_not_saved(
    suffix: str, state: Any, error: type[Exception], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=reason):
        save(tmp_path / f"a{suffix}", state)
    assert list(tmp_path.iterdir()) == []


def test_metadata_that_is_not_saved(tmp_path: Path) -> None:
    for suffix in (".npz", ST):
        for metadata in ({"a": 1.5}, {1: "a"}, {"a": "\ud800"}):
            with pytest.raises(FormatError, match="metadata"):
                save(tmp_path / f"a{suffix}", {}, metadata)
    with pytest.raises(FormatError, match=r"no metadata was expected for a \.pt file"):
        save(tmp_path / "a.pt", {}, {"a": "b"})
    assert list(tmp_path.iterdir()) == []


def test_long_metadata_is_refused_when_it_is_written(tmp_path: Path) -> None:
    for suffix in (".npz", ST):
        with pytest.raises(FormatError, match="at most 4194304 bytes"):
            save(tmp_path / f"a{suffix}", {}, {"a": "b" * 5_000_000})
    assert list(tmp_path.iterdir()) == []


def test_the_description_of_others_is_only_json(tmp_path: Path) -> None:
    """Spaces after the description, entries in another order: the format allows both."""
    text = json.dumps({"v": entry(offsets=(8, 16)), "w": entry()}).encode() + b"    "
    file = tmp_path / "a.safetensors"
    file.write_bytes(safetensors_of(text, FLOATS * 2))
    assert list(load(file)) == ["v", "w"]
