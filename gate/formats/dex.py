"""The header of a DEX file: what it declares.

Sources: source.android.com, Dalvik executable format; AOSP art/libdexfile/dex/dex_file.cc and
dex_file_verifier.cc. The runtime refuses a file whose checksum, sizes or offsets do not fit, and
so does this reader. From version 041 on a file is a container of one or more DEX files, each with
a header of its own; every offset then counts from the beginning of the container (AOSP
`DexFile::GetDataRange`).
"""

import struct
import zlib

from gate.formats.errors import Malformed, OverLimit
from gate.frozen import dataclass

HEADER_SIZE = 0x70
CONTAINER_HEADER_SIZE = 0x78
MAX_FILES = 256  # in one container
VERSIONS = ("035", "037", "038", "039", "040", "041")
_TABLES = (  # name, offset of its size in the header, bytes of one item
    ("string_ids", 0x38, 4),
    ("type_ids", 0x40, 4),
    ("proto_ids", 0x48, 12),
    ("field_ids", 0x50, 8),
    ("method_ids", 0x58, 8),
    ("class_defs", 0x60, 32),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a DEX file declares: its version and the number of items in each table.

    `begin` and `end` are where it lies in its container; without one, 0 and the file's size.
    `tables` has offset and size in bytes of each table that is not empty.
    """

    version: str
    strings: int
    methods: int
    classes: int
    begin: int
    end: int
    tables: tuple[tuple[int, int], ...]


def read_headers(data: bytes) -> tuple[Header, ...]:
    """The headers of a whole file, which has several if it is a container.

    Tables of different files in it are the same or apart, as compilers write them: what reads all
    of them then takes no more time than the container has bytes.
    """
    found = [read_header(data)]
    while found[-1].end < len(data):
        if len(found) == MAX_FILES:
            raise OverLimit(f"a DEX container with more than {MAX_FILES} files", found[-1].end)
        found.append(read_header(data, found[-1].end))
    end = 0
    for offset, size in sorted({table for header in found for table in header.tables}):
        if offset < end:
            raise Malformed("DEX tables overlap", offset)
        end = offset + size
    return tuple(found)


def read_header(data: bytes, at: int = 0) -> Header:
    """The header at an offset; Malformed where ART would not load the file."""
    version = _version(data, at)
    is_container = version >= "041"
    least = CONTAINER_HEADER_SIZE if is_container else HEADER_SIZE
    if len(data) - at < least:
        raise Malformed(f"DEX header cut off after {len(data) - at} bytes", len(data))
    checksum, size, header_size, endian = struct.unpack_from("<I20xIII", data, at + 8)
    if header_size != least or endian != 0x12345678:
        raise Malformed("DEX header with a wrong header size or byte order", at + 0x24)
    if is_container:
        if struct.unpack_from("<II", data, at + 0x70) != (len(data), at):
            raise Malformed("DEX header with a wrong place in its container", at + 0x70)
        if not least <= size <= len(data) - at:
            raise Malformed("DEX header with a wrong file size", at + 0x20)
    elif at or size != len(data):
        raise Malformed("DEX header with a wrong file size", at + 0x20)
    if checksum != zlib.adler32(memoryview(data)[at + 12 : at + size]):
        raise Malformed("DEX file with a wrong checksum", at + 8)
    counts, tables = {}, []
    for name, place, item in _TABLES:
        count, offset = struct.unpack_from("<II", data, at + place)
        if count and not at + least <= offset <= len(data) - count * item:
            raise Malformed(f"DEX table {name} lies outside the file", at + place)
        counts[name] = count
        if count:
            tables.append((offset, count * item))
    numbers = counts["string_ids"], counts["method_ids"], counts["class_defs"]
    return Header(version, *numbers, at, at + size, tuple(tables))


def _version(data: bytes, at: int) -> str:
    begin = data[at : at + 8]
    if begin[:4] != b"dex\n" or begin[7:] != b"\0":
        kind = "a compact DEX file, which only a device makes" if begin[:4] == b"cdex" else "no DEX"
        raise Malformed(f"{kind}: it begins with {begin!r}", at)
    version = begin[4:7].decode("latin-1")
    if version not in VERSIONS:
        raise Malformed(f"DEX version {version!r} is not supported", at + 4)
    return version
