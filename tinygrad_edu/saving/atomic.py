"""A file is there as a whole or not at all, whatever happens while it is written.

    write a new file beside it  →  flush, fsync: it is on the disk  →  rename: it has the name

A rename within a folder is one event to the file system, which replaces what had the name. So whoever opens the name
finds the old file or the new one: when the disk is full, when the program is killed, and when the power fails.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO


def require_folder(name: str, path: str | os.PathLike[str]) -> None:
    """A file must have a folder, before anything is spent on it.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{name}: a folder that exists was expected for '{Path(path).name}', the folder '{Path(path).parent}' does "
            f"not exist: make it first"
        )


def write_atomically(path: Path, fill: Callable[[IO[bytes]], None]) -> None:
    """Have `fill` write into a temporary file in the same folder, and give it the name `path` at the end.

    A file that was there keeps its permissions, and a symbolic link its place: what it points to is replaced. If the
    program is killed the temporary file, `.NAME.….part`, stays behind.

    Raises:
        OSError: it could not be written; then the temporary file is removed, and `path` is what it was.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        with open(temporary, "xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if (
        os.name == "posix"
    ):  # elsewhere a folder cannot be opened; here the new name is on the disk only after this
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
