"""Files put together by hand, as an attacker would."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import Any

import numpy as np


def safetensors_of(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    """A file with this description, which may be text, and this announced length of it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(dtype: str = "F32", shape: Any = (2,), offsets: Any = (0, 8), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


def zip_of(*parts: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, body in parts:
            archive.writestr(zipfile.ZipInfo(name), body, method)
    return file.getvalue()


def large_zip(data: bytes, count: int) -> bytes:
    """The archive with its end in the form for more than 65,534 members, and this number of them."""
    at = data.index(b"PK\x05\x06")
    size, start = struct.unpack("<2L", data[at + 12 : at + 20])
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    return (
        data[:at]
        + record
        + locator
        + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, size, start, 0)
    )


def npy_of(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def npy_with(text: str, body: bytes = b"", version: int = 1) -> bytes:
    """An array whose description is this text."""
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode("latin-1") + body


def torch_of(program: bytes, body: bytes = bytes(24), **more: bytes) -> bytes:
    """A .pt file with this pickle and a storage "0"."""
    others = [(f"a/{name}", content) for name, content in more.items()]
    return zip_of(("a/data.pkl", program), ("a/data/0", body), *others)


def tensor_program(
    offset: int = 0, shape: tuple[int, ...] = (2, 3), strides: tuple[int, ...] = (3, 1), length: int = 6,
    kind: str = "torch\nFloatStorage", name: str = "w", more: bytes = b"", function: str = "_rebuild_tensor_v2",
) -> bytes:  # fmt: skip
    """The pickle of {name: tensor}, in the instructions of protocol 0 to 2."""

    def integer(n: int) -> bytes:
        body = n.to_bytes(16, "little", signed=True)
        return b"\x8a\x10" + body

    def string(text: str) -> bytes:
        return b"X" + struct.pack("<I", len(text.encode())) + text.encode()

    def numbers(ns: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(integer, ns)) + b"t"

    storage = (
        b"("
        + string("storage")
        + f"c{kind}\n".encode()
        + string("0")
        + string("cpu")
        + integer(length)
        + b"tQ"
    )
    call = (
        f"ctorch._utils\n{function}\n".encode()
        + b"("
        + storage
        + integer(offset)
        + numbers(shape)
        + numbers(strides)
    )
    return b"\x80\x02}(" + string(name) + call + b"\x89}" + more + b"tRu."
