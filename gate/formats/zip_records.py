"""
The records of a ZIP archive, read with the bounds of Android's libziparchive.

Layouts: APPNOTE.TXT 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (end
records), 4.5.3 (ZIP64). Which of them counts: AOSP system/libziparchive/zip_archive.cc.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from gate.formats.errors import Malformed
from gate.frozen import dataclass

LOCAL_MAGIC = b"PK\x03\x04"
_CENTRAL_MAGIC = b"PK\x01\x02"
_END_MAGIC = b"PK\x05\x06"
_END64_MAGIC = b"PK\x06\x06"
_LOCATOR_MAGIC = b"PK\x06\x07"

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")

_LONGEST_COMMENT = 0xFFFF
_IN_ZIP64 = 0xFFFF_FFFF
_UTF8_NAME = 1 << 11

# ASCII without a control character, a backslash, a colon, two full stops or a slash in front.
_PLAIN_NAME = re.compile(rb"(?!/)(?:\.?[ !-\-/-9;-\[\]-~])+\.?")
_HOSTILE_NAMES = (
    (re.compile(r"^$"), "has no name"),
    (re.compile(r"^(?:[/\\]|[A-Za-z]:)"), "its name is an absolute path"),
    (re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)"), "its name leads out of the archive"),
    (re.compile(r"\\"), "its name holds a backslash"),
    (re.compile(r"\0"), "its name holds a NUL"),
    (re.compile(r"[\x01-\x1f\x7f-\x9f\u2028\u2029]"), "its name holds a control character"),
    (
        re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"),
        "its name holds a character that turns the direction of writing",
    ),
)


@dataclass(frozen=True, slots=True)
class End:
    """Where the end record, or the ZIP64 one it defers to, says the directory is."""

    offset: int
    count: int
    start: int
    size: int
    comment: bytes = b""
    tricks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """
    A central directory record, its ZIP64 values taken in.

    `end` is where the next one begins in the directory; `fault` says why it leads nowhere, or "".
    """

    name: bytes
    made_by: int
    needed: int
    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int
    external: int
    offset: int
    end: int
    fault: str


@dataclass(frozen=True, slots=True)
class LocalHeader:
    """The header before an entry's data, which begins at `data_offset` of the file."""

    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int
    data_offset: int


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Read exactly `size` bytes at `offset`, or raise Malformed."""
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise Malformed(f"file ends inside {size} bytes that are needed", offset)
    return data


def find_end(file: BinaryIO) -> End:
    """
    Find the last end record that lies within the reach of a comment of 65,535 bytes.

    Raises Malformed where there is none, or it points at no directory.
    """
    length = file.seek(0, 2)
    tail_offset = max(0, length - _END.size - _LONGEST_COMMENT)
    tail = read_at(file, tail_offset, length - tail_offset)
    found = tail.rfind(_END_MAGIC, 0, max(0, len(tail) - _END.size + len(_END_MAGIC)))
    if found < 0:
        raise Malformed("not a ZIP archive: no end of central directory record")
    _, _, _, on_disk, count, size, start, comment_size = _END.unpack_from(tail, found)
    end = End(tail_offset + found, count, start, size)
    # Only these two fields send Android to the ZIP64 record; a count of 0xFFFF alone does not.
    if _IN_ZIP64 in (size, start):
        end = _find_zip64_end(file, end.offset)
    _check_end(end)
    rest = tail[found + _END.size :]
    gap = tail[max(0, end.start + end.size - tail_offset) : found]
    tricks = []
    if len(rest) > comment_size:
        tricks.append(f"{len(rest) - comment_size} bytes after the end of the archive")
    if len(rest) < comment_size:
        tricks.append(f"only {len(rest)} of {comment_size} bytes of the archive comment")
    if on_disk != count:
        tricks.append(f"the end record counts both {on_disk} and {count} entries")
    if gap and not gap.startswith(_END64_MAGIC):
        tricks.append("bytes between the central directory and its end record")
    return replace(end, comment=rest[:comment_size], tricks=tuple(tricks))


def _check_end(end: End) -> None:
    if end.start + end.size > end.offset:
        raise Malformed("ZIP directory runs into its end record", end.offset)
    if not end.count:
        raise Malformed("ZIP archive without entries", end.offset)
    if end.count * _CENTRAL.size > end.size:
        reason = f"ZIP directory of {end.size} bytes cannot hold {end.count} entries"
        raise Malformed(reason, end.offset)


def _find_zip64_end(file: BinaryIO, end_offset: int) -> End:
    locator_offset = end_offset - _LOCATOR.size
    if locator_offset < _END64.size:
        raise Malformed("ZIP archive too small for its ZIP64 end record", end_offset)
    magic, _, offset, _ = _LOCATOR.unpack(read_at(file, locator_offset, _LOCATOR.size))
    if magic != _LOCATOR_MAGIC or offset > locator_offset - _END64.size:
        raise Malformed("no ZIP64 end record where the end record sends its reader", locator_offset)
    fields = _END64.unpack(read_at(file, offset, _END64.size))
    count, size, start = fields[-3:]
    if fields[0] != _END64_MAGIC or start + size > offset:
        raise Malformed("bad ZIP64 end record", offset)
    return End(end_offset, count, start, size)


def read_records(directory: bytes, end: End) -> Iterator[Record]:
    """Read exactly the counted records; what follows them does not exist on a device."""
    at = 0
    for index in range(end.count):
        record = _read_record(directory, at, f"ZIP directory record {index} of {end.count}", end)
        yield record
        at = record.end


def _read_record(directory: bytes, at: int, what: str, end: End) -> Record:
    if len(directory) - at < _CENTRAL.size or not directory.startswith(_CENTRAL_MAGIC, at):
        raise Malformed(f"no {what}", end.start + at)
    fields = _CENTRAL.unpack_from(directory, at)
    _, made_by, needed, flags, method, _, _, crc, packed, size = fields[:10]
    name_size, extra_size, comment_size, _, _, external, offset = fields[10:]
    name_at = at + _CENTRAL.size
    extra_at = name_at + name_size
    after = extra_at + extra_size + comment_size
    if after > len(directory):
        raise Malformed(f"{what} is cut", end.start + at)
    name, fault = directory[name_at:extra_at], ""
    if _IN_ZIP64 in (size, packed, offset):
        extra = directory[extra_at : extra_at + extra_size]
        try:
            size, packed, offset = _zip64_values(extra, (size, packed, offset))
        except Malformed as cause:
            fault = cause.reason
    return Record(
        name, made_by, needed, flags, method, crc, packed, size, external, offset, after, fault
    )


def _zip64_values(extra: bytes, short: tuple[int, ...]) -> tuple[int, ...]:
    """Replace each value given as 0xFFFFFFFF by that of the ZIP64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        at += 4
        if length > len(extra) - at:
            break
        if kind == 1:
            # Some writers give every value though one would do, and Android then takes them all.
            every = len(short) == 3 and length in (24, 28)
            wide = iter(struct.unpack_from(f"<{length // 8}Q", extra, at))
            values = tuple(next(wide, -1) if every or v == _IN_ZIP64 else v for v in short)
            if -1 in values:
                break
            return values
        at += length
    raise Malformed("its ZIP64 sizes are missing")


def decode_name(raw: bytes, flags: int) -> tuple[str, list[str]]:
    """
    Give a name as text and what is odd about it.

    Android takes every name for UTF-8, whatever bit 11 of `flags` says, and refuses an archive with
    another; Windows tools do write those, in the code page of their machine.
    """
    if _PLAIN_NAME.fullmatch(raw):  # as nearly every name is, and quick to tell
        return raw.decode("ascii"), []
    tricks = []
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        declared = bool(flags & _UTF8_NAME)
        name = raw.decode("utf-8", "replace") if declared else raw.decode("cp437")
        tricks.append("its name is not UTF-8" + " though it is declared so" * declared)
    tricks += [trick for pattern, trick in _HOSTILE_NAMES if pattern.search(name)]
    return name, tricks


def read_local_header(file: BinaryIO, record: Record, central_offset: int) -> LocalHeader:
    """Follow a record to its local header, or raise Malformed where Android gives up on it."""
    name_end = record.offset + _LOCAL.size + len(record.name)
    if name_end > central_offset:
        raise Malformed("its local header is not before the central directory")
    header = read_at(file, record.offset, name_end - record.offset)
    magic, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack_from(
        header
    )
    if magic != LOCAL_MAGIC:
        raise Malformed("has no local header")
    if name_size != len(record.name) or header[_LOCAL.size :] != record.name:
        raise Malformed("its local header bears another name")
    if name_end + extra_size > central_offset:
        raise Malformed("its local header runs into the central directory")
    if packed == size == _IN_ZIP64:
        size, packed = _zip64_values(read_at(file, name_end, extra_size), (size, packed))
    return LocalHeader(flags, method, crc, packed, size, name_end + extra_size)
