"""A file of named arrays and a JSON text, which a reader never sees half of.

It is an .npz archive with one more entry, `metadata.json`; nothing in it is pickled, so loading it runs no code. It is
written beside its place, forced onto the disk, and then takes the place in one step: whenever the process is killed, or
the power fails, what stands there is the whole old file or the whole new one.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.types import Array

METADATA = "metadata.json"


def write_arrays(path: str | PathLike[str], arrays: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    """Write the file at once or not at all.

    Args:
        path: where; what stands there is replaced. While writing there is a second file, named like it with `.part`.
        arrays: of numbers, by name.
        metadata: what JSON can hold.

    Raises:
        OSError: the file cannot be written.
        TypeError: metadata that JSON cannot hold.
        ValueError: an array of objects.
    """
    place = Path(path).resolve()  # of a link, what it points to
    part = place.with_name(place.name + ".part")  # always the same: a kill leaves one of them, and not a heap
    text = json.dumps(metadata)
    with part.open("wb") as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(METADATA, text)
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, place)
    if os.name == "posix":  # the new name must reach the disk, too
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_arrays(path: str | PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the metadata.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file, or it is damaged.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name != METADATA}
            metadata: dict[str, Any] = json.loads(archive[METADATA])
    except (zipfile.BadZipFile, KeyError, EOFError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(
            f"a checkpoint was expected in '{path}', something else or a damaged file came ({error})"
        ) from error
    return arrays, metadata
