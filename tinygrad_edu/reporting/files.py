"""A document as a file: the suffix decides the format, and a reader never sees half of it.

It is written beside its place first and then takes it in one step, so that a run that is stopped, or a full disk,
leaves what was there before.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path

from tinygrad_edu.reporting.document import Document
from tinygrad_edu.reporting.junit import junit
from tinygrad_edu.reporting.page import page
from tinygrad_edu.reporting.terminal import plain


def as_json(document: Document) -> str:
    """The document as JSON, which states its schema."""
    return json.dumps(document.content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[Document], str]] = {
    "txt": lambda document: (document.text or plain(document)) + "\n", "json": as_json, "xml": junit, "html": page,
}  # fmt: skip


def save(document: Document, path: str | PathLike[str]) -> Path:
    """Write a document; the suffix decides the format: .txt, .json, .xml (JUnit) or .html.

    Raises:
        ValueError: another suffix.
        OSError: the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix[1:].lower()
    if kind not in FORMATS:
        suffixes = ", ".join(f".{name}" for name in FORMATS)
        raise ValueError(f"save: one of the suffixes {suffixes} was expected, '{path.name}' came")
    return write(FORMATS[kind](document), path)


def write(content: str | bytes, path: str | PathLike[str]) -> Path:
    """Write a file at once or not at all; what is no plain file, such as /dev/stdout, is written to as it is.

    Raises:
        OSError: the file cannot be written.
    """
    # A lone surrogate of a name becomes the escape of JSON.
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    place = Path(path).resolve()  # of a link, what it points to
    if place.exists() and not place.is_file():
        place.write_bytes(data)
    else:
        with _beside(place) as temporary:
            temporary.write_bytes(data)
            os.replace(temporary, place)
    return Path(path)


def ensure_writable(path: str | PathLike[str]) -> None:
    """Raise the OSError before a long run that `write` would raise after it."""
    place = Path(path).resolve()
    if place.exists() and not place.is_file():
        with place.open("ab"):
            return
    with _beside(place) as temporary:
        temporary.touch()


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """A file in the same folder, which is gone afterwards; errors are about the place that was meant."""
    if not place.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"the folder {place.parent} does not exist", str(place))
    temporary = place.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(place)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
