"""Safetensors: a length, a description in JSON, and the bytes of all arrays one behind the other.

    8 bytes: n │ n bytes: {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …} │ bytes

All of the format is in this line: nothing in such a file can be run, and its arrays cannot be more than the file. The
offsets count from the end of the description; together the arrays cover what follows it, without overlap or gap. The
format is that of the package `safetensors` (2022), version 0.4 and later.

It has no checksum, so a flipped bit would be loaded as another number. `write` therefore puts one into the metadata,
where other readers see a string among others, and `read` compares it if it is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import IO, Any

from tinygrad_edu.errors import FormatError
from tinygrad_edu.saving.contents import (
    DESCRIPTION,
    DTYPES,
    RESERVED,
    array_of,
    checked_length,
    checked_metadata,
    checked_name,
    from_bfloat16,
    strict_json,
)
from tinygrad_edu.types import Array

CODES = {"BOOL" if d.kind == "b" else f"{d.kind.upper()}{8 * d.itemsize}": d for d in DTYPES.values()}
CODE_OF = {dtype.name: code for code, dtype in CODES.items()}
HALF = "BF16"
CHECKSUM = "tinygrad_edu.sha256"


def read(data: bytes, room: int) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays and the metadata of a file's bytes; BF16 becomes float32. They may be no more than `room`.

    Raises:
        FormatError: anything is not as it should be.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, DESCRIPTION):
        raise FormatError(
            f"a description of at most {DESCRIPTION} bytes within the file of {len(data)} was expected, "
            f"one of {length} bytes is announced: the file is truncated, or of another format"
        )
    described = strict_json(data[8 : 8 + length]) if data[8:9] == b"{" else None
    if not isinstance(described, dict):
        raise FormatError("a description in JSON, {name: {…}}, was expected, something else came")
    metadata = dict(checked_metadata(described.pop(RESERVED, {})))
    spans = {checked_name(name): _span(name, entry) for name, entry in described.items()}
    body = memoryview(data)[8 + length :]
    _check_cover(spans, len(body))
    wide = sum(end - begin for name, (begin, end) in spans.items() if described[name]["dtype"] == HALF)
    if len(body) + wide > room:
        raise FormatError(
            f"at most {room} bytes were expected, {len(body) + wide} came; max_bytes= allows more"
        )
    arrays = {name: _array(name, described[name], body[begin:end]) for name, (begin, end) in spans.items()}
    expected = metadata.pop(CHECKSUM, None)
    if expected is not None and expected != _checksum([body], described, metadata):
        raise FormatError("the checksum differs from that of the contents: the file is damaged")
    return arrays, metadata


def _span(name: str, entry: Any) -> tuple[int, int]:
    whole = isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}
    offsets: Any = entry["data_offsets"] if whole else None
    pair = isinstance(offsets, list) and len(offsets) == 2 and all(type(n) is int for n in offsets)
    if not pair or not isinstance(entry["shape"], list) or not isinstance(entry["dtype"], str):
        raise FormatError(
            f"{name}: dtype, shape [n, …] and data_offsets [begin, end] were expected, others came"
        )
    return offsets[0], offsets[1]


def _check_cover(spans: dict[str, tuple[int, int]], length: int) -> None:
    at = 0
    for name, (begin, end) in sorted(spans.items(), key=lambda item: item[1]):
        if begin != at or end < begin:
            raise FormatError(
                f"{name}: offsets that begin at {at} were expected, where the array before ends, "
                f"{str(begin)[:20]} to {str(end)[:20]} came: arrays must neither overlap nor leave a gap"
            )
        at = end
    if at != length:
        raise FormatError(
            f"{str(at)[:20]} bytes of arrays were expected, {length} came: truncated, or too long"
        )


def _array(name: str, entry: dict[str, Any], body: memoryview) -> Array:
    code = entry["dtype"]
    if code not in CODES and code != HALF:
        known = ", ".join([*CODES, HALF])
        raise FormatError(f"{name}: one of the dtypes {known} was expected, {code[:20]!r} came")
    try:
        if code == HALF:
            return from_bfloat16(array_of(body, DTYPES["uint16"], entry["shape"]))
        return array_of(body, CODES[code], entry["shape"])
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error


def write(file: IO[bytes], state: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write arrays, as `contents.stored` gives them, and metadata.

    Those with the longest elements come first, so that each array begins at a multiple of its element's length.
    """
    described, bodies, at = dict[str, Any](), list[bytes](), 0
    for name, array in sorted(state.items(), key=lambda item: -item[1].itemsize):
        bodies.append(array.tobytes())
        described[name] = {
            "dtype": CODE_OF[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    described = {name: described[name] for name in state}  # in the order that they came in
    checksum = _checksum(bodies, described, metadata)
    header = json.dumps(
        {RESERVED: {**metadata, CHECKSUM: checksum}, **described}, ensure_ascii=False
    ).encode()
    header += b" " * (-len(header) % 8)
    file.write(len(checked_length(header)).to_bytes(8, "little") + header)
    file.writelines(bodies)


def _checksum(bodies: Iterable[Any], described: dict[str, Any], metadata: dict[str, str]) -> str:
    """SHA-256 of the description, the metadata, in which order does not count, and the arrays."""
    digest = hashlib.sha256(json.dumps([described, metadata], sort_keys=True).encode())
    for body in bodies:
        digest.update(body)
    return digest.hexdigest()
