"""What a file may hold, whatever its format: named arrays of real numbers, and a few strings about them.

An array in a file is three things: a dtype, a shape, and the bytes of its elements, the last axis running fastest:

    number of bytes = product of the shape × bytes per element

Whoever reads a file must not believe any of the three, nor the names. The rules here are checked when a file is
written as well as when it is read, so what `save` accepts, `load` accepts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import FormatError
from tinygrad_edu.types import Array

INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
#: The dtypes that files hold, as they lie there: little-endian, which is what nearly every machine has.
DTYPES = {
    name: np.dtype(name).newbyteorder("<") for name in ("bool", "float16", "float32", "float64", *INTEGERS)
}
#: The name under which a file keeps its metadata; no array can have it.
RESERVED = "__metadata__"
#: What describes the arrays is short. So many bytes of it will do for some ten thousand arrays.
DESCRIPTION = 4 << 20
LONGEST, AXES, LARGEST = 512, 32, 2**62  # characters of a name; axes of an array; bytes that NumPy can count


def checked_name(name: Any) -> str:
    """A name such as `blocks.0.weight`, or an error.

    Refused is what would be another thing to somebody else who gets it: a path to a folder, to the folder above, a
    name whose characters cannot be seen.

    Raises:
        FormatError: it is not such a name.
    """
    if not isinstance(name, str):
        raise FormatError(f"a name was expected, {type(name).__name__} came")
    fine = name.isprintable() and len(name) <= LONGEST and not {"/", "\\"} & {*name} and all(name.split("."))
    if not fine or name == RESERVED:
        raise FormatError(
            f"a name such as 'blocks.0.weight' was expected, at most {LONGEST} characters long, without slashes, "
            f"invisible characters or empty parts between dots, and not {RESERVED}; {name[:80]!r} came"
        )
    return name


def checked_shape(shape: Sequence[Any], itemsize: int) -> tuple[int, ...]:
    """A shape, if it is one that an array could have.

    Raises:
        FormatError: lengths that are no integers ≥ 0, too many axes, more bytes than can be counted.
    """
    lengths = tuple(shape)
    whole = all(type(n) is int and n >= 0 for n in lengths)  # True is an int to Python, but no length
    if not whole or len(lengths) > AXES or math.prod(max(n, 1) for n in lengths) * itemsize > LARGEST:
        raise FormatError(
            f"a shape was expected: at most {AXES} lengths ≥ 0 of an array that fits a memory; "
            f"{str(lengths[:8])[:80] if whole else 'something else'} came"
        )
    return lengths


def stored(value: Any, name: str) -> Array:
    """An array as it lies in a file: little-endian, the last axis fastest. No bit of its elements changes.

    Raises:
        FormatError: it has too many axes.
        TypeError: it holds something other than real numbers of up to 64 bits.
    """
    array = np.asarray(value)
    dtype = DTYPES.get(array.dtype.name)
    if dtype is None:
        raise TypeError(
            f"save: real numbers of up to 64 bits were expected for {name}, dtype {array.dtype} came; "
            f"one of {', '.join(DTYPES)} can be stored"
        )
    checked_shape(array.shape, dtype.itemsize)
    return array.astype(dtype, order="C", copy=False)


def array_of(data: Any, dtype: np.dtype[Any], shape: Sequence[Any], order: str = "C") -> Array:
    """The array whose elements are these bytes, with the byte order of this machine, as a copy.

    Raises:
        FormatError: the number of bytes is not that of the shape, or a truth value is neither 0 nor 1.
    """
    lengths = checked_shape(shape, dtype.itemsize)
    expected = math.prod(lengths) * dtype.itemsize
    if len(data) != expected:
        raise FormatError(
            f"{expected} bytes were expected for shape {lengths} of {dtype.name}, {len(data)} came"
        )
    return native(np.frombuffer(data, dtype).reshape(lengths, order="F" if order == "F" else "C"))


def native(array: Array) -> Array:
    """A copy with the byte order of this machine, the last axis fastest.

    Raises:
        FormatError: a truth value is neither 0 nor 1. NumPy would compute nonsense with it.
    """
    if array.dtype == np.bool_ and array.size and array.view(np.uint8).max() > 1:
        raise FormatError("truth values were expected, bytes 0 and 1; another byte came")
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=True)


def from_bfloat16(halves: Array) -> Array:
    """bfloat16 is the upper half of a float32: the same sign and exponent, and 7 of its 23 further bits.

    NumPy has no such dtype. As float32, every one of its values is exact.
    """
    return (halves.astype(np.uint32) << np.uint32(16)).view(np.float32)


def checked_length(description: bytes) -> bytes:
    """What describes the arrays, if it is short enough.

    Raises:
        FormatError: it is longer than `DESCRIPTION`.
    """
    if len(description) > DESCRIPTION:
        raise FormatError(
            f"at most {DESCRIPTION} bytes were expected to describe the arrays, {len(description)} came"
        )
    return description


def strict_json(text: bytes) -> Any:
    """JSON as its standard (RFC 8259) has it, in UTF-8, and no key twice: which of the two would be meant?

    Raises:
        FormatError: it is not that; NaN and Infinity, which Python would accept, are not either.
    """

    def no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise FormatError("JSON with each key once was expected, a key came twice")
        return dict(pairs)

    def refuse(constant: str) -> Any:
        raise FormatError(f"JSON was expected, {constant} came: it is not a number there")

    try:
        return json.loads(
            checked_length(text).decode(), object_pairs_hook=no_key_twice, parse_constant=refuse
        )
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, an absurd number; too deep
        raise FormatError(f"JSON was expected, this came: {type(error).__name__}") from error


def checked_metadata(metadata: Any) -> dict[str, str]:
    """{string: string}.

    Raises:
        FormatError: it is not that.
    """
    if not isinstance(metadata, dict) or any(type(s) is not str for item in metadata.items() for s in item):
        raise FormatError(
            "metadata {string: string} was expected, something else came: write numbers as str(x)"
        )
    try:
        json.dumps(metadata, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise FormatError(
            "metadata of proper characters was expected, half of a surrogate pair came"
        ) from error
    return metadata
