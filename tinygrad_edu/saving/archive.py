"""Zip archives, which .npz and .pt files are: members with names, one behind the other, and a directory at the end.

    PK␃␄ sizes, name │ bytes │ PK␃␄ sizes, name │ bytes │ … │ PK␁␂ name, sizes, where │ PK␁␂ … │ PK␅␆ the end

Everything that is said about a member is said twice, before it and in the directory, and may be a lie both times. A
few kilobytes can claim to be terabytes, and even become them: deflate makes one byte of up to 1032, and members may
lie on top of each other (Fifield 2019, “A better zip bomb”). So all sizes are added up before anything is unpacked,
no member may begin before the last one has ended, and each is unpacked only as far as its claim goes.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import IO, Any

from tinygrad_edu.errors import FormatError

LOCAL = struct.Struct(
    "<4sHHHHHLLLHH"
)  # signature, version, flags, method, time, date, crc, sizes, lengths of name, extra
END = 22  # bytes of the last record, behind which a comment could stand: none does
MANY = 0xFFFF  # stands for a number that two bytes cannot hold
ENCRYPTED, UTF8 = 0x1, 0x800
MEMBERS = 100_000  # nobody has so many arrays; a directory of more would cost more memory than they do


def members(data: bytes, room: int) -> dict[str, Any]:
    """{name: bytes} of all members, each checked against its checksum.

    Args:
        data: the file.
        room: how many bytes they may have together, unpacked.

    Raises:
        FormatError: it is not a whole and consistent zip archive, or there is no room for it.
    """
    listed = _directory(data)
    total = sum(info.file_size for info in listed)
    if total > room:
        raise FormatError(
            f"at most {room} bytes were expected in a file of {len(data)}, it claims to unpack to {total}; "
            f"if that is right, allow it by max_bytes= and max_ratio="
        )
    found: dict[str, Any] = {}
    free = 0  # where the member before has ended
    for info in sorted(listed, key=lambda info: info.header_offset):
        name = info.orig_filename
        if name in found:
            raise FormatError(f"members with different names were expected, {name[:80]!r} came twice")
        if name.startswith("/") or "\\" in name or ".." in name.split("/") or not name.isprintable():
            raise FormatError(f"members with plain names were expected, {name[:80]!r} came")
        begin = _begin(data, info)
        if info.header_offset < free or info.compress_size > len(data) - begin:
            raise FormatError(
                f"members one behind the other were expected, {name[:80]!r} overlaps another or the end"
            )
        free = begin + info.compress_size
        found[name] = _unpacked(memoryview(data)[begin:free], info)
    return {info.orig_filename: found[info.orig_filename] for info in listed}


def _directory(data: bytes) -> list[zipfile.ZipInfo]:
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")) or data.count(b"PK\x01\x02") > MEMBERS:
        raise FormatError(f"a zip archive of at most {MEMBERS} members was expected, something else came")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            listed = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise FormatError(f"a whole zip archive was expected, its directory is damaged ({error})") from error
    announced = _announced(data)
    if len(listed) != announced:  # one of them may have swallowed the next as its comment
        raise FormatError(f"{announced} members were announced at the end of the archive, {len(listed)} came")
    return listed


def _announced(data: bytes) -> int:
    """How many members there are, according to the last record; a large archive says it in another before."""
    last = data[-END:]
    if not last.startswith(b"PK\x05\x06"):
        raise FormatError("the last record at the end of the archive was expected, a comment came")
    count = int.from_bytes(last[10:12], "little")
    large = data.rfind(b"PK\x06\x06")
    return count if count < MANY or large < 0 else int.from_bytes(data[large + 32 : large + 40], "little")


def _begin(data: bytes, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin, once what stands before them agrees with the directory."""
    at = info.header_offset
    header = data[at : at + LOCAL.size] if at >= 0 else b""
    if len(header) == LOCAL.size:
        signature, _, flags, method, *_, name_length, extra_length = LOCAL.unpack(header)
        end = at + LOCAL.size + name_length
        name = data[at + LOCAL.size : end]
        same = (signature, flags, method) == (b"PK\x03\x04", info.flag_bits, info.compress_type)
        if same and name == info.orig_filename.encode("utf-8" if flags & UTF8 else "cp437", "replace"):
            return int(end + extra_length)
    raise FormatError(f"two records of {info.orig_filename[:80]!r} that agree were expected, they differ")


def _unpacked(packed: memoryview, info: zipfile.ZipInfo) -> Any:
    known = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if not known or info.flag_bits & ENCRYPTED:
        raise FormatError(
            f"members stored or deflated were expected, {info.orig_filename[:80]!r} is packed otherwise"
        )
    if info.compress_type == zipfile.ZIP_STORED:
        unpacked: Any = packed
    else:
        try:
            most = info.file_size + 1  # one byte more than is claimed shows the lie
            unpacked = zlib.decompressobj(-15).decompress(packed, most)
        except zlib.error as error:
            raise FormatError(
                f"deflated bytes were expected for {info.orig_filename[:80]!r} ({error})"
            ) from error
    if len(unpacked) != info.file_size or zlib.crc32(unpacked) != info.CRC:
        raise FormatError(
            f"the bytes of {info.orig_filename[:80]!r} are not those that were stored: the file is damaged"
        )
    return unpacked


def write_members(file: IO[bytes], parts: list[tuple[str, list[Any]]]) -> None:
    """An archive of members that are not packed, each given by its name and the pieces of its bytes.

    The date of every member is that of the format's beginning, so the same contents always give the same file.

    Raises:
        FormatError: more members than are read.
    """
    if len(parts) > MEMBERS:
        raise FormatError(f"at most {MEMBERS} arrays were expected, {len(parts)} came")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, pieces in parts:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = (
                3,
                0o600 << 16,
            )  # unpacked, its owner may read and write it
            info.file_size = sum(len(piece) for piece in pieces)  # says whether 32 bits will do for it
            with archive.open(info, "w") as member:
                for piece in pieces:
                    member.write(piece)
