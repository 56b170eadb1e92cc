"""Save and load: {name: array} in a file, and from there into a module.

    save("digits.safetensors", model.state_dict())
    load_into(model, "digits.safetensors")

A file from somewhere else is only believed after it was checked. It is read once, as a whole; every name, dtype,
shape and offset is compared with the bytes that are there; only then is anything returned. Nothing in a file is run,
whatever its format, and what it may ask for is bounded by arguments.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import FormatError
from tinygrad_edu.saving import npz, safetensors, torch_writing, torch_zip
from tinygrad_edu.saving.atomic import require_folder, write_atomically
from tinygrad_edu.saving.contents import checked_metadata, checked_name, stored
from tinygrad_edu.saving.parametrizations import by_older_names
from tinygrad_edu.types import Array

#: How each kind of file is read, (bytes, room) → (arrays, metadata), and written, (file, arrays, metadata).
FORMATS: dict[str, tuple[Any, Any]] = {
    ".npz": (npz.read, npz.write),
    ".safetensors": (safetensors.read, safetensors.write),
    ".pt": (torch_zip.read, torch_writing.write),
    ".pth": (torch_zip.read, torch_writing.write),
}
MAX_BYTES = 1 << 30
MAX_RATIO = 100.0
SMALL = (
    16 << 20
)  # what may be unpacked from however small a file: a few arrays of zeros shrink a thousandfold
#: How many batches a normalization has seen. `nn.BatchNorm1d` counts them as PyTorch's does; one of your own need not.
IGNORED = ("num_batches_tracked",)


class Stateful(Protocol):
    """What has a state, such as a module."""

    def state_dict(self) -> dict[str, Array]:
        """{name: a copy of the value}."""

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> tuple[list[str], list[str]]:
        """Take over all values, or none; the names that are missing, and those in excess."""


def save(
    path: str | os.PathLike[str], state: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> Path:
    """Write named arrays into a file, which is there as a whole or not at all.

    Args:
        path: the file; its suffix, .npz, .safetensors, .pt or .pth, says in which format.
        state: {name: array, number or tensor}, such as `module.state_dict()`. Every bit is kept.
        metadata: {string: string}, kept beside the arrays; .pt has no place for it.

    Returns:
        The path.

    Raises:
        FormatError: a suffix, a name or metadata that no file has.
        OSError: it could not be written; what was there before is still there.
        TypeError: no mapping, or something other than real numbers of up to 64 bits.
    """
    target = Path(path)
    _, write = _format(target)
    if not isinstance(state, Mapping):
        raise TypeError(
            f"save: a mapping {{name: array}} was expected, {type(state).__name__} came: for a module say "
            f"save(path, module.state_dict())"
        )
    require_folder("save", target)
    arrays = {checked_name(name): stored(value_of(value), name) for name, value in state.items()}
    strings = checked_metadata(dict(metadata or {}))
    write_atomically(target, lambda file: write(file, arrays, strings))
    return target


def load(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES, max_ratio: float = MAX_RATIO
) -> dict[str, Array]:
    """Read the named arrays of a file, once all of it is checked.

    Args:
        path: the file; its suffix, .npz, .safetensors, .pt or .pth, says in which format.
        max_bytes: how long the file, and all arrays together, may be.
        max_ratio: how many times as long as the file the arrays may be; up to 16 MiB they may be anyway.

    Returns:
        {name: array}, in the order of the file. bfloat16, which NumPy has not, is read as float32.

    Raises:
        FormatError: the file is damaged, hostile, too large or of another format; the sentence says which.
        OSError: there is no such file, or it cannot be read.
        TypeError: something else than a path, such as a file that is open.
    """
    return _read(path, max_bytes, max_ratio)[0]


def read_metadata(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES, max_ratio: float = MAX_RATIO
) -> dict[str, str]:
    """The strings that were saved beside the arrays, none if there are none. For arguments and errors see `load`."""
    return _read(path, max_bytes, max_ratio)[1]


def load_into(
    module: Stateful, path: str | os.PathLike[str], *, strict: bool = True, ignore: Collection[str] = IGNORED,
    max_bytes: int = MAX_BYTES, max_ratio: float = MAX_RATIO,
) -> tuple[list[str], list[str]]:  # fmt: skip
    """Give a module the values of a file: all of them in one event, or none if anything does not fit.

    Args:
        module: what has `state_dict` and `load_state_dict`; the values get the dtypes that it has.
        path: as for `load`, like the limits. Names of PyTorch's `parametrizations` are understood.
        strict: whether the names must be exactly those of the module.
        ignore: last parts of names that the file may have in excess, even then.
        max_bytes: as for `load`.
        max_ratio: as for `load`.

    Returns:
        The names that were missing in the file, and those that it has in excess.

    Raises:
        FormatError: the file was not loaded, or a value cannot be had in the module's dtype.
        OSError: there is no such file.
        ShapeError: an array of another shape.
        ValueError: missing or unexpected names, if strict.
    """
    held = module.state_dict()
    found = by_older_names(load(path, max_bytes=max_bytes, max_ratio=max_ratio), held)
    state = {
        name: value for name, value in found.items() if name in held or name.rpartition(".")[2] not in ignore
    }
    fitting = {
        name: _converted(name, x, held[name].dtype) if name in held else x for name, x in state.items()
    }
    return module.load_state_dict(fitting, strict=strict)


def _converted(name: str, array: Array, dtype: np.dtype[Any]) -> Array:
    """The values in another dtype: rounded if need be, but not infinite, cut off or wrapped around."""
    with np.errstate(all="ignore"):
        values = array.astype(dtype)
        lost = np.isfinite(array) & ~np.isfinite(values)
        if dtype.kind in "iub":
            lost = lost | (values != array)
    if lost.any():
        raise FormatError(
            f"{name}: values that {dtype.name} has were expected, {array[lost].flat[0]!r} of {array.dtype.name} came"
        )
    return values


def _read(path: Any, max_bytes: int, max_ratio: float) -> tuple[dict[str, Array], dict[str, str]]:
    if not isinstance(path, str | os.PathLike):
        opened = getattr(path, "name", None)
        hint = f": say load({opened!r})" if isinstance(opened, str) else ""
        raise TypeError(f"load: the path of a file was expected, {type(path).__name__} came{hint}")
    source = Path(path)
    read, _ = _format(source)
    try:
        data = _content(source, max_bytes)
        found: tuple[dict[str, Array], dict[str, str]] = read(
            data, int(min(max_bytes, max(SMALL, max_ratio * len(data))))
        )
        return found
    except FormatError as error:
        raise FormatError(f"{source.name}: {error}") from error


def _content(source: Path, max_bytes: int) -> bytes:
    status = source.stat()  # before it is opened: a pipe would wait there for somebody who writes
    if not stat.S_ISREG(status.st_mode):
        raise FormatError("an ordinary file was expected, a folder, a device or a pipe came")
    if status.st_size > max_bytes:
        raise FormatError(
            f"at most {max_bytes} bytes were expected, {status.st_size} came; max_bytes= allows more"
        )
    with open(source, "rb") as file:
        return file.read(status.st_size)


def _format(path: Path) -> tuple[Any, Any]:
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise FormatError(
            f"{path.name}: a suffix out of {', '.join(FORMATS)} was expected, {path.suffix!r} came"
        ) from None
