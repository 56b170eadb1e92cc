"""PyTorch's .pt: a zip archive with the elements of every tensor, and a pickle that says what tensors they make.

    name/data.pkl        the state_dict; instead of numbers it has the keys of storages
    name/data/0, 1, …    storages: elements one behind the other
    name/byteorder       little, or big
    name/version         3

A tensor is a view of a storage: element [i, j] of it is element offset + i·stride₀ + j·stride₁ of the storage. So one
storage may serve several tensors, and a transposed one is stored as it lies in memory. Read is what
`torch.save(model.state_dict(), file)` writes, and `torch.load(file, weights_only=True)` reads what is written here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.errors import FormatError
from tinygrad_edu.saving.archive import members
from tinygrad_edu.saving.contents import (
    DTYPES,
    checked_length,
    checked_name,
    checked_shape,
    from_bfloat16,
    native,
)
from tinygrad_edu.saving.pickles import run
from tinygrad_edu.types import Array

STORAGES = {
    "BoolStorage": "bool", "HalfStorage": "float16", "FloatStorage": "float32", "DoubleStorage": "float64",
    "CharStorage": "int8", "ShortStorage": "int16", "IntStorage": "int32", "LongStorage": "int64",
    "ByteStorage": "uint8",
}  # fmt: skip
UNTYPED = ("uint16", "uint32", "uint64")  # have no storage of their own: their tensors are views of bytes
BFLOAT16 = "bfloat16"
OLD = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # a pickled number, with which that format began


@dataclass(frozen=True)
class Kind:
    """A dtype by its name: bfloat16 is not one of NumPy's."""

    name: str

    @property
    def dtype(self) -> np.dtype[Any]:
        """What its elements are read as."""
        return DTYPES["uint16" if self.name == BFLOAT16 else self.name]


@dataclass(frozen=True)
class Storage:
    """Elements in the archive."""

    key: str
    kind: Kind
    length: int


@dataclass(frozen=True)
class View:
    """A tensor of the pickle: which elements of its storage it has."""

    storage: Storage
    offset: Any
    shape: tuple[Any, ...]
    strides: tuple[Any, ...]
    kind: Kind


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> View:
    """`_rebuild_tensor_v2`: (storage, offset, shape, strides, requires_grad, hooks[, metadata])."""
    if type(storage) is not Storage or len(rest) not in (2, 3) or (len(rest) == 3 and rest[2]):
        raise FormatError("a plain tensor was expected, another came, such as the conjugate of one")
    return View(storage, offset, tuple(shape), tuple(strides), storage.kind)


def _tensor_of_bytes(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, kind: Any, *rest: Any
) -> View:
    """`_rebuild_tensor_v3`: as v2, and the dtype, in which offset and strides count."""
    view = _tensor(storage, offset, shape, strides, grad, hooks, *rest)
    if type(kind) is not Kind:
        raise FormatError("the dtype of a tensor was expected, something else came")
    return View(view.storage, offset, view.shape, view.strides, kind)


def _parameter(view: Any, *rest: Any) -> Any:
    """`_rebuild_parameter`: (tensor, requires_grad, hooks)."""
    return view


#: All that a pickle may fetch. Each function is called with what the pickle gives it, and only describes.
KNOWN: dict[str, Any] = {
    "collections OrderedDict": lambda: {},
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_tensor_v3": _tensor_of_bytes,
    "torch._utils _rebuild_parameter": _parameter,
    "torch.storage UntypedStorage": Kind("uint8"),
    "torch BFloat16Storage": Kind(BFLOAT16),
    **{f"torch {storage}": Kind(name) for storage, name in STORAGES.items()},
    **{f"torch {name}": Kind(name) for name in UNTYPED},
}


def read(data: bytes, room: int) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays of a file's bytes; bfloat16 becomes float32. There is no metadata.

    Args:
        data: the file.
        room: how many bytes the arrays may have. A tensor may have more than its storage: a stride of 0 repeats.

    Raises:
        FormatError: it is no state_dict of plain tensors, or anything is not as it should be.
    """
    if data.startswith(OLD):
        raise FormatError(
            "a zip archive was expected, a file in PyTorch's format before 1.6 came: load it in PyTorch, and save it "
            "anew, torch.save(torch.load(file), file)"
        )
    held = members(data, room)
    folder = _folder(held)
    order = bytes(held.get(f"{folder}byteorder", b"little"))
    if order not in (b"little", b"big"):
        raise FormatError(f"the byte order little or big was expected, {order[:20]!r} came")
    views = _views(bytes(held[f"{folder}data.pkl"]))
    total = sum(map(_size, views.values()))
    if total > room:
        raise FormatError(f"at most {room} bytes were expected, the tensors have {str(total)[:30]}")
    arrays = {}
    for name, view in views.items():
        body = held.get(f"{folder}data/{view.storage.key}", b"")
        try:
            arrays[name] = _array(view, body, "<" if order == b"little" else ">")
        except FormatError as error:
            raise FormatError(f"{name}: {error}") from error
    return arrays, {}


def _folder(held: dict[str, Any]) -> str:
    """Where the pickle lies in the archive."""
    found = [name.removesuffix("data.pkl") for name in held if name.endswith("/data.pkl")]
    if len(found) != 1:
        raise FormatError(f"one state_dict, NAME/data.pkl, was expected in the archive, {len(found)} came")
    return found[0]


def _views(program: bytes) -> dict[str, View]:
    """{name: tensor} of the pickle."""
    state = run(checked_length(program), KNOWN, _storage)
    if type(state) is not dict:
        raise FormatError(
            "a state_dict {name: tensor} was expected, something else came: save model.state_dict()"
        )
    for name, view in state.items():
        if type(view) is not View:
            raise FormatError(
                f"{name[:80]}: a tensor was expected, {type(view).__name__} came: save a state_dict by itself"
            )
        checked_name(name)
    return state


def _size(view: View) -> int:
    """The bytes of the array that a tensor becomes."""
    wide = 2 if view.kind.name == BFLOAT16 else 1
    return math.prod(checked_shape(view.shape, 8)) * view.kind.dtype.itemsize * wide


def _storage(identifier: Any) -> Storage:
    """What ("storage", kind, key, device, number of elements) stands for."""
    match identifier:
        case ("storage", Kind() as kind, str(key), str(), int(length)) if key.isalnum():
            return Storage(key, kind, length)
    raise FormatError("a storage was expected, something else came")


def _array(view: View, body: Any, order: Any) -> Array:
    held = view.storage.length * view.storage.kind.dtype.itemsize
    if len(body) != held:
        raise FormatError(
            f"{str(held)[:20]} bytes were expected in storage {view.storage.key[:20]}, {len(body)} came"
        )
    dtype = view.kind.dtype.newbyteorder(order)
    whole = all(type(n) is int and n >= 0 for n in (view.offset, *view.strides))
    if not whole or len(view.strides) != len(view.shape):
        raise FormatError("an offset and as many strides as lengths were expected, integers ≥ 0; others came")
    if 0 in view.shape:
        return native(np.empty(view.shape, np.float32 if view.kind.name == BFLOAT16 else dtype))
    last = view.offset + sum((n - 1) * stride for n, stride in zip(view.shape, view.strides, strict=True))
    if (last + 1) * dtype.itemsize > len(body):
        raise FormatError(
            f"elements within the storage of {len(body)} bytes were expected, one beyond it is asked for"
        )
    strides = [
        n * dtype.itemsize if length > 1 else 0 for n, length in zip(view.strides, view.shape, strict=True)
    ]
    array = native(np.ndarray(view.shape, dtype, body, view.offset * dtype.itemsize, strides))
    return from_bfloat16(array) if view.kind.name == BFLOAT16 else array
