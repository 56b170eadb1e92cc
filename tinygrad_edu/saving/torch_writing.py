"""Writing PyTorch's .pt: the pickle of a state_dict, put together by hand.

It is the program for the machine of `pickles`: an OrderedDict, and for each array its name and a call of
`_rebuild_tensor_v2`, with the instructions that PyTorch's own `torch.save` would write.
"""

from __future__ import annotations

from typing import IO, Any

from tinygrad_edu.errors import FormatError
from tinygrad_edu.saving.archive import write_members
from tinygrad_edu.saving.contents import checked_length
from tinygrad_edu.saving.torch_zip import STORAGES, UNTYPED
from tinygrad_edu.types import Array

PROTO, MARK, REDUCE, SETITEMS, STOP = b"\x80\x02", b"(", b"R", b"u", b"."
TUPLE, EMPTY_TUPLE, BINPERSID, NEWFALSE = b"t", b")", b"Q", b"\x89"
STORAGE_OF = {name: storage for storage, name in STORAGES.items()}
FOLDER = "archive"


def write(file: IO[bytes], state: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write arrays, as `contents.stored` gives them, which `torch.load(file, weights_only=True)` makes tensors of.

    Raises:
        FormatError: there is metadata, for which a state_dict has no place.
    """
    if metadata:
        raise FormatError(
            "no metadata was expected for a .pt file, which has no place for it: .safetensors has"
        )
    ordered = _global("collections", "OrderedDict") + EMPTY_TUPLE + REDUCE
    pairs = [
        _string(name) + _rebuilt(str(key), array, ordered) for key, (name, array) in enumerate(state.items())
    ]
    program = PROTO + ordered + MARK + b"".join(pairs) + SETITEMS + STOP
    parts: list[tuple[str, list[Any]]] = [("data.pkl", [checked_length(program)]), ("byteorder", [b"little"])]
    parts += [(f"data/{key}", [array.tobytes()]) for key, array in enumerate(state.values())]
    parts.append(("version", [b"3\n"]))
    write_members(file, [(f"{FOLDER}/{name}", pieces) for name, pieces in parts])


def _rebuilt(key: str, array: Array, hooks: bytes) -> bytes:
    """The call that makes a tensor of a storage: (storage, offset, shape, strides, requires_grad, hooks[, dtype])."""
    strides = [n // array.itemsize for n in array.strides]
    name = array.dtype.name
    if name in UNTYPED:
        function, kind, length = (
            "_rebuild_tensor_v3",
            _global("torch.storage", "UntypedStorage"),
            array.nbytes,
        )
    else:
        function, kind, length = "_rebuild_tensor_v2", _global("torch", STORAGE_OF[name]), array.size
    storage = _tuple([_string("storage"), kind, _string(key), _string("cpu"), _integer(length)]) + BINPERSID
    arguments = [storage, _integer(0), _tuple(map(_integer, array.shape)), _tuple(map(_integer, strides))]
    arguments += [NEWFALSE, hooks] + [_global("torch", name)] * (name in UNTYPED)
    return _global("torch._utils", function) + _tuple(arguments) + REDUCE


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode("ascii")


def _string(text: str) -> bytes:
    body = text.encode()
    return b"X" + len(body).to_bytes(4, "little") + body


def _integer(n: int) -> bytes:
    """LONG1: the number of bytes, and as many of the two's complement."""
    width = n.bit_length() // 8 + 1
    return b"\x8a" + bytes([width]) + n.to_bytes(width, "little", signed=True)


def _tuple(items: Any) -> bytes:
    return MARK + b"".join(items) + TUPLE
