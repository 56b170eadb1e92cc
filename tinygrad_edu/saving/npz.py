r"""NumPy's .npz: a zip archive with a member `name.npy` for each array.

    \x93NUMPY 1 0 │ length │ {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }␠␠␠\n │ bytes

The text is a Python literal. NumPy evaluates it; here it is only read, in the one form that arrays of numbers have.
There is another form, for arrays of Python objects, whose bytes are a pickle: it can run any program when it is read.
Files such as `np.savez(file, **state)` writes are read, and `np.load` reads what is written here.
"""

from __future__ import annotations

import json
import re
from typing import IO, Any

import numpy as np

from tinygrad_edu.errors import FormatError
from tinygrad_edu.saving.archive import members, write_members
from tinygrad_edu.saving.contents import (
    DTYPES,
    RESERVED,
    array_of,
    checked_length,
    checked_metadata,
    checked_name,
    strict_json,
)
from tinygrad_edu.types import Array

MAGIC = b"\x93NUMPY"
METADATA = f"{RESERVED}.json"  # not an array: NumPy gives its bytes
ITEM = r"('descr'\s*:\s*'[^']*'|'fortran_order'\s*:\s*(?:True|False)|'shape'\s*:\s*\([\d,\s]*\))"
HEADER = re.compile(rf"\{{\s*{ITEM}\s*,\s*{ITEM}\s*,\s*{ITEM}\s*,?\s*\}}\s*", re.ASCII)
CODES = {f"{dtype.kind}{dtype.itemsize}": dtype for dtype in DTYPES.values()}


def read(data: bytes, room: int) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays and the metadata of a file's bytes; unpacked, they may be no more than `room`.

    Raises:
        FormatError: anything is not as it should be.
    """
    held = members(data, room)
    metadata = strict_json(bytes(held.pop(METADATA))) if METADATA in held else {}
    arrays = {}
    for member, body in held.items():
        name = checked_name(member.removesuffix(".npy"))
        if not member.endswith(".npy"):
            raise FormatError(f"members NAME.npy were expected, {name!r} came")
        try:
            arrays[name] = read_npy(body)
        except FormatError as error:
            raise FormatError(f"{name}: {error}") from error
    return arrays, checked_metadata(metadata)


def read_npy(body: Any) -> Array:
    """The array of a member, in versions 1 to 3 of the format, which differ in how long the text may be.

    Raises:
        FormatError: it is not such an array.
    """
    start = bytes(body[:12])
    if len(start) < 12 or not start.startswith(MAGIC) or start[6] not in (1, 2, 3):
        raise FormatError("an array in NumPy's format was expected, something else came")
    width = 2 if start[6] == 1 else 4
    begin = 8 + width
    end = begin + int.from_bytes(start[8:begin], "little")
    if end > min(len(body), 10_000):  # a hundred characters are usual
        raise FormatError("a short description of the array was expected, a long or truncated one came")
    text = bytes(body[begin:end]).decode("latin-1")
    found = HEADER.fullmatch(text)
    halves = [item.partition(":") for item in found.groups()] if found else []
    items = {key.strip().strip("'"): value.strip() for key, _, value in halves}
    if len(items) != 3:
        raise FormatError(
            f"'descr', 'fortran_order' and 'shape' of an array of numbers were expected, {text[:80].strip()!r} came"
        )
    order = "F" if items["fortran_order"] == "True" else "C"
    return array_of(body[end:], _dtype(items["descr"]), _lengths(items["shape"]), order)


def _dtype(descr: str) -> np.dtype[Any]:
    order, code = descr[1:2], descr[2:-1]
    if code == "O":
        raise FormatError(
            "numbers were expected, Python objects came: they are pickles, which can run any program"
        )
    if code not in CODES or order not in "<>|" or (order == "|") != (CODES[code].itemsize == 1):
        raise FormatError(f"one of {', '.join(DTYPES)} was expected, {descr[:20]} came")
    return CODES[code].newbyteorder(">") if order == ">" else CODES[code]


def _lengths(shape: str) -> list[int]:
    lengths = shape.strip("()").replace(" ", "").split(",")
    if lengths[-1] == "":  # () or (3,)
        lengths.pop()
    if not all(re.fullmatch(r"\d{1,19}", n) for n in lengths):
        raise FormatError(f"a shape was expected, {shape[:80]} came")
    return [int(n) for n in lengths]


def write(file: IO[bytes], state: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write arrays, as `contents.stored` gives them, and metadata.

    Raises:
        FormatError: a name that ends with .npy, which `np.load` would know by two names.
    """
    doubtful = [name for name in state if name.endswith(".npy")]
    if doubtful:
        raise FormatError(
            f"names that do not end with .npy, as NumPy adds that itself, were expected, {doubtful[0]!r} came"
        )
    parts = [(f"{name}.npy", [_header(array), array.tobytes()]) for name, array in state.items()]
    if metadata:
        parts.append((METADATA, [checked_length(json.dumps(metadata, ensure_ascii=False).encode())]))
    write_members(file, parts)


def _header(array: Array) -> bytes:
    shape = "".join(f"{n}, " for n in array.shape)
    text = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': ({shape.removesuffix(' ')}), }}"
    spaces = -(len(MAGIC) + 4 + len(text) + 1) % 64  # the elements begin at a multiple of 64 bytes
    text += " " * spaces + "\n"
    return MAGIC + b"\x01\x00" + len(text).to_bytes(2, "little") + text.encode("ascii")
