"""Damaged and hostile files, by what is wrong with them, each with the reason for which it must be refused."""

from __future__ import annotations

import pickle
import struct
import zipfile
from typing import Any

import numpy as np
from crafted_files import entry, large_zip, npy_of, npy_with, safetensors_of, tensor_program, torch_of, zip_of

FLOATS = np.arange(2, dtype=np.float32).tobytes()
NPY = npy_of(np.arange(3.0))
MEBIBYTE = 1 << 20
HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"


def overlapping() -> bytes:
    """Two members of which the second lies within the first (Fifield 2019)."""
    inner = zip_of(("b.npy", NPY))
    local = inner[: inner.index(b"PK\x01\x02")]
    outer = zip_of(("a.npy", local))
    begin = outer.index(b"PK\x03\x04", 4)
    listed, end = outer.index(b"PK\x01\x02"), outer.index(b"PK\x05\x06")
    second = bytearray(inner[inner.index(b"PK\x01\x02") : inner.index(b"PK\x05\x06")])
    second[42:46] = struct.pack("<L", begin)
    directory = outer[listed:end] + bytes(second)
    return (
        outer[:listed]
        + directory
        + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), listed, 0)
    )


def with_claim(name: str, body: bytes, size: int) -> bytes:
    """A deflated member whose directory claims that it unpacks to another size."""
    data = bytearray(zip_of((name, body), method=zipfile.ZIP_DEFLATED))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<L", size)
    return bytes(data)


def with_byte(at: int, byte: int) -> bytes:
    """A deflated member of which a byte is another; the first 30 are its record, and 5 its name."""
    data = bytearray(zip_of(("a.npy", NPY), method=zipfile.ZIP_DEFLATED))
    data[at] = byte
    return bytes(data)


def swallowing() -> bytes:
    """Two members of which the first has the record of the second as its comment."""
    data = bytearray(zip_of(("a.npy", NPY), ("b.npy", NPY)))
    second = data.rindex(b"PK\x01\x02")
    first = data.index(b"PK\x01\x02")
    data[first + 32 : first + 34] = struct.pack("<H", data.index(b"PK\x05\x06") - second)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(zip_of(("a.npy", NPY)))
    for flags in (6, data.index(b"PK\x01\x02") + 8):
        data[flags] |= 1
    return bytes(data)


def renamed() -> bytes:
    """The name before the member is another than that in the directory."""
    return zip_of(("a.npy", NPY)).replace(b"a.npy", b"b.npy", 1)


def twice() -> bytes:
    return zip_of(("a.npy", NPY), ("b.npy", NPY)).replace(b"b.npy", b"a.npy")


ST = ".safetensors"


def of_array(array: Any) -> bytes:
    return zip_of(("a.npy", npy_of(array)))


def described(text: str, other: str) -> bytes:
    """An array of 24 bytes, in whose description a text is replaced."""
    return zip_of(("a.npy", npy_with(HEADER.replace(text, other), bytes(24))))


def of_tensor(*arguments: Any, **options: Any) -> bytes:
    return torch_of(tensor_program(*arguments, **options))


SAFETENSORS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "at most 4194304 bytes within the file of 0"),
    "header beyond the file": (safetensors_of({}, length=3), "truncated, or of another format"),
    "header of 100 MB": (safetensors_of({}, length=100_000_000), "one of 100000000 bytes is announced"),
    "header of 5 MB": (safetensors_of(b"{}" + b" " * 5_000_000), "at most 4194304 bytes"),
    "header of 2**64 - 1": (safetensors_of({}, length=2**64 - 1), "one of 18446744073709551615"),
    "no object": (safetensors_of([]), "a description in JSON"),
    "a space before": (safetensors_of(b" {}"), "a description in JSON"),
    "no JSON": (safetensors_of(b"{'w': 1}"), "JSON was expected"),
    "no UTF-8": (safetensors_of(b'{"\xff": 1}'), "JSON was expected, this came: UnicodeDecodeError"),
    "deep": (safetensors_of(b'{"w":' + b"[" * 100_000), "JSON was expected"),
    "a number of 9999 digits": (safetensors_of(b'{"w":' + b"9" * 9999 + b"}"), "JSON was expected"),
    "a key twice": (safetensors_of(b'{"w": 1, "w": 1}'), "a key came twice"),
    "a key twice, within": (safetensors_of(b'{"w": {"dtype": "F32", "dtype": "F64"}}'), "a key came twice"),
    "NaN in the metadata": (safetensors_of(b'{"__metadata__": {"a": NaN}}'), "NaN came"),
    "a number in the metadata": (safetensors_of({"__metadata__": {"a": 1}}), "metadata {string: string}"),
    "metadata as a list": (safetensors_of({"__metadata__": []}), "metadata {string: string}"),
    "half a surrogate": (safetensors_of({"__metadata__": {"a": "\ud800"}}), "half of a surrogate"),
    "an entry too few": (safetensors_of({"w": {"dtype": "F32", "shape": []}}), "w: dtype, shape"),
    "an entry too many": (safetensors_of({"w": entry(stride=1)}, FLOATS), "w: dtype, shape"),
    "unknown dtype": (safetensors_of({"w": entry("F8_E4M3")}, FLOATS), "w: one of the dtypes BOOL.*F8_E4M3"),
    "complex": (safetensors_of({"w": entry("C64", (1,))}, FLOATS), "w: one of the dtypes"),
    "Infinity as a length": (safetensors_of(b'{"w": {"shape": [Infinity]}}'), "Infinity came"),
    "negative length": (safetensors_of({"w": entry(shape=(-2,))}, FLOATS), "w: a shape was expected"),
    "fractional length": (safetensors_of({"w": entry(shape=(2.0,))}, FLOATS), "w: a shape was expected"),
    "true as a length": (safetensors_of({"w": entry(shape=(True, 2))}, FLOATS), "w: a shape was expected"),
    "absurd shape": (safetensors_of({"w": entry(shape=(2**40, 2**40))}, FLOATS), "w: a shape.*fits a memory"),
    "absurd and empty": (safetensors_of({"w": entry(shape=(0, 2**80), offsets=(0, 0))}), "w: a shape"),
    "33 axes": (safetensors_of({"w": entry(shape=(1,) * 32 + (2,))}, FLOATS), "w: a shape.*at most 32 lengths"),
    "larger shape": (safetensors_of({"w": entry(shape=(3,))}, FLOATS), "w: 12 bytes.*8 came"),
    "negative offset": (safetensors_of({"w": entry(offsets=(-8, 0))}, FLOATS), "w: offsets that begin at 0"),
    "reversed offsets": (safetensors_of({"w": entry(offsets=(0, -8))}, FLOATS), "w: offsets that begin"),
    "offsets beyond": (safetensors_of({"w": entry(shape=(4,), offsets=(0, 16))}, FLOATS), "16 bytes of arrays"),
    "true as an offset": (safetensors_of({"w": entry(offsets=(False, 8))}, FLOATS), "w: dtype, shape"),
    "one offset": (safetensors_of({"w": entry(offsets=(0,))}, FLOATS), "w: dtype, shape"),
    "overlap": (safetensors_of({"v": entry(), "w": entry()}, FLOATS), "w: offsets that begin at 8"),
    "gap": (safetensors_of({"v": entry(), "w": entry(offsets=(12, 20))}, FLOATS * 3), "w: offsets that begin at 8"),
    "more than is described": (safetensors_of({"w": entry()}, FLOATS + b"\0"), "8 bytes of arrays.*9 came"),
    "truncated": (safetensors_of({"w": entry()}, FLOATS[:-1]), "8 bytes of arrays.*7 came"),
    "half a truth": (safetensors_of({"w": entry("BOOL", (1,), (0, 1))}, b"\2"), "w: truth values"),
    "name to a folder": (safetensors_of({"a/b": entry()}, FLOATS), "a name such as"),
    "name to the folder above": (safetensors_of({"..": entry()}, FLOATS), "a name such as"),
    "backslash": (safetensors_of({"a\\b": entry()}, FLOATS), "a name such as"),
    "no name": (safetensors_of({"": entry()}, FLOATS), "a name such as"),
    "invisible": (safetensors_of({"a\u202eb": entry()}, FLOATS), "a name such as"),
    "a name with a zero": (safetensors_of({"a\0b": entry()}, FLOATS), "a name such as"),
    "a long name": (safetensors_of({"a" * 513: entry()}, FLOATS), "at most 512 characters"),
}  # fmt: skip
NPZ: dict[str, tuple[bytes, str]] = {
    "no zip": (NPY, "a zip archive of at most 100000 members"),
    "zip, truncated": (zip_of(("a.npy", NPY))[:-10], "its directory is damaged"),
    "a program before the zip": (b"MZ" + zip_of(("a.npy", NPY)), "a zip archive"),
    "objects": (of_array(np.array([print], object)), "a: numbers were expected, Python objects"),
    "text": (of_array(np.array(["b"])), "a: one of bool.*<U1"),
    "complex array": (of_array(np.array([1j])), "a: one of bool.*<c16"),
    "long double": (zip_of(("a.npy", npy_with(HEADER.replace("f8", "f16"), bytes(48)))), "a: one of bool.*<f16"),
    "a record": (of_array(np.zeros(2, "i4,f8")), "a: 'descr', 'fortran_order' and 'shape'"),
    "native order": (described("<", "="), "a: one of bool.*=f8"),
    "code as the shape": (zip_of(("a.npy", npy_with(HEADER.replace("(3,)", "print()")))), "a: 'descr'"),
    "commas": (described("(3,)", "(3,,)"), "a: a shape.*3,,"),
    "absurd npy": (described("3,", "9" * 19 + ", 9"), "a: a shape"),
    "many digits": (described("3,", "9" * 4000 + ","), "a: a shape"),
    "huge npy": (described("3,", "9" * 12 + ","), "a: 7999.* 24 came"),
    "other key": (described("descr", "dtype"), "a: 'descr'"),
    "key twice": (zip_of(("a.npy", npy_with("{'shape': (), 'shape': (), 'shape': ()}"))), "a: 'descr'"),
    "version 9": (zip_of(("a.npy", npy_with(HEADER, bytes(24), 9))), "a: an array in NumPy's format"),
    "short": (zip_of(("a.npy", b"\x93NUMPY")), "a: an array in NumPy's format"),
    "long description": (zip_of(("a.npy", npy_with(HEADER + " " * 20_000, bytes(24)))), "a: a short description"),
    "other member": (zip_of(("a.txt", b"hello")), "members NAME.npy were expected, 'a.txt' came"),
    "slash in a name": (zip_of(("a/b.npy", NPY)), "a name such as 'blocks.0.weight'"),
    "absolute": (zip_of(("/etc/a.npy", NPY)), "members with plain names"),
    "above": (zip_of(("../a.npy", NPY)), "members with plain names"),
    "reserved": (zip_of(("__metadata__.npy", NPY)), "not __metadata__"),
    "metadata of another kind": (zip_of(("__metadata__.json", b"[1]")), "metadata {string: string}"),
    "a member twice": (twice(), "'a.npy' came twice"),
    "two names": (renamed(), "two records of 'a.npy'"),
    "overlapping members": (overlapping(), "'b.npy' overlaps another"),
    "a comment of a member": (swallowing(), "2 members were announced"),
    "a large archive with other members": (large_zip(zip_of(("a.npy", NPY)), 2), "2 members were announced"),
    "a comment at the end": (zip_of(("a.npy", NPY))[:-2] + b"\1\0c", "the last record at the end"),
    "encrypted": (encrypted(), "'a.npy' is packed otherwise"),
    "bzip2": (zip_of(("a.npy", NPY), method=zipfile.ZIP_BZIP2), "'a.npy' is packed otherwise"),
    "a bomb": (zip_of(("a.npy", npy_of(np.zeros(4 * MEBIBYTE))), method=zipfile.ZIP_DEFLATED), "unpack to 33554"),
    "a bomb that claims little": (with_claim("a.npy", bytes(64 * MEBIBYTE), 100), "not those that were stored"),
    "a claim of 4 GB": (with_claim("a.npy", NPY, 2**32 - 2), "it claims to unpack to 4294967294"),
    "damaged deflate": (with_byte(35, 0xFF), "deflated bytes"),
}  # fmt: skip
PT: dict[str, tuple[bytes, str]] = {
    "no pickle": (zip_of(("a/version", b"3")), "one state_dict, NAME/data.pkl"),
    "a pickle of 5 MB": (torch_of(b"}" * 5_000_000), "at most 4194304 bytes"),
    "two pickles": (zip_of(("a/data.pkl", b"}."), ("b/data.pkl", b"}.")), "one state_dict"),
    "an old file": (pickle.dumps(0x1950A86A20F9469CFC6C, 2), "a zip archive"),
    "not a state_dict": (torch_of(pickle.dumps([1], 2)), "a state_dict {name: tensor} was expected"),
    "a checkpoint": (torch_of(pickle.dumps({"epoch": 3}, 2)), "epoch: a tensor was expected, int came"),
    "a key that is a number": (torch_of(pickle.dumps({3: 3}, 2)), "pairs for a dict, with strings as keys"),
    "an array": (torch_of(pickle.dumps({"w": np.ones(2)}, 2)), "asks for 'numpy"),
    "eval": (torch_of(b"c__builtin__\neval\n(X\x01\0\0\0at R."), "asks for '__builtin__.eval', which is not fetched"),
    "eval, in protocol 4": (torch_of(pickle.dumps(eval, 4)), "asks for 'builtins.eval'"),
    "a name with a backslash": (torch_of(b"c\\ollections\nOrderedDict\n)R."), "asks for .*ollections.OrderedDict"),
    "a name without an end": (torch_of(b"c"), "asks for"),
    "an instance": (torch_of(b"(i__main__\nX\n."), "the instruction INST"),
    "a registered code": (torch_of(b"\x80\x02\x82\x01."), "the instruction EXT1"),
    "a dtype called": (torch_of(b"ctorch\nFloatStorage\n)R."), "the call of a known function"),
    "memo of 4 billion": (torch_of(b"}r\xff\xff\xff\xff"), "a proper pickle"),
    "nothing on the stack": (torch_of(b"\x80\x02R."), "a proper pickle"),
    "pops below the mark": (torch_of(b"}(\x87t."), "a proper pickle"),
    "a string of 4 GB": (torch_of(b"X\xff\xff\xff\xffa."), "a proper pickle"),
    "after the end": (torch_of(b"}.}."), "one object was expected"),
    "no end": (torch_of(b"}"), "a proper pickle"),
    "a byte that is no instruction": (torch_of(b"}\xff}."), "a proper pickle"),
    "a key of a pickle twice": (torch_of(pickle.dumps({"a": 1}, 2)[:-1] + b"X\1\0\0\0aNs."), "'a' came twice"),
    "two objects": (torch_of(b"}}."), "one object was expected"),
    "append to a dict": (torch_of(b"}}a."), "items for a list"),
    "pairs for a list": (torch_of(b"]X\x01\0\0\0aNs."), "pairs for a dict"),
    "attributes of a list": (torch_of(b"]}b."), "attributes of a dict"),
    "tuples that double": (torch_of(b"\x80\x02)" + b"q\0h\0\x86" * 99 + b"}N\x87q\1}h\1Ns."), "pairs for a"),
    "a view too large": (of_tensor(shape=(3, 3)), "w: elements within the storage of 24 bytes"),
    "a view too far": (of_tensor(offset=1), "w: elements within the storage"),
    "a negative offset": (of_tensor(offset=-1), "w: an offset and as many strides"),
    "a negative stride": (of_tensor(strides=(-3, 1)), "w: an offset and as many strides"),
    "a stride too few": (of_tensor(strides=(3,)), "w: an offset and as many strides"),
    "a stride of 2**100": (of_tensor(strides=(2**100, 1)), "w: elements within"),
    "a negative length of a tensor": (of_tensor(shape=(-1, 3)), "a shape was expected"),
    "an absurd tensor": (of_tensor(shape=(2**62, 2**62)), "a shape was expected"),
    "a repeated element": (of_tensor(shape=(2**30, 2**20), strides=(0, 0)), "the tensors have 4503"),
    "a wrong storage": (of_tensor(length=7), "w: 28 bytes were expected in storage 0, 24 came"),
    "no storage": (zip_of(("a/data.pkl", tensor_program())), "w: 24 bytes.* 0 came"),
    "a complex storage": (of_tensor(kind="torch\nComplexFloatStorage"), "asks for 'torch.Complex"),
    "a storage of functions": (of_tensor(kind="collections\nOrderedDict"), "a storage was expected"),
    "conjugated": (of_tensor(more=b"}X\x04\0\0\0conj\x88s"), "a plain tensor"),
    "a sparse tensor": (of_tensor(function="_rebuild_sparse_tensor"), "asks for 'torch._utils._reb"),
    "v3 without a dtype": (of_tensor(function="_rebuild_tensor_v3", more=b"N"), "the dtype of a"),
    "arguments too few": (torch_of(b"ctorch._utils\n_rebuild_tensor_v2\n)R."), "a proper pickle"),
    "a name of a folder": (of_tensor(name="a/b"), "a name such as"),
    "middle-endian": (torch_of(tensor_program(), byteorder=b"middle"), "the byte order"),
}  # fmt: skip
CASES = {
    f"{name} ({suffix})": (suffix, *case)
    for suffix, cases in ((ST, SAFETENSORS), (".npz", NPZ), (".pt", PT))
    for name, case in cases.items()
}
